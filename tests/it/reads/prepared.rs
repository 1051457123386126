//! Statements are prepared once a shape, and not without end.

use boost_dashboard::db::sql::{Row, Statement, Value};
use diesel_async::RunQueryDsl as _;

use super::seed;
use crate::support::TestApp;

/// How many statements on commits the pool's only connection has prepared, and how often they ran.
async fn prepared(app: &TestApp) -> (i64, i64) {
    let mut connection = app.app().pool.get().await.unwrap();
    let sql = "select count(*), coalesce(sum(generic_plans + custom_plans), 0)::bigint \
               from pg_prepared_statements where statement like '%from git_commit%'";
    let Row(counted) = Statement::new(sql).get_result(&mut *connection).await.unwrap();
    match counted[..] {
        // The statement that asks is one of them.
        [Value::BigInt(count), Value::BigInt(runs)] => (count - 1, runs - 1),
        _ => panic!("{counted:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shape_is_prepared_once() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    seed::fill(&app).await;
    for id in 1..=10 {
        let later = format!("/api/v1/github/commits?id__gt={id}&sort=-commit_at&limit=3");
        let page = app.get(&later).await.expect(200);
        if let Some(cursor) = page["page"]["next_cursor"].as_str() {
            app.get(&format!("{later}&cursor={cursor}")).await.expect(200);
        }
        app.get(&format!("/api/v1/github/commits/{id}")).await.expect(200);
    }
    // A first page, a later page, a single row.
    let (count, runs) = prepared(&app).await;
    assert_eq!(count, 3);
    // The first of each shape was not kept.
    assert!(runs >= 24, "{runs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_fills_the_memory_of_the_database() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    seed::fill(&app).await;
    for limit in 1..=100 {
        for _ in 0..2 {
            let page = app.get(&format!("/api/v1/github/commits?limit={limit}")).await.expect(200);
            assert_eq!(page["data"].as_array().unwrap().len(), limit.min(seed::ROWS));
        }
    }
    let (count, _) = prepared(&app).await;
    assert!((1..=50).contains(&count), "{count}");
}
