//! The migrations, carried in the binary.

use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use diesel::{pg::Pg, sql_types::Integer, sql_types::Text};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{Connection, Pool, pool};

/// Every migration of this version of the server.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The oldest PostgreSQL this server runs on, as `server_version_num` counts.
const OLDEST_SERVER: i32 = 140_000;
/// Names the advisory lock that one migrating server holds; any constant does.
const LOCK: i64 = 0x0b00_57da_5b0a_4d01;
/// How long another server's migrations may take before this one gives up.
const LOCK_PATIENCE: Duration = Duration::from_mins(10);
const LOCK_POLL: Duration = Duration::from_millis(100);

#[derive(diesel::QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    locked: bool,
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Applies what is missing, and tells the names of what it applied. Of several servers that start
/// at once one migrates and the others wait. Needs the multi-thread runtime.
pub async fn run(url: &str) -> anyhow::Result<Vec<String>> {
    let mut connection = pool::connect(url).await.context("the database cannot be reached")?;
    check_version(&mut connection).await?;
    lock(&mut connection).await?;

    // The lock is the session's: it ends with the connection, however this function ends.
    let mut harness = AsyncMigrationHarness::new(connection);
    let applied = harness.run_pending_migrations(MIGRATIONS).map_err(|error| anyhow!(error))?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Whether the database lacks a migration of this binary, or cannot be asked.
pub async fn pending(pool: &Pool) -> bool {
    let Ok(mut connection) = pool.get().await else { return true };
    let applied: Result<Vec<Applied>, _> =
        diesel::sql_query("select version::text as version from __diesel_schema_migrations")
            .load(&mut connection)
            .await;
    let (Ok(applied), Ok(ours)) = (applied, versions()) else { return true };
    ours.iter().any(|version| !applied.iter().any(|row| row.version == *version))
}

/// The versions of [`MIGRATIONS`], in their order.
pub fn versions() -> anyhow::Result<Vec<String>> {
    use diesel::migration::MigrationSource;

    let migrations =
        MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(|error| anyhow!(error))?;
    let mut versions: Vec<_> =
        migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}

async fn check_version(connection: &mut Connection) -> anyhow::Result<()> {
    let server: Server = diesel::sql_query(
        "select current_setting('server_version_num')::integer as number, \
         current_setting('server_version') as version",
    )
    .get_result(connection)
    .await?;
    ensure!(
        server.number >= OLDEST_SERVER,
        "the database is PostgreSQL {}; this server needs version {} or newer",
        server.version,
        OLDEST_SERVER / 10_000
    );
    Ok(())
}

/// Takes the migration lock by polling: a session that waits *inside* the database holds a
/// snapshot, and `create index concurrently` of the session that migrates would wait for it.
async fn lock(connection: &mut Connection) -> anyhow::Result<()> {
    let started = tokio::time::Instant::now();
    loop {
        let row: Locked = diesel::sql_query("select pg_try_advisory_lock($1) as locked")
            .bind::<diesel::sql_types::BigInt, _>(LOCK)
            .get_result(connection)
            .await?;
        if row.locked {
            return Ok(());
        }
        ensure!(
            started.elapsed() < LOCK_PATIENCE,
            "another server has been migrating this database for ten minutes"
        );
        tokio::time::sleep(LOCK_POLL).await;
    }
}
