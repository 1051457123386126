//! The binary as a process: killed, told to stop, started again; and its commands.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use boost_dashboard::ingest::archive::Archive;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use crate::{
    embedded::{folder, until},
    support::{
        TestDb,
        process::{Place, answer, ask, head, token},
    },
};

const COMMITS: &str = "/api/v1/ingest/github/commits";

/// A commit of nobody else's.
fn commit(number: usize) -> Value {
    let sha = format!("{number:040x}");
    json!({
        "sha": sha,
        "url": format!("https://api.github.com/repos/boostorg/killed/commits/{sha}"),
        "commit": {
            "message": format!("Commit {number}"),
            "author": {"name": "A", "email": format!("a{}@example.org", number % 7),
                "date": "2024-04-14T16:00:49Z"},
        },
        "author": {"id": 100 + number % 5, "login": format!("author{}", number % 5)},
        "files": [
            {"filename": format!("file{}.hpp", number % 50), "status": "modified",
                "additions": 1, "deletions": 1, "patch": "@@"},
            {"filename": "shared.hpp", "status": "modified", "additions": 1, "deletions": 0},
        ],
    })
}

/// A receipt that was given: the commits it is for, and the documents it names.
struct Given {
    shas: Vec<String>,
    raw: Vec<String>,
}

/// Posts batches until the server is gone; gives the receipts that came.
async fn post_until_gone(
    address: String,
    token: String,
    next: Arc<AtomicUsize>,
    receipts: Arc<AtomicUsize>,
    size: usize,
) -> Vec<Given> {
    let mut given = Vec::new();
    loop {
        let first = next.fetch_add(size, Ordering::Relaxed);
        let batch: Vec<Value> = (first..first + size).map(commit).collect();
        let body = serde_json::to_vec(&batch).unwrap();
        let answer = ask(&address, "POST", COMMITS, Some(&token), &body).await;
        let Ok((status, receipt)) = answer else { return given };
        assert_eq!(status, 200, "{receipt}");
        let texts = |list: &Value, key: &str| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            let text =
                |value: &Value| if key.is_empty() { value.clone() } else { value[key].clone() };
            list.map(|value| text(value).as_str().unwrap().to_owned()).collect()
        };
        let shas = texts(&json!(batch), "sha");
        given.push(Given { shas, raw: texts(&receipt["raw"], "") });
        receipts.fetch_add(1, Ordering::Relaxed);
    }
}

