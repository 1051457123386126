//! The scraper's kit: payloads are checked without a database, folders are ingested; and every kind
//! has what a scraper needs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use boost_dashboard::{
    domains,
    ingest::{
        kind::{Content, Spec, Watermark},
        known::Template,
    },
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    embedded::until,
    support::{TestApp, TestDb, process::Place},
};

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_is_checked_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path(), Some("postgres://nobody@127.0.0.1:1/none"));
    let write = |name: &str, body: &Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, body.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let issue = json!({"id": 1, "number": 601, "title": "t", "surprise": 1});
    let good = write("good.json", &json!([issue]));
    let bad = write("bad.json", &json!([issue, {"number": 2}]));
    let param = ["--param", "repo=boostorg/json"];

    let checked = place.run(&["check", "github/issues", &good, param[0], param[1]]).await;
    assert!(checked.status.success(), "{checked:?}");
    let receipt = &lines(&checked)[0];
    assert_eq!((&receipt["status"], &receipt["accepted"]), (&json!("done"), &json!(1)));
    assert_eq!(
        (&receipt["inserted"], &receipt["unknown_keys"]),
        (&Value::Null, &json!(["/surprise"]))
    );
    let raw = receipt["raw"][0].as_str().unwrap();
    assert!(raw.starts_with("raw/github_activity_tracker/boostorg/json/issues/601@"), "{raw}");

    let checked = place.run(&["check", "github/issues", &good, &bad, param[0], param[1]]).await;
    assert!(!checked.status.success());
    let receipts = lines(&checked);
    assert_eq!((&receipts[1]["received"], &receipts[1]["rejected"]), (&json!(2), &json!(1)));
    assert_eq!(receipts[1]["errors"][0]["index"], 1);
    // Without its context every item is rejected; what is not JSON is a problem.
    let checked = place.run(&["check", "github/issues", &good]).await;
    assert_eq!(lines(&checked)[0]["errors"][0]["code"], "missing_context");
    std::fs::write(folder.path().join("no.json"), "{").unwrap();
    let checked = place.run(&["check", "github/issues", "no.json"]).await;
    assert!(!checked.status.success());
    assert_eq!(lines(&checked)[0]["type"], "urn:boost-dashboard:invalid_json");
    assert!(!place.workspace().exists() && !folder.path().join("data").exists());
}

/// Writes a file of the layout, as long ago.
fn keep(root: &Path, path: &str, body: &Value, hours: u64) {
    let path = root.join("raw").join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, body.to_string()).unwrap();
    let written = SystemTime::now() - Duration::from_hours(hours);
    std::fs::File::options().append(true).open(&path).unwrap().set_modified(written).unwrap();
}

fn issue(number: u32, title: &str, day: u32) -> Value {
    json!({"id": number, "number": number, "title": title, "state": "open",
        "updated_at": format!("2024-01-{day:02}T00:00:00Z")})
}

