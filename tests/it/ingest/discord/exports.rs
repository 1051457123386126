//! What an export becomes, row by row, and what re-sent and newer exports change.

use serde_json::{Value, json};

use super::{export, fixture, message, messages, post, rows, send};
use crate::ingest::sender::{Sender, counts, notes, with};

/// Every row that exports write, by natural key.
async fn golden(sender: &Sender) -> String {
    let mut lines = Vec::new();
    for (table, sort, id) in [
        ("servers", "server_id", "id"),
        ("channels", "channel_id", "server_id"),
        ("messages", "message_id", "channel_id"),
    ] {
        for mut row in rows(sender, table, sort).await {
            for key in ["id", id, "author_id", "created_at", "updated_at"] {
                row.as_object_mut().unwrap().remove(key);
            }
            lines.push(format!("{table} {row}"));
        }
    }
    let profiles = sender.get("/users/discord-profiles?sort=discord_user_id").await.expect(200);
    for profile in profiles["data"].as_array().unwrap() {
        let fields = ["discord_user_id", "username", "display_name", "avatar_url", "is_bot"];
        let fields: Vec<&Value> = fields.iter().map(|field| &profile[field]).collect();
        lines.push(format!("profile {fields:?}"));
    }
    let all = rows(sender, "messages", "message_id").await;
    let mut reactions: Vec<String> = rows(sender, "reactions", "id")
        .await
        .iter()
        .map(|row| {
            let parent = all.iter().find(|message| message["id"] == row["message_id"]).unwrap();
            format!("reaction {} {} {}", parent["message_id"], row["emoji"], row["count"])
        })
        .collect();
    reactions.sort();
    lines.extend(reactions);
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_export() {
    let sender = Sender::new().await;
    let body = fixture("dev-games.json");
    let receipt = post(&sender, "", &body).await;
    assert_eq!(receipt["warnings"], json!([]));
    assert_eq!(receipt["raw"].as_array().unwrap().len(), 1);
    insta::assert_snapshot!(format!("{}\n\n{}", receipt["tables"], golden(&sender).await));
    assert_eq!(sender.get("/ingest/drift").await.expect(200)["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_and_a_later_one_with_every_oddity() {
    let sender = Sender::new().await;
    post(&sender, "", &fixture("dev-general.json")).await;
    let receipt = post(&sender, "", &fixture("dev-general.reexport.json")).await;
    assert_eq!(counts(&receipt)[4], 0, "{receipt}");
    insta::assert_snapshot!(format!(
        "{}\n\n{}\n\n{}",
        receipt["tables"],
        notes(&receipt, "warnings").join("\n"),
        golden(&sender).await
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_export_changes_nothing_also_sixteen_times_at_once() {
    let sender = Sender::new().await;
    let body = fixture("dev-games.json");
    let total = body["messages"].as_array().unwrap().len() as u64;
    let first = futures_util::future::join_all((0..16).map(|_| post(&sender, "", &body))).await;
    let inserted: u64 = first.iter().map(|receipt| counts(receipt)[0]).sum();
    assert_eq!(inserted, total);
    let before = golden(&sender).await;
    let exact = messages(&sender, &["id", "created_at", "updated_at"]).await;
    let receipt = post(&sender, "", &body).await;
    assert_eq!(counts(&receipt), [0, 0, total, 0, 0], "{receipt}");
    for (table, count) in receipt["tables"].as_object().unwrap() {
        for action in ["inserted", "updated", "deleted"] {
            assert_eq!(count[action], 0, "{table} {action}");
        }
    }
    assert_eq!(golden(&sender).await, before);
    assert_eq!(messages(&sender, &["id", "created_at", "updated_at"]).await, exact);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_attachments_are_renewed_without_a_change() {
    let sender = Sender::new().await;
    let signed = |query: &str| {
        let url = format!("https://cdn.discordapp.com/attachments/1/2/a.png{query}");
        with(message(11, 0, "see"), json!({"attachments": [{"url": url}, {"url": ""}]}))
    };
    let stored = ["attachment_urls", "has_attachments", "updated_at"];
    post(&sender, "", &export(2, json!([signed("?ex=1&hm=a")]))).await;
    let before = messages(&sender, &stored).await;
    let receipt = post(&sender, "", &export(3, json!([signed("?ex=2&hm=b")]))).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    let after = messages(&sender, &stored).await;
    assert_eq!(after[0][0], json!(["https://cdn.discordapp.com/attachments/1/2/a.png?ex=2&hm=b"]));
    assert_eq!((&after[0][1], &after[0][2]), (&json!(true), &before[0][2]));
    // An older signature does not come back.
    post(&sender, "", &export(2, json!([signed("?ex=1&hm=a")]))).await;
    assert_eq!(messages(&sender, &stored).await, after);
    // Elsewhere the query is part of the address.
    let other = |query: &str| {
        let url = format!("https://example.org/a.png{query}");
        with(message(12, 1, "x"), json!({"attachments": [url]}))
    };
    post(&sender, "", &export(4, json!([other("?v=1")]))).await;
    let receipt = post(&sender, "", &export(5, json!([other("?v=2")]))).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_and_reactions_follow_the_export_and_text_follows_the_edit() {
    let sender = Sender::new().await;
    let thumbs = json!([
        {"emoji": {"id": null, "name": "boost"}, "count": 3},
        {"emoji": {"id": "99", "name": "boost"}, "count": "2"},
        {"emoji": "👍", "count": -1},
        {"emoji": {"id": "", "name": ""}, "count": 1},
        {"emoji": null, "count": 1},
    ]);
    let edited = with(
        message(11, 0, "new"),
        json!({"timestampEdited": "2025-12-05T00:00:00Z", "reactions": thumbs}),
    );
    let receipt = post(&sender, "", &export(2, json!([edited]))).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 bad_count /reactions/2/count"]);
    let stored = rows(&sender, "reactions", "emoji").await;
    let stored: Vec<(&str, i64)> = stored
        .iter()
        .map(|r| (r["emoji"].as_str().unwrap(), r["count"].as_i64().unwrap()))
        .collect();
    assert_eq!(stored, [("boost", 3), ("boost:99", 2), ("👍", 0)]);

    // A newer export of an older text: the text stays, the pin and the reactions go along.
    let old = with(message(11, 0, "old"), json!({"isPinned": true}));
    let receipt = post(&sender, "", &export(3, json!([old]))).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    assert_eq!(messages(&sender, &["content", "is_pinned"]).await, [json!(["new", true])]);
    assert!(rows(&sender, "reactions", "id").await.is_empty());

    // They return; and where the key is missing, they stay.
    post(&sender, "", &export(4, json!([edited]))).await;
    assert_eq!(rows(&sender, "reactions", "id").await.len(), 3);
    let mut bare = edited.clone();
    bare.as_object_mut().unwrap().remove("reactions");
    post(&sender, "", &export(5, json!([bare]))).await;
    assert_eq!(rows(&sender, "reactions", "id").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_times_and_authors_in_every_form() {
    let sender = Sender::new().await;
    let mut odd = export(
        2,
        json!([
            {"id": 1_399_663_560_000_000_005_i64, "timestamp": "2025-07-29T04:03:17.368-04:00",
             "content": null, "author": null, "type": ""},
            {"id": "1399663560000000006", "author": {"id": 9_007_199_254_740_993_i64, "name": "x"},
             "reference": {"messageId": 1_399_663_560_000_000_001_i64}},
        ]),
    );
    odd["guild"] = json!({"id": 9_007_199_254_740_995_i64, "name": null, "iconUrl": null});
    odd["channel"]["categoryId"] = json!(null);
    let receipt = post(&sender, "", &odd).await;
    assert_eq!(notes(&receipt, "warnings"), ["1 bad_time /timestamp"]);
    let fields =
        ["message_id", "message_created_at", "content", "message_type", "reply_to_message_id"];
    let found = messages(&sender, &fields).await;
    assert_eq!(
        found[0],
        json!(["1399663560000000005", "2025-07-29T08:03:17.368000Z", "", "Default", null])
    );
    assert_eq!(
        found[1],
        json!([
            "1399663560000000006",
            "2025-07-29T08:03:17.195000Z",
            "",
            "Default",
            "1399663560000000001"
        ])
    );
    let profiles = sender.get("/users/discord-profiles?sort=discord_user_id").await.expect(200);
    let profiles: Vec<(&str, &str)> = profiles["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["discord_user_id"].as_str().unwrap(), p["username"].as_str().unwrap()))
        .collect();
    assert_eq!(profiles, [("0", "unknown"), ("9007199254740993", "x")]);
    // Who wrote it is learnt later, and not forgotten again.
    let known = json!([with(message(1_399_663_560_000_000_005, 0, "y"), json!({}))]);
    post(&sender, "", &export(3, known)).await;
    let orphan = with(message(1_399_663_560_000_000_005, 0, "y"), json!({"author": null}));
    post(&sender, "", &export(4, json!([orphan]))).await;
    let author = sender
        .number(
            "select p.discord_user_id from discord_message m join discord_profile p \
                 on p.id = m.author_id where m.message_id = 1399663560000000005",
        )
        .await;
    assert_eq!(author, 1_080_000_000_000_000_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_exports_store_their_channel() {
    let sender = Sender::new().await;
    for messages in [json!([]), json!(null)] {
        let receipt = post(&sender, "", &export(2, messages)).await;
        assert_eq!(receipt["received"], 0);
        let path = receipt["raw"][0].as_str().unwrap();
        assert!(path.starts_with("raw/discord_activity_tracker/3/8/empty@"), "{path}");
    }
    let channel = &rows(&sender, "channels", "id").await[0];
    assert_eq!(channel["last_synced_at"], "2026-01-02T00:00:00Z");
    assert_eq!(channel["last_activity_at"], json!(null));
    assert_eq!((&channel["topic"], &channel["category_id"]), (&json!(""), &json!("9")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_export_is_archived_by_its_days() {
    let sender = Sender::new().await;
    let mut ranged = export(2, json!([message(11, 0, "a")]));
    ranged["dateRange"] = json!({"after": "2025-11-30T00:00:00Z", "before": null});
    let path = |receipt: &Value| {
        let path = receipt["raw"][0].as_str().unwrap();
        path.split('@').next().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(path(&post(&sender, "", &ranged).await), "2025-12-01");
    // A smaller one of the same day is kept beside it.
    let mut smaller = ranged.clone();
    smaller["exportedAt"] = json!("2026-01-02T00:00:01Z");
    let first = post(&sender, "", &ranged).await;
    let second = post(&sender, "", &smaller).await;
    assert_ne!(first["raw"], second["raw"]);
    for receipt in [first, second] {
        let path = receipt["raw"][0].as_str().unwrap().strip_prefix("raw/").unwrap();
        sender.get(&format!("/ingest/raw/{path}")).await.expect(200);
    }
    let next = with(message(12, 0, "b"), json!({"timestamp": "2025-12-03T23:30:00-04:00"}));
    ranged["messages"] = json!([message(11, 0, "a"), next]);
    assert_eq!(path(&post(&sender, "", &ranged).await), "2025-12-01_2025-12-04");
    let open = export(3, json!([message(11, 0, "a")]));
    assert_eq!(path(&post(&sender, "", &open).await), "full");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_several_documents() {
    let sender = Sender::new().await;
    let mut other = export(2, json!([message(21, 0, "there")]));
    other["channel"]["id"] = json!("80");
    let both = json!([export(2, json!([message(11, 0, "here")])), other]);
    let receipt = post(&sender, "", &both).await;
    assert_eq!(counts(&receipt), [2, 0, 0, 0, 0]);
    assert_eq!(receipt["raw"].as_array().unwrap().len(), 2);
    assert_eq!(rows(&sender, "channels", "id").await.len(), 2);
    let lines = format!("{}\n{}\n", both[0], both[1]);
    let answer =
        sender.app.post(super::EXPORTS, &sender.token, "application/x-ndjson", lines).await;
    assert_eq!(counts(&answer.expect(200)), [0, 0, 2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_renamed_by_the_newest_export() {
    let sender = Sender::new().await;
    let mut renamed = export(3, json!([]));
    renamed["channel"]["name"] = json!("chat");
    renamed["channel"]["position"] = json!(4);
    renamed["guild"]["name"] = json!("Example 2");
    post(&sender, "", &renamed).await;
    post(&sender, "", &export(2, json!([message(11, 5, "x")]))).await;
    let channel = &rows(&sender, "channels", "id").await[0];
    assert_eq!(channel["channel_name"], "chat");
    assert_eq!(channel["position"], 4);
    assert_eq!(channel["last_synced_at"], "2026-01-03T00:00:00Z");
    assert_eq!(channel["last_activity_at"], "2025-12-01T00:05:00Z");
    assert_eq!(rows(&sender, "servers", "id").await[0]["server_name"], "Example 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_cleaned_and_a_dry_run_keeps_nothing() {
    let sender = Sender::new().await;
    let body = export(2, json!([message(11, 0, "POISON")])).to_string();
    let body = body.replace("POISON", r"a\u0000b\ud800");
    let receipt = send(&sender, "dry_run=true", body.clone()).await.expect(200);
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert!(rows(&sender, "servers", "id").await.is_empty());
    let receipt = send(&sender, "", body).await.expect(200);
    assert_eq!(
        notes(&receipt, "warnings"),
        ["0 nul_removed /content", "0 surrogate_replaced /content"]
    );
    assert_eq!(messages(&sender, &["content"]).await, [json!(["ab\u{FFFD}"])]);
}
