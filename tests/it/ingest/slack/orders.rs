//! Any order and any repetition of the same payloads ends in the same rows.

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{Slack, moved};
use crate::ingest::rows::assert_same;

/// A payload and where it goes.
type Sent = (String, Value);

/// Lists at whole seconds, and joins and leaves around them, of three users.
fn membership() -> BoxedStrategy<Sent> {
    let user = || select(vec!["U1", "U2", "U3"]);
    let list =
        (10..20_u32, vec(user(), 0..3), any::<bool>()).prop_map(|(second, users, is_page)| {
            let cursor = if is_page { "more" } else { "" };
            let body = json!({"members": users, "response_metadata": {"next_cursor": cursor}});
            (format!("channel-members?team=T1&channel=C1&as_of=1970-01-01T00:00:{second}Z"), body)
        });
    let event = (10..20_u32, user(), select(vec!["channel_join", "channel_leave"])).prop_map(
        |(second, user, subtype)| {
            let event = moved(&format!("{second}.000000"), subtype, user);
            ("messages?team=T1&channel=C1".to_owned(), json!([event]))
        },
    );
    let guest = (1..3_i64, user(), any::<bool>()).prop_map(|(updated, user, flag)| {
        ("users".to_owned(), json!({"id": user, "updated": updated, "is_restricted": flag}))
    });
    prop_oneof![3 => list, 5 => event, 1 => guest].boxed()
}

/// Versions of two messages and of what surrounds them.
fn conversation() -> BoxedStrategy<Sent> {
    let ts = || select(vec!["10.000001", "20.000001"]);
    let to = || "messages?team=T1&channel=C1".to_owned();
    let message = (
        ts(),
        select(vec![json!("U1"), json!("U2"), Value::Null]),
        select(vec!["a", "b"]),
        select(vec![
            json!({}),
            json!({"edited": {"ts": "30.000000"}}),
            json!({"edited": {"ts": "31.000000"}}),
        ]),
        select(vec![Value::Null, json!("10.000001"), json!("20.000001")]),
    )
        .prop_map(move |(ts, user, text, edited, thread)| {
            let mut body = json!({"ts": ts, "user": user, "text": text, "thread_ts": thread});
            body.as_object_mut().unwrap().extend(edited.as_object().unwrap().clone());
            (to(), json!([body]))
        });
    let replied = ts().prop_map(move |ts| {
        let body = json!([{"subtype": "message_replied", "message": {"ts": ts, "thread_ts": ts}}]);
        ("messages?team=T1&channel=C1".to_owned(), body)
    });
    let deleted = ts().prop_map(|ts| {
        let body = json!([{"subtype": "message_deleted", "deleted_ts": ts, "ts": "50.000000"}]);
        ("messages?team=T1&channel=C1".to_owned(), body)
    });
    let channel =
        (1..3_i64, select(vec!["x", "y"]), any::<bool>()).prop_map(|(at, name, has_creator)| {
            let creator = if has_creator { json!("U5") } else { Value::Null };
            (
                "channels?team=T1".to_owned(),
                json!({"id": "C1", "name": name, "updated": at * 1_000, "creator": creator}),
            )
        });
    let user = (1..3_i64, select(vec!["x", "y"])).prop_map(|(at, name)| {
        ("users".to_owned(), json!({"id": "U1", "name": name, "updated": at}))
    });
    let team = (1..3_u32, select(vec!["x", "y"])).prop_map(|(at, name)| {
        (format!("teams?as_of=2024-01-0{at}T00:00:00Z"), json!({"id": "T1", "name": name}))
    });
    prop_oneof![6 => message, 1 => replied, 1 => deleted, 1 => channel, 1 => user, 1 => team]
        .boxed()
}

async fn any_order_is_the_same(payloads: BoxedStrategy<Sent>, cases: u32) {
    let slack = Slack::new().await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    for case in 0..cases {
        let sent = vec(payloads.clone(), 2..9).new_tree(&mut runner).unwrap().current();
        let mut expected: Option<Vec<String>> = None;
        for round in 0..4 {
            let mut order = match round {
                0 => sent.clone(),
                1 => sent.iter().rev().cloned().collect(),
                _ => Just(sent.clone()).prop_shuffle().new_tree(&mut runner).unwrap().current(),
            };
            if round == 3 {
                // Some of them twice.
                order.extend(sent.iter().step_by(2).cloned().collect::<Vec<_>>());
            }
            slack.wipe().await;
            for (to, body) in &order {
                slack.post(to, body).await;
            }
            let dump = slack.dump().await;
            match &expected {
                None => expected = Some(dump),
                Some(first) => {
                    assert_same(
                        first,
                        &dump,
                        &format!("case {case}: {sent:#?}\nin the order {order:#?}"),
                    );
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships() {
    any_order_is_the_same(membership(), 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages() {
    any_order_is_the_same(conversation(), 40).await;
}