async fn texts(db: &TestDb, sql: &str) -> Vec<String> {
    let (client, driver) = tokio_postgres::connect(db.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

const LANGUAGES: &str = "select l.name || ' ' || line_count from repo_language r \
                         join language l on l.id = r.language_id order by l.name";

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_the_old_collector_is_ingested() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let place = Place::new(folder.path(), Some(db.url()));
    let old = folder.path().join("collector");
    let json = "github_activity_tracker/boostorg/json";
    // Its payloads do not say of which repository they are: their place does.
    keep(&old, &format!("{json}/issues/1.json"), &issue(1, "new", 2), 1);
    keep(&old, &format!("{json}/issues/1@0123456789abcdef.json"), &issue(1, "old", 1), 9);
    for number in 2..40 {
        keep(&old, &format!("{json}/issues/{number}.json"), &issue(number, "t", 1), 5);
    }
    keep(&old, &format!("{json}/languages.json"), &json!({"C++": 7}), 1);
    keep(&old, &format!("{json}/languages@0123456789abcdef.json"), &json!({"C++": 5, "C": 1}), 9);
    keep(&old, &format!("{json}/notes.json"), &json!({}), 1);
    keep(&old, "_manifest/2024-01-01.server.json", &json!({}), 1);

    let old = old.to_str().unwrap();
    let done = place.run(&["ingest", "--watch", old, "--once"]).await;
    let log = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{log}");
    assert!(log.contains("1 files are no documents"), "{log}");
    let titles = texts(&db, "select title from issue where issue_number = 1").await;
    assert_eq!(titles, ["new"]);
    assert_eq!(texts(&db, "select title from issue").await.len(), 39);
    assert_eq!(texts(&db, LANGUAGES).await, ["C++ 7"]);
    // Together, as far as they may be.
    let receipts = lines(&done);
    assert!(receipts.len() < 10, "{}", receipts.len());
    let files: usize =
        receipts.iter().map(|receipt| receipt["files"].as_array().unwrap().len()).sum();
    assert_eq!(files, 42);

    let again = place.run(&["ingest", "--watch", old, "--once"]).await;
    for receipt in lines(&again) {
        assert_eq!(
            (&receipt["inserted"], &receipt["updated"]),
            (&json!(0), &json!(0)),
            "{receipt}"
        );
    }
    // The archive has them as they were.
    let replay = place.run(&["replay"]).await;
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
    let own = place.workspace();
    let refused = place.run(&["ingest", "--watch", own.to_str().unwrap(), "--once"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`replay`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_into_a_watched_folder_is_ingested() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let watched = folder.path().join("collector");
    keep(&watched, "github_activity_tracker/a/b/issues/1.json", &issue(1, "first", 1), 1);
    let mut process = Command::new(env!("CARGO_BIN_EXE_boost-dashboard"))
        .args(["ingest", "--watch", watched.to_str().unwrap()])
        .current_dir(folder.path())
        .env_clear()
        .env("DATABASE_URL", db.url())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let titles = async || texts(&db, "select title from issue order by issue_number").await;
    until(async || (titles().await == ["first"]).then_some(())).await;
    keep(&watched, "github_activity_tracker/a/b/issues/2.json", &issue(2, "second", 1), 1);
    // A broken one costs no other.
    keep(&watched, "github_activity_tracker/a/b/issues/3.json", &json!("broken"), 1);
    keep(&watched, "github_activity_tracker/a/b/issues/1.json", &issue(1, "third", 3), 0);
    until(async || (titles().await == ["third", "second"]).then_some(())).await;
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGINT).unwrap();
    tokio::task::spawn_blocking(move || process.wait().unwrap()).await.unwrap();
}

/// Parameters that an example may need.
const CONTEXT: &[(&str, &str)] = &[
    ("repo", "boostorg/json"),
    ("version", "boost-1.84.0"),
    ("library", "json"),
    ("team", "T00000001"),
    ("channel", "C00000001"),
    ("list", "boost@lists.boost.org"),
    ("mailing", "2024-05"),
    ("video", "dQw4w9WgXcQ"),
    ("lang", "en"),
    ("app_type", "slack"),
];

/// Posts a kind's example as a dry run; gives why it is not taken, if it is not.
async fn refused(app: &TestApp, token: &str, spec: &Spec, with_context: bool) -> Option<String> {
    let mut path = format!("/api/v1/ingest/{}/{}?dry_run=true", spec.domain, spec.name);
    for (name, value) in
        CONTEXT.iter().filter(|(name, _)| with_context && spec.params.contains(name))
    {
        path += &["&", name, "=", value].concat();
    }
    let media = spec.takes.first().map_or("application/json", |content| content.types()[0]);
    let answer = app.post(&path, token, media, spec.example).await;
    let receipt = answer.json();
    let errors = receipt["errors"].as_array().cloned().unwrap_or_default();
    // A catalogue that is not there cannot be in the example.
    let waits = |error: &Value| error["code"] == "unresolved_reference" && !spec.awaits.is_empty();
    let is_good = matches!(answer.status(), 200 | 422) && errors.iter().all(waits);
    (!is_good || receipt["received"] == 0).then(|| answer.text().to_owned())
}

/// Every file below these folders, as text, `_` as `-`.
fn names(folders: &[PathBuf]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.insert(path.to_str().unwrap().replace('_', "-"));
            }
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_has_what_a_scraper_needs() {
    let app = TestApp::new().await;
    let token = app.token(&["ingest:*"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for kind in domains::all().into_iter().flat_map(|domain| domain.kinds) {
        let spec = kind.spec();
        let mut lacks =
            |what: String| missing.push(format!("{}/{}: {what}", spec.domain, spec.name));

        let mut folders = vec![
            root.join("tests/fixtures").join(spec.domain),
            root.join("demo").join(spec.domain),
        ];
        if spec.domain == "github" {
            folders.push(root.join("demo"));
        }
        // `pull-requests`, or a file or folder named after one of them.
        let one = spec.name.strip_suffix('s').unwrap_or(spec.name);
        let below = |name: &String| name[root.to_str().unwrap().len()..].contains(one);
        if !names(&folders).iter().any(below) {
            lacks(format!("a fixture: a file named `{one}` in tests/fixtures or demo"));
        }

        let schema: Result<Value, _> = serde_json::from_str(spec.schema);
        if !schema.is_ok_and(|schema| {
            schema["type"].is_string()
                || schema.get("properties").is_some()
                || schema.get("anyOf").is_some()
                || schema.get("oneOf").is_some()
        }) {
            lacks("a schema that is one".to_owned());
        }
        if refused(&app, &token, spec, false).await.is_some()
            && let Some(why) = refused(&app, &token, spec, true).await
        {
            lacks(format!("an example that is taken: {why}"));
        }
        if spec.takes.first() == Some(&Content::Json)
            && serde_json::from_str::<Value>(spec.example).is_err()
        {
            lacks("an example that is JSON".to_owned());
        }

        match spec.watermark {
            Watermark::None("") => lacks("a watermark, or why it has none".to_owned()),
            Watermark::None(_) => {}
            _ => {
                let path =
                    format!("/api/v1/ingest/watermarks?domain={}&kind={}", spec.domain, spec.name);
                let answer = app.get(&path).await;
                if answer.status() != 200 {
                    lacks(format!("a watermark that can be read: {}", answer.text()));
                }
            }
        }
        if Template::of(spec.known.key).fields().next().is_none() || spec.known.stored.is_empty() {
            lacks("a way to ask for its keys".to_owned());
            continue;
        }
        let fields = Template::of(spec.known.key);
        let key: serde_json::Map<String, Value> =
            fields.fields().map(|field| (field.to_owned(), json!("1"))).collect();
        let path = format!("/api/v1/ingest/{}/{}/known", spec.domain, spec.name);
        let answer = app.post_json(&path, &token, &json!({"keys": [key]})).await;
        if answer.status() != 200 || answer.json()["unknown"] != json!([key]) {
            lacks(format!("keys that can be asked for: {}", answer.text()));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
