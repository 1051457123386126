//! Replay: the archive makes the rows again.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use boost_dashboard::{
    app::Clock,
    db::sql::Statement,
    ingest::replay::{self, Options, Summary},
};
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl as _;
use serde_json::{Value, json};

use crate::support::{
    Answer, TestApp,
    dump::{Dump, assert_same, dump},
};

fn sample(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(name);
    std::fs::read(&file).unwrap()
}

async fn post(app: &TestApp, token: &str, kind: &str, body: &Value) -> Answer {
    app.post_json(&format!("/api/v1/ingest/github/{kind}"), token, body).await
}

async fn post_sample(app: &TestApp, token: &str, kind: &str, name: &str) -> Value {
    let is_compressed = Path::new(name).extension().is_some_and(|extension| extension == "gz");
    let coding = if is_compressed { "gzip" } else { "identity" };
    let path = format!("/api/v1/ingest/github/{kind}");
    let answer = app.post_coded(&path, token, "application/x-ndjson", coding, sample(name)).await;
    answer.expect(200)
}

/// A server on a database of its own and on another's workspace.
async fn beside(other: &TestApp) -> TestApp {
    let workspace = other.app().settings.workspace.clone();
    TestApp::with(|settings| settings.workspace = workspace).await
}

async fn replayed(app: &TestApp, options: Options) -> Summary {
    replay::replay(app.app(), options, |_| ()).await.unwrap()
}

async fn rows(app: &TestApp) -> Dump {
    dump(app.db().url()).await
}

fn issue(version: u32) -> Value {
    json!({
        "issue_info": {
            "id": 5001, "number": 77, "title": format!("Version {version}"), "body": null,
            "state": "open", "html_url": "https://github.com/boostorg/mp11/issues/77",
            "user": {"login": "somebody-known-by-login"},
            "labels": [{"name": format!("label {version}")}], "assignees": [], "comments": 1,
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": format!("2024-01-{version:02}T00:00:00Z"),
        },
        "comments": [{
            "id": 6001, "body": format!("Comment {version}"), "user": null,
            "created_at": "2024-01-01T00:00:00Z",
            "updated_at": format!("2024-01-{version:02}T00:00:00Z"),
        }],
    })
}

