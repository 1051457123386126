//! Windows of every table, and the cursors within them.

use std::sync::{Arc, Mutex};

use boost_dashboard::{app::Clock, db::sql::Statement, query::column::Type};
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use super::{
    all_rows, keys,
    oracle::{Comparable, comparable},
    resource, resources, seed,
};
use crate::support::TestApp;

/// The times that are not `created_at`, by path.
const MAIN_TIMES: [(&str, &str); 23] = [
    ("/github/commits", "commit_at"),
    ("/github/issues", "issue_created_at"),
    ("/github/issue-comments", "issue_comment_created_at"),
    ("/github/pull-requests", "pr_created_at"),
    ("/github/pull-request-comments", "pr_comment_created_at"),
    ("/github/pull-request-reviews", "pr_review_created_at"),
    ("/github/repositories", "repo_created_at"),
    ("/boost/library-repositories", "repo_created_at"),
    ("/usage/external-repositories", "repo_created_at"),
    ("/clang/issue-items", "github_updated_at"),
    ("/clang/commits", "github_committed_at"),
    ("/boost/versions", "version_created_at"),
    ("/usage/usages", "last_commit_date"),
    ("/mailing-list/messages", "sent_at"),
    ("/slack/messages", "slack_message_created_at"),
    ("/wg21/papers", "document_date"),
    ("/website/daily-visits", "stat_date"),
    ("/website/visit-counts", "stat_date"),
    ("/website/word-counts", "stat_date"),
    ("/pinecone/sync-status", "final_sync_at"),
    ("/docs/contents", "scraped_at"),
    ("/youtube/videos", "published_at"),
    ("/discord/messages", "message_created_at"),
];

