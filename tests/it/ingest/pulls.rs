//! Pull requests, case by case.

use serde_json::{Value, json};

use super::{
    rows::select,
    sender::{Sender, counts, json_fixture, notes, with},
};

fn info(day: u32, more: Value) -> Value {
    let info = json!({"id": 801, "number": 1, "state": "open", "head": {"sha": "aa", "repo": null},
                      "base": {"sha": "bb"}, "updated_at": format!("2024-01-{day:02}T00:00:00Z")});
    with(info, more)
}

/// What the list of issues shows: without branches, with the issue's id.
fn item(day: u32, more: Value) -> Value {
    let mut item = info(day, json!({"id": 4_711, "pull_request": {"url": "https://x/1"}}));
    item.as_object_mut().unwrap().retain(|key, _| !["head", "base"].contains(&key.as_str()));
    with(item, more)
}

async fn row(sender: &Sender) -> Value {
    let rows = select(sender.app.db(), ["pull_request"]).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    serde_json::from_str(rows[0].split_once(' ').unwrap().1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn list_items_and_details_are_one_row_in_either_order() {
    let sender = Sender::new().await;
    let listed = item(2, json!({"title": "listed", "labels": ["bug"]}));
    let detail = json!({"pr_info": info(3, json!({"title": "detail", "merged_at": "2024-01-03T00:00:00Z"}))});
    for versions in [[&listed, &detail], [&detail, &listed]] {
        sender.wipe().await;
        let first = sender.post("pull-requests?repo=a/b", versions[0]).await;
        let second = sender.post("pull-requests?repo=a/b", versions[1]).await;
        assert_eq!((counts(&first)[0], counts(&second)[0]), (1, 0));
        let row = row(&sender).await;
        assert_eq!((&row["pr_id"], &row["title"]), (&json!(801), &json!("detail")));
        assert_eq!((&row["state"], &row["head_hash"]), (&json!("merged"), &json!("aa")));
        assert_eq!(sender.number("select count(*) from pull_request_label").await, 1);
        assert_eq!(sender.number("select count(*) from pull_request where pr_id = 4711").await, 0);
    }
    // The stub's row is the one that is filled.
    sender.wipe().await;
    sender.post("pull-requests?repo=a/b", &listed).await;
    let stub = sender.number("select id from pull_request where pr_id < 0").await;
    sender.post("pull-requests?repo=a/b", &detail).await;
    assert_eq!(sender.number("select id from pull_request where pr_id = 801").await, stub);
    // A known id that moves to the number of a stub takes it over.
    sender.post("pull-requests?repo=a/b", &item(4, json!({"number": 2, "title": "two"}))).await;
    sender.post("pull-requests?repo=a/b", &json!({"pr_info": info(5, json!({"number": 2}))})).await;
    assert_eq!(sender.number("select pr_number from pull_request where pr_id = 801").await, 2);
    assert_eq!(sender.number("select count(*) from pull_request").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_closed_and_open() {
    let sender = Sender::new().await;
    let time = "2024-01-03T00:00:00Z";
    for (n, (body, expected)) in [
        (json!({"state": "closed", "closed_at": time}), "closed"),
        (json!({"state": "closed", "merged_at": time}), "merged"),
        (json!({"state": "closed", "merged": true}), "merged"),
        (json!({"state": "Open", "merged": false, "merged_at": null}), "open"),
        (json!({"state": "strange"}), "open"),
        (json!({"state": null, "head": null}), "open"),
    ]
    .into_iter()
    .enumerate()
    {
        sender.wipe().await;
        sender.post("pull-requests?repo=a/b", &info(1, body.clone())).await;
        assert_eq!(row(&sender).await["state"], expected, "{n} {body}");
    }
    // A list item may know less: what was merged stays merged.
    sender
        .post("pull-requests?repo=a/b", &info(3, json!({"state": "closed", "merged_at": time})))
        .await;
    sender.post("pull-requests?repo=a/b", &item(4, json!({"state": "closed"}))).await;
    assert_eq!(row(&sender).await["state"], "merged");
    let listed =
        item(5, json!({"number": 2, "state": "closed", "pull_request": {"merged_at": time}}));
    sender.post("issues?repo=a/b", &listed).await;
    assert_eq!(sender.number("select count(*) from pull_request where state = 'merged' and pr_merged_at is not null").await, 2);
    // Without a head, the hash that is known stays.
    sender
        .post("pull-requests?repo=a/b", &info(6, json!({"head": null, "base": {"sha": ""}})))
        .await;
    assert_eq!(
        sender
            .number("select count(*) from pull_request where head_hash = 'aa' and base_hash = 'bb'")
            .await,
        1
    );
}

fn review(more: Value) -> Value {
    with(json!({"id": 5, "body": "", "user": {"id": 9, "login": "r"}}), more)
}

async fn reviews(sender: &Sender) -> Vec<String> {
    let mut conn = sender.app.db().pool().get().await.unwrap();
    let sql = "select concat_ws(' ', pr_review_id, kind, review_state, path, in_reply_to_id, \
               pr_review_created_at is not null, pr_review_updated_at is not null) \
               from pull_request_review order by pr_review_id";
    let rows: Vec<boost_dashboard::db::sql::Row> =
        diesel_async::RunQueryDsl::load(boost_dashboard::db::sql::Statement::new(sql), &mut conn)
            .await
            .unwrap();
    let text = |row: boost_dashboard::db::sql::Row| match row.0.as_slice() {
        [boost_dashboard::db::sql::Value::Text(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_and_review_comments_are_told_apart() {
    let sender = Sender::new().await;
    let time = "2024-01-02T00:00:00Z";
    for (list, expected) in [
        (
            json!([review(json!({"path": "a.hpp", "created_at": time, "updated_at": time}))]),
            &["5 comment a.hpp t t"][..],
        ),
        (json!([review(json!({"in_reply_to_id": 4, "updated_at": time}))]), &["5 comment 4 f t"]),
        (json!([review(json!({"diff_hunk": "@@", "state": "APPROVED"}))]), &["5 comment f f"]),
        (json!([review(json!({"pull_request_review_id": 1}))]), &["5 comment f f"]),
        (json!([review(json!({"original_position": null}))]), &["5 comment f f"]),
        (
            json!([review(json!({"state": "approved", "submitted_at": time}))]),
            &["5 review APPROVED t t"],
        ),
        (json!([review(json!({"state": "COMMENTED"}))]), &["5 review COMMENTED f f"]),
        (json!([review(json!({"submitted_at": time, "in_reply_to": 3}))]), &["5 review t t"]),
        (json!([review(json!({"state": "PENDING"}))]), &[]),
        (json!([review(json!({"state": "open"}))]), &["5 comment f f"]),
        (json!([review(json!({"user": null, "body": null}))]), &["5 comment f f"]),
        (
            json!([review(json!({"path": "a"})), review(json!({"state": "DISMISSED"}))]),
            &["-5 review DISMISSED f f", "5 comment a f f"],
        ),
        (
            json!([review(json!({"state": "DISMISSED"})), review(json!({"path": "a"}))]),
            &["-5 review DISMISSED f f", "5 comment a f f"],
        ),
    ] {
        for key in ["reviews", "review_comments"] {
            sender.wipe().await;
            let receipt = sender
                .post("pull-requests?repo=a/b", &json!({"pr_info": info(1, json!({})), key: list}))
                .await;
            assert_eq!(reviews(&sender).await, expected, "{key} {list}");
            let pending = list.to_string().contains("PENDING");
            assert_eq!(notes(&receipt, "warnings").is_empty(), !pending);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_makes_room_for_the_comment_of_its_number() {
    let sender = Sender::new().await;
    let post = async |list: Value| {
        let body = json!({"pr_info": info(1, json!({})), "reviews": list});
        counts(&sender.post("pull-requests?repo=a/b", &body).await)
    };
    let (verdict, inline) = (review(json!({"state": "APPROVED"})), review(json!({"path": "a"})));
    for order in [[&verdict, &inline], [&inline, &verdict]] {
        sender.wipe().await;
        post(json!([order[0]])).await;
        assert_eq!(post(json!([order[1]])).await, [0, 1, 0, 0, 0]);
        assert_eq!(reviews(&sender).await, ["-5 review APPROVED f f", "5 comment a f f"]);
        assert_eq!(post(json!([verdict, inline])).await, [0, 0, 1, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_lists_of_reviews_remove_what_they_lack() {
    let sender = Sender::new().await;
    let at = |id: i64, day: u32| {
        review(
            json!({"id": id, "state": "APPROVED", "submitted_at": format!("2024-01-{day:02}T00:00:00Z")}),
        )
    };
    let nested =
        |list: Value| json!({"pr_info": info(1, json!({})), "reviews": list, "comments": []});
    sender.post("pull-requests?repo=a/b", &nested(json!([at(1, 1), at(2, 2), at(3, 9)]))).await;
    let full = "pull-requests?repo=a/b&complete=reviews,comments&as_of=2024-01-05T00:00:00Z";
    let receipt = sender.post(full, &nested(json!([at(1, 1)]))).await;
    assert_eq!(counts(&receipt), [0, 1, 0, 0, 0]);
    assert_eq!(reviews(&sender).await, ["1 review APPROVED t t", "3 review APPROVED t t"]);
    // Without the list there is nothing to compare with.
    sender.post(full, &info(1, json!({"review_comments": 4, "comments": 2}))).await;
    assert_eq!(reviews(&sender).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_that_moved_has_one_row() {
    let sender = Sender::new().await;
    let of = |number: i64, day: u32| {
        let comment =
            json!({"id": 9, "body": "c", "updated_at": format!("2024-01-{day:02}T00:00:00Z")});
        json!({"pr_info": info(1, json!({"id": 800 + number, "number": number})), "comments": [comment]})
    };
    for (number, day, expected) in [(1, 2, 1), (2, 3, 2), (1, 2, 2)] {
        sender.post("pull-requests?repo=a/b", &of(number, day)).await;
        let of =
            "select p.pr_number from pull_request_comment c join pull_request p on p.id = c.pr_id";
        assert_eq!(sender.number(of).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_reviews_go_in_beside_their_pull_request() {
    let sender = Sender::new().await;
    let body = json!({"pr_info": info(1, json!({})), "review_comments": json_fixture("pulls/hub4j-484-comments.json"),
                      "reviews": json_fixture("pulls/hub4j-6-reviews.json")});
    let receipt = sender.post("pull-requests?repo=a/b", &body).await;
    assert_eq!(receipt["tables"]["pull_request_review"]["inserted"], 4);
    assert!(notes(&receipt, "warnings").is_empty());
}