/// What a scraper might send in a day: several versions, early children, errors, repetitions.
async fn deliver(app: &TestApp) {
    let token = app.token(&["ingest:github"]);
    post_sample(app, &token, "commits", "commits-mp11.ndjson.gz").await;
    post_sample(app, &token, "pull-requests", "pull-requests.ndjson").await;
    for version in [2, 4, 3, 4] {
        post(app, &token, "issues", &issue(version)).await.expect(200);
    }
    // A pull request that is first seen in the list of issues, without its own id.
    let listed = json!({
        "id": 5002, "number": 78, "title": "Seen as an issue", "state": "open", "body": "b",
        "repository_url": "https://api.github.com/repos/boostorg/mp11",
        "html_url": "https://github.com/boostorg/mp11/pull/78", "pull_request": {"merged_at": null},
        "user": {"id": 71, "login": "listed"}, "labels": [], "assignees": [],
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-02T00:00:00Z",
    });
    post(app, &token, "issues", &listed).await.expect(200);
    // Kinds without a time of their own: the one received last counts, one that is sent again too.
    for lines in [100, 200, 100] {
        let languages = json!({"repo": "boostorg/mp11", "languages": {"C++": lines, "Jam": 1}});
        post(app, &token, "repo-languages", &languages).await.expect(200);
        let created = json!({"language": "C++", "year": 2001, "all_repos": lines,
            "significant_repos": 1});
        post(app, &token, "created-repos-by-language", &created).await.expect(200);
    }
    // A wrong clock: a time that does not count when it comes.
    let mut ahead = issue(5);
    ahead["issue_info"]["updated_at"] = json!("2199-01-01T00:00:00Z");
    post(app, &token, "issues", &ahead).await.expect(200);
    // Parameters, and an account that adopts what was known by its login.
    let path = "commits?repo=boostorg/mp11&as_of=2024-05-01T00:00:00Z";
    let commit = json!({"sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "commit": {
        "message": "with parameters", "author": {"name": "A", "email": "a@example.org",
        "date": "2024-04-01T00:00:00Z"}}, "author": null});
    post(app, &token, path, &commit).await.expect(200);
    let known = json!({"id": 72, "login": "Somebody-Known-By-Login", "type": "User",
        "updated_at": "2024-02-01T00:00:00Z"});
    post(app, &token, "accounts", &known).await.expect(200);
    post_sample(app, &token, "accounts", "accounts.ndjson").await;
    post_sample(app, &token, "repositories", "repositories.ndjson").await;
    post_sample(app, &token, "issues", "issues.ndjson").await;
    // Rejected: alone, beside a good one, and with a good one.
    post(app, &token, "issues", &json!({"number": 1})).await.expect(422);
    let mixed = json!([{"id": 81, "login": "good"}, {"id": -1, "login": "bad"}]);
    assert_eq!(post(app, &token, "accounts", &mixed).await.expect(200)["rejected"], 1);
    let atomic = json!([{"id": 82, "login": "never"}, {"id": -1, "login": "bad"}]);
    post(app, &token, "accounts?mode=atomic", &atomic).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_gets_the_same_rows() {
    let first = TestApp::new().await;
    deliver(&first).await;
    let before = rows(&first).await;
    assert!(before["git_commit"].len() > 400 && before["pull_request_review"].len() > 8);

    let second = beside(&first).await;
    let dry = replayed(&second, Options { dry_run: true, ..Options::default() }).await;
    assert!(dry.documents > 400 && dry.is_whole(), "{dry:?}");
    assert!(rows(&second).await.values().all(Vec::is_empty), "a dry run has kept something");

    let all = replayed(&second, Options::default()).await;
    assert!(all.is_whole() && all.inserted > 400, "{all:?}");
    assert_same(&before, &rows(&second).await);

    // Again, into both: nothing changes.
    for app in [&first, &second] {
        let again = replayed(app, Options::default()).await;
        assert_eq!((again.inserted, again.updated), (0, 0), "{again:?}");
        assert_same(&before, &rows(app).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_name_their_documents_after_replay() {
    let first = TestApp::new().await;
    let token = first.token(&["ingest:github"]);
    for version in [2, 3] {
        post(&first, &token, "issues", &issue(version)).await.expect(200);
    }
    let second = beside(&first).await;
    replayed(&second, Options::default()).await;
    let mut answers = Vec::new();
    for app in [&first, &second] {
        let found = app.get("/api/v1/github/issues?issue_number=77").await.expect(200);
        let path = format!("/api/v1/github/issues/{}/provenance", found["data"][0]["id"]);
        let provenance = app.get(&path).await.expect(200);
        let raw = provenance["raw"].as_str().unwrap().to_owned();
        let reader = app.token(&["read:raw"]);
        let document = app.get_as(&reader, &format!("/api/v1/ingest/{raw}")).await;
        assert_eq!(document.json(), issue(3));
        answers.push(raw);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_received_since_a_day() {
    let app = TestApp::new().await;
    let token = app.token(&["ingest:github"]);
    post(&app, &token, "issues", &issue(2)).await.expect(200);
    let today = app.app().clock.now().date_naive();
    let from = |from| Options { from: Some(from), dry_run: false, ..Options::default() };
    assert_eq!(replayed(&app, from(today)).await.documents, 1);
    assert_eq!(replayed(&app, from(today.succ_opt().unwrap())).await, Summary::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replayed_is_counted_and_costs_nothing_else() {
    let first = TestApp::new().await;
    let token = first.token(&["ingest:github"]);
    let mut paths = Vec::new();
    for version in [2, 3, 4] {
        let receipt = post(&first, &token, "issues", &issue(version)).await.expect(200);
        paths.push(first.app().settings.workspace.join(receipt["raw"][0].as_str().unwrap()));
    }
    std::fs::remove_file(&paths[0]).unwrap();
    std::fs::remove_file(&paths[1]).unwrap();
    std::fs::write(&paths[1], "{}").unwrap();
    let second = beside(&first).await;
    let summary = replayed(&second, Options::default()).await;
    assert_eq!((summary.documents, summary.lost), (1, 2), "{summary:?}");
    assert_same(&rows(&first).await, &rows(&second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_not_repeated() {
    let first = TestApp::new().await;
    let token = first.token(&["ingest:github"]);
    let receipt = post(&first, &token, "issues", &issue(2)).await.expect(200);
    // As if a later version of the kind refused what an earlier one took.
    let path = first.app().settings.workspace.join(receipt["raw"][0].as_str().unwrap());
    let manifests = first.app().settings.workspace.join("raw/_manifest");
    let manifest = std::fs::read_dir(manifests).unwrap().next().unwrap().unwrap().path();
    let bad = r#"{"id": 0}"#;
    let sha = |bytes: &[u8]| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes));
    let line = std::fs::read_to_string(&manifest).unwrap();
    let line = line.replace(&sha(&std::fs::read(&path).unwrap()), &sha(bad.as_bytes()));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bad).unwrap();
    std::fs::write(&manifest, line).unwrap();

    let second = beside(&first).await;
    let reader = second.token(&["ingest:*"]);
    for _ in 0..2 {
        assert_eq!(replayed(&second, Options::default()).await.rejected, 1);
        let letters = second.get_as(&reader, "/api/v1/ingest/dead-letters").await.expect(200);
        assert_eq!(letters["data"].as_array().unwrap().len(), 1);
    }
}

/// A server whose clock stands still until it is set.
async fn at_times() -> (TestApp, impl Fn(&str)) {
    let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
    let clock = Clock::new({
        let now = Arc::clone(&now);
        move || *now.lock().unwrap()
    });
    let set = move |time: &str| *now.lock().unwrap() = time.parse::<DateTime<Utc>>().unwrap();
    (TestApp::with_clock(clock, |_| {}).await, set)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_no_time_is_of_when_it_came() {
    let (first, set) = at_times().await;
    set("2025-01-02T10:00:00Z");
    let token = first.token(&["ingest:*"]);
    let pages = |names: &[&str]| {
        let page = |name| json!({"url": format!("https://b.org/{name}"), "content": name});
        let pages: Vec<Value> = names.iter().map(page).collect();
        json!({"version": "1.87.0", "library": "json", "pages": pages})
    };
    let dated = |name, scraped_at| {
        let mut crawl = pages(&[name]);
        crawl["scraped_at"] = json!(scraped_at);
        crawl
    };
    let export = |channel: u32| {
        json!({"guild": {"id": "3", "name": "G"}, "channel": {"id": channel.to_string()},
            "dateRange": {}, "messages": []})
    };
    let ack = json!({"app_type": "boost-library-documentation", "failed_ids": [],
        "final_sync_at": "2025-01-02T10:30:00Z"});
    let mail =
        |at, failed| json!({"app_type": "mailing", "final_sync_at": at, "failed_ids": [failed]});
    let list = json!({"app_type": "mailing", "failed_ids": ["3"]});
    for (time, kind, body) in [
        ("10:00", "docs/pages", pages(&["a"])),
        ("11:00", "docs/pages", pages(&["b"])),
        ("11:10", "docs/pages?complete=pages", pages(&["a", "b"])),
        ("11:20", "docs/pages?complete=pages", pages(&["a", "c"])),
        // What was said before is said again, and counts again.
        ("11:30", "docs/pages?complete=pages", pages(&["a", "b"])),
        ("11:40", "discord/exports", export(1)),
        ("11:50", "discord/exports", export(2)),
        ("10:10", "docs/pages?version=1.87.0", dated("early", "2025-01-01T00:00:00Z")),
        ("10:50", "docs/pages?version=1.87.0", dated("late", "2025-01-01T00:00:00Z")),
        ("12:00", "pinecone/acks", ack),
        ("12:10", "pinecone/acks", mail("2025-01-01T00:00:00Z", "1")),
        ("12:20", "pinecone/acks", mail("2025-01-02T00:00:00Z", "2")),
        // It was true before the second came, so that decides.
        ("12:30", "pinecone/fail-lists?as_of=2025-01-02T12:15:00Z", list),
    ] {
        set(&format!("2025-01-02T{time}:00Z"));
        first.post_json(&format!("/api/v1/ingest/{kind}"), &token, &body).await.expect(200);
    }
    let second = beside(&first).await;
    let all = replayed(&second, Options::default()).await;
    assert!(all.is_whole() && all.documents == 13, "{all:?}");
    assert_same(&rows(&first).await, &rows(&second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_retried_alone_is_no_full_list() {
    let first = TestApp::new().await;
    let token = first.token(&["ingest:*"]);
    let bodies = [
        (
            "boost/dependencies?complete=clients",
            json!({"version": "1.84.0", "dependencies": [
                {"client": "a", "deps": ["b"]}, {"client": "c", "deps": "faulty"}]}),
            r#"["b"]"#,
        ),
        (
            "docs/pages?complete=pages",
            json!({"version": "1.84.0", "library": "json", "pages": [
                {"url": "https://b.org/a", "content": "a"},
                {"url": "https://b.org/b", "content": "b", "content_hash": "faulty"}]}),
            "null",
        ),
    ];
    for (kind, body, good) in bodies {
        first.post_json(&format!("/api/v1/ingest/{kind}"), &token, &body).await.expect(200);
        // As if a later version of the kind took what this one refuses.
        let statement = format!(
            "update dead_letter set body = \
             convert_to(replace(convert_from(body, 'UTF8'), '\"faulty\"', '{good}'), 'UTF8')"
        );
        let mut conn = first.db().pool().get().await.unwrap();
        Statement::new(statement).execute(&mut conn).await.unwrap();
        let letters = first.get_as(&token, "/api/v1/ingest/dead-letters").await.expect(200);
        let path = format!("/api/v1/ingest/dead-letters/{}/retry", letters["data"][0]["id"]);
        let retried = first.post_json(&path, &token, &Value::Null).await.expect(200);
        assert_eq!((&retried["inserted"], &retried["rejected"]), (&json!(1), &json!(0)));
    }
    let second = beside(&first).await;
    replayed(&second, Options::default()).await;
    let before = rows(&first).await;
    assert_eq!(before["boost_dependency"].len(), 2);
    assert_eq!(before["boost_library_documentation"].len(), 2);
    assert_same(&before, &rows(&second).await);
}
