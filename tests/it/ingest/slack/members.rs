//! Who is in a channel: lists, joins and leaves.

use serde_json::{Value, json};

use super::{Slack, counts, moved};
use crate::ingest::sender::notes;

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_event_of_a_user_decides() {
    let slack = Slack::new().await;
    let list = "channel-members?team=T1&channel=C1&as_of=2024-01-01T00:00:";
    let at = |second: i64| format!("{}.000001", 1_704_067_200 + second);
    let event = "messages?team=T1&channel=C1";

    let receipt = slack.post(&format!("{list}10Z"), &json!(["U1", "U2", "U2"])).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(notes(&receipt, "warnings"), ["0 duplicate_in_payload /2"]);
    assert_eq!(slack.members("C1").await, "U1 U2");
    // Removes, adds.
    let receipt = slack.post(&format!("{list}20Z"), &json!({"members": ["U2", "U3"]})).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    assert_eq!(slack.members("C1").await, "-U1 U2 U3");
    // A page of a list adds.
    let page = json!({"ok": true, "members": ["U4"], "response_metadata": {"next_cursor": "x="}});
    let receipt = slack.post(&format!("{list}30Z"), &page).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 partial_list /response_metadata/next_cursor"]);
    assert_eq!(slack.members("C1").await, "-U1 U2 U3 U4");
    // A join older than the list comes late; a join after it counts.
    let receipt = slack.post(event, &json!([moved(&at(5), "channel_join", "U5")])).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    slack.post(event, &json!([moved(&at(40), "channel_join", "U1")])).await;
    assert_eq!(slack.members("C1").await, "U1 U2 U3 U4 -U5");
    // A leave without a row, and a list older than a leave.
    slack.post(event, &json!([moved(&at(50), "channel_leave", "U6")])).await;
    slack.post(event, &json!([moved(&at(50), "group_leave", "U1")])).await;
    let receipt = slack.post(&format!("{list}45Z"), &json!(["U1", "U2", "U3", "U4"])).await;
    assert_eq!(counts(&receipt), [0, 0, 0, 1, 0], "the leave is newer");
    assert_eq!(slack.members("C1").await, "-U1 U2 U3 U4 -U5 -U6");
    // Lists write no change log.
    let log = "select count(*) from slack_channel_membership_change_log";
    assert_eq!(slack.text(log).await, "4");
    let receipt = slack.post(&format!("{list}59Z"), &json!([])).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    assert_eq!(slack.members("C1").await, "-U1 -U2 -U3 -U4 -U5 -U6");
    assert_eq!(counts(&slack.post(&format!("{list}59Z"), &json!([])).await), [0, 0, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_say_which_channel_they_are_of() {
    let slack = Slack::new().await;
    for (to, body, code) in [
        ("channel-members?team=T1", json!(["U1"]), "0 missing_context"),
        ("channel-members?channel=C1", json!(["U1"]), "0 missing_context"),
        ("channel-members?team=T1", json!({"channel": "C1"}), "0 unknown_shape"),
        ("channel-members?team=T1&channel=C1", json!([7]), "0 invalid_type /0"),
        ("channel-members?team=T1&channel=C1", json!([null]), "0 invalid_type /0"),
        (
            "channel-members?team=T1&channel=C1",
            json!({"ok": false, "members": []}),
            "0 source_error",
        ),
    ] {
        assert_eq!(slack.refused(to, &body).await, [code], "{to} {body}");
    }
    assert_eq!(slack.text("select count(*) from dead_letter").await, "6");
    let both = json!({"team": "T1", "channel": "C1", "members": ["U1"]});
    let receipt = slack.post("channel-members?team=T1&channel=C2", &both).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch /channel"]);
    assert_eq!(slack.members("C1").await, "U1");
    // A workspace's export has the members in the channel.
    let export = json!([{"id": "C3", "name": "c", "members": ["U1", "U7"]}]);
    assert_eq!(counts(&slack.post("channels?team=T1", &export).await), [1, 0, 0, 0, 0]);
    assert_eq!(slack.members("C3").await, "U1 U7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_told_twice_is_one_event() {
    let slack = Slack::new().await;
    let log = "select string_agg(is_joined || ' ' || extract(epoch from created_at)::numeric, ', ' \
               order by created_at) from slack_channel_membership_change_log";
    let messages = "messages?team=T1&channel=C1";
    let event =
        |name: &str, ts: &str| json!({"type": name, "user": "U1", "channel": "C1", "event_ts": ts});
    slack.event("E1", event("member_joined_channel", "103.000000")).await;
    let receipt = slack.post(messages, &json!([moved("100.000000", "channel_join", "U1")])).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0], "the earlier time is kept");
    assert_eq!(slack.text(log).await, "true 100.000000");
    let receipt = slack.event("E2", event("member_left_channel", "104.000000")).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    let receipt = slack.post(messages, &json!([moved("106.000000", "channel_leave", "U1")])).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    assert_eq!(slack.text(log).await, "true 100.000000, false 104.000000");
    assert_eq!(slack.members("C1").await, "-U1");
    slack.event("E3", event("member_joined_channel", "110.000000")).await;
    assert_eq!(slack.members("C1").await, "U1", "who joins again is back");
    assert_eq!(slack.text(log).await, "true 100.000000, false 104.000000, true 110.000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_sent_at_once_end_in_one_state() {
    let slack = Slack::new().await;
    let to = |second: u32| {
        format!("channel-members?team=T1&channel=C1&as_of=2024-01-01T00:00:{second:02}Z")
    };
    let list = |nth: u32| -> Value { (0..=nth).map(|user| format!("U{user}")).collect() };
    let sends = (0..16).map(|nth| {
        let slack = &slack;
        async move { slack.post(&to(nth % 4), &list(nth % 4)).await }
    });
    futures_util::future::join_all(sends).await;
    assert_eq!(slack.members("C1").await, "U0 U1 U2 U3");
    assert_eq!(slack.text("select count(*) from slack_channel").await, "1");
}
