//! Reads of every table, enumerated from the resources.

mod documented;
mod estimates;
mod etag;
mod export;
mod filters;
mod includes;
mod indexes;
mod oracle;
mod pages;
mod prepared;
mod random;
mod refusals;
mod repositories;
mod searches;
pub(crate) mod seed;
mod stats;
mod walk;
mod windows;

use boost_dashboard::{
    app::Clock,
    db::sql::Statement,
    domains,
    query::{
        column::{Column, Type},
        resource::Resource,
    },
};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;

use crate::support::TestApp;

/// Every resource.
fn resources() -> Vec<Resource> {
    domains::all().into_iter().flat_map(|domain| domain.resources).collect()
}

fn resource(path: &str) -> Resource {
    resources().into_iter().find(|resource| resource.path == path).unwrap()
}

/// The server with rows in every table, and a token that may read all of them.
async fn seeded() -> (TestApp, String) {
    let app = TestApp::new().await;
    seed::fill(&app).await;
    let token = app.token(&["read", "read:pii"]);
    (app, token)
}

/// All rows of a list, by its own default order.
async fn all_rows(app: &TestApp, token: &str, path: &str) -> Vec<Value> {
    let and = if path.contains('?') { '&' } else { '?' };
    let page = app.get_as(token, &format!("/api/v1{path}{and}limit=500")).await.expect(200);
    assert_eq!(page["page"]["next_cursor"], Value::Null);
    page["data"].as_array().unwrap().clone()
}

/// The keys of rows.
fn keys(resource: &Resource, rows: &[Value]) -> Vec<Value> {
    rows.iter().map(|row| row[resource.key().name].clone()).collect()
}

/// A value as it stands in a query string.
fn query_text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.bytes().fold(String::new(), |escaped, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b':' | b'.' | b',' => {
            escaped + &char::from(byte).to_string()
        }
        byte => format!("{escaped}%{byte:02X}"),
    })
}

