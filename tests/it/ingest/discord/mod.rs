//! `discord/exports`, through the real router.

mod deletions;
mod exports;
mod orders;
mod refusals;

use std::path::Path;

use serde_json::{Value, json};

use super::sender::Sender;
use crate::support::Answer;

/// Where exports are posted.
const EXPORTS: &str = "/api/v1/ingest/discord/exports";

/// Posts a body with parameters.
async fn send(sender: &Sender, query: &str, body: impl Into<axum::body::Body>) -> Answer {
    let path = format!("{EXPORTS}?{query}");
    sender.app.post(&path, &sender.token, "application/json", body).await
}

/// Posts an export and gives its receipt.
async fn post(sender: &Sender, query: &str, export: &Value) -> Value {
    send(sender, query, export.to_string()).await.expect(200)
}

/// The rows of a table, in order.
async fn rows(sender: &Sender, table: &str, sort: &str) -> Vec<Value> {
    let answer = sender.get(&format!("/discord/{table}?sort={sort}&limit=500")).await.expect(200);
    answer["data"].as_array().unwrap().clone()
}

/// The messages in order of their ids, each with these fields.
async fn messages(sender: &Sender, fields: &[&str]) -> Vec<Value> {
    let rows = rows(sender, "messages", "message_id").await;
    let of = |row: &Value| fields.iter().map(|field| row[field].clone()).collect::<Value>();
    rows.iter().map(of).collect()
}

/// An export of the channel 8, made on a day of January 2026.
#[expect(clippy::needless_pass_by_value, reason = "as `json!` takes it")]
fn export(day: u32, messages: Value) -> Value {
    json!({
        "guild": {"id": "3", "name": "Example", "iconUrl": null},
        "channel": {
            "id": "8", "type": "GuildTextChat", "categoryId": "9", "category": "Talk",
            "name": "general", "topic": null,
        },
        "dateRange": {"after": null, "before": null},
        "exportedAt": format!("2026-01-{day:02}T00:00:00Z"),
        "messages": messages,
        "messageCount": 0,
    })
}

/// A message of 2025-12-01, `minute` minutes after midnight.
fn message(id: i64, minute: i64, content: &str) -> Value {
    json!({
        "id": id.to_string(), "type": "Default",
        "timestamp": format!("2025-12-01T{:02}:{:02}:00Z", minute / 60, minute % 60),
        "timestampEdited": null, "isPinned": false, "content": content,
        "author": {"id": "1080000000000000001", "name": "jroe", "nickname": "Jane",
            "isBot": false, "avatarUrl": null},
        "attachments": [], "reactions": [],
    })
}

/// A file of `tests/fixtures/discord`.
fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/discord");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}
