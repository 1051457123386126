//! Papers without a year.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{PAPERS, feed, file};
use crate::ingest::{feed::Feed, sender::counts};

/// A file of one paper, said at a time, in a mailing or in none.
fn said(mailing: Option<&str>, title: &str) -> Value {
    let more = json!({"mailing_date": mailing, "title": title, "authors": [title]});
    json!([file("p1r0.pdf", more)])
}

async fn post(feed: &Feed, at: u32, body: &Value) -> [u64; 5] {
    counts(&feed.given(&format!("as_of=2025-06-{at:02}T00:00:00Z"), body).await)
}

async fn years(feed: &Feed) -> Vec<String> {
    feed.texts("select year || ' ' || title from wg21_paper order by year").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dated_payload_promotes_the_row() {
    let feed = feed().await;
    assert_eq!(post(&feed, 1, &said(None, "a")).await, [1, 0, 0, 0, 0]);
    let id = feed.sender.number("select id from wg21_paper").await;
    assert_eq!(years(&feed).await, ["0 a"]);
    assert_eq!(post(&feed, 2, &said(Some("2020-01"), "b")).await, [0, 1, 0, 0, 0]);
    assert_eq!(years(&feed).await, ["2020 b"]);
    assert_eq!(feed.sender.number("select id from wg21_paper").await, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_less_payload_is_about_the_earliest_year() {
    let feed = feed().await;
    post(&feed, 1, &said(Some("2020-01"), "a")).await;
    assert_eq!(post(&feed, 2, &said(None, "b")).await, [0, 1, 0, 0, 0]);
    assert_eq!(years(&feed).await, ["2020 b"]);
    // An earlier year takes it over.
    assert_eq!(post(&feed, 1, &said(Some("2018-01"), "c")).await[0], 1);
    assert_eq!(years(&feed).await, ["2018 b", "2020 a"]);
    assert_eq!(post(&feed, 3, &said(None, "d")).await, [0, 1, 0, 0, 0]);
    assert_eq!(years(&feed).await, ["2018 d", "2020 a"]);
    assert_eq!(post(&feed, 2, &said(None, "e")).await, [0, 0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_ends_in_the_same_rows() {
    let versions = [
        (1, said(Some("2020-01"), "a")),
        (2, said(None, "b")),
        (3, said(Some("2018-01"), "c")),
        (2, said(Some("2020-02"), "d")),
    ];
    let mut ends: Vec<Vec<String>> = Vec::new();
    for code in 0..256_usize {
        let order = [code % 4, code / 4 % 4, code / 16 % 4, code / 64];
        if order.iter().collect::<BTreeSet<_>>().len() < order.len() {
            continue;
        }
        let feed = feed().await;
        for nth in order {
            post(&feed, versions[nth].0, &versions[nth].1).await;
        }
        ends.push(feed.rows(PAPERS).await);
    }
    assert_eq!(ends.len(), 24);
    assert_eq!(ends[0].len(), 2, "{:#?}", ends[0]);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
    let feed = feed().await;
    let all: Vec<Value> = versions.iter().map(|(_, body)| body[0].clone()).collect();
    assert_eq!(post(&feed, 1, &json!(all)).await[4], 0);
    assert_eq!(feed.sender.number("select count(*) from wg21_paper").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn years_out_of_range_count_as_none() {
    let feed = feed().await;
    let of = |paper: &str, more: Value| file(paper, more);
    let body = json!([
        of("p1r0.pdf", json!({"year": 1984})),
        of("p2r0.pdf", json!({"year": "2019"})),
        of("p3r0.pdf", json!({"document_date": "2021/03/04"})),
        of("p4r0.pdf", json!({"year": 2101, "document_date": "2021-03-04"})),
        of("p5r0.pdf", json!({"mailing_date": "2001-01", "year": 2019})),
    ]);
    feed.post(&body).await;
    let years = feed.texts("select year::text from wg21_paper order by paper_id").await;
    assert_eq!(years, ["0", "2019", "2021", "0", "2001"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_at_once_are_as_good_as_one() {
    let feed = feed().await;
    let deadlocks = feed.sender.deadlocks().await;
    let body = |turn: usize| {
        let papers = (0..30).map(|n| {
            let n = (n * 7 + turn * 3) % 30;
            let mailing = [None, Some("2020-01"), Some("2018-01")][(n + turn) % 3];
            file(&format!("p{n}r0.pdf"), json!({"mailing_date": mailing, "authors": [format!("A {}", n % 4), format!("A {}", n % 3)]}))
        });
        Value::Array(papers.collect())
    };
    let bodies: Vec<Value> = (0..12).map(body).collect();
    let receipts = futures_util::future::join_all(bodies.iter().map(|body| feed.post(body))).await;
    assert!(receipts.iter().all(|receipt| receipt["rejected"] == 0), "{receipts:#?}");
    assert_eq!(feed.sender.number("select count(*) from wg21_paper").await, 60);
    assert_eq!(feed.sender.number("select count(*) from wg21_paper where year = 0").await, 0);
    assert_eq!(feed.sender.deadlocks().await, deadlocks);
}
