//! Webhooks while the database answers ten times slower.

use futures_util::future::join_all;
use serde_json::Value;

use super::{column, events::fixtures, hook_settings, hooked, issue, of_issue, outcome, redeliver};
use crate::{
    ingest::{rows, sender::Sender},
    support::TestApp,
};

const TIMES: u32 = 10;

async fn slow() -> Sender {
    let app = TestApp::slow(TIMES, hook_settings).await;
    let token = app.token(&["ingest:*"]);
    Sender { app, token }
}

/// When a repository was deleted is when we were told.
async fn dump(sender: &Sender) -> Vec<String> {
    let mut rows = rows::dump(sender.app.db()).await;
    rows.retain(|row| !row.contains("removed_at\": \"2"));
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_accepted_and_makes_the_rows_it_always_makes() {
    let (fast, slow) = (hooked().await, slow().await);
    for (nth, (event, body)) in fixtures().into_iter().enumerate() {
        let id = format!("delivery-{nth}");
        let (expected, answer) =
            tokio::join!(redeliver(&fast, event, &id, &body), redeliver(&slow, event, &id, &body));
        assert_eq!(answer.status(), expected.status(), "{event}: {}", answer.text());
        assert!([200, 202].contains(&answer.status()), "{event}: {}", answer.text());
        assert_eq!(outcome(&answer.json()), outcome(&expected.json()), "{event}");
    }
    assert!(!slow.app.held_back().is_zero(), "the database was not slow");
    rows::assert_same(&dump(&fast).await, &dump(&slow).await, "slow");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_accepted_and_the_newest_event_wins() {
    let slow = slow().await;
    let days: Vec<u32> = (1..=12).map(|day| day * 5 % 13).collect();
    let answers = join_all(days.iter().map(|day| {
        let (sender, body) = (&slow, of_issue("edited", &issue(*day)));
        async move { redeliver(sender, "issues", &format!("day-{day}"), &body).await }
    }));
    let answers = answers.await;
    let receipts: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200)).collect();
    assert_eq!(column(&slow, "issue", "title").await, ["Day 12"]);
    // A source that did not get the answer in time sends again, and gets the first one.
    let again = redeliver(&slow, "issues", "day-5", &of_issue("edited", &issue(5))).await;
    assert_eq!(again.expect(200), receipts[0]);
}
