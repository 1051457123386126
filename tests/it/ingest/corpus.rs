//! The whole corpus of real GitHub payloads, where it is at hand: it goes in without an error.

use std::path::{Path, PathBuf};

use crate::support::TestApp;

/// The corpus beside the repository, or none: it is not ours to distribute.
fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/github");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: the corpus of real payloads is not beside this repository");
    None
}

/// Folder, kind, and whether items may be rejected.
const FOLDERS: &[(&str, &str)] = &[
    ("repos_rest", "repositories"),
    ("accounts_collector", "accounts"),
    ("accounts_rest", "accounts"),
    ("commits_bulk", "commits"),
    ("commits_full", "commits"),
    ("commits_single", "commits"),
    ("issues_collector", "issues"),
    ("issues_collector_single", "issues"),
    ("issues_list_rest", "issues"),
    ("prs_collector", "pull-requests"),
    ("prs_collector_single", "pull-requests"),
    ("pulls_rest", "pull-requests"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_corpus_goes_in_and_then_changes_nothing() {
    let Some(corpus) = corpus() else { return };
    let app = TestApp::new().await;
    let token = app.token(&["ingest:github"]);
    for round in 0..2 {
        for (folder, kind) in FOLDERS {
            let mut files: Vec<_> = std::fs::read_dir(corpus.join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            files.sort();
            for file in files {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                let body = std::fs::read(&file).unwrap();
                let media = if name.contains(".ndjson") {
                    "application/x-ndjson"
                } else {
                    "application/json"
                };
                let coding = if name.contains(".gz") { "gzip" } else { "identity" };
                let path = format!("/api/v1/ingest/github/{kind}");
                let answer = app.post_coded(&path, &token, media, coding, body).await;
                let receipt = answer.json();
                let short = format!(
                    "{round} {folder}/{name}: {} received={} ins={} upd={} unch={} stale={} rej={} {} {:.300}",
                    answer.status(),
                    receipt["received"],
                    receipt["inserted"],
                    receipt["updated"],
                    receipt["unchanged"],
                    receipt["stale"],
                    receipt["rejected"],
                    receipt["tables"],
                    receipt["errors"].to_string()
                );
                println!("{short}");
            }
        }
    }
    for row in app.get("/api/v1/ingest/drift?limit=500").await.json()["data"].as_array().unwrap() {
        println!("{row}");
    }
}
