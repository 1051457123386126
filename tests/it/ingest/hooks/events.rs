//! Events of issues, pull requests and pushes; and every fixture.

use serde_json::{Value, json};

use super::{
    super::sender::{json_fixture, with},
    column, comment, deliver, hooked, issue, of_issue, outcome, pull, redeliver, repository, rows,
};

/// The events of the fixtures, in the order of their names.
pub(super) fn fixtures() -> Vec<(&'static str, Value)> {
    [
        "commit_comment.created.00",
        "create.event.00",
        "delete.event.00",
        "fork.event.02",
        "gollum.event.00",
        "issue_comment.created.00",
        "issue_comment.deleted.05",
        "issues.deleted.04",
        "issues.labeled.09",
        "issues.opened.15",
        "label.deleted.00",
        "label.edited.05",
        "member.added.00",
        "ping.event.00",
        "public.event.00",
        "pull_request.closed.04",
        "pull_request.opened.00",
        "pull_request_review.submitted.00",
        "pull_request_review_comment.created.00",
        "push.event.00",
        "release.published.00",
        "repository.created.02",
        "repository.privatized.05",
        "repository.publicized.00",
        "repository.renamed.09",
        "repository.transferred.10",
        "star.created.00",
        "watch.started.00",
    ]
    .into_iter()
    .map(|name| {
        let event = name.split('.').next().unwrap();
        (event, json_fixture(&format!("webhooks/{name}.json")))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_is_stored() {
    let sender = hooked().await;
    let mut seen = Vec::new();
    for (event, body) in fixtures() {
        let id = uuid::Uuid::now_v7().to_string();
        let answer = redeliver(&sender, event, &id, &body).await;
        let expected = if ["gollum", "watch"].contains(&event) { 202 } else { 200 };
        assert_eq!(answer.status(), expected, "{event}: {}", answer.text());
        let receipt = answer.json();
        let (action, warnings) = outcome(&receipt);
        let tables: Vec<&String> = receipt["tables"].as_object().unwrap().keys().collect();
        seen.push(json!([event, body["action"], action, warnings, tables]));
    }
    insta::assert_json_snapshot!("events", seen);
    let rows = crate::ingest::rows::dump(sender.app.db()).await;
    // When a repository was deleted is when we were told.
    let rows: Vec<&String> = rows.iter().filter(|row| !row.contains("removed_at\": \"2")).collect();
    insta::assert_json_snapshot!("rows", rows);
    // The same deliveries once more change nothing.
    let before = sender.dump().await;
    for (event, body) in fixtures().into_iter().filter(|(event, _)| *event != "repository") {
        let id = uuid::Uuid::now_v7().to_string();
        let receipt = redeliver(&sender, event, &id, &body).await.json();
        assert!(["unchanged", "stale"].contains(&outcome(&receipt).0), "{event}: {receipt}");
    }
    assert_eq!(sender.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_and_a_scraped_copy_meet_in_one_row() {
    let (eventful, scraped) = (hooked().await, hooked().await);
    deliver(&eventful, "issues", &of_issue("opened", &issue(1))).await;
    deliver(&eventful, "issues", &of_issue("edited", &issue(2))).await;
    for day in [1, 2] {
        scraped.post("issues?repo=boostorg/json", &issue(day)).await;
    }
    assert_eq!(eventful.dump().await, scraped.dump().await);

    // An older event, a newer copy, a newer event.
    let stale = deliver(&scraped, "issues", &of_issue("edited", &issue(1))).await;
    assert_eq!(outcome(&stale).0, "stale");
    scraped.post("issues", &issue(4)).await;
    deliver(&scraped, "issues", &of_issue("edited", &issue(3))).await;
    assert_eq!(column(&scraped, "issue", "title").await, ["Day 4"]);
    deliver(&scraped, "issues", &of_issue("edited", &issue(5))).await;
    assert_eq!(column(&scraped, "issue", "title").await, ["Day 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_of_issues_and_of_pull_requests() {
    let sender = hooked().await;
    let event = |action: &str, issue: Value, comment: Value| json!({"action": action, "issue": issue, "comment": comment, "repository": repository()});
    deliver(&sender, "issue_comment", &event("created", issue(2), comment(77, 2))).await;
    deliver(&sender, "issue_comment", &event("edited", issue(3), comment(77, 3))).await;
    deliver(&sender, "issue_comment", &event("created", issue(2), comment(78, 2))).await;
    assert_eq!(column(&sender, "issue_comment", "body").await, ["Day 2", "Day 3"]);
    let receipt =
        deliver(&sender, "issue_comment", &event("deleted", issue(3), comment(77, 3))).await;
    assert_eq!(outcome(&receipt).0, "updated");
    assert_eq!(receipt["tables"]["issue_comment"]["deleted"], 1);
    // A late copy, scraped or told, does not bring it back.
    let nested = json!({"issue_info": issue(4), "comments": [comment(77, 9), comment(78, 2)]});
    sender.post("issues", &nested).await;
    deliver(&sender, "issue_comment", &event("edited", issue(4), comment(77, 9))).await;
    assert_eq!(column(&sender, "issue_comment", "issue_comment_id").await, [78]);

    // Of a pull request the issue is a list item: its id is another one.
    let listed = json!({
        "id": 602, "number": 2, "title": "Day 2", "state": "open",
        "pull_request": {"merged_at": null}, "user": {"id": 1001, "login": "jroe"},
        "url": "https://api.github.com/repos/boostorg/json/issues/2",
        "updated_at": "2024-01-02T00:00:00Z",
    });
    deliver(&sender, "issue_comment", &event("created", listed.clone(), comment(501, 2))).await;
    assert_eq!(column(&sender, "pull_request", "pr_id").await, [0]);
    assert_eq!(column(&sender, "pull_request_comment", "pr_comment_id").await, [501]);
    deliver(&sender, "issue_comment", &event("deleted", listed, comment(501, 2))).await;
    assert_eq!(rows(&sender, "pull_request_comment").await.len(), 0);
    assert_eq!(rows(&sender, "issue").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_are_submitted_edited_and_dismissed() {
    let review = |state: &str, body: &str| {
        let review = json!({"id": 601, "state": state, "body": body, "user": {"id": 1003, "login": "blee"},
            "submitted_at": "2024-01-02T00:00:00Z"});
        json!({"action": state, "review": review, "pull_request": pull(2), "repository": repository()})
    };
    let (submitted, dismissed) = (review("approved", "fine"), review("dismissed", "fine"));
    for order in [[&submitted, &dismissed], [&dismissed, &submitted]] {
        let sender = hooked().await;
        for body in order {
            deliver(&sender, "pull_request_review", body).await;
        }
        assert_eq!(column(&sender, "pull_request_review", "review_state").await, ["DISMISSED"]);
        assert_eq!(column(&sender, "pull_request", "pr_id").await, [8001]);
    }

    // A review comment; once it is deleted, its number stays a comment's.
    let sender = hooked().await;
    let on_line = with(comment(601, 2), json!({"path": "a.hpp", "pull_request_review_id": 5}));
    let event = |action: &str| json!({"action": action, "comment": on_line, "pull_request": pull(2), "repository": repository()});
    deliver(&sender, "pull_request_review_comment", &event("created")).await;
    assert_eq!(column(&sender, "pull_request_review", "path").await, ["a.hpp"]);
    deliver(&sender, "pull_request_review_comment", &event("deleted")).await;
    assert_eq!(rows(&sender, "pull_request_review").await.len(), 0);
    deliver(&sender, "pull_request_review", &submitted).await;
    deliver(&sender, "pull_request_review_comment", &event("edited")).await;
    assert_eq!(column(&sender, "pull_request_review", "pr_review_id").await, [-601]);
    deliver(&sender, "pull_request_review_comment", &event("deleted")).await;
    assert_eq!(column(&sender, "pull_request_review", "kind").await, ["review"]);
}

const SHA: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";

/// A push of one commit.
pub(super) fn push(branch: &str) -> Value {
    json!({
        "ref": branch, "before": "0".repeat(40), "after": SHA, "forced": true, "deleted": false,
        "repository": with(repository(), json!({"pushed_at": 1_714_600_000, "created_at": 1_564_617_600})),
        "commits": [{
            "id": SHA, "message": "Add a file", "timestamp": "2024-05-01T12:00:00+02:00",
            "author": {"name": "Jane Roe", "email": "jane@example.org", "username": "jroe"},
            "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
            "added": ["new.hpp"], "modified": ["old.hpp"], "removed": ["gone.hpp"],
        }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_the_default_branch_brings_commits() {
    let sender = hooked().await;
    for branch in
        ["refs/heads/master", "refs/heads/feature/develop", "refs/tags/develop", "develop"]
    {
        let receipt = deliver(&sender, "push", &push(branch)).await;
        assert_eq!(outcome(&receipt), ("unchanged", vec!["ignored".to_owned()]), "{branch}");
    }
    assert_eq!(rows(&sender, "github_repository").await.len(), 0);
    let none = with(push("refs/heads/develop"), json!({"commits": []}));
    assert_eq!(outcome(&deliver(&sender, "push", &none).await).0, "inserted");
    assert_eq!(column(&sender, "github_repository", "stars").await, [430]);

    let receipt = deliver(&sender, "push", &push("refs/heads/develop")).await;
    assert_eq!(outcome(&receipt).0, "inserted");
    assert_eq!(receipt["tables"]["git_commit_file_change"]["inserted"], 3);
    let commit = &rows(&sender, "git_commit").await[0];
    assert_eq!(commit["commit_at"], commit["committed_at"]);
    assert_eq!(
        (&commit["account"], &commit["comment"]),
        (&json!("login:jroe"), &json!("Add a file"))
    );
    assert_eq!(column(&sender, "github_file", "is_deleted").await, [true, false, false]);
    assert_eq!(
        outcome(&deliver(&sender, "push", &push("refs/heads/develop")).await).0,
        "unchanged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_itself_replaces_what_a_push_says() {
    let rest = json!({
        "sha": SHA, "url": format!("https://api.github.com/repos/boostorg/json/commits/{SHA}"),
        "commit": {"message": "Add a file\n\nIn full.",
            "author": {"name": "Jane Roe", "email": "jane@example.org", "date": "2024-05-01T09:00:00Z"},
            "committer": {"name": "GitHub", "email": "noreply@github.com", "date": "2024-05-01T10:00:00Z"}},
        "author": {"id": 1001, "login": "jroe"}, "committer": null,
        "files": [{"filename": "new.hpp", "status": "added", "additions": 2, "deletions": 0, "patch": "@@"},
            {"filename": "old.hpp", "status": "modified", "additions": 1, "deletions": 1, "patch": "@@"}],
    });
    for push_first in [true, false] {
        let sender = hooked().await;
        for step in [push_first, !push_first] {
            if step {
                deliver(&sender, "push", &push("refs/heads/develop")).await;
            } else {
                sender.post("commits", &rest).await;
            }
        }
        let commit = &rows(&sender, "git_commit").await[0];
        assert_eq!(commit["comment"], "Add a file\n\nIn full.");
        assert_eq!(commit["account"], "1001");
        assert_eq!(commit["commit_at"], "2024-05-01T09:00:00+00:00");
        assert_eq!(commit["committed_at"], "2024-05-01T10:00:00+00:00");
        assert_eq!(column(&sender, "git_commit_file_change", "additions").await, [2, 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_without_a_login_are_known_by_their_address() {
    let sender = hooked().await;
    let of = |sha: &str, email: &str| {
        let commit = json!({"id": sha.repeat(40), "message": "m", "timestamp": "2024-05-01T12:00:00Z",
            "author": {"name": "N", "email": email}});
        with(push("refs/heads/develop"), json!({"commits": [commit]}))
    };
    deliver(&sender, "push", &of("a", "jane@example.org")).await;
    deliver(&sender, "push", &of("b", "77+jdoe@users.noreply.github.com")).await;
    assert_eq!(column(&sender, "git_commit", "account").await, ["77", "email:jane@example.org"]);
    let bad = with(push("refs/heads/develop"), json!({"commits": [{"id": "x", "timestamp": "y"}]}));
    let receipt = redeliver(&sender, "push", "bad", &bad).await.expect(422);
    assert_eq!(receipt["errors"].as_array().unwrap().len(), 2, "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_the_mirror_make_no_github_rows() {
    let sender = hooked().await;
    let mirror =
        with(repository(), json!({"full_name": "LLVM/llvm-project", "name": "llvm-project"}));
    let of = |body: Value| with(body, json!({"repository": mirror}));
    let here = |object: Value, path: &str| {
        let url = format!("https://api.github.com/repos/llvm/llvm-project/{path}");
        with(object, json!({"url": url}))
    };
    let issue = here(issue(2), "issues/1");
    deliver(&sender, "issues", &of(of_issue("opened", &issue))).await;
    let said = with(of_issue("created", &issue), json!({"comment": comment(1, 2)}));
    assert_eq!(outcome(&deliver(&sender, "issue_comment", &of(said)).await).0, "updated");
    let pull = json!({"action": "opened", "pull_request": here(pull(3), "pulls/2")});
    deliver(&sender, "pull_request", &of(pull)).await;
    deliver(&sender, "push", &of(push("refs/heads/develop"))).await;
    for (event, body) in [
        ("push", of(push("refs/heads/other"))),
        ("star", of(json!({"action": "created"}))),
        ("issues", of(of_issue("deleted", &issue))),
    ] {
        let receipt = deliver(&sender, event, &body).await;
        assert_eq!(outcome(&receipt), ("unchanged", vec!["ignored".to_owned()]), "{event}");
    }
    for (sql, count) in [
        ("clang_github_issue_item where not is_pull_request and number = 1", 1),
        (
            "clang_github_issue_item where is_pull_request and number = 2 \
          and github_updated_at = '2024-01-03'",
            1,
        ),
        ("clang_github_issue_item where raw_path like 'raw/webhooks/github/%'", 2),
        ("clang_github_commit where github_committed_at = '2024-05-01T10:00:00Z'", 1),
        ("github_repository", 0),
        ("base_profile", 0),
    ] {
        assert_eq!(sender.number(&format!("select count(*) from {sql}")).await, count, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapers_hear_which_issues_are_deleted() {
    let sender = hooked().await;
    deliver(&sender, "issues", &of_issue("opened", &issue(1))).await;
    let ask = async || {
        let keys = json!({"keys": ["Boostorg/JSON:1", "boostorg/json:2"]});
        let path = "/api/v1/ingest/github/issues/known";
        let answer = sender.app.post_json(path, &sender.token, &keys).await.expect(200);
        ["known", "deleted", "unknown"].map(|list| answer[list].clone())
    };
    assert_eq!(ask().await, [json!(["Boostorg/JSON:1"]), json!([]), json!(["boostorg/json:2"])]);
    deliver(&sender, "issues", &of_issue("deleted", &issue(2))).await;
    assert_eq!(ask().await, [json!([]), json!(["Boostorg/JSON:1"]), json!(["boostorg/json:2"])]);
    // A deletion of what never came counts as well.
    let mut other = issue(1);
    (other["id"], other["number"]) = (json!(602), json!(2));
    deliver(&sender, "issues", &of_issue("deleted", &other)).await;
    assert_eq!(ask().await[1], json!(["Boostorg/JSON:1", "boostorg/json:2"]));
}
