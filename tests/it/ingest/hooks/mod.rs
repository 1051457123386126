//! Webhooks: signatures, deliveries, and what each event of GitHub makes of rows.

mod access;
mod edits;
mod events;
mod repositories;
mod slow;

use axum::{body::Body, http::Method};
use boost_dashboard::config::Settings;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{rows::select, sender::Sender};
use crate::support::{Answer, request};

/// The secret of GitHub's documentation.
const SECRET: &str = "It's a Secret to Everybody";

/// A server with a webhook.
async fn hooked() -> Sender {
    Sender::with(hook_settings).await
}

fn hook_settings(settings: &mut Settings) {
    settings.github_webhook_secrets = vec![SECRET.into()];
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends a body with a signature, if there is one.
async fn signed(
    sender: &Sender,
    event: &str,
    id: &str,
    body: impl Into<Vec<u8>>,
    signature: Option<&str>,
) -> Answer {
    let mut request = request(Method::POST, "/api/v1/webhooks/github", None)
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", id);
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    sender.app.send(request.body(Body::from(body.into())).unwrap()).await
}

/// Delivers an event under an id.
async fn redeliver(sender: &Sender, event: &str, id: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let signature = signature(SECRET, body.as_bytes());
    signed(sender, event, id, body, Some(&signature)).await
}

/// Delivers an event that must be accepted, and gives the receipt.
async fn deliver(sender: &Sender, event: &str, body: &Value) -> Value {
    let id = uuid::Uuid::now_v7().to_string();
    redeliver(sender, event, &id, body).await.expect(200)
}

/// The only item's action, and the warnings' codes.
fn outcome(receipt: &Value) -> (&'static str, Vec<String>) {
    let action = ["inserted", "updated", "unchanged", "stale", "rejected"]
        .into_iter()
        .find(|action| receipt[*action] == 1)
        .unwrap();
    let warnings = receipt["warnings"].as_array().unwrap().iter();
    (action, warnings.map(|warning| warning["code"].as_str().unwrap().to_owned()).collect())
}

/// The rows of a table as JSON.
async fn rows(sender: &Sender, table: &'static str) -> Vec<Value> {
    let rows = select(sender.app.db(), [table]).await;
    rows.iter().map(|row| serde_json::from_str(row.split_once(' ').unwrap().1).unwrap()).collect()
}

/// One column of every row of a table.
async fn column(sender: &Sender, table: &'static str, column: &str) -> Vec<Value> {
    rows(sender, table).await.into_iter().map(|row| row[column].clone()).collect()
}

fn repository() -> Value {
    json!({
        "id": 7001, "name": "json", "full_name": "boostorg/json", "default_branch": "develop",
        "owner": {"id": 9001, "login": "boostorg", "type": "Organization"},
        "stargazers_count": 430, "forks_count": 95, "description": "d",
        "created_at": "2019-08-01T00:00:00Z", "updated_at": "2024-05-02T00:00:00Z",
        "pushed_at": "2024-05-01T00:00:00Z", "license": null,
    })
}

/// An issue as it is on a day of January.
fn issue(day: u32) -> Value {
    json!({
        "id": 601, "number": 1, "title": format!("Day {day}"), "state": "open", "body": "b",
        "url": "https://api.github.com/repos/boostorg/json/issues/1", "comments": 1,
        "user": {"id": 1001, "login": "jroe"}, "labels": [{"name": "bug"}, {"name": "old"}],
        "assignees": [], "created_at": "2024-01-01T00:00:00Z",
        "updated_at": format!("2024-01-{day:02}T00:00:00Z"),
    })
}

fn comment(id: u32, day: u32) -> Value {
    json!({
        "id": id, "body": format!("Day {day}"), "user": {"id": 1002, "login": "asmith"},
        "created_at": "2024-01-01T00:00:00Z", "updated_at": format!("2024-01-{day:02}T00:00:00Z"),
    })
}

/// A pull request as it is on a day of January.
fn pull(day: u32) -> Value {
    json!({
        "id": 8001, "number": 2, "title": format!("Day {day}"), "state": "open", "body": "b",
        "url": "https://api.github.com/repos/boostorg/json/pulls/2",
        "head": {"sha": "aa", "repo": null}, "base": {"sha": "bb"},
        "user": {"id": 1001, "login": "jroe"}, "labels": [{"name": "old"}], "assignees": [],
        "created_at": "2024-01-01T00:00:00Z", "updated_at": format!("2024-01-{day:02}T00:00:00Z"),
    })
}

/// An event of an issue.
fn of_issue(action: &str, issue: &Value) -> Value {
    json!({"action": action, "issue": issue, "repository": repository()})
}
