//! `wg21/mailings`, and the mailings that papers name.

use serde_json::json;

use crate::ingest::{
    feed::{Feed, json_file},
    sender::{counts, notes},
};

const TITLES: &str =
    "select mailing_date || ': ' || title from wg21_mailing order by mailing_date collate \"C\"";

#[tokio::test(flavor = "multi_thread")]
async fn real_mailings_become_rows() {
    let feed = Feed::new("wg21/mailings").await;
    let body = json_file("wg21/mailings.json");
    assert_eq!(counts(&feed.post(&body).await), [12, 0, 0, 0, 0]);
    assert_eq!(counts(&feed.post(&body).await), [0, 0, 12, 0, 0]);
    assert_eq!(feed.texts(TITLES).await[0], "2020-01: 2020-01 mailing");
    assert_eq!(feed.sender.number("select count(*) from drift").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_repeats_the_date_says_nothing() {
    let feed = Feed::new("wg21/mailings").await;
    let of = |title| json!({"mailing_date": "2025-01", "title": title});
    assert_eq!(counts(&feed.post(&of("2025-01")).await), [1, 0, 0, 0, 0]);
    assert_eq!(counts(&feed.post(&of("pre-meeting")).await), [0, 1, 0, 0, 0]);
    assert_eq!(counts(&feed.post(&of("2025-01")).await), [0, 0, 1, 0, 0]);
    assert_eq!(counts(&feed.post(&of("")).await), [0, 0, 1, 0, 0]);
    assert_eq!(feed.texts(TITLES).await, ["2025-01: pre-meeting"]);
    let older = feed.given("as_of=2025-01-01T00:00:00Z", &of("older")).await;
    assert_eq!(counts(&older), [0, 0, 0, 1, 0]);
    assert_eq!(feed.texts(TITLES).await, ["2025-01: pre-meeting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailing_is_a_month() {
    let feed = Feed::new("wg21/mailings").await;
    let body = json!([
        {"mailing_date": "2025-13"}, {"mailing_date": ""}, {"title": "x"},
        {"mailing_date": " Unknown "}, {"mailing_date": "2025-02"}, 7
    ]);
    let receipt = feed.post(&body).await;
    assert_eq!(counts(&receipt), [2, 0, 0, 0, 4]);
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "0 invalid_mailing /mailing_date",
            "1 invalid_mailing /mailing_date",
            "2 missing_field /mailing_date",
            "5 unknown_shape"
        ]
    );
    assert_eq!(feed.texts(TITLES).await, ["2025-02: 2025-02", "unknown: Unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailing_without_papers_is_a_row() {
    let feed = super::feed().await;
    let body = json!({"mailing_date": "2025-02", "title": "post-meeting", "papers": []});
    let receipt = feed.post(&body).await;
    assert_eq!(receipt["received"], 0, "{receipt}");
    assert_eq!(feed.texts(TITLES).await, ["2025-02: post-meeting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn watermarks_are_the_newest_mailings() {
    let feed = super::feed().await;
    let paper = super::file("p1r0.pdf", json!({}));
    feed.post(&json!({"mailing_date": "2025-02", "title": "post", "papers": [paper]})).await;
    feed.post(&json!({"mailing_date": "2025-03", "papers": []})).await;
    let kinds = boost_dashboard::domains::wg21::ingest::kinds::kinds();
    for kind in &kinds[..2] {
        let marks = kind.spec().watermark.rows().unwrap();
        let marks =
            format!("select concat_ws(' ', scope, at::date, key, position) from ({marks}) m");
        assert_eq!(feed.texts(&marks).await, ["* 2025-02-01 2025-02 202502"]);
    }
    // A mailing whose papers are still to come keeps what is above it from being safe.
    let failures = kinds[1].spec().watermark.failures().unwrap();
    let failures = format!("select concat_ws(' ', scope, position) from ({failures}) f");
    assert_eq!(feed.texts(&failures).await, ["* 202503"]);
}
