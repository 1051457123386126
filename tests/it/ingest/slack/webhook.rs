//! Slack's webhook: signatures, retries, and what events become.

use serde_json::{Value, json};

use super::{SECRET, Slack, counts, fixture, said};
use crate::ingest::rows::assert_same;

/// The events of the fixtures in the order in which they were sent.
fn events() -> Vec<(String, String)> {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/slack/events");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| (fixture(&format!("events/{name}")), name))
        .map(|(body, name)| (name, body))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_and_recent_bodies_are_taken() {
    let slack = Slack::new().await;
    let body = fixture("events/01.message.json");
    for (secret, age, status) in [
        (SECRET, 301, 401),
        (SECRET, -301, 401),
        ("another secret", 0, 401),
        ("the one before", 0, 200),
        (SECRET, 290, 200),
    ] {
        let answer = slack.signed(&body, secret, age).await;
        assert_eq!(answer.status(), status, "{secret} {age}: {}", answer.text());
    }
    let unsigned = slack.app.post("/api/v1/webhooks/slack", &slack.token, "application/json", body);
    unsigned.await.expect(401);
    assert_eq!(slack.text("select count(*) from slack_message").await, "1");
    let closed = Slack::with(|settings| settings.slack_signing_secrets.clear()).await;
    closed.hook("{}").await.expect(404);

    let challenge = fixture("events/00.url_verification.json");
    let answer = slack.hook(&challenge).await.expect(200);
    assert_eq!(answer["challenge"], "d7dd62df7d1c3d88b1d0f3499105f0da3cc1f2bd3a4ff804ec");
    slack.hook("no json").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_become_rows_and_meet_the_scraped_copies() {
    let slack = Slack::new().await;
    let mut report = Vec::new();
    let mut answers = Vec::new();
    for (name, body) in events() {
        let answer = slack.hook(&body).await;
        answers.push(answer.text().to_owned());
        let receipt = answer.expect(200);
        if name.starts_with("00") {
            continue;
        }
        let codes = crate::ingest::sender::notes(&receipt, "errors");
        report.push(format!("{name}: {:?} {codes:?}", counts(&receipt)));
    }
    report.extend(slack.dump().await);
    insta::assert_snapshot!(report.join("\n"));
    assert_eq!(answers[18], answers[1], "a retry gets the first answer, however it is written");
    let day = slack.app.app().clock.now().date_naive();
    let folder = slack.app.folder().join(format!("workspace/raw/webhooks/slack/{day}"));
    assert!(folder.join("Ev0U1A1BEZG.json").exists());
    assert!(!folder.join("Ev0OYSXTTLP.json").exists(), "private content is not kept");
    assert_eq!(slack.text("select count(*) from dead_letter").await, "0");
    // The scraped copy of the first message says what the event said.
    let mut message: Value =
        serde_json::from_str(&fixture("events/03.message_changed.json")).unwrap();
    let copy = json!([message["event"]["message"].take()]);
    let receipt = slack.post("messages?team=T0QVSH4420&channel=C038HR2678", &copy).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_ten_times_slower_makes_the_same_rows() {
    let (fast, slow) = (Slack::new().await, Slack::slow(10).await);
    for (name, body) in events() {
        let (expected, answer) = tokio::join!(fast.hook(&body), slow.hook(&body));
        assert_eq!(answer.status(), 200, "{name}: {}", answer.text());
        if !name.starts_with("00") {
            assert_eq!(counts(&answer.json()), counts(&expected.json()), "{name}");
        }
    }
    assert!(!slow.app.held_back().is_zero(), "the database was not slow");
    assert_same(&fast.dump().await, &slow.dump().await, "slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_stored_once_however_often_it_comes() {
    let slack = Slack::new().await;
    let body = fixture("events/06.member_joined_channel.json");
    let answers = futures_util::future::join_all((0..16).map(|_| slack.hook(&body))).await;
    let first = answers[0].text().to_owned();
    for answer in answers {
        assert_eq!(answer.text(), first);
        answer.expect(200);
    }
    assert_eq!(slack.text("select count(*) from receipt").await, "1");
    assert_eq!(slack.text("select count(*) from slack_channel_membership_change_log").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_done_once_it_is_archived() {
    let slack = Slack::new().await;
    let body = fixture("events/01.message.json");
    let blocked = slack.app.block_archive();
    slack.hook(&body).await.expect(503);
    assert_eq!(slack.text("select count(*) from slack_message").await, "1", "it is committed");
    std::fs::remove_dir(blocked).unwrap();
    let again = slack.hook(&body).await.expect(200);
    assert_eq!(counts(&again), [0, 0, 1, 0, 0]);
    assert_eq!(slack.app.app().archive.entries().unwrap().count(), 1);
    assert_eq!(slack.hook(&body).await.expect(200), again);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_events_that_break_another_rule_leave_no_trace() {
    let slack = Slack::new().await;
    let bad = json!({"type": "message", "user": "U1", "text": "secret", "ts": "bad"});
    let with = |more: Value| crate::ingest::sender::with(bad.clone(), more);
    for (nth, event) in [
        with(json!({"channel": "D1", "channel_type": "im"})),
        with(json!({"channel": "C9", "channel_type": "mpim"})),
        with(json!({"channel": "G1"})),
        with(json!({"channel_type": "im"})),
        with(json!({"channel": {"is_private": true}})),
    ]
    .into_iter()
    .enumerate()
    {
        let receipt = slack.event(&format!("E{nth}"), event).await;
        let codes = crate::ingest::sender::notes(&receipt, "errors");
        assert_eq!((codes, &receipt["raw"]), (vec!["0 private_channel".to_owned()], &json!([])));
    }
    assert_eq!(slack.text("select count(*) from dead_letter").await, "0");
    // What may be public is kept, and told.
    let receipt = slack.event("E", with(json!({"channel": "C9", "channel_type": "channel"}))).await;
    assert_eq!(crate::ingest::sender::notes(&receipt, "errors"), ["0 invalid_id /event/ts"]);
    assert_eq!(slack.text("select count(*) from dead_letter").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_deletions_may_come_before_their_message() {
    let slack = Slack::new().await;
    let with = |mut event: Value| {
        event["type"] = json!("message");
        event["channel"] = json!("C1");
        event["channel_type"] = json!("channel");
        event
    };
    let mut edited = said("10.000001", "edited");
    edited["edited"] = json!({"ts": "20.000000"});
    slack.event("E1", with(json!({"subtype": "message_changed", "message": edited}))).await;
    slack.event("E2", with(said("10.000001", "as it was"))).await;
    assert_eq!(slack.message("10.000001").await, "edited");
    slack.event("E3", with(json!({"subtype": "message_deleted", "deleted_ts": "11.000001"}))).await;
    let receipt = slack.event("E4", with(said("11.000001", "late"))).await;
    assert_eq!(counts(&receipt), [0, 0, 0, 1, 0]);
    for event in [
        json!({"type": "app_mention", "channel": "C1", "text": "x", "ts": "1.000001"}),
        json!({"type": "channel_deleted", "channel": "C1"}),
        json!({"type": "something_new"}),
    ] {
        let receipt = slack.event(&format!("E-{}", event["type"]), event).await;
        assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    }
    assert_eq!(slack.text("select count(*) from slack_message").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_events_close_their_channel() {
    let slack = Slack::new().await;
    slack.post("messages?team=T1&channel=C1", &json!([said("1.000001", "open")])).await;
    let whisper = json!({"type": "message", "channel": "C1", "channel_type": "group", "user": "U1",
        "text": "closed", "ts": "2.000001", "event_ts": "2.000001"});
    let receipt = slack.event("E1", whisper.clone()).await;
    assert_eq!(receipt["errors"][0]["code"], "private_channel");
    let known = "select channel_type from slack_channel where channel_id = 'C1'";
    assert_eq!(slack.text(known).await, "private_channel");
    assert_eq!(slack.message("2.000001").await, "");
    let reaction = json!({"type": "reaction_added", "item": {"channel": "C1", "ts": "1.000001"}});
    let receipt = slack.event("E2", reaction).await;
    assert_eq!(receipt["errors"][0]["code"], "private_channel", "of any type");

    let open = Slack::with(|settings| settings.allow_private = true).await;
    assert_eq!(counts(&open.event("E1", whisper).await), [1, 0, 0, 0, 0]);
    assert_eq!(open.text(known).await, "private_channel");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_gets_another_id_takes_its_rows_along() {
    let to = |channel: &str| format!("messages?team=T1&channel={channel}");
    let moved = json!({"type": "channel_id_changed", "old_channel_id": "C1",
        "new_channel_id": "C2", "event_ts": "50.000001"});
    let old = json!([said("10.000001", "a"), super::moved("11.000000", "channel_join", "U1"),
        {"subtype": "message_deleted", "deleted_ts": "15.000001", "ts": "16.000001"}]);
    let new = json!([
        said("10.000001", "a"),
        said("15.000001", "deleted"),
        super::moved("20.000000", "channel_leave", "U1")
    ]);
    let mut expected: Option<Vec<String>> = None;
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let slack = Slack::new().await;
        for step in order {
            match step {
                0 => drop(slack.post(&to("C1"), &old).await),
                1 => drop(slack.post(&to("C2"), &new).await),
                _ => drop(slack.event("E1", moved.clone()).await),
            }
        }
        // A late copy under the old id is about the new one.
        let receipt = slack.post(&to("C1"), &old).await;
        assert_eq!(counts(&receipt)[0], 0, "{order:?}: {receipt}");
        let rows = slack.rows(&["member", "log", "message"]).await;
        match &expected {
            None => expected = Some(rows),
            Some(first) => assert_same(first, &rows, &format!("{order:?}")),
        }
        assert_eq!(slack.members("C2").await, "-U1");
    }
}
