//! Each rule of a kind: the code of what breaks it, and the place.

use serde_json::{Value, json};

use super::{
    refusals::kept,
    sender::{Sender, notes, with},
};

/// Where a body is posted, the body, and the code and pointer it is refused with.
type Case = (&'static str, Value, &'static str);

/// A text that is too long to be part of a key.
fn long() -> String {
    "ü7".repeat(1_100)
}

fn error_page() -> Value {
    json!({"message": "Not Found", "documentation_url": "https://docs.github.com"})
}

/// Posts each body: it is refused, and its bytes are kept.
async fn are_refused(cases: Vec<Case>) {
    let sender = Sender::new().await;
    for (to, body, expected) in cases {
        let receipt = sender.refused(to, &body).await;
        let short: String = body.to_string().chars().take(200).collect();
        let found = notes(&receipt, "errors");
        let found = found.first().map(String::as_str).unwrap_or_default();
        if expected == "too_long" {
            assert!(found.starts_with("0 too_long"), "{to} {short}: {found:.80}");
        } else {
            assert_eq!(found, format!("0 {expected}").trim_end(), "{to} {short}");
        }
        let kind = to.split('?').next().unwrap();
        assert!(kept(&sender, kind, body.to_string().as_bytes()), "{to} {short} is lost");
    }
    assert!(sender.dump().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    are_refused(vec![
        ("accounts", json!({"login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": 0, "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": -1, "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": 1.5, "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"id": "9223372036854775808", "login": "x"}), "invalid_id /id"),
        ("accounts", json!({"owner": {"id": true}}), "invalid_id /owner/id"),
        ("accounts", json!({"id": 1, "login": long()}), "too_long /login"),
        ("accounts", json!({"id": 1, "login": "x", "name": 5}), "invalid_type /name"),
        ("accounts", json!(7), "unknown_shape"),
        ("accounts", error_page(), "source_error"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories() {
    are_refused(vec![
        ("repositories", json!({"id": 1}), "missing_field /full_name"),
        ("repositories", json!("boostorg/json"), "unknown_shape"),
        (
            "repositories",
            json!({"full_name": "a/b", "stargazers_count": 2_147_483_648_i64}),
            "out_of_range /stargazers_count",
        ),
        (
            "repositories",
            json!({"full_name": "a/b", "forks_count": -1}),
            "out_of_range /forks_count",
        ),
        ("repositories", json!({"full_name": "a/b", "stars": true}), "invalid_type /stars"),
        (
            "repositories",
            json!({"full_name": "a/b", "license": {"name": long()}}),
            "too_long /license/name",
        ),
        ("repositories", error_page(), "source_error"),
        ("repo-languages", json!({"C": 1}), "missing_context"),
        ("repo-languages?repo=a/b", json!({" ": 1}), "missing_field / "),
        ("repo-languages?repo=a/b", json!({"C": -1}), "out_of_range /C"),
        ("repo-languages?repo=a/b", json!({"C": "many"}), "invalid_type /C"),
        ("repo-languages?repo=a/b", json!({long(): 1}), "too_long"),
        ("repo-languages?repo=a/b", json!(3), "unknown_shape"),
        ("created-repos-by-language", json!({"year": 2023}), "missing_field /language"),
        ("created-repos-by-language", json!({"language": "C"}), "missing_field /year"),
        ("created-repos-by-language", json!({"language": "C", "year": 1969}), "out_of_range /year"),
        ("created-repos-by-language", json!({"language": "C", "year": 2101}), "out_of_range /year"),
        (
            "created-repos-by-language",
            json!({"language": "C", "year": 2000, "all_repos": -1}),
            "out_of_range /all_repos",
        ),
        (
            "created-repos-by-language",
            json!({"language": "C", "year": 2000, "significant_repos": 1e19}),
            "out_of_range /significant_repos",
        ),
        ("created-repos-by-language", json!(null), "unknown_shape"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits() {
    let date = json!({"date": "2024-01-01T00:00:00Z"});
    let commit = |more| with(json!({"sha": "aaaaaaa", "commit": {"author": date}}), more);
    are_refused(vec![
        ("commits?repo=a/b", json!({"commit": {"author": date}}), "invalid_sha /sha"),
        (
            "commits?repo=a/b",
            json!({"sha": "123456", "commit": {"author": date}}),
            "invalid_sha /sha",
        ),
        (
            "commits?repo=a/b",
            json!({"sha": "a".repeat(65), "commit": {"author": date}}),
            "invalid_sha /sha",
        ),
        ("commits", commit(json!({})), "missing_context"),
        ("commits?repo=a/b", json!({"sha": "aaaaaaa"}), "missing_time /commit/author/date"),
        (
            "commits?repo=a/b",
            json!({"sha": "aaaaaaa", "commit": {"author": {"date": "1969-12-31T23:59:59Z"}, "committer": {"date": "soon"}}}),
            "missing_time /commit/author/date",
        ),
        ("commits?repo=a/b", commit(json!({"files": {}})), "invalid_type /files"),
        (
            "commits?repo=a/b",
            commit(json!({"files": [{"filename": long()}]})),
            "too_long /files/0/filename",
        ),
        (
            "commits?repo=a/b",
            commit(
                json!({"files": [{"filename": "f"}, {"filename": "g", "additions": 2_147_483_648_i64}]}),
            ),
            "out_of_range /files/1/additions",
        ),
        (
            "commits?repo=a/b",
            commit(json!({"files": [{"filename": "f", "patch": "x".repeat((8 << 20) + 1)}]})),
            "too_long /files/0/patch",
        ),
        (
            "commits?repo=a/b",
            json!({"sha": "aaaaaaa", "commit": {"author": {"name": long(), "date": "2024-01-01T00:00:00Z"}}}),
            "too_long /commit/author/name",
        ),
        ("commits?repo=a/b", error_page(), "source_error"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn issues() {
    let issue = |more| with(json!({"id": 1, "number": 1}), more);
    are_refused(vec![
        ("issues", issue(json!({})), "missing_context"),
        ("issues?repo=a/b", json!({"number": 1}), "invalid_id /id"),
        ("issues?repo=a/b", json!({"id": 1}), "invalid_id /number"),
        ("issues?repo=a/b", json!({"id": 1, "number": 2_147_483_648_i64}), "invalid_id /number"),
        (
            "issues?repo=a/b",
            json!({"issue_info": {"id": 1, "number": 0}}),
            "invalid_id /issue_info/number",
        ),
        ("issues?repo=a/b", json!({"issue_info": 3}), "unknown_shape /issue_info"),
        ("issues?repo=a/b", issue(json!({"title": []})), "invalid_type /title"),
        ("issues?repo=a/b", issue(json!({"labels": [long()]})), "too_long /labels/0"),
        (
            "issues?repo=a/b",
            issue(json!({"labels": (0..1_001).map(|n| json!(n.to_string())).collect::<Vec<_>>()})),
            "too_many_items /labels",
        ),
        (
            "issues?repo=a/b",
            issue(
                json!({"assignees": (0..1_001).map(|n| json!({"id": n + 1})).collect::<Vec<_>>()}),
            ),
            "too_many_items /assignees",
        ),
        (
            "issues?repo=a/b",
            json!({"issue_info": issue(json!({})), "comments": [{"id": 1}, {"id": "x"}]}),
            "invalid_id /comments/1/id",
        ),
        (
            "issues?repo=a/b",
            json!({"issue_info": issue(json!({})), "comments": (0..20_001).map(|n| json!({"id": n + 1})).collect::<Vec<_>>()}),
            "too_many_items /comments",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests() {
    are_refused(vec![
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"id": 0, "number": 1, "head": null}}),
            "invalid_id /pr_info/id",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"id": 1, "number": "one", "head": null}}),
            "invalid_id /pr_info/number",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"id": 1, "number": 1, "head": {"sha": long()}}}),
            "too_long /pr_info/head/sha",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"number": 1}, "reviews": [{"id": -5, "path": "x"}]}),
            "invalid_id /reviews/0/id",
        ),
        (
            "pull-requests?repo=a/b",
            json!({"pr_info": {"number": 1}, "reviews": [{"id": 5, "path": "x", "body": 1}]}),
            "invalid_type /reviews/0/body",
        ),
        ("pull-requests?repo=a/b", json!({"pr_info": []}), "unknown_shape /pr_info"),
        ("pull-requests", json!({}), "invalid_id /number"),
    ])
    .await;
}
