//! Reads beyond tables: what each of them says, and at what cost.

mod boost;
mod costs;
mod github;
mod people;
mod threads;
mod timeline;
mod transcripts;
mod wg21;

use diesel_async::SimpleAsyncConnection as _;
use serde_json::Value;

use crate::support::{Answer, TestApp};

/// Runs statements on the server's database.
async fn sql(app: &TestApp, statements: &str) {
    app.db().connect().await.batch_execute(statements).await.unwrap();
}

/// Posts a body that is taken.
async fn ingest(app: &TestApp, to: &str, media: &str, body: impl Into<axum::body::Body>) {
    let token = app.token(&["ingest:*"]);
    let answer = app.post(&format!("/api/v1/ingest/{to}"), &token, media, body).await;
    assert_eq!(answer.status(), 200, "{to}: {}", answer.text());
}

/// What a file of `tests/fixtures` says.
fn fixture(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A read that anybody may do.
async fn get(app: &TestApp, path: &str) -> Answer {
    app.get(&format!("/api/v1{path}")).await
}

/// All rows of a list, which must be the same page by page, and end.
async fn all(app: &TestApp, token: &str, path: &str) -> Vec<Value> {
    let sign = if path.contains('?') { '&' } else { '?' };
    let whole = app.get_as(token, &format!("/api/v1{path}{sign}limit=500")).await.expect(200);
    assert_eq!(whole["page"]["next_cursor"], Value::Null, "{path}");
    let whole = whole["data"].as_array().unwrap().clone();
    let first = format!("/api/v1{path}{sign}limit=2");
    let (mut paged, mut next) = (Vec::new(), first.clone());
    for _ in 0..500 {
        let answer = app.get_as(token, &next).await;
        let link = answer.header("link").map(str::to_owned);
        let page = answer.expect(200);
        let rows = page["data"].as_array().unwrap();
        assert!(rows.len() <= 2);
        paged.extend(rows.iter().cloned());
        let Some(cursor) = page["page"]["next_cursor"].as_str() else {
            assert_eq!(link, None);
            break;
        };
        next = format!("{first}&cursor={cursor}");
        assert!(link.is_some_and(|link| link.starts_with('<') && link.contains(cursor)));
    }
    assert_eq!(paged, whole, "{path}");
    whole
}

/// A column of rows.
fn column(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}