/// A server that has the time of a mutex, with rows in every table.
async fn at(now: &Arc<Mutex<DateTime<Utc>>>) -> (TestApp, String) {
    let now = Arc::clone(now);
    let app = TestApp::with_clock(Clock::new(move || *now.lock().unwrap()), |_| {}).await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    (app, token)
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn every_table_has_its_main_time() {
    for resource in resources() {
        let other = MAIN_TIMES.iter().find(|(path, _)| *path == resource.path);
        let expected = match other {
            Some((_, time)) => Some(*time),
            None => resource.column("created_at").map(|column| column.name),
        };
        assert_eq!(resource.time, expected, "{}", resource.path);
    }
    let timeless: Vec<_> =
        resources().iter().filter(|it| it.time.is_none()).map(|it| it.path).collect();
    let expected = ["/users/profiles", "/boost/libraries", "/youtube/tags", "/youtube/video-tags"];
    assert_eq!(timeless, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_holds_the_rows_of_its_days() {
    let now = Arc::new(Mutex::new(time("2024-02-29T12:00:00Z")));
    let (app, token) = at(&now).await;
    let release = "update boost_version set version_created_at = case version_key \
                   when 0 then '2024-02-29T00:30:00Z'::timestamptz \
                   when 3 then '2024-02-29T03:00:00Z' end";
    let spelt = "update boost_version set version = 'boost-1.' || version_key || '.0', \
                 version_key = 100000 + version_key * 100 where version_key < 100000";
    let mut connection = app.db().connect().await;
    for sql in [release, spelt] {
        Statement::new(sql).execute(&mut connection).await.unwrap();
    }
    let [midnight, next] = ["2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"].map(time);
    let releases = [time("2024-02-29T00:30:00Z"), time("2024-02-29T03:00:00Z")];
    let (mut inside, mut outside) = (0, 0);
    for resource in resources() {
        let path = format!("/api/v1{}", resource.path);
        let Some(column) = resource.time.and_then(|time| resource.column(time)) else {
            let problem = app.get_as(&token, &format!("{path}?window=7d")).await.expect(400);
            assert_eq!(problem["errors"][0]["code"], "unsupported_parameter", "{path}");
            continue;
        };
        let rows = all_rows(&app, &token, resource.path).await;
        for (window, from, to) in [
            ("today", Some(midnight), Some(next)),
            ("7d", Some(time("2024-02-23T00:00:00Z")), Some(next)),
            ("last_release", Some(releases[1]), Some(next)),
            ("boost:1.0..1.3", Some(releases[0]), Some(releases[1])),
            ("2024-02-29/", Some(midnight), None),
            ("/2024-02-29", None, Some(midnight)),
            (
                "2024-02-29T00:30:00Z/2024-02-29T03:00:00%2B00:00",
                Some(releases[0]),
                Some(releases[1]),
            ),
        ] {
            let of = |row: &&Value| {
                let at = match comparable(column, &row[column.name]) {
                    Comparable::Time(at) => at,
                    Comparable::Text(date) if column.ty == Type::Date => {
                        time(&format!("{date}T00:00:00Z"))
                    }
                    _ => return false,
                };
                from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to)
            };
            let expected: Vec<_> = rows.iter().filter(of).cloned().collect();
            inside += expected.len();
            outside += rows.len() - expected.len();
            let asked = format!("{path}?limit=500&window={window}&count=exact");
            let page = app.get_as(&token, &asked).await;
            let page = page.expect(200);
            let found = page["data"].as_array().unwrap();
            assert_eq!(keys(&resource, found), keys(&resource, &expected), "{asked}");
            assert_eq!(page["meta"]["count"]["value"], expected.len(), "{asked}");
        }
    }
    assert!(inside > 500 && outside > 500, "the windows tell nothing: {inside}, {outside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_bound_to_the_words_and_outlives_midnight() {
    let now = Arc::new(Mutex::new(time("2024-02-29T23:59:00Z")));
    let (app, token) = at(&now).await;
    let path = "/api/v1/github/commits?sort=-commit_at&limit=2";
    let first = app.get_as(&token, &format!("{path}&window=7d")).await.expect(200);
    let cursor = first["page"]["next_cursor"].as_str().unwrap().to_owned();
    *now.lock().unwrap() = time("2024-03-01T00:01:00Z");
    let second = app.get_as(&token, &format!("{path}&window=7d&cursor={cursor}")).await.expect(200);
    let rows = all_rows(&app, &token, "/github/commits").await;
    assert_eq!(second["data"].as_array().unwrap().len(), 2);
    for row in second["data"].as_array().unwrap() {
        assert!(rows.contains(row) && !first["data"].as_array().unwrap().contains(row));
    }
    for other in ["&window=30d", "&window=2024-02-23/", ""] {
        let problem =
            app.get_as(&token, &format!("{path}{other}&cursor={cursor}")).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], "invalid_cursor", "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_known_or_named() {
    let app = TestApp::new().await;
    let path = "/api/v1/github/commits?window=";
    // Nothing was released: nothing has happened since.
    let page = app.get(&format!("{path}last_release")).await.expect(200);
    assert_eq!(page["data"], json!([]));
    let sql = "insert into boost_version (version, version_key, version_created_at) values \
               ('boost-1.85.0', 108500, '2024-04-15'), ('boost-1.86.0', 108600, '2024-08-14'), \
               ('boost-1.87.0', 108700, null)";
    Statement::new(sql).execute(&mut app.db().connect().await).await.unwrap();
    app.get(&format!("{path}boost:1.85..1_86_0")).await.expect(200);
    for (window, code, suggestion) in [
        ("boost:1.85..1.88", "unknown_release", json!("1.86.0")),
        ("boost:1.85..1.87", "unknown_release", json!("1.86.0")),
        ("boost:1.18..1.86", "unknown_release", json!("1.85.0")),
        ("boost:1.86..1.85", "empty_window", Value::Null),
    ] {
        let problem = app.get(&format!("{path}{window}")).await.expect(400);
        assert_eq!(problem["errors"][0]["code"], code, "{window}");
        assert_eq!(problem["errors"][0]["suggestion"], suggestion, "{window}");
    }
    assert_eq!(resource("/github/commits").time, Some("commit_at"));
}
