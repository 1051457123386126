//! `complete=messages`: what a full listing says about the messages that it lacks.

use serde_json::{Value, json};

use super::{export, message, messages, post, rows};
use crate::ingest::sender::{Sender, counts, with};

const FULL: &str = "complete=messages";

async fn deleted(sender: &Sender) -> Vec<Value> {
    messages(sender, &["message_id", "is_deleted", "deleted_at"]).await
}

fn gone(id: &str, day: u32) -> Value {
    json!([id, true, format!("2026-01-{day:02}T00:00:00Z")])
}

fn there(id: &str) -> Value {
    json!([id, false, null])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_listing_lacks_is_deleted_until_it_is_seen_again() {
    let sender = Sender::new().await;
    let (a, b, c) = (message(1, 1, "a"), message(2, 2, "b"), message(3, 3, "c"));
    post(&sender, "", &export(2, json!([a, b, c]))).await;
    // Without `complete` nothing is.
    post(&sender, "", &export(3, json!([a]))).await;
    assert_eq!(deleted(&sender).await, [there("1"), there("2"), there("3")]);

    let receipt = post(&sender, FULL, &export(4, json!([a, b]))).await;
    assert_eq!(receipt["tables"]["discord_message"]["updated"], 1, "{receipt}");
    assert_eq!(deleted(&sender).await, [there("1"), there("2"), gone("3", 4)]);
    let channel = &rows(&sender, "channels", "id").await[0];
    assert_eq!(channel["last_activity_at"], "2025-12-01T00:02:00Z");
    let again = post(&sender, FULL, &export(4, json!([a, b]))).await;
    assert_eq!(counts(&again), [0, 0, 2, 0, 0]);

    // An older export that has it does not bring it back; a newer one does.
    let receipt = post(&sender, "", &export(3, json!([c]))).await;
    assert_eq!(counts(&receipt), [0, 0, 0, 1, 0]);
    assert_eq!(deleted(&sender).await[2], gone("3", 4));
    post(&sender, "", &export(5, json!([c]))).await;
    assert_eq!(deleted(&sender).await[2], there("3"));
    let channel = &rows(&sender, "channels", "id").await[0];
    assert_eq!(channel["last_activity_at"], "2025-12-01T00:03:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_span_before_the_export_counts() {
    let sender = Sender::new().await;
    let late = with(message(9, 0, "late"), json!({"timestamp": "2026-01-06T00:00:00Z"}));
    let all = json!([message(1, 1, "a"), message(2, 2, "b"), message(3, 3, "c"), late]);
    post(&sender, "", &export(2, all)).await;
    let mut span = export(5, json!([]));
    span["dateRange"] = json!({"after": "2025-12-01T00:01:00Z", "before": "2025-12-01T00:03:00Z"});
    post(&sender, FULL, &span).await;
    assert_eq!(deleted(&sender).await, [there("1"), gone("2", 5), there("3"), there("9")]);
    // A bound that cannot be read is not open.
    span["dateRange"] = json!({"after": "yesterday"});
    span["exportedAt"] = json!("2026-01-07T00:00:00Z");
    post(&sender, FULL, &span).await;
    assert_eq!(deleted(&sender).await, [there("1"), gone("2", 5), there("3"), there("9")]);
    post(&sender, FULL, &export(5, json!([]))).await;
    assert_eq!(deleted(&sender).await, [gone("1", 5), gone("2", 5), gone("3", 5), there("9")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_channels_and_rejected_messages_are_left_alone() {
    let sender = Sender::new().await;
    post(&sender, "", &export(2, json!([message(1, 1, "a"), message(2, 2, "b")]))).await;
    let mut other = export(2, json!([message(5, 1, "there")]));
    other["channel"]["id"] = json!("80");
    post(&sender, "", &other).await;
    let bad = with(message(2, 2, "b"), json!({"content": 7}));
    let receipt = post(&sender, FULL, &export(3, json!([message(3, 3, "c"), bad]))).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 1]);
    assert_eq!(deleted(&sender).await, [gone("1", 3), there("2"), there("3"), there("5")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_remembered_for_older_exports_that_come_late() {
    let sender = Sender::new().await;
    let bad = with(message(2, 2, "b"), json!({"content": 7}));
    post(&sender, FULL, &export(4, json!([message(1, 1, "a"), bad]))).await;
    let late = json!([message(1, 1, "a"), message(2, 2, "b"), message(3, 3, "c")]);
    let receipt = post(&sender, "", &export(2, late)).await;
    assert_eq!(counts(&receipt)[0], 2, "{receipt}");
    assert_eq!(deleted(&sender).await, [there("1"), there("2"), gone("3", 4)]);
}
