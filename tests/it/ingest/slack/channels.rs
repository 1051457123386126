//! Teams, users and channels.

use serde_json::json;

use super::{Slack, counts};
use crate::ingest::sender::notes;

#[tokio::test(flavor = "multi_thread")]
async fn a_team_keeps_its_name_until_another_is_said() {
    let slack = Slack::new().await;
    let name = "select team_name from slack_team where team_id = 'T1'";
    for (body, stored, action) in [
        (json!({"id": "T1"}), "T1", 0),
        (json!({"ok": true, "team": {"id": "T1", "name": "Boost"}}), "Boost", 1),
        (json!({"team_id": "T1"}), "Boost", 2),
        (json!({"team_id": "T1", "team_name": null}), "Boost", 2),
        (json!({"ok": true, "team_id": "T1", "team": "Boost C++"}), "Boost C++", 1),
    ] {
        let receipt = slack.post("teams", &body).await;
        assert_eq!(counts(&receipt)[action], 1, "{body}: {receipt}");
        assert_eq!(slack.text(name).await, stored, "{body}");
    }
    let older = json!({"id": "T1", "name": "Before"});
    let receipt = slack.post("teams?as_of=2020-01-01T00:00:00Z", &older).await;
    assert_eq!(counts(&receipt), [0, 0, 0, 1, 0]);
    let renamed = json!({"type": "team_rename", "name": "Now", "event_ts": "1.000001"});
    assert_eq!(counts(&slack.event("E1", renamed).await), [0, 0, 0, 1, 0], "it is old");
    for (body, code) in [
        (json!({"ok": false, "error": "invalid_auth", "team": {"id": "T2"}}), "source_error"),
        (json!({"name": "x"}), "missing_field /id"),
        (json!({"id": 7}), "invalid_type /id"),
        (json!([7]), "unknown_shape"),
    ] {
        let codes = slack.refused("teams", &body).await;
        assert_eq!(codes, [format!("0 {code}")], "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_never_blanked_and_guests_are_marked() {
    let slack = Slack::new().await;
    slack.post("channel-members?team=T1&channel=C1", &json!(["U1", "U2"])).await;
    let user = |updated: i64, more: serde_json::Value| {
        let mut user = json!({"id": "U1", "name": "jane", "updated": updated});
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let guest = user(
        10,
        json!({"is_ultra_restricted": true, "is_restricted": false,
        "profile": {"real_name": "Jane Roe", "email": "Jane@Example.org", "image_72": "i"}}),
    );
    let receipt = slack.post("users", &json!({"ok": true, "members": [guest]})).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0], "a stub is filled");
    assert_eq!(receipt["tables"]["slack_channel_membership"]["updated"], 1);
    let member = "select string_agg(u.slack_user_id || m.is_restricted, ' ' order by u.slack_user_id) \
                  from slack_channel_membership m join slack_user u on u.id = m.slack_user_id";
    assert_eq!(slack.text(member).await, "U1true U2false");
    // Memberships that come later have it too.
    slack.post("channel-members?team=T1&channel=C2", &json!(["U1"])).await;
    assert_eq!(
        slack.text("select count(*) from slack_channel_membership where is_restricted").await,
        "2"
    );

    let blank = user(20, json!({"real_name": "", "profile": {"email": "", "image_72": null}}));
    assert_eq!(counts(&slack.post("users", &blank).await), [0, 1, 0, 0, 0]);
    let older = user(5, json!({"real_name": "Old", "deleted": true}));
    assert_eq!(counts(&slack.post("users", &older).await), [0, 0, 0, 1, 0]);
    let row = "select concat_ws('|', username, display_name, avatar_url, is_restricted) \
               from slack_user where slack_user_id = 'U1'";
    assert_eq!(slack.text(row).await, "jane|jane|i|t");
    assert_eq!(slack.text("select email || is_primary from email").await, "Jane@Example.orgtrue");
    let receipt = slack.post("users", &user(30, json!({"profile": {"email": "nonsense"}}))).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 bad_address /profile/email"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_of_a_team_and_say_their_type() {
    let slack = Slack::new().await;
    let channel = json!({"id": "C1", "name": "boost", "is_channel": true, "creator": "U9",
        "updated": 1_700_000_000_000_i64, "purpose": {"value": ""}, "topic": {"value": "the topic"}});
    assert_eq!(slack.refused("channels", &channel).await, ["0 missing_context"]);
    let receipt = slack.post("channels?team=T1", &json!({"ok": true, "channels": [channel]})).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(
        receipt["raw"][0].as_str().unwrap().split('@').next().unwrap(),
        "raw/cppa_slack_tracker/T1/channels/C1"
    );
    let row = "select concat_ws('|', channel_name, channel_type, description, creator_user_id is null) \
               from slack_channel where channel_id = 'C1'";
    assert_eq!(slack.text(row).await, "boost|public_channel|the topic|f");
    // The team is known from now on, unless another has the channel too.
    let receipt = slack.post("channels", &channel).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0], "{receipt}");
    slack.post("channels?team=T2", &channel).await;
    assert_eq!(slack.refused("channels", &channel).await, ["0 missing_context"]);
    let both = json!({"id": "C1", "context_team_id": "T1", "name": "x", "updated": 1});
    let receipt = slack.post("channels?team=T2", &both).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch /context_team_id"]);
    assert_eq!(counts(&receipt), [0, 0, 0, 1, 0], "older");
    assert_eq!(
        slack.refused("channels?team=T1", &json!({"ok": false, "channels": [channel]})).await,
        ["0 source_error"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_public_leaves_no_trace_unless_it_is_asked_for() {
    let slack = Slack::new().await;
    slack.post("channels?team=T1", &json!({"id": "C1", "name": "open"})).await;
    slack.post("messages?team=T1&channel=C1", &json!([super::said("1.000001", "secret")])).await;
    let raw = slack.app.folder().join("workspace/raw");
    let before = files(&raw);
    for body in [
        json!({"id": "C9", "is_private": true}),
        json!({"id": "C9", "is_group": true}),
        json!({"id": "C9", "is_mpim": true, "is_private": true}),
        json!({"id": "C9", "is_im": true, "user": "U1"}),
        json!({"id": "C9", "type": "IM"}),
        json!({"id": "G9", "is_channel": true}),
        json!({"id": "D9"}),
    ] {
        assert_eq!(slack.refused("channels?team=T1", &body).await, ["0 private_channel"], "{body}");
    }
    let hello = json!([super::said("1.000002", "hello")]);
    assert_eq!(slack.refused("messages?team=T1&channel=D1", &hello).await, ["0 private_channel"]);
    assert_eq!(
        slack.refused("channel-members?team=T1&channel=G1", &json!(["U1"])).await,
        ["0 private_channel"]
    );
    // A dry run tells, and changes nothing.
    let closed = json!({"id": "C1", "name": "closed", "is_private": true});
    assert_eq!(
        slack.refused("channels?team=T1&dry_run=true", &closed).await,
        ["0 private_channel"]
    );
    let known =
        "select channel_name || ' ' || channel_type from slack_channel where channel_id = 'C1'";
    assert_eq!(slack.refused("channels?team=T1&dry_run", &closed).await, ["0 private_channel"]);
    assert_eq!(slack.text(known).await, "open public_channel");
    // A known channel is closed, and nothing else of the payload is kept.
    assert_eq!(slack.refused("channels?team=T1", &closed).await, ["0 private_channel"]);
    assert_eq!(slack.text(known).await, "open private_channel");
    assert_eq!(slack.refused("messages?team=T1&channel=C1", &hello).await, ["0 private_channel"]);
    // Nor does it when it breaks another rule as well.
    let bad = json!({"type": "message", "user": "U1", "text": "secret", "ts": "bad"});
    let (said, whole) = (super::said("1.000003", "secret"), "0 private_channel");
    for (to, body, codes) in [
        ("messages?team=T1&channel=D1", json!([bad]), &[whole][..]),
        ("messages?team=T1&channel=C1", json!([bad]), &[whole]),
        ("messages?team=T1&channel=D1", json!([said, bad]), &[whole, "1 private_channel"]),
        ("messages?team=T1&channel=D1", json!(["secret"]), &[whole]),
        ("messages?team=T1&channel=D1", json!({"ok": false, "error": "secret"}), &[whole]),
        ("messages?team=T1", json!({"channel": "D1", "messages": "secret"}), &[whole]),
        ("messages", json!({"channel": {"id": "D1"}, "messages": [bad]}), &[whole]),
        ("channels?team=T1", json!({"id": "D5", "name": "secret", "members": [null]}), &[whole]),
        ("channels", json!({"id": "C7", "is_im": true, "name": "x", "members": [7]}), &[whole]),
        ("channel-members?team=T1&channel=G1", json!({"members": "secret"}), &[whole]),
        ("channel-members?team=T1", json!({"channel": "D1", "members": [7]}), &[whole]),
    ] {
        assert_eq!(slack.refused(to, &body).await, codes, "{to} {body}");
    }
    for broken in ["[{\"text\": \"secret\"", "[{\"text\": secret}]"] {
        let answer = slack.raw("messages?team=T1&channel=D1", broken).await;
        assert!([400, 422].contains(&answer.status()), "{}", answer.text());
    }
    assert_eq!(files(&raw), before, "nothing of it is archived");
    assert_eq!(slack.text("select count(*) from dead_letter").await, "0");
    let anyone = slack.app.get("/api/v1/slack/messages").await.expect(200);
    assert_eq!(anyone["data"], json!([]), "what was public is not any more");

    let receipt = slack.post("channels?team=T1&allow_private=true", &closed).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    slack.post("channels?team=T1&allow_private=true", &json!({"id": "D2", "is_im": true})).await;
    let receipt = slack.post("messages?team=T1&channel=D2&allow_private=true", &hello).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    let name =
        "select channel_name || ' ' || channel_type from slack_channel where channel_id = 'D2'";
    assert_eq!(slack.text(name).await, "D2 im");
    // Then a fault is told, and kept.
    let codes =
        slack.refused("messages?team=T1&channel=D2&allow_private=true", &json!([bad])).await;
    assert_eq!(codes, ["0 invalid_id /ts"]);
    assert_eq!(slack.text("select count(*) from dead_letter").await, "1");
    // Which messages are known is told to the scraper, and to whoever may read them.
    let gone = json!([{"subtype": "message_deleted", "deleted_ts": "1.000009", "ts": "2.000000"}]);
    slack.post("messages?team=T1&channel=D2&allow_private=true", &gone).await;
    let ask = async |token: &str, kind: &str, keys: serde_json::Value| {
        let path = format!("/api/v1/ingest/slack/{kind}/known");
        let answer = slack.app.post_json(&path, token, &json!({"keys": keys})).await.expect(200);
        ["known", "deleted"].map(|list| answer[list].as_array().unwrap().len())
    };
    let messages = json!(["T1/D2:1.000002", "T1/D2:1.000009", "T1/C1:1.000001", "T1/D2:7.000000"]);
    for (scope, seen) in [("ingest:github", 0), ("ingest:slack", 1), ("read:pii", 1)] {
        let token = slack.app.token(&["read", scope]);
        assert_eq!(ask(&token, "messages", messages.clone()).await, [2 * seen, seen], "{scope}");
        assert_eq!(ask(&token, "channels", json!(["T1/D2", "T1/C1"])).await, [2 * seen, 0]);
    }
    // Where a scraper of it resumes is told to the scraper, and to whoever may read it.
    let marks = "/api/v1/ingest/watermarks?domain=slack";
    let failing = json!([{"ts": "no time", "type": "message"}]);
    slack.refused("messages?team=T1&channel=D3&allow_private=true", &failing).await;
    let token = |scope| slack.app.token(&["read", scope]);
    for (token, seen) in
        [(token("ingest:github"), 0), (token("ingest:slack"), 3), (token("read:pii"), 3)]
    {
        let answer = slack.app.get_as(&token, marks).await.expect(200);
        assert_eq!(answer["data"].as_array().unwrap().len(), seen, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_page_that_is_private_in_part_the_rest_is_archived() {
    let slack = Slack::new().await;
    let mut messages = [super::said("1.000001", "aloud"), super::said("1.000002", "whispered")];
    messages[0]["channel"] = json!("C2");
    messages[1]["channel"] = json!("D2");
    let receipt = slack.post("messages?team=T1", &json!({"messages": messages})).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 1]);
    let raw = receipt["raw"][0].as_str().unwrap();
    let kept = std::fs::read_to_string(slack.app.folder().join("workspace").join(raw)).unwrap();
    assert!(kept.contains("aloud") && !kept.contains("whispered"), "{kept}");
    assert_eq!(slack.text("select count(*) from dead_letter").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_kept_without_what_is_private() {
    let slack = Slack::new().await;
    let mut conn = slack.app.db().connect().await;
    let broken = "create function refuse() returns trigger language plpgsql as \
        $$ begin raise exception 'no'; end $$; \
        create trigger refuse before insert on slack_message for each row execute function refuse()";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, broken).await.unwrap();
    let mut messages = [super::said("1.000001", "aloud"), super::said("1.000002", "whispered")];
    messages[0]["channel"] = json!("C2");
    messages[1]["channel"] = json!("D2");
    let body = json!({"messages": messages});
    assert_eq!(slack.refused("messages?team=T1", &body).await, ["0 unstorable"]);
    assert_eq!(
        slack.refused("messages?team=T1&channel=D2", &json!([super::said("1.000002", "x")])).await,
        ["0 private_channel"]
    );
    let letters = slack.lines("select convert_from(body, 'UTF8') from dead_letter").await;
    assert!(letters.len() == 1 && letters[0].contains("aloud"), "{letters:?}");
    assert!(!letters[0].contains("whispered"), "{letters:?}");
    let raw = slack.text("select raw_path from dead_letter").await;
    let kept = std::fs::read_to_string(slack.app.folder().join("workspace").join(raw)).unwrap();
    assert!(kept.contains("aloud") && !kept.contains("whispered"), "{kept}");
}

/// The names of the files below a folder, without manifests.
fn files(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "_manifest" && name != ".journal" {
                folders.push(path);
            } else if path.is_file() {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}
