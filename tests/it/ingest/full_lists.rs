//! `complete=comments,reviews`: of several full lists the newest counts, whichever came first.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    rows::{assert_same, texts},
    sender::Sender,
};

/// Comments, each with the day of its last change.
type Listed<'l> = &'l [(i64, u32)];

/// A delivery: the day that it was true, whether it lists all there is, and what.
type Delivery<'l> = (u32, bool, Listed<'l>);

fn all_orders<T: Clone>(steps: &[T]) -> Vec<Vec<T>> {
    if steps.len() < 2 {
        return vec![steps.to_vec()];
    }
    let mut orders = Vec::new();
    for nth in 0..steps.len() {
        let mut rest = steps.to_vec();
        let first = rest.remove(nth);
        for mut order in all_orders(&rest) {
            order.insert(0, first.clone());
            orders.push(order);
        }
    }
    orders
}

fn children(listed: Listed<'_>, more: &Value) -> Value {
    let child = |(id, day): &(i64, u32)| {
        super::sender::with(
            json!({"id": id, "body": format!("c{id}"), "user": {"id": 5, "login": "u"},
                "created_at": "2024-01-01T00:00:00Z",
                "updated_at": format!("2024-01-{day:02}T00:00:00Z")}),
            more.clone(),
        )
    };
    listed.iter().map(child).collect()
}

/// The three tables whose rows may be listed in full: where they are posted, how, and their keys.
const TABLES: [(&str, &str, &str); 3] = [
    ("issues", "comments", "select issue_comment_id::text from issue_comment order by 1"),
    (
        "pull-requests",
        "comments",
        "select pr_comment_id::text from pull_request_comment order by 1",
    ),
    ("pull-requests", "reviews", "select pr_review_id::text from pull_request_review order by 1"),
];

async fn post(sender: &Sender, (kind, set, _): (&str, &str, &str), delivery: Delivery<'_>) {
    let (day, is_full, listed) = delivery;
    let info = json!({"id": 601, "number": 1, "updated_at": "2024-01-09T00:00:00Z",
        "head": {"sha": "aa"}, "base": {"sha": "bb"}});
    let more = if set == "reviews" { json!({"path": "a.hpp"}) } else { json!({}) };
    let envelope = if kind == "issues" { "issue_info" } else { "pr_info" };
    let mut body = json!({envelope: info, set: children(listed, &more)});
    if kind == "issues" {
        for branch in ["head", "base"] {
            body[envelope].as_object_mut().unwrap().remove(branch);
        }
    }
    let complete = if is_full { format!("&complete={set}") } else { String::new() };
    sender
        .post(&format!("{kind}?repo=a/b&as_of=2024-01-{day:02}T00:00:00Z{complete}"), &body)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_list_counts_in_any_order() {
    let sender = Sender::new().await;
    let cases: &[(&[Delivery<'_>], &[&str])] = &[
        // What a later list lacks does not come in with an older payload.
        (&[(11, false, &[(1, 2), (2, 2)]), (12, true, &[(1, 2)])], &["1"]),
        (&[(11, true, &[(1, 2), (2, 2)]), (12, true, &[(1, 2)])], &["1"]),
        // What a later list has is not removed by an older one.
        (&[(11, true, &[(1, 2)]), (12, true, &[(1, 2), (2, 2)])], &["1", "2"]),
        // What was changed, or seen, after the list is there all the same.
        (&[(11, false, &[(2, 13)]), (12, true, &[(1, 2)])], &["1", "2"]),
        (&[(13, false, &[(2, 2)]), (12, true, &[(1, 2)])], &["1", "2"]),
        (
            &[
                (11, true, &[(1, 2)]),
                (12, true, &[(1, 2), (2, 2), (3, 2)]),
                (13, true, &[(2, 2)]),
                (14, false, &[(3, 2)]),
            ],
            &["2", "3"],
        ),
    ];
    for table in TABLES {
        for (deliveries, expected) in cases {
            for order in all_orders(deliveries) {
                sender.wipe().await;
                for delivery in &order {
                    post(&sender, table, *delivery).await;
                }
                let stored = texts(sender.app.db(), table.2.to_owned()).await;
                assert_eq!(stored, *expected, "{} of {}: {order:?}", table.1, table.0);
                // And again.
                for delivery in &order {
                    post(&sender, table, *delivery).await;
                }
                assert_eq!(texts(sender.app.db(), table.2.to_owned()).await, stored, "{order:?}");
            }
        }
    }
}

/// A review and a review comment of one number are two, in a full list as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_review_and_a_comment_of_one_number_are_listed_apart() {
    let info = json!({"id": 8, "number": 1, "updated_at": "2024-01-09T00:00:00Z",
        "head": {"sha": "aa"}, "base": {"sha": "bb"}});
    let comment = json!({"id": 5, "path": "a.hpp", "updated_at": "2024-01-02T00:00:00Z"});
    let review = json!({"id": 5, "state": "APPROVED", "submitted_at": "2024-01-02T00:00:00Z"});
    let keys = "select pr_review_id::text from pull_request_review order by 1";
    let sender = Sender::new().await;
    let full = |day: u32, reviews: Value| {
        let to = format!("pull-requests?repo=a/b&complete=reviews&as_of=2024-01-{day}T00:00:00Z");
        (to, json!({"pr_info": info, "reviews": reviews}))
    };
    for (day, reviews, expected) in [
        (11, json!([review, comment]), &["-5", "5"][..]),
        (12, json!([review]), &["-5"]),
        (13, json!([review]), &["-5"]),
        (14, json!([comment, review]), &["-5", "5"]),
        (15, json!([comment]), &["5"]),
    ] {
        let (to, body) = full(day, reviews);
        sender.post(&to, &body).await;
        assert_eq!(texts(sender.app.db(), keys.to_owned()).await, expected, "{day}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lists_and_late_comments_may_come_at_once() {
    let sender = Arc::new(Sender::new().await);
    for round in 0..6 {
        sender.wipe().await;
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let sender = Arc::clone(&sender);
                tokio::spawn(async move {
                    let (late, list): (Vec<_>, Vec<_>) =
                        ((1..40).map(|id| (id, 2)).collect(), (1..10).map(|id| (id, 2)).collect());
                    if (writer + round) % 2 == 0 {
                        post(&sender, TABLES[0], (11, false, &late)).await;
                    } else {
                        post(&sender, TABLES[0], (12, true, &list)).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let stored = texts(sender.app.db(), TABLES[0].2.to_owned()).await;
        let expected: Vec<String> = (1..10).map(|id| id.to_string()).collect();
        assert_same(&expected, &stored, "at once");
    }
}
