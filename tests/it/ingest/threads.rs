//! Issues, case by case.

use serde_json::{Value, json};

use super::{
    rows::select,
    sender::{Sender, counts, notes, with},
};

fn issue(day: u32, more: Value) -> Value {
    let updated_at = format!("2024-01-{day:02}T00:00:00Z");
    with(json!({"id": 601, "number": 1, "updated_at": updated_at}), more)
}

async fn row(sender: &Sender, table: &str) -> Value {
    let rows = select(sender.app.db(), [table]).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    serde_json::from_str(rows[0].split_once(' ').unwrap().1).unwrap()
}

async fn labels(sender: &Sender) -> Vec<String> {
    let rows = select(sender.app.db(), ["issue_label"]).await;
    rows.iter().map(|row| row.split('"').nth(5).unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_follow_the_newest_payload_that_states_them() {
    let sender = Sender::new().await;
    let closed = json!({"title": "t", "body": "b", "state": "closed", "state_reason": "NOT_PLANNED",
                        "closed_at": "2024-01-02T00:00:00Z", "created_at": "2024-01-01T00:00:00Z"});
    let cases = [
        (issue(1, json!({})), json!({"title": "", "state": "open", "state_reason": null})),
        (
            issue(2, closed),
            json!({"title": "t", "body": "b", "state": "closed", "state_reason": "not_planned", "issue_closed_at": "2024-01-02T00:00:00+00:00"}),
        ),
        (
            issue(3, json!({"state": "open", "state_reason": "reopened", "closed_at": null})),
            json!({"title": "t", "state": "open", "state_reason": "reopened", "issue_closed_at": null}),
        ),
        (
            issue(4, json!({"title": null, "body": null, "state_reason": "duplicate"})),
            json!({"title": "", "body": "", "state_reason": "duplicate"}),
        ),
        (
            issue(2, json!({"title": "old", "state": "closed"})),
            json!({"title": "", "state": "open"}),
        ),
        (
            issue(5, json!({"state": "weird", "state_reason": "because"})),
            json!({"state": "open", "state_reason": null}),
        ),
        (
            issue(6, json!({"created_at": "never", "state_reason": null})),
            json!({"issue_created_at": null, "state_reason": null}),
        ),
    ];
    for (body, expected) in cases {
        sender.post("issues?repo=a/b", &body).await;
        let row = row(&sender, "issue").await;
        for (column, value) in expected.as_object().unwrap() {
            assert_eq!(&row[column], value, "{column} after {body}: {row}");
        }
    }
    let receipt = sender
        .post(
            "issues?repo=a/b",
            &issue(7, json!({"state": "x", "state_reason": "y", "closed_at": "z"})),
        )
        .await;
    let mut warnings = notes(&receipt, "warnings");
    warnings.sort();
    assert_eq!(
        warnings,
        ["0 bad_time /closed_at", "0 unknown_value /state", "0 unknown_value /state_reason"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_and_assignees_are_replaced_where_they_are_listed() {
    let sender = Sender::new().await;
    for (body, expected) in [
        (
            issue(
                1,
                json!({"labels": [" bug ", {"name": "Doc"}, {"name": ""}, "bug", {"color": "x"}]}),
            ),
            &["Doc", "bug"][..],
        ),
        (issue(2, json!({})), &["Doc", "bug"]),
        (issue(3, json!({"labels": null})), &["Doc", "bug"]),
        (issue(4, json!({"labels": ["bug", "BUG"]})), &["BUG", "bug"]),
        (issue(3, json!({"labels": ["late"]})), &["BUG", "bug"]),
        (issue(5, json!({"labels": []})), &[]),
    ] {
        sender.post("issues?repo=a/b", &body).await;
        assert_eq!(labels(&sender).await, expected, "{body}");
    }
    let user = |id: i64| json!({"id": id, "login": format!("u{id}")});
    for (body, expected) in [
        (issue(6, json!({"assignee": user(1)})), 1),
        (issue(7, json!({"assignees": [user(1), null, user(2), user(2)], "assignee": user(3)})), 2),
        (issue(8, json!({"assignee": null})), 2),
        (issue(9, json!({"assignees": []})), 0),
    ] {
        sender.post("issues?repo=a/b", &body).await;
        assert_eq!(sender.number("select count(*) from issue_assignee").await, expected, "{body}");
    }
    // A row that stays keeps its date.
    sender.post("issues?repo=a/b", &issue(10, json!({"labels": ["kept"]}))).await;
    let made = "select (extract(epoch from created_at) * 1000000)::bigint from issue_label where label_name = 'kept'";
    let before = sender.number(made).await;
    let receipt =
        sender.post("issues?repo=a/b", &issue(11, json!({"labels": ["kept", "more"]}))).await;
    assert_eq!((sender.number(made).await, counts(&receipt)), (before, [0, 1, 0, 0, 0]));
    // A newer payload that says the same is no change.
    let moved = "select (extract(epoch from updated_at) * 1000000)::bigint from issue";
    let same = json!({"labels": ["more", "kept"], "title": ""});
    sender.post("issues?repo=a/b&as_of=2024-02-01T00:00:00Z", &issue(11, same.clone())).await;
    let before = sender.number(moved).await;
    let receipt = sender.post("issues?repo=a/b&as_of=2024-02-02T00:00:00Z", &issue(11, same)).await;
    assert_eq!(counts(&receipt), [0, 0, 1, 0, 0]);
    assert_eq!(sender.number(moved).await, before);
}

fn comment(id: i64, day: u32, body: &str) -> Value {
    json!({"id": id, "body": body, "user": {"id": 5, "login": "u"},
           "created_at": "2024-01-01T00:00:00Z", "updated_at": format!("2024-01-{day:02}T00:00:00Z")})
}

async fn bodies(sender: &Sender, table: &str) -> Vec<String> {
    let rows = select(sender.app.db(), [table]).await;
    let body = |row: &String| {
        row.split(r#""body": ""#).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let mut bodies: Vec<String> = rows.iter().map(body).collect();
    bodies.sort();
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_have_a_time_of_their_own() {
    let sender = Sender::new().await;
    let with = |day: u32, comments: Value| json!({"issue_info": issue(day, json!({"comments": 9})), "comments": comments});
    let cases = [
        (
            with(5, json!([comment(1, 2, "a"), comment(2, 2, "b")])),
            [1, 0, 0, 0, 0],
            &["a", "b"][..],
        ),
        // Older than what is stored, inside a newer issue.
        (with(6, json!([comment(1, 1, "old")])), [0, 1, 0, 0, 0], &["a", "b"]),
        // New and edited, inside a stale issue.
        (
            with(4, json!([comment(1, 3, "edited"), comment(3, 1, "c")])),
            [0, 1, 0, 0, 0],
            &["b", "c", "edited"],
        ),
        (with(6, json!(3)), [0, 0, 1, 0, 0], &["b", "c", "edited"]),
        (with(6, json!(null)), [0, 0, 1, 0, 0], &["b", "c", "edited"]),
        (with(6, json!([])), [0, 0, 1, 0, 0], &["b", "c", "edited"]),
        (
            issue(
                7,
                json!({"comments": [comment(2, 2, "b"), {"id": 4, "body": null, "user": null}]}),
            ),
            [0, 1, 0, 0, 0],
            &["", "b", "c", "edited"],
        ),
    ];
    for (body, expected, stored) in cases {
        assert_eq!(counts(&sender.post("issues?repo=a/b", &body).await), expected, "{body}");
        assert_eq!(bodies(&sender, "issue_comment").await, stored, "{body}");
    }
    // A full list removes what it lacks, unless that is newer than the list.
    let full = "issues?repo=a/b&complete=comments&as_of=2024-01-10T00:00:00Z";
    sender.post("issues?repo=a/b", &with(8, json!([comment(9, 20, "newer")]))).await;
    let receipt = sender.post(full, &with(8, json!([comment(1, 3, "edited")]))).await;
    assert_eq!(receipt["tables"]["issue_comment"]["deleted"], 3);
    assert_eq!(bodies(&sender, "issue_comment").await, ["edited", "newer"]);
    // An old copy does not bring them back; a list that was true later does.
    sender.post("issues?repo=a/b", &with(7, json!([comment(2, 2, "b")]))).await;
    assert_eq!(bodies(&sender, "issue_comment").await, ["edited", "newer"]);
    let later = "issues?repo=a/b&complete=comments&as_of=2024-01-11T00:00:00Z";
    sender.post(later, &with(8, json!([comment(1, 3, "edited"), comment(2, 2, "b")]))).await;
    assert_eq!(bodies(&sender, "issue_comment").await, ["b", "edited", "newer"]);
    // Of two full lists in one body the newest counts.
    let lists = json!([
        with(12, json!([comment(1, 3, "edited"), comment(2, 2, "b")])),
        with(13, json!([comment(1, 3, "edited")]))
    ]);
    sender.post("issues?repo=a/b&complete=comments", &lists).await;
    assert_eq!(bodies(&sender, "issue_comment").await, ["edited", "newer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_belong_to_one_issue_at_a_time() {
    let sender = Sender::new().await;
    let of = |id: i64, number: i64, day: u32, title: &str| {
        json!({"issue_info": {"id": id, "number": number, "title": title, "labels": [title],
                              "updated_at": format!("2024-01-{day:02}T00:00:00Z")},
               "comments": [comment(id, 1, title)]})
    };
    for older_first in [true, false] {
        sender.wipe().await;
        let mut versions = [of(601, 1, 1, "older"), of(602, 1, 2, "newer")];
        if !older_first {
            versions.reverse();
        }
        let first = sender.post("issues?repo=a/b", &versions[0]).await;
        sender.post("issues?repo=a/b", &versions[1]).await;
        assert_eq!(counts(&first), [1, 0, 0, 0, 0]);
        let row = row(&sender, "issue").await;
        assert_eq!((&row["issue_id"], &row["title"]), (&json!(602), &json!("newer")));
        assert_eq!(labels(&sender).await, ["newer"]);
        assert_eq!(bodies(&sender, "issue_comment").await, ["newer", "older"]);
    }
    // Moved to another number, then to another repository.
    sender.post("issues?repo=a/b", &of(602, 5, 3, "moved")).await;
    sender.post("issues?repo=a/c", &of(602, 5, 4, "transferred")).await;
    assert_eq!(
        counts(&sender.post("issues?repo=a/b", &of(602, 5, 3, "moved")).await),
        [0, 0, 0, 1, 0]
    );
    let row = row(&sender, "issue").await;
    assert_eq!((&row["repo"], &row["title"]), (&json!("login:a/c"), &json!("transferred")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests_among_issues_are_stored_as_such() {
    let sender = Sender::new().await;
    let item = json!({"id": 77, "number": 3, "pull_request": {"merged_at": null}});
    let receipt = sender.post("issues?repo=a/b", &json!([issue(1, json!({})), item])).await;
    assert_eq!(notes(&receipt, "warnings"), ["1 routed"]);
    assert_eq!(sender.number("select count(*) from issue").await, 1);
    assert_eq!(sender.number("select count(*) from pull_request where pr_id < 0").await, 1);
    let receipt = sender.post("pull-requests?repo=a/b", &issue(2, json!({}))).await;
    assert_eq!(
        (notes(&receipt, "warnings"), counts(&receipt)),
        (vec!["0 routed".to_owned()], [0, 1, 0, 0, 0])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_comments_go_in_at_once() {
    let sender = Sender::new().await;
    let comments: Vec<Value> = (1..=10_000).map(|n| comment(n, 2, "c")).collect();
    let body = json!({"issue_info": issue(1, json!({})), "comments": comments});
    let receipt = sender.post("issues?repo=a/b", &body).await;
    assert_eq!(receipt["tables"]["issue_comment"]["inserted"], 10_000);
    assert_eq!(counts(&sender.post("issues?repo=a/b", &body).await), [0, 0, 1, 0, 0]);
}
