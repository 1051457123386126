//! Messages of every subtype, edits, threads, deletions.

use serde_json::{Value, json};

use super::{Slack, counts, moved, said};
use crate::ingest::sender::notes;

const TO: &str = "messages?team=T1&channel=C1";

#[tokio::test(flavor = "multi_thread")]
async fn every_subtype_has_its_effect() {
    let slack = Slack::new().await;
    let with = |ts: &str, more: Value| {
        let mut message = said(ts, "text");
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    for (nth, (more, stored)) in [
        (json!({}), "U1 text"),
        (json!({"text": null}), "U1 "),
        (json!({"subtype": "thread_broadcast", "thread_ts": "1.000001"}), "U1 text"),
        (json!({"subtype": "file_share"}), "U1 text"),
        (json!({"subtype": "something_new"}), "U1 text"),
        (json!({"subtype": "me_message"}), "U1 <@U1> text"),
        (json!({"subtype": "file_comment", "comment": {"comment": "good", "user": "U2"}}),
            "U1 text\nComment: good"),
        (json!({"subtype": "file_comment", "user": null, "comment": {"comment": "good", "user": "U2"}}),
            "U2 text\nComment: good"),
        (json!({"user": null}), " text"),
        (json!({"edited": "yes"}), "U1 text"),
        (json!({"user": "U1", "bot_id": "B1"}), "U1 text"),
    ]
    .into_iter()
    .enumerate()
    {
        let ts = format!("100.{nth:06}");
        let receipt = slack.post(TO, &json!([with(&ts, more.clone())])).await;
        assert_eq!(counts(&receipt), [1, 0, 0, 0, 0], "{more}");
        let row = format!(
            "select concat(u.slack_user_id, ' ', m.message) from slack_message m \
             left join slack_user u on u.id = m.slack_user_id where m.ts = '{ts}'"
        );
        assert_eq!(slack.text(&row).await, stored, "{more}");
    }
    let before = slack.dump().await;
    for subtype in "app_conversation_join app_conversation_leave bot_add bot_message bot_remove \
        channel_archive channel_convert_to_public channel_name channel_purpose channel_topic \
        document_comment_root huddle_thread pinned_item reminder_add reply_broadcast \
        sh_room_created slack_audio slack_image slack_video"
        .split_whitespace()
    {
        let receipt =
            slack.post(TO, &json!([with("200.000001", json!({"subtype": subtype}))])).await;
        assert_eq!(counts(&receipt), [0, 0, 1, 0, 0], "{subtype}");
        assert_eq!(notes(&receipt, "warnings"), ["0 ignored"], "{subtype}");
        assert!(receipt["warnings"][0]["detail"].as_str().unwrap().contains(subtype));
    }
    let bot = json!([{"type": "message", "bot_id": "B1", "text": "x", "ts": "200.000001"}]);
    assert_eq!(notes(&slack.post(TO, &bot).await, "warnings"), ["0 ignored"]);
    assert_eq!(slack.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_threads_come_in_any_order() {
    let slack = Slack::new().await;
    let edited = |text: &str, at: &str| {
        json!({"type": "message", "user": "U1", "text": text,
        "ts": "1735689600.000100", "edited": {"user": "U1", "ts": at}})
    };
    let changed = json!({"type": "message", "subtype": "message_changed", "channel": "C1",
        "message": edited("second", "1735862400.000000"), "previous_message": {}});
    let receipt = slack.post("messages?team=T1", &changed).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0], "an edit before its message");
    let original = json!([said("1735689600.000100", "first")]);
    assert_eq!(counts(&slack.post(TO, &original).await), [0, 0, 0, 1, 0]);
    let between = json!([edited("between", "1735776000.000000")]);
    assert_eq!(counts(&slack.post(TO, &between).await), [0, 0, 0, 1, 0]);
    let row = "select concat_ws('|', message, thread_ts, extract(epoch from slack_message_created_at), \
               extract(epoch from slack_message_updated_at)) from slack_message";
    assert_eq!(slack.text(row).await, "second|1735689600.000100|1735862400.000000");
    // A parent gains its thread without an edit, and an older copy tells it too.
    let mut parent = said("1735689600.000100", "first");
    parent["thread_ts"] = json!("1735689600.000100");
    assert_eq!(counts(&slack.post(TO, &json!([parent])).await), [0, 1, 0, 0, 0]);
    assert_eq!(
        slack.text(row).await,
        "second|1735689600.000100|1735689600.000100|1735862400.000000"
    );
    // So does the notice of a reply, also before the parent itself.
    let replied = json!({"subtype": "message_replied", "channel": {"id": "C1", "name": "x"},
        "ts": "9.000001", "message": {"ts": "5.000001", "thread_ts": "5.000001", "text": "p", "user": "U3"}});
    slack.post("messages?team=T1", &replied).await;
    assert_eq!(slack.message("5.000001").await, "");
    let known = json!({"keys": ["T1/C1:5.000001"]});
    let receipt = slack.post(TO, &json!([said("5.000001", "parent")])).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0], "{known}");
    let thread = "select thread_ts || message from slack_message where ts = '5.000001'";
    assert_eq!(slack.text(thread).await, "5.000001parent");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_never_comes_back() {
    let slack = Slack::new().await;
    let copy = json!([said("10.000001", "x"), said("20.000001", "y"), said("30.000001", "z")]);
    slack.post(TO, &copy).await;
    let deleted = json!([
        {"subtype": "message_deleted", "deleted_ts": "10.000001", "ts": "11.000001"},
        {"subtype": "tombstone", "ts": "20.000001", "user": "USLACKBOT", "text": "gone"},
        {"subtype": "message_deleted", "deleted_ts": "99.000001", "ts": "99.000002"},
    ]);
    let receipt = slack.post(TO, &deleted).await;
    assert_eq!(counts(&receipt), [0, 2, 1, 0, 0], "{receipt}");
    assert_eq!(receipt["tables"]["slack_message"]["deleted"], 2);
    assert_eq!(counts(&slack.post(TO, &copy).await), [0, 0, 1, 2, 0]);
    let late = json!([said("99.000001", "never seen")]);
    assert_eq!(counts(&slack.post(TO, &late).await), [0, 0, 0, 1, 0]);
    assert_eq!(slack.text("select string_agg(ts, ' ') from slack_message").await, "30.000001");
    // In one document too, whatever the order in it.
    let both = json!([
        {"subtype": "message_deleted", "deleted_ts": "40.000001", "ts": "41.000001"},
        said("40.000001", "gone"),
    ]);
    assert_eq!(counts(&slack.post(TO, &both).await), [0, 0, 1, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_cost_no_good_ones() {
    let slack = Slack::new().await;
    let body = json!([
        said("1.000001", "good"),
        said("1.0000001", "x"),
        {"type": "message", "text": "x"},
        said("999999999999", "x"),
        {"subtype": "channel_join", "ts": "2.000001"},
        {"subtype": "message_changed"},
        {"user": 7, "ts": "3.000001"},
        "text",
        {"ts": 1.5},
        said("2", "good"),
    ]);
    let receipt = slack.post(TO, &body).await;
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "1 invalid_id /ts",
            "2 invalid_id /ts",
            "3 missing_time /ts",
            "4 missing_field /user",
            "5 missing_field /message",
            "6 invalid_type /user",
            "7 unknown_shape",
            "8 invalid_id /ts",
        ]
    );
    assert_eq!(counts(&receipt), [2, 0, 0, 0, 8]);
    let letters = slack
        .text("select count(*) || ' ' || count(scope) || ' ' || count(position) from dead_letter")
        .await;
    assert_eq!(letters, "8 8 8", "they are placed where the watermark needs them");
    slack
        .raw(&format!("{TO}&mode=atomic"), json!([said("7.000001", "x"), {}]).to_string())
        .await
        .expect(422);
    assert_eq!(slack.message("7.000001").await, "", "all or nothing");
    // No channel, no team, another channel.
    let own = json!({"channel": "C2", "ts": "1.000001", "text": "x"});
    assert_eq!(
        slack.refused("messages?team=T1", &json!([said("1.000001", "x")])).await,
        ["0 missing_context"]
    );
    assert_eq!(
        slack.refused("messages?channel=C9", &json!([said("1.000001", "x")])).await,
        ["0 missing_context"]
    );
    let receipt = slack.post(TO, &own).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch /channel"]);
    assert_eq!(
        slack.text("select count(*) from slack_message where ts = '1.000001'").await,
        "2",
        "one ts in two channels"
    );
    // The team is found by the channel.
    let receipt = slack.post("messages?channel=C1", &json!([said("8.000001", "x")])).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    let receipt = slack.post(TO, &json!([])).await;
    assert_eq!((counts(&receipt), &receipt["received"]), ([0; 5], &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_cleaned_and_unknown_keys_counted() {
    let slack = Slack::new().await;
    let mut body = br#"[{"ts":"1.000001","user":"U1","text":"a\u0000b \ud83d c"#.to_vec();
    body.extend_from_slice(b"\xFF\",\"novel\":1}]");
    let receipt = slack.raw(TO, body).await.expect(200);
    let mut codes = notes(&receipt, "warnings");
    codes.sort();
    assert_eq!(
        codes,
        ["0 invalid_utf8 /text", "0 nul_removed /text", "0 surrogate_replaced /text"]
    );
    assert_eq!(slack.message("1.000001").await, "ab \u{FFFD} c\u{FFFD}");
    let drift = slack.app.get_as(&slack.token, "/api/v1/ingest/drift").await.text().to_owned();
    assert!(drift.contains("novel"), "{drift}");
    let ahead = json!([said("99999999999.000000", "from the future")]);
    let receipt = slack.post(TO, &ahead).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 future_time /ts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_export_is_one_document() {
    let slack = Slack::new().await;
    let messages: Vec<Value> = (0..25_000)
        .map(|nth| match nth % 1_000 {
            0 => moved(
                &format!("{}.000000", 1_600_000_000 + nth),
                "channel_join",
                &format!("U{nth}"),
            ),
            _ => json!({"user": format!("U{}", nth % 300), "text": format!("text {nth}"),
                "ts": format!("{}.000100", 1_600_000_000 + nth)}),
        })
        .collect();
    let body = json!({"team": "T1", "channel": "C1", "messages": messages});
    let receipt = slack.post("messages", &body).await;
    assert_eq!(counts(&receipt), [25_000, 0, 0, 0, 0]);
    assert_eq!(receipt["raw"].as_array().unwrap().len(), 1);
    let raw = receipt["raw"][0].as_str().unwrap();
    assert!(raw.starts_with("raw/cppa_slack_tracker/T1/C1/2020-09-13@"), "{raw}");
    assert_eq!(slack.text("select count(*) from slack_message").await, "24975");
    assert_eq!(counts(&slack.post("messages", &body).await), [0, 0, 25_000, 0, 0]);
}
