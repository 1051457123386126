//! The overview: a world of which every number is known, and the same numbers worked out again.

mod again;
mod world;

use boost_dashboard::db::sql::Statement;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::{Value, json};

use crate::support::TestApp;

const SECTIONS: [&str; 8] = [
    "totals",
    "accounts",
    "commits",
    "issues-and-pulls",
    "wg21",
    "slack",
    "mailing-list",
    "website",
];

/// The week that the world's numbers are of, and the one before it.
const WEEK: &str = "window=7d&as_of=2024-05-10T12:00:00Z";

/// A server with the world of `world.sql`.
async fn world() -> TestApp {
    let app = TestApp::new().await;
    let mut connection = app.db().connect().await;
    connection.batch_execute(include_str!("world.sql")).await.unwrap();
    app
}

async fn section(app: &TestApp, name: &str, query: &str) -> Value {
    app.get(&format!("/api/v1/dashboard/{name}?{query}")).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_has_zeros_and_no_series() {
    let app = TestApp::new().await;
    for window in ["today", "7d", "365d", "last_release", "2020-01-01/2024-01-01"] {
        let overview = section(&app, "overview", &format!("window={window}")).await;
        for name in SECTIONS {
            let alone = section(&app, name, &format!("window={window}")).await;
            assert_eq!(alone, overview[name.replace('-', "_")], "{name}");
            assert_eq!(alone["series"], json!([]), "{name}");
            for part in ["totals", "previous"] {
                let numbers = alone[part].as_object().unwrap();
                assert!(!numbers.is_empty() && numbers.values().all(|it| *it == 0), "{name}");
            }
            for (kind, entries) in alone["top"].as_object().unwrap() {
                assert_eq!(*entries, json!([]), "{name}: {kind}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_and_the_window_before_follow_from_the_window() {
    let app = world().await;
    for (query, previous, from, to, bucket) in [
        (WEEK, "2024-04-27", "2024-05-04", "2024-05-11", "day"),
        ("window=today&as_of=2024-05-10", "2024-05-09", "2024-05-10", "2024-05-11", "day"),
        ("window=90d&as_of=2024-05-10", "2023-11-13", "2024-02-11", "2024-05-11", "day"),
        ("window=365d&as_of=2024-05-10", "2022-05-12", "2023-05-12", "2024-05-11", "week"),
        ("window=2023-01-01/2024-05-10", "2021-08-24", "2023-01-01", "2024-05-10", "month"),
        ("window=2024-05-01/&as_of=2024-05-10", "2024-04-21", "2024-05-01", "2024-05-11", "day"),
        ("window=boost:1.84..1.85", "2023-08-09", "2023-12-13", "2024-04-17", "week"),
        // Of two releases the newest that is not after `as_of`.
        ("window=last_release&as_of=2024-04-16", "2023-08-09", "2023-12-13", "2024-04-17", "week"),
    ] {
        let shown = section(&app, "overview", query).await["window"].clone();
        let at = |date: &str| json!(format!("{date}T00:00:00Z"));
        let expected = json!({
            "previous_from": at(previous), "from": at(from), "to": at(to), "bucket": bucket
        });
        assert_eq!(shown, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_window_of_a_dashboard_is_refused() {
    let app = TestApp::new().await;
    for (query, code, parameter) in [
        ("window=/2024-01-01", "invalid_window", "window"),
        ("window=0001-01-01/9999-01-01", "invalid_window", "window"),
        ("window=9000-01-01/", "invalid_window", "window"),
        ("window=toady", "unknown_value", "window"),
        ("windw=today", "unknown_parameter", "windw"),
        ("as_of=yesterday", "invalid_type", "as_of"),
        ("as_of=0001-01-01", "out_of_range", "as_of"),
        ("owner=", "empty", "owner"),
    ] {
        for name in ["overview", "commits"] {
            let answer = app.get(&format!("/api/v1/dashboard/{name}?{query}")).await.expect(400);
            let fault = &answer["errors"][0];
            assert_eq!((&fault["code"], &fault["parameter"]), (&json!(code), &json!(parameter)));
        }
    }
    let unknown = app.get("/api/v1/dashboard/comits").await.expect(404);
    assert_eq!(unknown["errors"][0]["suggestion"], "commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_may_be_kept_for_a_while() {
    let app = TestApp::new().await;
    for (query, expected) in
        [("window=today", "private, max-age=30"), ("window=7d", "private, max-age=300")]
    {
        for name in ["overview", "slack"] {
            let answer = app.get(&format!("/api/v1/dashboard/{name}?{query}")).await;
            assert_eq!(answer.header("cache-control"), Some(expected));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_what_is_true() {
    let app = world().await;
    let query = "window=7d&as_of=2024-05-10";
    let path = format!("/api/v1/dashboard/overview?{query}");
    let first = app.get(&path).await;
    assert_eq!(app.get(&path).await.bytes(), first.bytes());
    let mut connection = app.db().connect().await;
    let sql = "delete from git_commit where commit_hash = 'c1'";
    Statement::new(sql).execute(&mut connection).await.unwrap();
    // A slow machine may keep what took it long; never for long.
    let begun = std::time::Instant::now();
    loop {
        let commits = section(&app, "commits", query).await;
        if commits["totals"]["commits"] == 4 {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "{commits}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // Many at once are answered alike.
    let asked = (0..16).map(|_| section(&app, "overview", "window=30d&as_of=2024-05-10"));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}
