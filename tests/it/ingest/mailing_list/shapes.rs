//! The bodies that mails come in, and what of them is stored.

use serde_json::{Value, json};

use super::{MAILS, PEOPLE, feed, mail};
use crate::ingest::{
    feed::{file, json_file, line_file},
    sender::{counts, ndjson, notes},
};

#[tokio::test(flavor = "multi_thread")]
async fn real_mails_become_rows() {
    let feed = feed().await;
    let body = Value::Array(line_file("mailing-list/emails.ndjson"));
    let receipt = feed.post(&body).await;
    assert_eq!(counts(&receipt), [5, 0, 0, 0, 0], "{receipt}");
    insta::assert_snapshot!(format!(
        "{}\n\n{}",
        feed.rows(MAILS).await.join("\n"),
        feed.rows(PEOPLE).await.join("\n")
    ));
    assert_eq!(feed.sender.number("select count(*) from drift").await, 0);
    // A second time changes nothing, in the order of lines either.
    let again = feed.raw("", "application/x-ndjson", file("mailing-list/emails.ndjson")).await;
    assert_eq!(counts(&again.expect(200)), [0, 0, 5, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_a_mail_is_one_row() {
    let emails = line_file("mailing-list/emails.ndjson");
    let thread = json_file("mailing-list/thread.json");
    let records = json_file("mailing-list/records.json");
    // Shapes differ in what they know of a mail's time; what they say otherwise is the same.
    let columns = "select msg_id, parent_id, thread_id, subject, list_name, \
                   date_trunc('second', sent_at) as sent_at, p.profile_key, p.display_name \
                   from mailing_list_message m join mailing_list_profile p on p.id = m.sender_id \
                   where msg_id in ('YNVK4WFPGZXRK3MTX644Z5JWJ2ITZT5S', \
                   '77WMKZ5TINEXEL7EDTVKS7JJ6JLMSTNK', 'SKEEVEFQGEGYJCABZBUKWMKZWYUXEKWF') order by 1";
    let mut seen: Vec<Vec<String>> = Vec::new();
    for body in [Value::Array(emails.clone()), thread.clone(), thread["messages"].clone(), records]
    {
        let feed = feed().await;
        let receipt = feed.post(&body).await;
        assert_eq!(counts(&receipt)[4], 0, "{receipt}");
        assert_eq!(feed.sender.number("select count(*) from drift").await, 0);
        seen.push(feed.rows(columns).await);
    }
    assert_eq!(seen[0].len(), 3);
    assert!(seen.iter().all(|rows| *rows == seen[0]), "{seen:#?}");
    // And all of them together are still one row a mail.
    let feed = feed().await;
    let mixed = json!([emails[0], thread, json_file("mailing-list/records.json")[0]]);
    let receipt = feed.post(&mixed).await;
    assert_eq!(receipt["received"], 7, "{receipt}");
    assert_eq!(feed.sender.number("select count(*) from mailing_list_message").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_one_document() {
    let feed = feed().await;
    let receipt = feed.post(&json_file("mailing-list/thread.json")).await;
    assert_eq!(counts(&receipt), [5, 0, 0, 0, 0]);
    let raw = receipt["raw"].as_array().unwrap();
    assert_eq!(raw.len(), 1, "{raw:?}");
    let path = raw[0].as_str().unwrap();
    let folder = "raw/boost_mailing_list_tracker/boost@lists.boost.org/threads/\
                  YNVK4WFPGZXRK3MTX644Z5JWJ2ITZT5S@";
    assert!(path.starts_with(folder), "{path}");
    // A bad mail between good ones is the only one that is refused, and it can be tried again alone.
    let mut thread = json_file("mailing-list/thread.json");
    thread["messages"][2] = json!({"subject": "of nobody"});
    let other = feed_with(&thread).await;
    assert_eq!(counts(&other), [4, 0, 0, 0, 1]);
    assert_eq!(notes(&other, "errors"), ["2 missing_field /msg_id"]);
}

async fn feed_with(body: &Value) -> Value {
    feed().await.post(body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_of_a_thread_is_tried_again_with_its_thread() {
    let feed = feed().await;
    // It names no list, and neither does its thread.
    let body = json!({"thread_info": {"thread_id": "T"}, "messages": [{"msg_id": "A"}]});
    assert_eq!(feed.refused("", &body).await, ["0 missing_context"]);
    let letters = feed.sender.get("/ingest/dead-letters").await.json();
    let letter = &letters["data"][0]["id"];
    let again = feed.sender.retry(letter).await;
    assert_eq!(again.json()["rejected"], 1, "{}", again.text());
    // Of a thread that names its list, only the faulty mail is refused, and it is found there.
    let mut thread = json_file("mailing-list/thread.json");
    thread["messages"][1]["subject"] = json!(1);
    feed.post(&thread).await;
    let place = "select scope || ' ' || position from dead_letter where code = 'invalid_type'";
    assert_eq!(feed.texts(place).await, ["boost@lists.boost.org 1581006563000000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn watermarks_and_known_keys_are_asked_for() {
    use boost_dashboard::ingest::kind::Watermark;
    let feed = feed().await;
    feed.post(&json_file("mailing-list/thread.json")).await;
    let kinds = boost_dashboard::domains::mailing_list::ingest::kinds::kinds();
    let spec = kinds[0].spec();
    let Watermark::Of(marks) = spec.watermark else { panic!("there is a watermark") };
    let newest =
        format!("select scope || ' ' || key from ({marks}) m order by position desc limit 1");
    assert_eq!(
        feed.texts(&newest).await,
        ["boost@lists.boost.org PDI7PN7X7PF6BJRHD7537CSWMPPVOHVS"]
    );
    let known = format!(
        "select u.msg_id from (values (1, 'PDI7PN7X7PF6BJRHD7537CSWMPPVOHVS'), \
         (2, '642f72ad8b58b69dd2d8032a@mx.example.org'), (3, 'other')) {}",
        spec.known.stored.replacen("u join", "as u(ord, msg_id) join", 1)
    );
    assert_eq!(feed.texts(&known).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_mails_may_be_long() {
    let feed = feed().await;
    let messages: Vec<Value> = (0..6_000)
        .map(|n| mail(&format!("M{n}"), json!({"sender_address": format!("a{}@x.org", n % 700)})))
        .collect();
    let body = json!({"thread_info": {"thread_id": "T"}, "messages": messages});
    assert_eq!(counts(&feed.post(&body).await), [6_000, 0, 0, 0, 0]);
    assert_eq!(counts(&feed.post(&body).await), [0, 0, 6_000, 0, 0]);
    assert_eq!(feed.sender.number("select count(*) from mailing_list_profile").await, 700);
    assert_eq!(feed.sender.number("select count(*) from email where is_primary").await, 700);
    let many: Vec<Value> = (0..=50_000).map(|_| json!({})).collect();
    assert_eq!(feed.refused("", &json!({"messages": many})).await, ["0 too_many_items /messages"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_mail_is_refused() {
    let feed = feed().await;
    let index =
        json!({"count": 1, "next": null, "results": [{"url": "https://x.org/list/a@b/email/A/"}]});
    assert_eq!(feed.refused("", &index).await, ["0 unknown_shape"]);
    for (body, error) in [
        (json!({"msg_id": "A", "subject": "s"}), "0 missing_context"),
        (json!({"subject": "s", "list_name": "a@b.org"}), "0 missing_field /msg_id"),
        (mail("A", json!({"list_name": "boost"})), "0 invalid_list /list_name"),
        (mail("A", json!({"subject": 7})), "0 invalid_type /subject"),
        (mail(&"x".repeat(2_001), json!({"thread_id": ""})), "0 too_long /msg_id"),
        (mail("A", json!({"thread_id": "x".repeat(2_001)})), "0 too_long /thread_id"),
    ] {
        assert_eq!(feed.refused("", &body).await, [error], "{body}");
    }
    assert_eq!(
        feed.refused("list=boost", &json!({"msg_id": "A"})).await,
        ["0 invalid_list /list_name"]
    );
    // A list that the payload does not name is taken from the request; the payload's own wins.
    let receipt = feed.given("list=Boost@lists.boost.org", &json!({"msg_id": "A"})).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    let receipt = feed.given("list=other@lists.boost.org", &mail("B", json!({}))).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch"]);
    let lists = feed.texts("select distinct list_name from mailing_list_message").await;
    assert_eq!(lists, ["boost@lists.boost.org"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_read_or_left_out() {
    let feed = feed().await;
    let body: Vec<Value> = [
        json!({"date": "Sat, 03 Apr 2010 18:32:00 +0200 (CEST)", "sent_at": null}),
        json!({"sent_at": "2010-04-03 16:32:00"}),
        json!({"sent_at": "Thu, 01 Jan 0104 00:00:00 +0000"}),
        json!({"sent_at": "long ago"}),
        json!({"sent_at": null}),
        json!({"sent_at": "2999-01-01T00:00:00Z"}),
    ]
    .into_iter()
    .zip('A'..)
    .map(|(more, id)| mail(&id.to_string(), more))
    .collect();
    let receipt = feed.raw("", "application/x-ndjson", ndjson(&body)).await.expect(200);
    assert_eq!(counts(&receipt), [6, 0, 0, 0, 0]);
    assert_eq!(
        notes(&receipt, "warnings"),
        ["2 bad_time /sent_at", "3 bad_time /sent_at", "5 future_time /sent_at"]
    );
    let times = "select msg_id || ' ' || coalesce(to_char(sent_at at time zone 'UTC', \
                 'YYYY-MM-DD HH24:MI'), '-') from mailing_list_message order by 1";
    assert_eq!(
        feed.texts(times).await,
        ["A 2010-04-03 16:32", "B 2010-04-03 16:32", "C -", "D -", "E -", "F 2999-01-01 00:00"]
    );
    // A wrong clock does not freeze the row.
    let receipt = feed.post(&mail("F", json!({"subject": "corrected"}))).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_kept_as_it_is() {
    let feed = feed().await;
    let subject = format!("{}\u{202e}=?utf-8?q?a?=", "x".repeat(5_000));
    let id = format!("a/b/{}", "y".repeat(300));
    let content = "  \r\n> quoted\n\ttab \u{0000}end  ";
    let body = mail(&id, json!({"subject": subject, "content": content, "thread_id": "../.."}));
    let receipt = feed.post(&body).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 nul_removed /content"]);
    assert_eq!(feed.texts("select subject from mailing_list_message").await, [subject]);
    assert_eq!(
        feed.texts("select content from mailing_list_message").await,
        [content.replace('\0', "")]
    );
    assert_eq!(feed.texts("select msg_id from mailing_list_message").await, [id]);
    let path = receipt["raw"][0].as_str().unwrap();
    assert!(
        path.len() <= 512
            && path.starts_with("raw/boost_mailing_list_tracker/boost@lists.boost.org/a_b_"),
        "{path}"
    );
    assert_eq!(feed.sender.get(&format!("/ingest/{path}")).await.status(), 200, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_of_a_mail_wins_in_any_order() {
    let old = mail("A", json!({"subject": "old", "content": "more"}));
    let new = mail("A", json!({"subject": "new", "sent_at": "2024-06-15T10:00:01Z"}));
    let partial = json!({"msg_id": "A", "list_name": "boost@lists.boost.org", "subject": "cut"});
    let mut ends = Vec::new();
    for order in [[&old, &new, &partial], [&new, &old, &partial], [&partial, &new, &old]] {
        let feed = feed().await;
        let mut seen = Vec::new();
        for body in order {
            seen.push(counts(&feed.post(body).await));
        }
        if std::ptr::eq(order[0], &raw const new) {
            assert_eq!(seen, [[1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]);
        }
        ends.push(feed.rows(MAILS).await);
    }
    assert!(ends[0][0].contains("\"new\""), "{ends:?}");
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
    // Of equal times one is kept as a whole, whatever came first; `as_of` beats none.
    let (a, b) = (mail("A", json!({"subject": "a"})), mail("A", json!({"subject": "b"})));
    let mut ends = Vec::new();
    for order in [[&a, &b], [&b, &a]] {
        let feed = feed().await;
        for body in order {
            feed.post(body).await;
        }
        ends.push(feed.rows(MAILS).await);
        let fetched = feed.given("as_of=2024-07-01T00:00:00Z", &a).await;
        assert_eq!(counts(&fetched)[3], 0);
        assert_eq!(feed.texts("select subject from mailing_list_message").await, ["a"]);
    }
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_and_threads_may_come_later() {
    let feed = feed().await;
    let child = mail(
        "C",
        json!({"parent_id": "P", "thread_id": null, "thread": "https://x.org/list/a@b.org/thread/T/"}),
    );
    feed.post(&json!([child])).await;
    feed.post(&mail("P", json!({}))).await;
    let info = json!({"thread_info": {"url": "https://x.org/api/list/boost@lists.boost.org/thread/TT/", "emails_url": null},
        "messages": [{"message_id": "<x@y>", "parent": "https://x.org/email/P/"}]});
    feed.post(&info).await;
    let links = "select concat_ws(' ', msg_id, parent_id, thread_id, list_name) from mailing_list_message order by 1";
    assert_eq!(
        feed.texts(links).await,
        [
            "C P T boost@lists.boost.org",
            "P  P boost@lists.boost.org",
            "x@y P TT boost@lists.boost.org"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_keeps_nothing() {
    let feed = feed().await;
    let receipt = feed.given("dry_run=true", &json_file("mailing-list/thread.json")).await;
    assert_eq!(counts(&receipt), [5, 0, 0, 0, 0]);
    assert_eq!(feed.rows(MAILS).await, [""; 0]);
    assert_eq!(feed.sender.number("select count(*) from base_profile").await, 0);
}
