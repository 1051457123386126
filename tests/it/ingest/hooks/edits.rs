//! What is deleted, transferred, or called otherwise.

use serde_json::{Value, json};

use super::{
    super::sender::with, column, comment, deliver, hooked, issue, of_issue, outcome, pull,
    repository, rows,
};

/// An issue under another id and number.
pub(super) fn with_id(issue: Value, id: u32, number: u32) -> Value {
    with(issue, json!({"id": id, "number": number}))
}

pub(super) fn label(action: &str, name: &str, to: Option<&str>) -> Value {
    let changes = to.map_or(json!({}), |_| json!({"name": {"from": name}}));
    json!({"action": action, "label": {"id": 7, "name": to.unwrap_or(name)}, "changes": changes,
        "repository": repository()})
}

/// Issue 601 goes to boostorg/url, where it is number 5 with id 900.
pub(super) fn transferred() -> Value {
    let there = with(
        issue(3),
        json!({"id": 900, "number": 5, "labels": [{"name": "there"}],
            "url": "https://api.github.com/repos/boostorg/url/issues/5"}),
    );
    let other = with(repository(), json!({"id": 7002, "name": "url", "full_name": "boostorg/url"}));
    with(
        of_issue("transferred", &issue(3)),
        json!({"changes": {"new_issue": there, "new_repository": other}}),
    )
}

