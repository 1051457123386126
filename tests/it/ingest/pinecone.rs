//! What the search index acknowledges.

use boost_dashboard::domains::pinecone::cursor::Cursor;
use chrono::DateTime;
use serde_json::{Value, json};

use super::{
    domain::{Domain, at_once, same_in_any_order},
    sender::{counts, notes},
};

async fn failed(domain: &Domain) -> Vec<String> {
    domain.texts("select app_type || ' ' || failed_id from pinecone_fail_list order by 1").await
}

async fn status(domain: &Domain) -> Vec<String> {
    domain
        .texts(
            "select app_type || ' ' || to_char(final_sync_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') \
             || ' ' || coalesce(change_seq::text, '-') from pinecone_sync_status order by 1",
        )
        .await
}

fn ack(at: &str, failed: impl Into<Value>) -> Value {
    let failed: Value = failed.into();
    json!({"app_type": "mailing", "final_sync_at": at, "failed_ids": failed})
}

fn cursor(position: i64, at: &str) -> String {
    let at = DateTime::parse_from_rfc3339(at).unwrap().to_utc();
    Cursor { position, at }.seal("mailing")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_sets_progress_and_list() {
    let domain = Domain::new("pinecone").await;
    let first = ack("2025-01-15T06:00:00Z", json!([" b", "a,c", "a", "", 7]));
    assert_eq!(domain.action("acks", &first).await, "inserted");
    assert_eq!(failed(&domain).await, ["mailing 7", "mailing a", "mailing b", "mailing c"]);
    assert_eq!(status(&domain).await, ["mailing 2025-01-15 06:00 -"]);
    assert_eq!(domain.action("acks", &first).await, "unchanged");
    let older = ack("2025-01-14T06:00:00Z", json!(["x"]));
    assert_eq!(domain.action("acks", &older).await, "stale");
    assert_eq!(failed(&domain).await.len(), 4);
    let receipt = domain.post("acks", &ack("2025-01-16T06:00:00Z", json!(["a", "d"]))).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    let list = &receipt["tables"]["pinecone_fail_list"];
    assert_eq!(*list, json!({"inserted": 1, "updated": 0, "unchanged": 1, "deleted": 3}));
    assert_eq!(failed(&domain).await, ["mailing a", "mailing d"]);
    assert_eq!(domain.action("acks", &ack("2025-01-17T06:00:00Z", json!([]))).await, "updated");
    assert_eq!(failed(&domain).await, [""; 0]);
    assert_eq!(status(&domain).await, ["mailing 2025-01-17 06:00 -"]);
    let silent = json!({"app_type": "mailing", "final_sync_at": "2025-01-18T00:00:00Z"});
    let list = json!({"app_type": "mailing", "failed_ids": ["k"]});
    let receipt = domain.post("fail-lists", &list).await;
    assert_eq!(domain.action("acks", &silent).await, "updated");
    assert_eq!(failed(&domain).await, ["mailing k"]);
    // An entry comes from the list that is in force.
    let rows = domain.sender.get("/pinecone/fail-list").await.expect(200);
    let path = format!("/pinecone/fail-list/{}/provenance", rows["data"][0]["id"]);
    let from = domain.sender.get(&path).await.expect(200);
    assert_eq!((&from["receipt"], &from["kind"]), (&receipt["id"], &json!("fail-lists")));
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_come_back_as_they_were_given() {
    let domain = Domain::new("pinecone").await;
    let sealed = cursor(42, "2025-01-15T06:00:00Z");
    let body = |cursor: &str| json!({"app_type": "mailing", "cursor": cursor, "failed_ids": ["a"]});
    assert_eq!(domain.action("acks", &body(&sealed)).await, "inserted");
    assert_eq!(status(&domain).await, ["mailing 2025-01-15 06:00 42"]);
    assert_eq!(
        domain.texts("select cursor from pinecone_sync_status").await,
        std::slice::from_ref(&sealed)
    );
    // Of one time the greater position is the later one.
    assert_eq!(domain.action("acks", &body(&cursor(43, "2025-01-15T06:00:00Z"))).await, "updated");
    assert_eq!(domain.action("acks", &body(&sealed)).await, "stale");
    assert_eq!(status(&domain).await, ["mailing 2025-01-15 06:00 43"]);

    let tampered = format!("B{}", &sealed[1..]);
    let borrowed = json!({"app_type": "youtube", "cursor": sealed, "failed_ids": []});
    let receipt = domain.post("acks", &json!([body(&tampered), borrowed, body("x")])).await;
    assert_eq!(
        notes(&receipt, "errors"),
        ["0 invalid_cursor /cursor", "1 invalid_cursor /cursor", "2 invalid_cursor /cursor"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_list_leaves_the_progress() {
    let domain = Domain::new("pinecone").await;
    let list = |failed: Value| json!({"app_type": "mailing", "failed_ids": failed});
    assert_eq!(domain.action("fail-lists", &list(json!("a, b"))).await, "inserted");
    assert_eq!(failed(&domain).await, ["mailing a", "mailing b"]);
    assert_eq!(status(&domain).await, [""; 0]);
    assert_eq!(domain.action("fail-lists", &list(json!(["b", "a"]))).await, "unchanged");
    assert_eq!(domain.action("fail-lists", &list(json!(["b"]))).await, "updated");
    // An acknowledgement that comes later than a fail list replaces it, whatever its cursor's time.
    assert_eq!(domain.action("acks", &ack("2025-01-15T06:00:00Z", json!(["c"]))).await, "inserted");
    assert_eq!(failed(&domain).await, ["mailing c"]);
    assert_eq!(
        domain.action("fail-lists?as_of=2025-01-01T00:00:00Z", &list(json!(["z"]))).await,
        "stale"
    );
    assert_eq!(domain.action("fail-lists", &list(json!(["b"]))).await, "updated");
    assert_eq!(failed(&domain).await, ["mailing b"]);
    assert_eq!(status(&domain).await, ["mailing 2025-01-15 06:00 -"]);
    let given = domain.post("fail-lists?app_type=slack-T1", &json!({"failed_ids": ["q"]})).await;
    assert_eq!(counts(&given), [1, 0, 0, 0, 0]);
    assert_eq!(failed(&domain).await, ["mailing b", "slack-T1 q"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_ones_are_named() {
    let domain = Domain::new("pinecone").await;
    for (kind, body, fault) in [
        (
            "acks",
            json!({"failed_ids": [], "final_sync_at": "2025-01-15T06:00:00Z"}),
            "0 missing_context /app_type",
        ),
        (
            "acks",
            json!({"app_type": "a/b", "final_sync_at": "2025-01-15T06:00:00Z"}),
            "0 invalid_app_type /app_type",
        ),
        ("acks", json!({"app_type": "mailing", "failed_ids": []}), "0 missing_field /cursor"),
        ("acks", json!({"app_type": "youtube", "final_sync_at": null}), "0 missing_field /cursor"),
        (
            "acks",
            json!({"app_type": "mailing", "final_sync_at": "soon"}),
            "0 missing_time /final_sync_at",
        ),
        ("fail-lists", json!({"app_type": "mailing"}), "0 missing_field /failed_ids"),
        (
            "fail-lists",
            json!({"app_type": "mailing", "failed_ids": [{}]}),
            "0 invalid_type /failed_ids/0",
        ),
        (
            "fail-lists",
            json!({"app_type": "mailing", "failed_ids": ["x".repeat(2_001)]}),
            "0 too_long /failed_ids/0",
        ),
    ] {
        let receipt = domain.post(kind, &body).await;
        assert_eq!(notes(&receipt, "errors"), [fault], "{body}");
    }
    assert_eq!(failed(&domain).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_acknowledgements_plays_no_role() {
    let posts: Vec<(String, Value)> = (1..=5)
        .map(|day| {
            let at = format!("2025-01-1{day}T06:00:00Z");
            (format!("acks?as_of={at}"), ack(&at, json!([format!("f{day}")])))
        })
        .collect();
    let dump = same_in_any_order("pinecone", &posts).await;
    assert_eq!(dump["pinecone_fail_list"].len(), 1);
    assert!(dump["pinecone_fail_list"][0].contains("f5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_acknowledgements_at_once_keep_the_later() {
    let domain = Domain::new("pinecone").await;
    at_once(&domain, "acks", &ack("2025-01-15T06:00:00Z", json!(["a", "b"]))).await;
    let bodies: Vec<Value> = (10..30)
        .map(|day| {
            ack(&format!("2025-02-{:02}T06:00:00Z", day - 5), json!([format!("f{day}"), "both"]))
        })
        .collect();
    futures_util::future::join_all(bodies.iter().map(|body| domain.post("acks", body))).await;
    assert_eq!(status(&domain).await, ["mailing 2025-02-24 06:00 -"]);
    assert_eq!(domain.sender.deadlocks().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_marked_as_taken() {
    let domain = Domain::new("pinecone").await;
    // The column is the pages' own, and comes with their migration.
    domain
        .execute(&[
            "alter table boost_doc_content add column if not exists source_receipt bigint",
            "insert into boost_doc_content (url, content_hash, scraped_at, created_at) values \
             ('u', 'handed', '2025-01-01', '2025-01-02'), \
             ('u', 'failed', '2025-01-01', '2025-01-02'), \
             ('u', 'later', '2025-01-01', '2025-01-04')",
        ])
        .await;
    let taken = "select content_hash from boost_doc_content where is_upserted order by 1";
    let pages = |at: &str, failed: &[&str]| json!({"app_type": "boost-library-documentation", "final_sync_at": at, "failed_ids": failed});
    let receipt = domain.post("acks", &pages("2025-01-03T00:00:00Z", &["failed"])).await;
    assert_eq!(receipt["tables"]["boost_doc_content"]["updated"], 1);
    assert_eq!(domain.texts(taken).await, ["handed"]);
    let id =
        domain.texts("select id::text from boost_doc_content where content_hash = 'handed'").await;
    domain.post("acks", &pages("2025-01-05T00:00:00Z", &[&id[0]])).await;
    assert_eq!(domain.texts(taken).await, ["failed", "later"]);
    domain.post("acks", &pages("2025-01-01T00:00:00Z", &["later"])).await;
    assert_eq!(domain.texts(taken).await, ["failed", "later"]);
}
