//! What a mail is known by: the archive's id, its Message-ID, the list.

use serde_json::{Value, json};

use super::{MAILS, feed, mail};
use crate::ingest::sender::{counts, notes};

fn of_header(more: Value) -> Value {
    super::super::sender::with(
        json!({"message_id": "<x1@mail.example.com>", "to": "boost@lists.boost.org", "subject": "s",
            "from": "Jane <jane@example.org>", "date": "Sat, 15 Jun 2024 10:00:00 +0000", "content": "c"}),
        more,
    )
}

fn of_archive(more: Value) -> Value {
    super::super::sender::with(of_header(json!({"message_id_hash": "HASH"})), more)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_id_gives_way_to_the_archive_s_id() {
    let mut ends = Vec::new();
    let (header, archive) = (of_header(json!({})), of_archive(json!({"subject": "t"})));
    let first = |pair: [&Value; 2]| json!(pair);
    for bodies in [
        vec![header.clone(), archive.clone()],
        vec![archive.clone(), header.clone()],
        vec![first([&header, &archive])],
        vec![first([&archive, &header])],
        vec![
            mail(
                "x1@mail.example.com",
                json!({"sender_address": "jane@example.org", "sent_at": "2024-06-15T09:00:00Z"}),
            ),
            header.clone(),
            archive.clone(),
        ],
        vec![header.clone(), archive.clone(), header.clone()],
    ] {
        let feed = feed().await;
        let mut actions = Vec::new();
        for body in &bodies {
            actions.push(counts(&feed.post(body).await));
        }
        if bodies == [header.clone(), archive.clone()] {
            assert_eq!(actions, [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]);
        }
        ends.push(feed.rows(MAILS).await);
    }
    assert_eq!(ends[0].len(), 1, "{ends:#?}");
    assert!(ends[0][0].contains("\"HASH\""), "{ends:#?}");
    assert!(ends[..4].iter().all(|end| *end == ends[0]), "{ends:#?}");
    assert_eq!(ends[5], ends[0]);
    assert!(ends[4].len() == 1 && ends[4][0].contains("\"HASH\""), "{:?}", ends[4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rows_that_turn_out_to_be_one_are_merged() {
    let feed = feed().await;
    // The archive's row does not say its Message-ID at first.
    feed.post(&mail("HASH", json!({"content": "older", "sent_at": "2024-06-15T09:00:00Z", "list_name": "z@lists.boost.org"}))).await;
    feed.post(&of_header(json!({}))).await;
    assert_eq!(feed.sender.number("select count(*) from mailing_list_message").await, 2);
    let receipt = feed.post(&json!({"message_id_hash": "HASH", "message_id": "x1@mail.example.com", "list_name": "z@lists.boost.org"})).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0], "{receipt}");
    let rows = "select concat_ws(' ', msg_id, message_id, subject, content, list_name) from mailing_list_message";
    assert_eq!(feed.texts(rows).await, ["HASH x1@mail.example.com s c boost@lists.boost.org"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_on_two_lists_is_one_row_on_the_smaller() {
    let on = |list: &str| mail("A", json!({"list_name": list}));
    let (a, b) = (on("a@lists.boost.org"), on("b@lists.boost.org"));
    for bodies in [
        vec![a.clone(), b.clone()],
        vec![b.clone(), a.clone()],
        vec![json!([a, b])],
        vec![json!([b, a])],
    ] {
        let feed = feed().await;
        let mut warned = Vec::new();
        for body in &bodies {
            warned.extend(notes(&feed.post(body).await, "warnings"));
        }
        assert_eq!(warned.len(), 1, "{warned:?}");
        assert!(warned[0].ends_with("cross_post"), "{warned:?}");
        let rows = feed.texts("select list_name from mailing_list_message").await;
        assert_eq!(rows, ["a@lists.boost.org"]);
    }
    // Only the list moved: that is a change.
    let feed = feed().await;
    feed.post(&b).await;
    assert_eq!(counts(&feed.post(&a).await), [0, 1, 0, 0, 0]);
    assert_eq!(counts(&feed.post(&b).await), [0, 0, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_senders_at_once_are_as_good_as_one() {
    let feed = feed().await;
    let deadlocks = feed.sender.deadlocks().await;
    let body = |offset: usize| {
        let mails = (0..40).map(|n| {
            let n = (n * 7 + offset) % 40;
            let own = json!({"message_id": format!("<{n}@x.org>"), "from": format!("a{} <a{}@x.org>", n % 5, n % 5)});
            let own = of_header(own);
            if (n + offset).is_multiple_of(2) {
                own
            } else {
                super::super::sender::with(own, json!({"message_id_hash": format!("H{n}")}))
            }
        });
        Value::Array(mails.collect())
    };
    let bodies: Vec<Value> = (0..16).map(body).collect();
    let sent = bodies.iter().map(|body| feed.post(body));
    let receipts = futures_util::future::join_all(sent).await;
    assert!(receipts.iter().all(|receipt| receipt["rejected"] == 0), "{receipts:#?}");
    assert_eq!(
        feed.sender.number("select count(*) from mailing_list_message where msg_id ~ '^H'").await,
        40
    );
    assert_eq!(feed.sender.number("select count(*) from mailing_list_message").await, 40);
    assert_eq!(feed.sender.number("select count(*) from mailing_list_profile").await, 5);
    assert_eq!(feed.sender.deadlocks().await, deadlocks);
}
