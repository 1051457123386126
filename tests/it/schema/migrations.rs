//! Every migration can be undone.

use boost_dashboard::db::migrate::MIGRATIONS;
use diesel_async::AsyncMigrationHarness;
use diesel_migrations::MigrationHarness as _;

use super::catalog::everything;
use crate::support::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn down_undoes_up() {
    let database = TestDb::empty().await;
    let mut looking = database.connect().await;
    let mut migrating = AsyncMigrationHarness::new(database.connect().await);

    while migrating.has_pending_migration(MIGRATIONS).unwrap() {
        let before = everything(&mut looking).await;
        let name = migrating.run_next_migration(MIGRATIONS).unwrap().to_string();
        let after = everything(&mut looking).await;
        assert_ne!(before, after, "{name} changes nothing");

        migrating.revert_last_migration(MIGRATIONS).unwrap();
        assert_eq!(everything(&mut looking).await, before, "down of {name}");
        migrating.run_next_migration(MIGRATIONS).unwrap();
        assert_eq!(everything(&mut looking).await, after, "second up of {name}");
    }
}
