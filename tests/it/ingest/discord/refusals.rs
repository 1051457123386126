//! What is refused: bad messages, bad files, direct messages.

use serde_json::{Value, json};

use super::{EXPORTS, export, message, messages, post, rows, send};
use crate::ingest::sender::{Sender, counts, notes, with};

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_message_in_a_thousand() {
    let sender = Sender::new().await;
    let mut listed: Vec<Value> = (1..=1_000).map(|id| message(id, id, "m")).collect();
    listed[500]["id"] = json!("-5");
    let body = export(2, json!(listed));
    let refused = send(&sender, "mode=atomic", body.to_string()).await;
    assert_eq!(refused.status(), 422);
    assert!(rows(&sender, "servers", "id").await.is_empty());
    let receipt = post(&sender, "", &body).await;
    assert_eq!(counts(&receipt), [999, 0, 0, 0, 1]);
    assert_eq!(notes(&receipt, "errors"), ["500 invalid_snowflake /id"]);
    assert_eq!(sender.number("select count(*) from discord_message").await, 999);
    let letters = sender.get("/ingest/dead-letters").await.expect(200);
    let codes: Vec<&Value> =
        letters["data"].as_array().unwrap().iter().map(|letter| &letter["code"]).collect();
    assert_eq!(codes, ["invalid_snowflake", "invalid_snowflake"], "{letters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_no_snowflakes() {
    let sender = Sender::new().await;
    let bad = |more: Value| with(message(11, 0, "x"), more);
    let body = export(
        2,
        json!([
            bad(json!({"id": 0})),
            bad(json!({"id": "18446744073709551616"})),
            bad(json!({"id": 1.5e18})),
            bad(json!({"id": null})),
            bad(json!({"author": {"id": "x"}})),
            bad(json!({"reference": {"messageId": -1}})),
            bad(json!({"content": 7})),
            bad(json!({"reactions": 7})),
            "hello",
            message(12, 0, "good"),
        ]),
    );
    let receipt = post(&sender, "", &body).await;
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "0 invalid_snowflake /id",
            "1 invalid_snowflake /id",
            "2 invalid_snowflake /id",
            "3 invalid_snowflake /id",
            "4 invalid_snowflake /author/id",
            "5 invalid_snowflake /reference/messageId",
            "6 invalid_type /content",
            "7 invalid_type /reactions",
            "8 unknown_shape",
        ]
    );
    assert_eq!(messages(&sender, &["content"]).await, [json!(["good"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_exports() {
    let sender = Sender::new().await;
    let mut no_channel = export(2, json!([message(11, 0, "x")]));
    no_channel["channel"]["id"] = json!("general");
    let mut no_guild = export(2, json!([message(11, 0, "x")]));
    no_guild.as_object_mut().unwrap().remove("guild");
    let mut no_messages = export(2, json!(null));
    no_messages.as_object_mut().unwrap().remove("messages");
    for (body, error) in [
        (no_channel, "0 invalid_snowflake /channel/id"),
        (no_guild, "0 unknown_shape"),
        (no_messages, "0 unknown_shape"),
        (export(2, json!("none")), "0 invalid_type /messages"),
        (message(11, 0, "alone"), "0 unknown_shape"),
    ] {
        let receipt = send(&sender, "", body.to_string()).await.expect(422);
        assert_eq!(notes(&receipt, "errors"), [error]);
    }
    assert!(rows(&sender, "channels", "id").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_messages_are_private() {
    let sender = Sender::new().await;
    for guild in [json!("0"), json!(0)] {
        let mut direct = export(2, json!([message(11, 0, "secret")]));
        direct["guild"]["id"] = guild;
        let receipt = send(&sender, "", direct.to_string()).await.expect(422);
        assert_eq!(notes(&receipt, "errors"), ["0 private_channel /guild/id"]);
        assert_eq!(receipt["raw"], json!([]));
    }
    // Nor is one that cannot be taken apart.
    let mut direct = export(2, json!("secret"));
    direct["guild"]["id"] = json!("0");
    let receipt = send(&sender, "", direct.to_string()).await.expect(422);
    assert_eq!(notes(&receipt, "errors"), ["0 private_channel /guild/id"]);
    assert_eq!(receipt["raw"], json!([]));
    let letters = sender.get("/ingest/dead-letters").await.expect(200);
    assert_eq!(letters["data"], json!([]));

    let mut direct = export(2, json!([message(11, 0, "secret")]));
    direct["guild"]["id"] = json!("0");
    let receipt = post(&sender, "allow_private=true", &direct).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(messages(&sender, &["content"]).await, [json!(["secret"])]);
    let public = sender.app.get("/api/v1/discord/messages").await.expect(200);
    assert_eq!(public["data"], json!([]));
    let mut public = export(3, json!([message(12, 0, "said in public")]));
    public["channel"]["id"] = json!("18");
    post(&sender, "", &public).await;
    // Nor is told where they come from, and how far they reach.
    let message = sender.number("select id from discord_message where message_id = 11").await;
    let channel = sender.number("select id from discord_channel where channel_id = 8").await;
    let id = receipt["id"].as_str().unwrap();
    let app = &sender.app;
    let ingests = app.token(&["read", "ingest:discord"]);
    for (path, of_the_domain) in [
        (format!("/discord/messages/{message}/provenance"), 404),
        (format!("/discord/channels/{channel}/provenance"), 404),
        (format!("/ingest/receipts/{id}"), 200),
        (format!("/ingest/receipts/{id}/items"), 200),
    ] {
        let path = format!("/api/v1{path}");
        let (reads, sees) = (app.token(&["read"]), app.token(&["read", "read:pii"]));
        let refused = if of_the_domain == 404 { [404, 404] } else { [401, 403] };
        let answers = [app.get(&path).await, app.get_as(&reads, &path).await];
        assert_eq!(answers.map(|it| it.status()), refused, "{path}");
        assert_eq!(app.get_as(&ingests, &path).await.status(), of_the_domain, "{path}");
        assert_eq!(app.get_as(&sees, &path).await.status(), 200, "{path}");
    }
    // Nor that it is stored.
    let known = async |token: &str| {
        let path = format!("{EXPORTS}/known");
        let answer = app.post_json(&path, token, &json!({"keys": [11, 12, 13, "x"]})).await;
        answer.expect(200)["known"].clone()
    };
    assert_eq!(known(&app.token(&["read"])).await, json!([12]));
    assert_eq!(known(&app.token(&["read", "ingest:github"])).await, json!([12]));
    for scope in ["ingest:discord", "read:pii"] {
        assert_eq!(known(&app.token(&["read", scope])).await, json!([11, 12]), "{scope}");
    }
    let marks = "/api/v1/ingest/watermarks?domain=discord";
    let scopes = |answer: Value| -> Vec<Value> {
        answer["data"].as_array().unwrap().iter().map(|mark| mark["scope"].clone()).collect()
    };
    let public = scopes(app.get(marks).await.expect(200));
    assert_eq!(public.len(), 2, "a server and its channel: {public:?}");
    let all = scopes(app.get_as(&ingests, marks).await.expect(200));
    assert_eq!(all.len(), 4);
    assert!(all.contains(&json!("0/8")) && !public.contains(&json!("0/8")), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_message_lists_nothing_in_full() {
    let sender = Sender::new().await;
    let bad = with(message(12, 1, "bad"), json!({"content": 7}));
    let body = export(2, json!([message(11, 0, "good"), bad]));
    let receipt = post(&sender, "complete=messages", &body).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 1]);
    let letters = sender.get("/ingest/dead-letters").await.expect(200);
    let answer = sender.retry(&letters["data"][0]["id"]).await;
    assert_eq!(counts(&answer.json())[4], 1, "{}", answer.text());
    assert_eq!(messages(&sender, &["is_deleted"]).await, [json!([false])]);
}