/// Whether a value has the JSON type that its column is documented with.
fn has_type(column: &Column, value: &Value) -> bool {
    match column.ty {
        _ if value.is_null() => column.nullable,
        Type::Int | Type::BigInt => value.is_i64(),
        Type::Double => value.is_number(),
        Type::IdText => value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()),
        Type::Text => value.is_string(),
        Type::Enum(texts) => value.as_str().is_some_and(|text| texts.contains(&text)),
        Type::Bool => value.is_boolean(),
        Type::Timestamp => value.as_str().is_some_and(|text| {
            text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
        }),
        Type::Date => value.as_str().is_some_and(|text| text.parse::<chrono::NaiveDate>().is_ok()),
        Type::Json => true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_answers_when_empty() {
    let app = TestApp::new().await;
    let token = app.token(&["read", "read:pii"]);
    for resource in resources() {
        let path = format!("/api/v1{}", resource.path);
        let page = app.get_as(&token, &path).await.expect(200);
        assert_eq!(page["data"], serde_json::json!([]), "{path}");
        assert_eq!(page["page"], serde_json::json!({"next_cursor": null, "limit": 50}), "{path}");
        assert!(page["meta"]["as_of"].is_string(), "{path}");
        assert_eq!(page["meta"].get("count"), None, "{path}");
        let missing = app.get_as(&token, &format!("{path}/1")).await;
        assert_eq!(missing.header("content-type"), Some("application/problem+json"), "{path}");
        missing.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_answers_when_seeded() {
    let (app, token) = seeded().await;
    assert_eq!(resources().len(), 69);
    for resource in resources() {
        let rows = all_rows(&app, &token, resource.path).await;
        assert_eq!(rows.len(), seed::ROWS, "{}", resource.path);
        for row in &rows {
            let object = row.as_object().unwrap();
            assert_eq!(object.len(), resource.columns.len(), "{}", resource.path);
            for column in &resource.columns {
                let value = &row[column.name];
                assert!(has_type(column, value), "{}: {} {value}", resource.path, column.name);
            }
            let key = query_text(&row[resource.key().name]);
            let path = format!("/api/v1{}/{key}", resource.path);
            let shown = app.get_as(&token, &path).await.expect(200);
            assert_eq!(bare(&resource, shown), *row, "{path}");
        }
    }
}

/// A row without what is shown besides its table's columns: the profiles of an identity.
fn bare(resource: &Resource, mut row: Value) -> Value {
    row.as_object_mut().unwrap().retain(|name, _| resource.column(name).is_some());
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_tells_when_it_was_read() {
    let now = "2024-05-01T12:00:00Z";
    let clock = Clock::new(move || now.parse().unwrap());
    let app = TestApp::with_clock(clock, |_| {}).await;
    let page = app.get("/api/v1/github/commits").await.expect(200);
    assert_eq!(page["meta"], serde_json::json!({ "as_of": now }));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_the_only_ones_shown() {
    let (app, token) = seeded().await;
    for resource in resources() {
        let rows = all_rows(&app, &token, resource.path).await;
        let shown = resource.columns.last().unwrap().name;
        let path = format!("/api/v1{}?fields={shown}&limit=500", resource.path);
        let page = app.get_as(&token, &path).await.expect(200);
        for (whole, part) in rows.iter().zip(page["data"].as_array().unwrap()) {
            assert_eq!(*part, serde_json::json!({ shown: whole[shown] }), "{path}");
        }
        let key = query_text(&rows[0][resource.key().name]);
        let path = format!("/api/v1{}/{key}?fields={shown}", resource.path);
        let expected = serde_json::json!({ shown: rows[0][shown] });
        assert_eq!(app.get_as(&token, &path).await.expect(200), expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subtypes_show_their_base() {
    let (app, token) = seeded().await;
    let account = &all_rows(&app, &token, "/users/github-accounts").await[0];
    assert!(account.get("identity_id").is_some() && account["profile_type"].is_string());
    assert!(account["account_type"].is_string());
    let external = &all_rows(&app, &token, "/usage/external-repositories").await[0];
    assert!(external["stars"].is_i64());
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_need_their_scope() {
    let (app, token) = seeded().await;
    let reader = app.token(&["read"]);
    for path in ["/api/v1/users/emails", "/api/v1/users/emails/1"] {
        assert_eq!(app.get(path).await.status(), 401);
        assert_eq!(app.get_as(&reader, path).await.status(), 403);
        assert_eq!(app.get_as(&token, path).await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_channels_are_as_if_they_were_not_there() {
    let (app, token) = seeded().await;
    let reader = app.token(&["read"]);
    let guarded: Vec<_> = resources().into_iter().filter(|it| it.public.is_some()).collect();
    assert_eq!(guarded.len(), 7);
    // No seeded Slack channel is public, and one seeded Discord server is 0: direct messages.
    for resource in &guarded {
        let all = all_rows(&app, &token, resource.path).await;
        let path = format!("/api/v1{}?limit=500&count=exact", resource.path);
        let shown = app.get_as(&reader, &path).await.expect(200);
        let count = shown["meta"]["count"]["value"].as_u64().unwrap();
        let shown = shown["data"].as_array().unwrap();
        assert!(shown.len() < all.len(), "{path}");
        assert_eq!(shown.len() as u64, count, "{path}");
        for row in &all {
            let path = format!("/api/v1{}/{}", resource.path, row["id"]);
            let status = if shown.contains(row) { 200 } else { 404 };
            assert_eq!(app.get(&path).await.status(), status, "{path}");
        }
    }
    let mut connection = app.db().connect().await;
    let public = "update slack_channel set channel_type = 'public_channel'";
    Statement::new(public).execute(&mut connection).await.unwrap();
    let page = app.get("/api/v1/slack/messages").await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), seed::ROWS);
}
