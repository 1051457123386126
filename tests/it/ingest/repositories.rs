//! Repositories: identity, renames, licences, languages; repositories created by year.

use serde_json::{Value, json};

use super::{
    rows::select,
    sender::{Sender, counts, json_fixture, notes},
};

async fn rows(sender: &Sender, table: &str) -> Vec<String> {
    select(sender.app.db(), [table]).await
}

fn at(id: i64, name: &str, day: u32) -> Value {
    json!({"id": id, "full_name": name, "updated_at": format!("2024-01-{day:02}T00:00:00Z"),
           "owner": {"id": 90 + i64::from(name.as_bytes()[0]), "login": &name[..1]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_stored_column_by_column() {
    let sender = Sender::new().await;
    let body = json!({"id": 7_000_001, "name": "json", "full_name": "boostorg/json",
        "owner": {"id": 9_000_001, "login": "boostorg", "avatar_url": "https://x/a.png", "type": "Organization"},
        "stargazers_count": "430", "watchers_count": 1, "forks_count": 95.0, "description": null,
        "pushed_at": 1_714_521_600, "created_at": "2019-08-01 00:00:00", "updated_at": "2024-05-02T02:00:00+02:00",
        "license": {"key": "bsl-1.0", "name": "Boost Software License 1.0", "spdx_id": "BSL-1.0", "url": "https://x/l"}});
    let receipt = sender.post("repositories", &body).await;
    assert_eq!(
        receipt["tables"]["github_repository"],
        json!({"inserted": 1, "updated": 0, "unchanged": 0, "deleted": 0})
    );
    assert_eq!(
        sender.dump().await,
        [
            r#"base_profile {"key": "9000001", "type": "github"}"#,
            r#"github_account {"key": "9000001", "type": "organization", "username": "boostorg", "avatar_url": "https://x/a.png", "display_name": ""}"#,
            r#"github_repository {"key": "9000001/json", "forks": 95, "stars": 430, "removed_at": null, "description": "", "github_repo_id": 7000001, "repo_pushed_at": "2024-05-01T00:00:00+00:00", "repo_created_at": "2019-08-01T00:00:00+00:00", "repo_updated_at": "2024-05-02T00:00:00+00:00"}"#,
            r#"license {"url": "https://x/l", "name": "Boost Software License 1.0", "spdx_id": "BSL-1.0"}"#,
            r#"repo_license {"key": "9000001/json", "name": "Boost Software License 1.0"}"#,
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn licences_are_what_the_newest_payload_says() {
    let sender = Sender::new().await;
    let with = |day: u32, license: Value| {
        let mut body = at(1, "a/x", day);
        body["license"] = license;
        body
    };
    for (body, expected) in [
        (with(1, json!({"name": "MIT License", "spdx_id": "MIT"})), Some("MIT License")),
        (at(1, "a/x", 2), Some("MIT License")),
        (with(3, json!(null)), None),
        (with(2, json!({"name": "Old", "spdx_id": "Old"})), None),
        (with(4, json!({"name": "", "spdx_id": "NOASSERTION"})), Some("NOASSERTION")),
        (with(5, json!({"name": "Other", "spdx_id": "NOASSERTION", "url": null})), Some("Other")),
    ] {
        sender.post("repositories", &body).await;
        let expected: Vec<_> = expected
            .iter()
            .map(|name| format!(r#"repo_license {{"key": "187/x", "name": "{name}"}}"#))
            .collect();
        assert_eq!(rows(&sender, "repo_license").await, expected, "{body}");
    }
    // Blank never overwrites.
    sender.post("repositories", &with(6, json!({"name": "MIT License", "spdx_id": ""}))).await;
    assert!(rows(&sender, "license").await.iter().any(|row| row.contains(r#""spdx_id": "MIT""#)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_is_one_row() {
    let sender = Sender::new().await;
    let issue = |n: i64| json!({"id": n, "number": n});
    let count = async || sender.number("select count(*) from github_repository").await;
    sender.post("issues?repo=A/X", &issue(1)).await;
    sender.post("repositories", &at(1, "a/x", 1)).await;
    sender.post("issues?repo=a/new", &issue(2)).await;
    assert_eq!(count().await, 2);
    // The row that was only seen by its new name is merged into it.
    sender.post("repositories", &at(1, "a/new", 2)).await;
    sender.post("issues?repo=a/x", &issue(3)).await;
    sender.post("issues?repo=a/NEW", &issue(4)).await;
    assert_eq!(count().await, 1);
    // A transfer; an old copy does not undo it.
    sender.post("repositories", &at(1, "b/new", 3)).await;
    assert_eq!(counts(&sender.post("repositories", &at(1, "a/x", 1)).await), [0, 0, 0, 1, 0]);
    sender.post("issues?repo=b/new", &issue(5)).await;
    sender.post("issues?repo=a/x", &issue(6)).await;
    assert_eq!(count().await, 1);
    assert!(rows(&sender, "github_repository").await[0].contains(r#""key": "188/new""#));
    assert_eq!(sender.number("select count(*) from issue").await, 6);
    // A case variant is the same name, in its newest spelling; a search item has no owner.
    let item = json!({"id": 1, "full_name": "B/New", "stargazers_count": 3, "updated_at": "2024-01-05T00:00:00Z"});
    sender.post("repositories", &json!({"total_count": 1, "items": [item]})).await;
    assert!(rows(&sender, "github_repository").await[0].contains(r#""key": "188/New""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_repository_took_is_its_own() {
    let sender = Sender::new().await;
    sender.post("repositories", &at(1, "a/x", 1)).await;
    sender.post("issues?repo=a/x", &json!({"id": 1, "number": 1})).await;
    sender.post("repositories", &at(2, "a/x", 2)).await;
    let names = async || {
        let rows = rows(&sender, "github_repository").await;
        let key = |row: &String| row.split('"').nth(3).unwrap().to_owned();
        rows.iter().map(key).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["187/x", "187/x~1"]);
    sender.post("issues?repo=a/x", &json!({"id": 2, "number": 2})).await;
    sender.post("repositories", &at(1, "a/y", 3)).await;
    assert_eq!(names().await, ["187/x", "187/y"]);
    let of = |id: i64| {
        format!(
            "select r.github_repo_id from issue i join github_repository r on r.id = i.repo_id where issue_id = {id}"
        )
    };
    assert_eq!((sender.number(&of(1)).await, sender.number(&of(2)).await), (1, 2));
    // All in one body.
    let receipt = sender
        .post("repositories", &json!([at(3, "c/x", 1), at(4, "c/x", 2), at(3, "c/z", 3)]))
        .await;
    assert_eq!(counts(&receipt), [2, 1, 0, 0, 0]);
    assert_eq!(names().await, ["187/x", "187/y", "189/x", "189/z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn languages_are_replaced_as_a_whole() {
    let sender = Sender::new().await;
    let cases = [
        (
            "repo=a/b&as_of=2024-01-02T00:00:00Z",
            json!({"C++": 3_000_000_000_i64, "C": 1, "Objective-C++": 0}),
            3,
        ),
        (
            "repo=a/b&as_of=2024-01-02T00:00:00Z",
            json!({"C": 1, "Objective-C++": 0, "C++": 3_000_000_000_i64}),
            3,
        ),
        ("repo=a/b&as_of=2024-01-01T00:00:00Z", json!({"Old": 1}), 3),
        (
            "as_of=2024-01-03T00:00:00Z",
            json!({"repo": "a/b", "languages": [{"language": " C++ ", "line_count": 5}]}),
            1,
        ),
        ("repo=a/b", json!({"languages": 5, "url": 6}), 2),
        ("repo=a/b", json!({"repo": "a/b", "languages": {}}), 0),
        ("repo=a/b", json!({"c++": "7"}), 1),
        ("repo=a/b", json!({}), 0),
    ];
    for (n, (query, body, count)) in cases.into_iter().enumerate() {
        let receipt = sender.post(&format!("repo-languages?{query}"), &body).await;
        assert_eq!(sender.number("select count(*) from repo_language").await, count, "{body}");
        let [.., unchanged, stale, _] = counts(&receipt);
        assert_eq!((unchanged, stale), (u64::from(n == 1), u64::from(n == 2)), "{query} {body}");
    }
    assert_eq!(sender.number("select count(*) from language where name in ('C++', 'c++', 'C', 'Objective-C++', 'languages')").await, 5);
    sender
        .post("repo-languages?repo=boostorg/graph", &json_fixture("languages/boostorg_graph.json"))
        .await;
    assert_eq!(sender.number("select count(*) from repo_language").await, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn years_of_languages() {
    let sender = Sender::new().await;
    let row = |language: &str, year: Value, all: i64| json!({"language": language, "year": year, "all_repos": all, "significant_repos": 0});
    let all = "select coalesce(sum(all_repos), 0) from created_repos_by_language";
    for (query, body, expected) in [
        ("as_of=2024-01-02T00:00:00Z", row("C++", json!("2023"), 5_000_000_000), 5_000_000_000),
        ("as_of=2024-01-01T00:00:00Z", row("C++", json!(2023), 7), 5_000_000_000),
        ("as_of=2024-01-03T00:00:00Z", row("C++", json!(2023.0), 0), 0),
        ("", json!({"rows": [row("c++", json!(1970), 1), row("C", json!(2100), 2)]}), 3),
        (
            "as_of=2024-01-03T00:00:00Z",
            json!({"language": "C++", "year": 2023, "significant_repos": 9}),
            3,
        ),
    ] {
        sender.post(&format!("created-repos-by-language?{query}"), &body).await;
        assert_eq!(sender.number(all).await, expected, "{body}");
    }
    let twice = json!([row("D", json!(2000), 1), row("D", json!(2000), 2)]);
    let receipt = sender.post("created-repos-by-language", &twice).await;
    assert_eq!(counts(&receipt)[0], 1, "{receipt}");
    assert!(notes(&receipt, "errors").is_empty());
    assert_eq!(sender.number("select count(*) from created_repos_by_language").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_languages_are_read_in_one_go() {
    let sender = Sender::new().await;
    let twice = (0..2).flat_map(|count| (0..30_000).map(move |n| (n, count)));
    let languages: Vec<Value> =
        twice.map(|(n, count)| json!({"language": n.to_string(), "line_count": count})).collect();
    sender.post("repo-languages", &json!({"repo": "a/b", "languages": languages})).await;
    let last = "select count(*) from repo_language where line_count = 1";
    assert_eq!(sender.number(last).await, 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_database_folds_otherwise_are_stored() {
    let sender = Sender::new().await;
    for name in ["%CE%9F%CE%94%CE%9F%CE%A3", "%C4%B0x"] {
        for sha in ["aaaaaaa1", "aaaaaaa2"] {
            let commit = json!({"sha": sha, "commit": {"author": {"name": "n", "date": "2024-01-01T00:00:00Z"}}});
            let receipt = sender.post(&format!("commits?repo=acme/{name}"), &commit).await;
            assert_eq!(counts(&receipt)[0], 1, "{receipt}");
        }
    }
    assert_eq!(sender.number("select count(*) from github_repository").await, 2);
}
