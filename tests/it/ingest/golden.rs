//! Golden rows: what real and hand-made payloads of each kind become, row by row.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    rows::{assert_same, select},
    samples,
    sender::{Sender, counts, json_fixture, lines},
};

/// Posts documents and shows what is stored afterwards, and what the receipt says of it.
async fn stored(to: &str, documents: Vec<Value>) -> String {
    let sender = Sender::new().await;
    let receipt = sender.post(to, &Value::Array(documents)).await;
    assert_eq!(counts(&receipt)[4], 0, "{}", receipt["errors"]);
    let tables: Vec<String> = receipt["tables"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(table, count)| {
            let count =
                ["inserted", "updated", "unchanged", "deleted"].map(|key| count[key].to_string());
            format!("{table} {}", count.join("/"))
        })
        .collect();
    format!("{}\n\n{}", tables.join("\n"), sender.dump().await.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    let mut documents = samples::accounts();
    documents.extend(
        json_fixture("accounts/collector.json").as_array().unwrap().iter().take(8).cloned(),
    );
    insta::assert_snapshot!(stored("accounts", documents).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories() {
    let documents = samples::repositories().into_iter().take(8).collect();
    insta::assert_snapshot!(stored("repositories", documents).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn languages() {
    let body = json_fixture("languages/boostorg_json.json");
    insta::assert_snapshot!(stored("repo-languages?repo=boostorg/json", vec![body]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn years() {
    let rows = json_fixture("years/languages.json").as_array().unwrap().clone();
    insta::assert_snapshot!(stored("created-repos-by-language", rows).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_commits() {
    let mut documents = lines("commits/oddities.ndjson");
    // One of them is odd for its size alone.
    documents.retain(|commit| commit.to_string().len() < 100_000);
    documents.extend(
        ["author-null", "renamed", "hub4j-signed"]
            .map(|name| json_fixture(&format!("commits/{name}.json"))),
    );
    insta::assert_snapshot!(stored("commits", documents).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn issues() {
    let documents = samples::issues().into_iter().step_by(4).collect();
    insta::assert_snapshot!(stored("issues", documents).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_requests() {
    let documents = samples::pulls().into_iter().step_by(4).collect();
    insta::assert_snapshot!(stored("pull-requests", documents).await);
}

/// What the commits say, put together as plainly as possible: the lines that the tables must have.
fn expected(commits: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    let mut deleted: BTreeMap<String, (String, String, bool)> = BTreeMap::new();
    let mut before: BTreeMap<String, (String, String, String)> = BTreeMap::new();
    for commit in commits {
        let (sha, author) = (text(&commit["sha"]), &commit["commit"]["author"]);
        let at = text(&author["date"]);
        let account = match commit["author"]["id"].as_i64() {
            Some(id) => id.to_string(),
            None => format!("email:{}", text(&author["email"]).to_lowercase()),
        };
        lines.push(format!("{sha} {account} {at} {}", text(&commit["commit"]["message"])));
        let files: BTreeMap<String, &Value> = commit["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| (text(&file["filename"]), file))
            .collect();
        let mut touch = |name: String, gone: bool| {
            let latest = deleted.entry(name).or_default();
            *latest = latest.clone().max((at.clone(), sha.clone(), gone));
        };
        for (name, file) in &files {
            let status = text(&file["status"]);
            lines.push(format!(
                "{sha} {name} {status} +{} -{}",
                file["additions"], file["deletions"]
            ));
            touch(name.clone(), status == "removed");
            if status == "renamed" {
                let old = text(&file["previous_filename"]);
                if !files.contains_key(&old) {
                    touch(old.clone(), true);
                }
                let latest = before.entry(name.clone()).or_default();
                *latest = latest.clone().max((at.clone(), sha.clone(), old));
            }
        }
    }
    lines.extend(deleted.into_iter().map(|(name, (_, _, gone))| {
        let before = before.get(&name).map(|(_, _, old)| old.as_str()).unwrap_or_default();
        format!("file {name} {gone} {before}")
    }));
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_history_is_stored_as_git_has_it() {
    let sender = Sender::new().await;
    let commits = lines("commits/boostorg_mp11.ndjson.gz");
    for batch in commits.chunks(400) {
        let receipt = sender.post("commits", &Value::Array(batch.to_vec())).await;
        assert_eq!(counts(&receipt), [batch.len() as u64, 0, 0, 0, 0]);
    }
    let mut stored = Vec::new();
    for row in
        select(sender.app.db(), ["git_commit", "git_commit_file_change", "github_file"]).await
    {
        let (table, row) = row.split_once(' ').unwrap();
        let row: Value = serde_json::from_str(row).unwrap();
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        stored.push(match table {
            "git_commit" => {
                let at = text("commit_at").replace("+00:00", "Z");
                format!("{} {} {at} {}", text("commit_hash"), text("account"), text("comment"))
            }
            "github_file" => {
                format!("file {} {} {}", text("filename"), row["is_deleted"], text("before"))
            }
            _ => format!(
                "{} {} {} +{} -{}",
                text("commit_hash"),
                text("filename"),
                text("status"),
                row["additions"],
                row["deletions"]
            ),
        });
    }
    stored.sort();
    assert_same(&expected(&commits), &stored, "git and the tables");
    let authors: BTreeSet<&str> =
        commits.iter().filter_map(|c| c["commit"]["author"]["email"].as_str()).collect();
    let addresses = sender.number("select count(distinct email_lower) from email").await;
    assert_eq!(addresses, i64::try_from(authors.len()).unwrap());
    assert_eq!(json!(sender.number("select count(*) from github_repository").await), 1);
}