async fn stored(db: &TestDb) -> BTreeSet<String> {
    let (client, driver) = tokio_postgres::connect(db.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    // What a killed server had not committed is rolled back when PostgreSQL notices.
    let busy = "select from pg_stat_activity where datname = current_database() \
        and state <> 'idle' and pid <> pg_backend_pid()";
    while !client.query(busy, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rows = client.query("select commit_hash from git_commit", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The commits in the archive, as `replay` sees them.
fn archived(workspace: &Path) -> BTreeSet<String> {
    let archive = Archive::open(workspace, "reader").unwrap();
    let entries = archive.entries().unwrap().map(|entry| {
        let document = archive.load(&entry.unwrap().path).unwrap().unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        document["sha"].as_str().unwrap().to_owned()
    });
    entries.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_survives_kill_9() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let place = Place::new(folder.path(), Some(db.url()));
    let token = token(&["ingest:github"]);
    let next = Arc::new(AtomicUsize::new(1));
    let mut all = Vec::new();
    for round in 0..3 {
        let server = place.serve(&["serve"]).await;
        let receipts = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for size in [1, 7, 40] {
            let (address, token) = (server.address().to_owned(), token.clone());
            let (next, receipts) = (Arc::clone(&next), Arc::clone(&receipts));
            clients.spawn(post_until_gone(address, token, next, receipts, size));
        }
        while receipts.load(Ordering::Relaxed) < 10 + 7 * round {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        server.kill().await;
        all.extend(clients.join_all().await.into_iter().flatten());
    }
    assert!(all.len() >= 3 * 10);

    // Started again: the archive is repaired.
    place.serve(&["serve"]).await.stop().await;
    let rows = stored(&db).await;
    for given in &all {
        for (sha, raw) in given.shas.iter().zip(&given.raw) {
            assert!(rows.contains(sha), "{sha} has a receipt and no row");
            let document = std::fs::read(place.workspace().join(raw)).unwrap();
            let document: Value = serde_json::from_slice(&document).unwrap();
            assert_eq!(document["sha"], json!(sha));
        }
    }
    let documents = archived(&place.workspace());
    let missing: Vec<_> = rows.difference(&documents).collect();
    assert!(missing.is_empty(), "rows without a document: {missing:?}");

    // What was archived and not committed when the server died is made up for.
    let replay = place.run(&["replay"]).await;
    let log = String::from_utf8_lossy(&replay.stderr);
    assert!(replay.status.success(), "{log}");
    assert_eq!(stored(&db).await, documents);
    let again = place.run(&["replay"]).await;
    let summary: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&summary["inserted"], &summary["updated"]), (&json!(0), &json!(0)), "{summary}");
    assert_eq!(summary["documents"].as_u64().unwrap(), summary["unchanged"].as_u64().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_answered_before_the_end() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let place = Place::new(folder.path(), Some(db.url()));
    let token = token(&["ingest:github"]);
    let mut server = place.serve(&["serve"]).await;

    // A body that is half sent when the signal comes.
    let body = serde_json::to_vec(&(1..=50).map(commit).collect::<Vec<_>>()).unwrap();
    let (first, second) = body.split_at(body.len() / 2);
    let mut slow = TcpStream::connect(server.address()).await.unwrap();
    let head = head(server.address(), "POST", COMMITS, Some(&token), body.len());
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(first).await.unwrap();
    slow.flush().await.unwrap();
    // Others that are being answered.
    let told = Arc::new(AtomicBool::new(false));
    let mut others = JoinSet::new();
    for nth in 0..4_usize {
        let (address, token, told) =
            (server.address().to_owned(), token.clone(), Arc::clone(&told));
        others.spawn(async move {
            let mut receipts = 0;
            while !told.load(Ordering::Acquire) {
                let body = commit(1_000 * (nth + 1) + receipts).to_string();
                let (status, receipt) =
                    ask(&address, "POST", COMMITS, Some(&token), body.as_bytes()).await.unwrap();
                assert_eq!(status, 200, "{receipt}");
                receipts += 1;
            }
            receipts
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    told.store(true, Ordering::Release);
    let receipts: usize = others.join_all().await.into_iter().sum();
    server.signal(Signal::SIGTERM);
    // It takes no more connections.
    until(async || TcpStream::connect(server.address()).await.is_err().then_some(())).await;
    slow.write_all(second).await.unwrap();
    let (status, receipt) = answer(slow).await.unwrap();
    assert_eq!((status, &receipt["inserted"]), (200, &json!(50)), "{receipt}");
    assert!(server.wait().await.success());
    assert_eq!(stored(&db).await.len(), 50 + receipts);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_own_postgresql_it_starts_again_after_kill_9() {
    let folder = folder();
    let place = Place::new(folder.path(), None);
    let token = token(&["ingest:github"]);
    let file = folder.path().join("accounts.ndjson");
    let line = |id: i32| format!("{{\"id\": {id}, \"login\": \"a{id}\", \"type\": \"User\"}}\n");
    std::fs::write(&file, (1..=5).map(line).collect::<String>()).unwrap();
    let ingest = ["ingest", "github/accounts", file.to_str().unwrap()];

    let server = place.serve(&["serve"]).await;
    let body = serde_json::to_vec(&(1..=20).map(commit).collect::<Vec<_>>()).unwrap();
    let (status, receipt) =
        ask(server.address(), "POST", COMMITS, Some(&token), &body).await.unwrap();
    assert_eq!(status, 200, "{receipt}");
    // A command beside the server works on the same database.
    let output = place.run(&ingest).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["inserted"], 5);
    server.kill().await;

    let server = place.serve(&["serve"]).await;
    let again = ask(server.address(), "POST", COMMITS, Some(&token), &body).await.unwrap().1;
    assert_eq!(again["unchanged"], 20, "{again}");
    let list = "/api/v1/users/github-accounts?username__startswith=a&fields=username";
    let accounts = ask(server.address(), "GET", list, None, b"").await.unwrap().1;
    assert!(accounts["data"].as_array().unwrap().len() >= 5, "{accounts}");
    server.stop().await;

    // And a command on its own starts the cluster for itself, and stops it.
    for _ in 0..2 {
        let output = place.run(&ingest).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["unchanged"], 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_ingested_with_a_receipt_each() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let place = Place::new(folder.path(), Some(db.url()));
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/commits-mp11.ndjson.gz");
    let languages = path("languages.json");
    std::fs::write(&languages, r#"{"C++": 7}"#).unwrap();
    let receipts = |output: &std::process::Output| -> Vec<Value> {
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };

    let dry = place.run(&["ingest", "github/commits", demo.to_str().unwrap(), "--dry-run"]).await;
    assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
    assert_eq!(receipts(&dry)[0]["inserted"], 400);
    assert!(stored(&db).await.is_empty());
    let commits = place.run(&["ingest", "github/commits", demo.to_str().unwrap()]).await;
    assert_eq!(receipts(&commits)[0]["inserted"], 400);
    assert_eq!(stored(&db).await.len(), 400);
    assert_eq!(archived(&place.workspace()).len(), 400);

    let kind = "github/repo-languages";
    let param = ["ingest", kind, "--param", "repo=boostorg/json", languages.as_str()];
    let output = place.run(&param).await;
    assert!(output.status.success());
    assert_eq!(receipts(&output)[0]["inserted"], 1);
    // Without it, the item is rejected: that is a failure, with a receipt.
    let output = place.run(&["ingest", kind, languages.as_str()]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(receipts(&output)[0]["errors"][0]["code"], "missing_context");
    // So are a broken file and a wrong parameter, with a problem; the other file is stored.
    let broken = path("broken.json");
    std::fs::write(&broken, "{").unwrap();
    let both = ["ingest", kind, "--param", "repo=boostorg/asio", broken.as_str(), &languages];
    let output = place.run(&both).await;
    assert_eq!(output.status.code(), Some(1));
    let lines = receipts(&output);
    assert_eq!((&lines[0]["status"], &lines[1]["inserted"]), (&json!(400), &json!(1)));
    let output = place.run(&["ingest", kind, "--param", "rep=x", languages.as_str()]).await;
    assert_eq!(receipts(&output)[0]["errors"][0]["suggestion"], "repo");

    // In all or nothing, one bad item is enough.
    let mixed = path("mixed.json");
    std::fs::write(&mixed, r#"[{"id": 1, "login": "a"}, {"id": 0}]"#).unwrap();
    let atomic = ["ingest", "github/accounts", "--mode", "atomic", mixed.as_str()];
    let output = place.run(&atomic).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(receipts(&output)[0]["inserted"], 0);
    // What cannot be run at all says so before anything is started.
    for wrong in [["ingest", "github/comits", &mixed], ["ingest", kind, "/nowhere.json"]] {
        let output = place.run(&wrong).await;
        assert!(!output.status.success() && output.stdout.is_empty());
    }
}