fn nested(day: u32) -> Value {
    json!({"issue_info": issue(day), "comments": [comment(77, 2)]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_issue_stays_deleted() {
    let sender = hooked().await;
    sender.post("issues", &nested(2)).await;
    let receipt = deliver(&sender, "issues", &of_issue("deleted", &issue(2))).await;
    assert_eq!(outcome(&receipt).0, "updated");
    for (table, count) in [("issue", 1), ("issue_comment", 1), ("issue_label", 2)] {
        assert_eq!(receipt["tables"][table]["deleted"], count, "{table}");
        assert_eq!(rows(&sender, table).await.len(), 0, "{table}");
    }
    for day in [1, 2, 9] {
        let receipt = sender.post("issues", &nested(day)).await;
        assert_eq!(outcome(&receipt).0, "stale");
        let event = with(of_issue("created", &issue(day)), json!({"comment": comment(79, 3)}));
        assert_eq!(outcome(&deliver(&sender, "issue_comment", &event).await).0, "stale");
    }
    assert_eq!(rows(&sender, "issue").await.len() + rows(&sender, "issue_comment").await.len(), 0);
    // Deleted before it was ever seen; another issue is not touched.
    let unseen = with_id(issue(2), 602, 2);
    assert_eq!(
        outcome(&deliver(&sender, "issues", &of_issue("deleted", &unseen)).await).0,
        "unchanged"
    );
    assert_eq!(outcome(&sender.post("issues", &unseen).await).0, "stale");
    assert_eq!(outcome(&sender.post("issues", &with_id(issue(2), 603, 3)).await).0, "inserted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_comes_while_an_issue_is_deleted_does_not_survive() {
    let sender = hooked().await;
    for round in 0..20_u32 {
        let issue = with_id(issue(2), 1_000 + round, 10 + round);
        let nested = json!({"issue_info": issue, "comments": [comment(5_000 + round, 2)]});
        let gone = of_issue("deleted", &issue);
        tokio::join!(sender.post("issues", &nested), deliver(&sender, "issues", &gone));
    }
    assert_eq!(rows(&sender, "issue").await.len(), 0);
    assert_eq!(rows(&sender, "issue_comment").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transferred_issue_takes_its_comments_along() {
    for opened_there in [false, true] {
        let sender = hooked().await;
        sender.post("issues", &nested(2)).await;
        if opened_there {
            let there = transferred()["changes"]["new_issue"].clone();
            sender.post("issues", &there).await;
        }
        let receipt = deliver(&sender, "issues", &transferred()).await;
        assert_eq!(receipt["rejected"], 0, "{receipt}");
        let issues = rows(&sender, "issue").await;
        assert_eq!(issues.len(), 1, "{issues:?}");
        assert_eq!(issues[0]["issue_id"], 900);
        assert_eq!(issues[0]["issue_number"], 5);
        assert_eq!(issues[0]["repo"], "login:boostorg/url");
        assert_eq!(column(&sender, "issue_comment", "issue_comment_id").await, [77]);
        assert_eq!(column(&sender, "issue_label", "label_name").await, ["there"]);

        // An old copy is one of the issue as it is now.
        let late = json!({"issue_info": issue(2), "comments": [comment(78, 2)]});
        sender.post("issues", &late).await;
        let issues = rows(&sender, "issue").await;
        assert_eq!((issues.len(), &issues[0]["title"]), (1, &json!("Day 3")));
        assert_eq!(column(&sender, "issue_comment", "issue_comment_id").await, [77, 78]);
        deliver(&sender, "issues", &transferred()).await;
        assert_eq!(rows(&sender, "issue").await, issues);
    }
    // The transfer comes first.
    let sender = hooked().await;
    deliver(&sender, "issues", &transferred()).await;
    sender.post("issues", &nested(2)).await;
    assert_eq!(column(&sender, "issue", "issue_id").await, [900]);
    assert_eq!(column(&sender, "issue_comment", "issue_comment_id").await, [77]);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_renamed_and_deleted_everywhere() {
    let sender = hooked().await;
    sender.post("issues", &issue(2)).await;
    sender.post("pull-requests", &pull(2)).await;
    let elsewhere = with(
        with_id(issue(2), 602, 1),
        json!({"url": "https://api.github.com/repos/boostorg/url/issues/1"}),
    );
    sender.post("issues", &elsewhere).await;
    let receipt = deliver(&sender, "label", &label("edited", "old", Some("new"))).await;
    assert_eq!(outcome(&receipt).0, "updated");
    assert_eq!(column(&sender, "issue_label", "label_name").await, ["bug", "new", "bug", "old"]);
    assert_eq!(column(&sender, "pull_request_label", "label_name").await, ["new"]);

    // An old payload is read through the edit, also of an issue that is seen only now.
    assert_eq!(outcome(&sender.post("issues", &issue(1)).await).0, "stale");
    sender.post("issues", &issue(3)).await;
    sender.post("issues", &with_id(issue(2), 603, 3)).await;
    deliver(
        &sender,
        "pull_request",
        &json!({"action": "edited", "pull_request": pull(3), "repository": repository()}),
    )
    .await;
    let names = column(&sender, "issue_label", "label_name").await;
    assert_eq!(names, ["bug", "new", "bug", "old", "bug", "new"]);
    assert_eq!(column(&sender, "pull_request_label", "label_name").await, ["new"]);

    // Two labels become one; then it goes.
    deliver(&sender, "label", &label("edited", "new", Some("bug"))).await;
    assert_eq!(column(&sender, "issue_label", "label_name").await, ["bug", "bug", "old", "bug"]);
    let receipt = deliver(&sender, "label", &label("deleted", "bug", None)).await;
    assert_eq!(receipt["tables"]["issue_label"]["deleted"], 2);
    sender.post("issues", &with_id(issue(2), 604, 4)).await;
    assert_eq!(column(&sender, "issue_label", "label_name").await, ["bug", "old"]);
    assert_eq!(rows(&sender, "pull_request_label").await.len(), 0);

    // What was listed later knows of it, and may have a label of that name again.
    let now = sender.app.app().clock.now() + chrono::Duration::hours(1);
    let later = with(with_id(issue(2), 605, 5), json!({"updated_at": now.to_rfc3339()}));
    sender.post("issues", &later).await;
    let names = column(&sender, "issue_label", "label_name").await;
    assert_eq!(names, ["bug", "old", "bug", "old"]);
    for (action, to) in [("created", None), ("edited", None)] {
        let receipt = deliver(&sender, "label", &label(action, "bug", to)).await;
        assert_eq!(outcome(&receipt), ("unchanged", vec!["ignored".to_owned()]));
    }
}
