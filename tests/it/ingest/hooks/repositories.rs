//! Events of repositories, labels apart.

use serde_json::{Value, json};

use super::{
    super::sender::with, column, deliver, events::push, hooked, issue, of_issue, outcome,
    repository, rows,
};

fn event(action: &str, more: Value) -> Value {
    json!({"action": action, "repository": with(repository(), more)})
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_follow_the_events() {
    let sender = hooked().await;
    for (name, stars) in [("star", 431), ("fork", 432), ("public", 433), ("repository", 434)] {
        let body = event(
            "edited",
            json!({"stargazers_count": stars, "updated_at": format!("2024-06-01T00:00:{}Z", stars - 400)}),
        );
        let receipt = deliver(&sender, name, &body).await;
        assert_eq!(receipt["rejected"], 0, "{name}");
        assert_eq!(column(&sender, "github_repository", "stars").await, [stars]);
    }
    // Other events only name their repository.
    let other = with(
        of_issue("opened", &issue(1)),
        json!({"repository": with(repository(), json!({"stargazers_count": 9, "updated_at": "2024-07-01T00:00:00Z"}))}),
    );
    deliver(&sender, "issues", &other).await;
    assert_eq!(column(&sender, "github_repository", "stars").await, [434]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_repository_keeps_its_history() {
    let sender = hooked().await;
    sender.post("issues", &issue(1)).await;
    for action in ["deleted", "privatized"] {
        deliver(&sender, "repository", &event(action, json!({}))).await;
        let removed = column(&sender, "github_repository", "removed_at").await;
        assert!(removed[0].is_string(), "{removed:?}");
        // A copy that is no newer does not know; a newer one shows that it is there.
        sender.post("repositories", &repository()).await;
        assert_eq!(column(&sender, "github_repository", "removed_at").await, removed);
        assert_eq!(rows(&sender, "issue").await.len(), 1);
    }
    let newer = with(repository(), json!({"updated_at": "2024-05-03T00:00:00Z"}));
    sender.post("repositories", &newer).await;
    assert_eq!(column(&sender, "github_repository", "removed_at").await, [Value::Null]);
    // An event that comes late does not remove it again.
    deliver(&sender, "repository", &event("privatized", json!({}))).await;
    assert_eq!(column(&sender, "github_repository", "removed_at").await, [Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_public_again_is_there() {
    let sender = hooked().await;
    deliver(&sender, "repository", &event("privatized", json!({}))).await;
    // GitHub's time of the repository may be the same.
    deliver(&sender, "repository", &event("publicized", json!({}))).await;
    assert_eq!(column(&sender, "github_repository", "removed_at").await, [Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_is_the_same_one() {
    let renamed = with(
        event("renamed", json!({"name": "jason", "full_name": "boostorg/jason"})),
        json!({"changes": {"repository": {"name": {"from": "json"}}}}),
    );
    let moved = with(
        event(
            "transferred",
            json!({"full_name": "elsewhere/jason", "name": "jason", "updated_at": "2024-06-01T00:00:00Z",
            "owner": {"id": 9002, "login": "elsewhere", "type": "Organization"}}),
        ),
        json!({"changes": {"owner": {"from": {"organization": {"login": "boostorg", "id": 9001}}}}}),
    );
    // Known with its id, by name alone, or not at all.
    for known in 0..3 {
        let sender = hooked().await;
        match known {
            0 => {
                deliver(&sender, "repository", &event("created", json!({}))).await;
            }
            1 => {
                sender.post("issues", &issue(1)).await;
            }
            _ => {}
        }
        deliver(&sender, "repository", &renamed).await;
        assert_eq!(column(&sender, "github_repository", "key").await, ["9001/jason"], "{known}");
        // A push that was under way when it was renamed.
        deliver(&sender, "push", &push("refs/heads/develop")).await;
        deliver(&sender, "issues", &of_issue("edited", &issue(2))).await;
        assert_eq!(column(&sender, "github_repository", "key").await, ["9001/jason"], "{known}");
        assert_eq!(column(&sender, "git_commit", "key").await, ["9001/jason"]);
        assert_eq!(column(&sender, "issue", "repo").await, ["9001/jason"]);
        deliver(&sender, "repository", &moved).await;
        assert_eq!(column(&sender, "github_repository", "key").await, ["9002/jason"]);
        assert_eq!(rows(&sender, "issue").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_mentioned() {
    let sender = hooked().await;
    let member = json!({"action": "added", "member": {"id": 31, "login": "newcomer", "type": "User"}, "repository": repository()});
    assert_eq!(outcome(&deliver(&sender, "member", &member).await).0, "inserted");
    let comment = json!({"action": "created", "repository": repository(), "comment": {"id": 1,
        "user": {"id": 32, "login": "critic", "type": "User"}, "updated_at": "2024-05-01T00:00:00Z"}});
    assert_eq!(outcome(&deliver(&sender, "commit_comment", &comment).await).0, "inserted");
    assert_eq!(column(&sender, "github_account", "username").await, ["newcomer", "critic"]);
    assert_eq!(rows(&sender, "github_repository").await.len(), 0);
    for (event, body) in [
        ("ping", json!({"zen": "z", "hook_id": 1})),
        ("delete", json!({"ref": "x", "ref_type": "branch", "repository": repository()})),
        ("create", json!({"ref": "x", "ref_type": "branch", "repository": repository()})),
        ("release", json!({"action": "edited", "release": {}, "repository": repository()})),
    ] {
        let receipt = deliver(&sender, event, &body).await;
        assert_eq!(outcome(&receipt), ("unchanged", vec!["ignored".to_owned()]), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_and_tags_of_boost_are_versions() {
    let sender = hooked().await;
    let boost =
        with(repository(), json!({"id": 7009, "name": "boost", "full_name": "boostorg/boost"}));
    let release = |action: &str, tag: &str, repository: &Value, beta: bool| {
        json!({"action": action, "repository": repository, "release": {"id": 1, "name": "A title",
            "tag_name": tag, "draft": false, "prerelease": beta, "published_at": "2025-04-03T00:00:00Z"}})
    };
    let tag = |kind: &str, name: &str| json!({"ref": name, "ref_type": kind, "master_branch": "master", "repository": boost});
    let count = async || sender.number("select count(*) from boost_version").await;
    assert_eq!(
        outcome(&deliver(&sender, "create", &tag("tag", "boost-1.88.0")).await).0,
        "inserted"
    );
    let dated = "select count(*) from boost_version where version_created_at is not null";
    assert_eq!((count().await, sender.number(dated).await), (1, 0));
    deliver(&sender, "release", &release("published", "boost-1.88.0", &boost, false)).await;
    assert_eq!((count().await, sender.number(dated).await), (1, 1));
    assert_eq!(column(&sender, "github_repository", "key").await, ["9001/boost"]);
    for body in [
        release("released", "boost-1.89.0.beta1", &boost, false),
        release("published", "boost-1.90.0", &boost, true),
        release("published", "boost-0.9.0", &boost, false),
        release("published", "boost-1.91.0", &repository(), false),
    ] {
        deliver(&sender, "release", &body).await;
    }
    for (kind, name) in [("branch", "boost-1.92.0"), ("tag", "boost-0.9.0"), ("tag", "develop")] {
        let receipt = deliver(&sender, "create", &tag(kind, name)).await;
        assert_eq!(outcome(&receipt).0, "unchanged", "{name}");
    }
    assert_eq!(count().await, 1);
    assert_eq!(column(&sender, "github_repository", "key").await, ["9001/boost", "9001/json"]);
}
