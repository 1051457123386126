//! Real payloads, or real texts in Slack's shape: what they become, twice and at once.

use serde_json::Value;

use super::{Slack, counts, fixture, json_fixture};
use crate::ingest::rows::assert_same;

/// The payloads of a workspace, each with where it goes.
fn workspace() -> Vec<(&'static str, String)> {
    vec![
        ("teams", fixture("team.json")),
        ("users?team=T0QVSH4420", fixture("users.json")),
        ("channels?team=T0QVSH4420", fixture("channels.json")),
        ("channel-members?team=T0QVSH4420&as_of=2026-02-01T00:00:00Z", fixture("members.json")),
        ("messages?team=T0QVSH4420", fixture("history.json.gz")),
        ("messages?team=T0QVSH4420&channel=C038HR2678", fixture("2020-01-07.json")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_taken_in() {
    let slack = Slack::new().await;
    let mut report = Vec::new();
    for (to, body) in workspace() {
        let receipt = slack.raw(to, body).await.expect(200);
        report.push(format!("{to}: {:?}", counts(&receipt)));
        for list in ["warnings", "errors"] {
            report.extend(crate::ingest::sender::notes(&receipt, list));
        }
    }
    report.extend(slack.rows(&["team", "channel", "log", "gone"]).await);
    report.extend(slack.rows(&["user", "email", "member"]).await.into_iter().step_by(12));
    report.extend(slack.rows(&["message"]).await.into_iter().step_by(40));
    insta::assert_snapshot!(report.join("\n"));
    let drift = slack.app.get_as(&slack.token, "/api/v1/ingest/drift").await.json();
    assert_eq!(drift["data"], serde_json::json!([]), "keys that Slack sends are known");

    // The same again changes nothing.
    let before = slack.exact().await;
    for (to, body) in workspace() {
        let [inserted, updated, ..] = counts(&slack.raw(to, body).await.expect(200));
        assert_eq!((inserted, updated), (0, 0), "{to}");
    }
    assert_same(&before, &slack.exact().await, "sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_are_as_good_as_one() {
    let one = Slack::new().await;
    for (to, body) in workspace() {
        one.raw(to, body).await.expect(200);
    }
    let many = Slack::new().await;
    let sends = (0..16).flat_map(|_| workspace()).map(|(to, body)| many.raw(to, body));
    for answer in futures_util::future::join_all(sends).await {
        answer.expect(200);
    }
    // Channels without a time of their own, and what knows them before: that is all the same here.
    assert_same(&one.dump().await, &many.dump().await, "one and sixteen");
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(many.text(deadlocks).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_that_slack_documents_is_known() {
    let slack = Slack::new().await;
    slack.raw("messages?team=T1&channel=C1", fixture("bot.json")).await.expect(200);
    let mut event = json_fixture("blank/MessagePayload.json")["event"].take();
    event["ts"] = "1.000001".into();
    slack.post("messages?team=T1&channel=C1", &Value::Array(vec![event])).await;
    let mut user = json_fixture("blank/TeamJoinPayload.json")["event"]["user"].take();
    user["id"] = "U1".into();
    slack.post("users", &user).await;
    for name in ["conversations.history", "conversations.members", "team.info"] {
        let kind = match name {
            "conversations.history" => "messages?team=T1&channel=C1",
            "conversations.members" => "channel-members?team=T1&channel=C1",
            _ => "teams",
        };
        let receipt = slack.raw(kind, fixture(&format!("blank/{name}.json"))).await.expect(422);
        assert_eq!(receipt["errors"][0]["code"], "source_error", "{name} says that it failed");
    }
    let drift = slack.app.get_as(&slack.token, "/api/v1/ingest/drift").await.json();
    assert_eq!(drift["data"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_nothing() {
    let slack = Slack::new().await;
    for (to, body) in workspace() {
        let to = format!("{to}{}dry_run=true", if to.contains('?') { "&" } else { "?" });
        slack.raw(&to, body).await.expect(200);
    }
    assert_eq!(slack.dump().await, Vec::<String>::new());
    assert!(!slack.app.folder().join("workspace/raw/cppa_slack_tracker").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_makes_the_same_rows() {
    let slack = Slack::new().await;
    for (to, body) in workspace() {
        slack.raw(to, body).await.expect(200);
    }
    for name in ["03.message_changed", "05.message_deleted", "10.channel_rename", "13.user_change"]
    {
        slack.hook(&fixture(&format!("events/{name}.json"))).await.expect(200);
    }
    let workspace = slack.app.app().settings.workspace.clone();
    let again = Slack::with(|settings| settings.workspace = workspace).await;
    let options = boost_dashboard::ingest::replay::Options::default();
    boost_dashboard::ingest::replay::replay(again.app.app(), options, |_| ()).await.unwrap();
    assert_same(&slack.dump().await, &again.dump().await, "replayed");
}
