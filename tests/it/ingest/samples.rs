//! For every kind: real and hand-made documents that all go in.

use serde_json::{Value, json};

use super::sender::{json_fixture, lines};

/// A kind with its parameters, and documents for it.
pub(super) struct Sample {
    pub(super) to: &'static str,
    pub(super) documents: Vec<Value>,
}

/// The elements of a fixture that is a list, or the only one.
fn elements(name: &str) -> Vec<Value> {
    match json_fixture(name) {
        Value::Array(elements) => elements,
        Value::Object(mut page) if page.contains_key("items") => {
            page["items"].take().as_array().unwrap().clone()
        }
        document => vec![document],
    }
}

fn of(names: &[&str]) -> Vec<Value> {
    names.iter().flat_map(|name| elements(name)).collect()
}

pub(super) fn accounts() -> Vec<Value> {
    of(&["accounts/codertocat.json", "accounts/mojombo.json", "accounts/engineyard.json"])
}

pub(super) fn repositories() -> Vec<Value> {
    of(&[
        "repositories/boostorg_json.json",
        "repositories/boostorg_mp11.json",
        "repositories/boostorg_graph.json",
        "repositories/hub4j.json",
        "repositories/octokit.json",
        "repositories/search.json",
    ])
}

/// The first commits of boostorg/mp11.
pub(super) fn commits(count: usize) -> Vec<Value> {
    lines("commits/boostorg_mp11.ndjson.gz").into_iter().take(count).collect()
}

/// Commits that were chosen for an oddity each.
pub(super) fn odd_commits() -> Vec<Value> {
    let mut documents = of(&[
        "commits/NUL.json",
        "commits/UFFFD.json",
        "commits/author-null.json",
        "commits/emoji-astral.json",
        "commits/empty-files.json",
        "commits/removed.json",
        "commits/renamed.json",
        "commits/hub4j-files.json",
        "commits/hub4j-signed.json",
    ]);
    documents.extend(lines("commits/oddities.ndjson"));
    documents
}

pub(super) fn issues() -> Vec<Value> {
    let mut documents = lines("issues/collector.ndjson");
    documents.extend(of(&[
        "issues/hub4j-18.json",
        "issues/hub4j-311.json",
        "issues/octokit-page.json",
    ]));
    documents
}

pub(super) fn pulls() -> Vec<Value> {
    let mut documents = lines("pulls/collector.ndjson");
    documents.extend(of(&["pulls/hub4j-309.json", "pulls/hub4j-321.json", "pulls/hub4j-427.json"]));
    documents
}

/// All seven.
pub(super) fn samples() -> Vec<Sample> {
    let mut all_commits = commits(80);
    all_commits.extend(odd_commits());
    let languages =
        json!({"repo": "boostorg/json", "languages": json_fixture("languages/boostorg_json.json")});
    vec![
        Sample { to: "accounts", documents: accounts() },
        Sample { to: "repositories", documents: repositories() },
        Sample {
            to: "repo-languages",
            documents: vec![languages, json!({"repo": "a/b", "languages": {"C": 1}})],
        },
        Sample { to: "created-repos-by-language", documents: elements("years/languages.json") },
        Sample { to: "commits", documents: all_commits },
        Sample { to: "issues", documents: issues() },
        Sample { to: "pull-requests", documents: pulls() },
    ]
}
