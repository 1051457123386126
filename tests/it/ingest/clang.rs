//! Clang's commits, issues and pull requests.

use serde_json::{Value, json};

use super::{
    domain::{Domain, at_once, documents, same_in_any_order},
    sender::{counts, notes},
};

const ITEMS: &str = "select number || ' ' || is_pull_request || ' ' || \
    coalesce(to_char(github_created_at at time zone 'UTC', 'YYYY-MM-DD'), '-') || ' ' || \
    coalesce(to_char(github_updated_at at time zone 'UTC', 'YYYY-MM-DD'), '-') || ' ' || raw_path \
    from clang_github_issue_item order by number";

async fn updated_at(domain: &Domain) -> Vec<String> {
    domain
        .texts(
            "select number || ' ' || updated_at from clang_github_issue_item \
             union all select sha || ' ' || updated_at from clang_github_commit order by 1",
        )
        .await
}

fn issue(number: &Value, created: Option<&str>, updated: Option<&str>, body: &str) -> Value {
    json!({"issue_info": {"number": number, "created_at": created, "updated_at": updated, "body": body}})
}

#[tokio::test(flavor = "multi_thread")]
async fn real_payloads_become_rows_and_come_again_unchanged() {
    let domain = Domain::new("clang").await;
    for (kind, file, rows) in [
        ("issues", "clang/issues.ndjson", 4),
        ("pull-requests", "clang/prs.ndjson", 3),
        ("commits", "clang/commits.ndjson", 4),
    ] {
        let body = Value::Array(documents(file));
        let receipt = domain.post(kind, &body).await;
        assert_eq!(counts(&receipt), [rows, 0, 0, 0, 0], "{receipt}");
        let times = updated_at(&domain).await;
        let receipt = domain.post(kind, &body).await;
        assert_eq!(counts(&receipt), [0, 0, rows, 0, 0]);
        assert_eq!(updated_at(&domain).await, times);
    }
    let path = "raw/github_activity_tracker/llvm/llvm-project";
    let row = |row: &str, list: &str| {
        let number = row.split(' ').next().unwrap();
        format!("{row} {path}/{list}/{number}.json")
    };
    assert_eq!(
        domain.texts(ITEMS).await,
        [
            row("77320 false 2024-01-08 2024-01-08", "issues"),
            row("77553 false 2024-01-10 2024-01-11", "issues"),
            row("77738 true 2024-01-11 2024-01-11", "prs"),
            row("78189 true 2024-01-19 2024-01-19", "prs"),
            row("78621 false 2024-01-18 2024-01-24", "issues"),
            row("79175 false 2024-01-23 2024-01-31", "issues"),
            row("79294 true 2024-01-31 2024-01-31", "prs"),
        ]
    );
    let commits = "select left(sha, 7) || ' ' || to_char(github_committed_at at time zone 'UTC', \
                   'YYYY-MM-DD HH24:MI:SS') from clang_github_commit order by sha";
    assert_eq!(
        domain.texts(commits).await,
        [
            "2ab5c47 2024-01-04 20:39:44",
            "3c127e8 2024-01-02 22:05:57",
            "4ad0857 2018-09-25 09:47:01",
            "9804b7a 2018-09-25 08:24:07",
        ]
    );
    assert_eq!(domain.texts("select repo_name from github_repository").await, [""; 0]);
    assert_eq!(domain.sender.number("select count(*) from drift").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_merge_in_any_order() {
    let at = |day: u32| format!("2024-01-{day:02}T00:00:00Z");
    let posts: Vec<(String, Value)> = vec![
        ("issues".into(), issue(&json!(3), Some(&at(1)), Some(&at(2)), "a")),
        ("issues".into(), issue(&json!("3"), Some(&at(2)), Some(&at(9)), "b")),
        ("issues".into(), issue(&json!(3), None, None, "c")),
        ("pull-requests".into(), json!({"pr_info": {"number": 3, "updated_at": at(5)}})),
        ("issues".into(), issue(&json!(3), Some("nonsense"), Some(&at(9)), "d")),
        ("issues?as_of=2024-02-01T00:00:00Z".into(), issue(&json!(3), None, Some(&at(9)), "e")),
    ];
    let dump = same_in_any_order("clang", &posts).await;
    let row = &dump["clang_github_issue_item"][0];
    for part in [
        "\"is_pull_request\": true",
        "\"github_created_at\": \"2024-01-01",
        "\"github_updated_at\": \"2024-01-09",
        "issues/3.json",
    ] {
        assert!(row.contains(part), "{part} in {row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updated_at_moves_when_something_changed_and_only_then() {
    let domain = Domain::new("clang").await;
    let old = issue(&json!(3), Some("2024-01-01T00:00:00Z"), Some("2024-01-02T00:00:00Z"), "a");
    assert_eq!(domain.action("issues", &old).await, "inserted");
    let first = updated_at(&domain).await;
    assert_eq!(domain.action("issues", &old).await, "unchanged");
    assert_eq!(domain.action("issues?as_of=2024-01-03T00:00:00Z", &old).await, "unchanged");
    let older = issue(&json!(3), None, Some("2024-01-01T00:00:00Z"), "x");
    assert_eq!(domain.action("issues", &older).await, "stale");
    assert_eq!(updated_at(&domain).await, first);
    // Another text at the same time: a later look wins.
    let edited = issue(&json!(3), Some("2024-01-01T00:00:00Z"), Some("2024-01-02T00:00:00Z"), "b");
    assert_eq!(domain.action("issues?as_of=2024-01-04T00:00:00Z", &edited).await, "updated");
    assert_ne!(updated_at(&domain).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_items_are_named_and_others_stored() {
    let domain = Domain::new("clang").await;
    let sha = |digits: usize| json!({"sha": "B".repeat(digits), "commit": {"author": {"date": "2024-05-01 00:00:00"}}});
    let receipt = domain.post("commits", &json!([sha(39), sha(40), sha(41), {"commit": {}}])).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 3]);
    assert_eq!(
        notes(&receipt, "errors"),
        ["0 invalid_sha /sha", "2 invalid_sha /sha", "3 invalid_sha /sha"]
    );
    let commits = "select sha || ' ' || to_char(github_committed_at at time zone 'UTC', 'YYYY-MM-DD') from clang_github_commit";
    assert_eq!(domain.texts(commits).await, [format!("{} 2024-05-01", "b".repeat(40))]);

    let elsewhere = json!({"issue_info": {"number": 1, "html_url": "https://github.com/boostorg/json/issues/1"}});
    let here = json!({"issue_info": {"number": 1, "html_url": "https://github.com/LLVM/llvm-project/issues/1"}});
    let bodies = json!([
        elsewhere,
        here,
        issue(&json!(true), None, None, ""),
        issue(&json!(0), None, None, "")
    ]);
    let receipt = domain.post("issues", &bodies).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 3]);
    assert_eq!(
        notes(&receipt, "errors"),
        [
            "0 wrong_repository /issue_info",
            "2 invalid_id /issue_info/number",
            "3 invalid_id /issue_info/number"
        ]
    );
    let receipt = domain.post("issues?repo=boostorg/json", &issue(&json!(2), None, None, "")).await;
    assert_eq!(notes(&receipt, "errors"), ["0 wrong_repository /issue_info"]);
    let receipt = domain.post("issues?repo=boostorg/json", &here).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 context_mismatch /issue_info"]);
    let receipt = domain.post("pull-requests", &issue(&json!(5), Some("x"), None, "")).await;
    assert_eq!(notes(&receipt, "warnings"), ["0 routed", "0 bad_time /issue_info/created_at"]);
    let receipt = domain.post("commits?dry_run=true", &json!({"sha": "c".repeat(40)})).await;
    assert_eq!(counts(&receipt), [1, 0, 0, 0, 0]);
    assert_eq!(domain.texts(commits).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_keep_the_maximum() {
    let domain = Domain::new("clang").await;
    let body = Value::Array(documents("clang/issues.ndjson"));
    at_once(&domain, "issues", &body).await;
    let bodies: Vec<Value> = (1..=20)
        .map(|day| {
            issue(
                &json!(3),
                Some("2024-01-01T00:00:00Z"),
                Some(&format!("2024-01-{day:02}T00:00:00Z")),
                "x",
            )
        })
        .collect();
    futures_util::future::join_all(bodies.iter().map(|body| domain.post("issues", body))).await;
    let latest =
        "select github_updated_at::date::text from clang_github_issue_item where number = 3";
    assert_eq!(domain.texts(latest).await, ["2024-01-20"]);
}
