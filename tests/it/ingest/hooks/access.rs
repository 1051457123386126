//! Who may deliver, and what a repeated delivery is.

use serde_json::{Value, json};

use super::{
    super::sender::Sender, SECRET, column, deliver, hooked, issue, of_issue, outcome, redeliver,
    rows, signature, signed,
};
use crate::support::{
    TestApp,
    dump::{assert_same, dump},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_without_a_secret_is_not_there() {
    let sender = Sender::new().await;
    let body = of_issue("opened", &issue(1));
    let problem = redeliver(&sender, "issues", "1", &body).await.expect(404);
    assert_eq!(problem["type"], "urn:boost-dashboard:not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_good_signature_is_let_in() {
    let sender = Sender::with(|settings| {
        settings.github_webhook_secrets = vec!["new".into(), "old".into()];
    })
    .await;
    let body = of_issue("opened", &issue(1)).to_string();
    let good = signature("new", body.as_bytes());
    let bad = [
        None,
        Some(String::new()),
        Some("sha256=".to_owned()),
        Some(good.replace("sha256=", "sha1=")),
        Some(good.replace("sha256=", "")),
        Some(format!("sha256={}", "0".repeat(64))),
        Some(good[..good.len() - 2].to_owned()),
        Some(signature("newer", body.as_bytes())),
        Some(signature("new", b"another body")),
    ];
    for signature in bad {
        let answer = signed(&sender, "issues", "1", body.clone(), signature.as_deref()).await;
        assert_eq!(answer.header("www-authenticate"), Some("X-Hub-Signature-256"));
        let problem = answer.expect(401);
        assert_eq!(problem["type"], "urn:boost-dashboard:invalid_signature", "{signature:?}");
    }
    assert_eq!(sender.number("select count(*) from receipt").await, 0);
    assert_eq!(rows(&sender, "issue").await.len(), 0);
    for (id, secret) in [("1", "new"), ("2", "old")] {
        let good = signature(secret, body.as_bytes());
        signed(&sender, "issues", id, body.clone(), Some(&good)).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_delivery_is_refused() {
    let sender = Sender::with(|settings| {
        settings.github_webhook_secrets = vec![SECRET.into()];
        settings.body_limit = 10_000;
    })
    .await;
    let send = async |headers: &[(&str, &str)], body: &str| {
        let mut request =
            crate::support::request(axum::http::Method::POST, "/api/v1/webhooks/github", None)
                .header("x-hub-signature-256", signature(SECRET, body.as_bytes()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        sender.app.send(request.body(axum::body::Body::from(body.to_owned())).unwrap()).await
    };
    let (event, id) = (("x-github-event", "issues"), ("x-github-delivery", "1"));
    send(&[event], "{}").await.expect(400);
    send(&[id], "{}").await.expect(400);
    send(&[event, id, ("content-type", "application/x-www-form-urlencoded")], "payload={}")
        .await
        .expect(415);
    send(&[event, id, ("content-encoding", "gzip")], "{}").await.expect(415);
    send(&[event, id], &" ".repeat(10_001)).await.expect(413);
    assert_eq!(sender.number("select count(*) from receipt").await, 0);

    // What is signed and broken is kept as a dead letter, like any payload.
    for (id, body) in [("2", "{\"action\": "), ("3", "[]"), ("4", "[{}]"), ("5", "{}"), ("6", "")] {
        let receipt = send(&[event, ("x-github-delivery", id)], body).await.expect(422);
        assert_eq!(outcome(&receipt).0, "rejected", "{body}: {receipt}");
    }
    assert_eq!(sender.number("select count(*) from dead_letter").await, 5);
    let id = sender.number("select id from dead_letter where body = '{}'").await;
    let retried = sender.retry(&json!(id)).await.expect(200);
    assert_eq!(retried["rejected"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_taken_once() {
    let sender = hooked().await;
    let body = of_issue("opened", &issue(1));
    let (first, second) = tokio::join!(
        redeliver(&sender, "issues", "one", &body),
        redeliver(&sender, "issues", "one", &body),
    );
    assert_eq!((first.status(), second.status()), (200, 200));
    assert_eq!(first.text(), second.text());
    let third = redeliver(&sender, "issues", "one", &body).await;
    assert_eq!(first.text(), third.text());
    assert_eq!(outcome(&first.json()).0, "inserted");
    assert_eq!(sender.number("select count(*) from receipt").await, 1);
    redeliver(&sender, "issues", "one", &of_issue("edited", &issue(2))).await.expect(409);
    // The same event under another id changes nothing.
    let receipt = deliver(&sender, "issues", &body).await;
    assert_eq!(outcome(&receipt).0, "unchanged");

    let path = first.json()["raw"][0].as_str().unwrap().to_owned();
    let day = &first.json()["started_at"].as_str().unwrap()[..10].to_owned();
    assert!(path.starts_with(&format!("raw/webhooks/github/{day}/one@")), "{path}");
    let raw = sender.get(&format!("/ingest/{path}")).await;
    assert_eq!(raw.text(), body.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_events_are_archived_and_counted() {
    let sender = hooked().await;
    for event in ["gollum", "watch", "status", "an-event-of-tomorrow"] {
        let receipt = redeliver(&sender, event, event, &json!({"action": "x"})).await.expect(202);
        assert_eq!(outcome(&receipt), ("unchanged", vec!["ignored".to_owned()]), "{event}");
        let again = redeliver(&sender, event, event, &json!({"action": "x"})).await.expect(202);
        assert_eq!(again["id"], receipt["id"]);
        assert!(receipt["raw"][0].as_str().unwrap().contains(event), "{receipt}");
    }
    assert_eq!(sender.number("select sum(unchanged) from receipt").await, 4);
    assert_eq!(sender.number("select count(*) from github_repository").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_answered_in_time() {
    let sender = Sender::with(|settings| {
        settings.github_webhook_secrets = vec![SECRET.into()];
        settings.pool_size = 1;
        settings.pool_wait_ms = 300;
    })
    .await;
    let held = sender.app.app().pool.get().await.unwrap();
    let body = of_issue("opened", &issue(1));
    let answer = redeliver(&sender, "issues", "one", &body).await;
    assert!(answer.header("retry-after").is_some());
    answer.expect(503);
    drop(held);
    // GitHub sends it again, under the same id.
    let receipt = redeliver(&sender, "issues", "one", &body).await.expect(200);
    assert_eq!(outcome(&receipt).0, "inserted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_makes_equal_rows() {
    use boost_dashboard::ingest::replay::{Options, replay};
    let sender = hooked().await;
    let deliveries: Vec<(&str, Value)> = super::events::fixtures()
        .into_iter()
        .chain([
            ("issues", of_issue("opened", &issue(1))),
            ("label", super::edits::label("edited", "old", Some("new"))),
            ("label", super::edits::label("deleted", "bug", None)),
            ("issues", super::edits::transferred()),
            ("issues", of_issue("deleted", &super::edits::with_id(issue(3), 602, 9))),
            ("push", super::events::push("refs/heads/develop")),
        ])
        .collect();
    for (event, body) in &deliveries {
        let id = uuid::Uuid::now_v7().to_string();
        let answer = redeliver(&sender, event, &id, body).await;
        assert!([200, 202].contains(&answer.status()), "{event}: {}", answer.text());
    }
    assert!(!column(&sender, "issue_label", "label_name").await.contains(&json!("old")));
    let workspace = sender.app.app().settings.workspace.clone();
    let other = TestApp::with(|settings| settings.workspace = workspace).await;
    let summary = replay(other.app(), Options::default(), |_| ()).await.unwrap();
    assert!(summary.is_whole(), "{summary:?}");
    assert_eq!(summary.documents, deliveries.len() as u64);
    assert_same(&dump(sender.app.db().url()).await, &dump(other.db().url()).await);
}
