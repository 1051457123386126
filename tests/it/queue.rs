//! `Prefer: respond-async`: accepted now, run later, whatever happens in between.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, header},
};
use boost_dashboard::ingest::{background, worker};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    embedded::until,
    support::{Answer, TestApp, process::Place, request},
};

fn account(id: i64) -> Value {
    json!({"id": id, "login": format!("someone{id}"), "type": "User"})
}

async fn send(app: &TestApp, to: &str, key: Option<&str>, prefer: bool, body: String) -> Answer {
    let token = app.token(&["ingest:*"]);
    let path = format!("/api/v1/ingest/github/{to}");
    let mut request =
        request(Method::POST, &path, Some(&token)).header(header::CONTENT_TYPE, "application/json");
    if prefer {
        request = request.header("prefer", "wait=5, Respond-Async");
    }
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    app.send(request.body(Body::from(body)).unwrap()).await
}

async fn receipt(app: &TestApp, answer: &Answer) -> Value {
    app.get(answer.header("location").unwrap()).await.expect(200)
}

fn waiting(app: &TestApp) -> Vec<String> {
    let folder = app.app().settings.workspace.join("queue");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_wait_than_the_limit_says() {
    let app = TestApp::with(|settings| settings.queue_limit = 2).await;
    for id in [1, 2] {
        let answer = send(&app, "accounts", None, true, account(id).to_string()).await;
        assert_eq!(answer.status(), 202, "{}", answer.text());
    }
    let full = send(&app, "accounts", None, true, account(3).to_string()).await;
    assert!(full.header("retry-after").is_some());
    assert_eq!(full.expect(503)["type"], "urn:boost-dashboard:queue_full");
    assert_eq!(waiting(&app).len(), 2, "what is refused is not kept");
    // What does not ask to be queued is none of the queue's business.
    send(&app, "accounts", None, false, account(3).to_string()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_at_once_and_run_later() {
    let app = TestApp::new().await;
    let body = json!([account(1), {"login": "nobody"}, account(2)]).to_string();
    let answer = send(&app, "accounts", None, true, body).await;
    assert_eq!(answer.status(), 202, "{}", answer.text());
    assert_eq!(answer.header("preference-applied"), Some("respond-async"));
    assert_eq!(answer.json()["status"], "queued");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let queued = receipt(&app, &answer).await;
    assert_eq!((&queued["status"], &queued["id"]), (&json!("queued"), &json!(id)));
    assert_eq!(waiting(&app), [id.as_str()]);
    assert_eq!(app.db().number("select count(*) from github_account").await, 0);

    assert!(worker::run_next(app.app()).await.unwrap());
    assert!(!worker::run_next(app.app()).await.unwrap());
    let done = receipt(&app, &answer).await;
    assert_eq!((&done["status"], &done["inserted"]), (&json!("partial"), &json!(2)), "{done}");
    assert_eq!((&done["id"], &done["errors"][0]["index"]), (&json!(id), &json!(1)));
    let items = format!("{}/items", answer.header("location").unwrap());
    assert_eq!(app.get(&items).await.expect(200)["data"].as_array().unwrap().len(), 3);
    assert!(waiting(&app).is_empty());
    assert_eq!(app.db().number("select count(*) from queued_request").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_request_queued_or_not() {
    let app = TestApp::new().await;
    let body = account(1).to_string();
    let first = send(&app, "accounts", Some("k"), true, body.clone()).await;
    assert_eq!(first.status(), 202);
    for prefer in [true, false] {
        let again = send(&app, "accounts", Some("k"), prefer, body.clone()).await;
        assert_eq!(again.status(), 202, "{}", again.text());
        assert_eq!(again.header("location"), first.header("location"));
    }
    let other = send(&app, "accounts", Some("k"), true, account(2).to_string()).await;
    assert_eq!(other.status(), 409);
    assert_eq!(waiting(&app).len(), 1);
    assert!(worker::run_next(app.app()).await.unwrap());
    for prefer in [true, false] {
        let again = send(&app, "accounts", Some("k"), prefer, body.clone()).await;
        assert_eq!(again.status(), 200);
        assert_eq!(again.json(), receipt(&app, &first).await);
    }
    assert!(!worker::run_next(app.app()).await.unwrap());
    assert!(waiting(&app).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_at_once() {
    let app = TestApp::new().await;
    let answer = send(&app, "accounts", Some("k"), true, "{\"id\": ".to_owned()).await;
    assert_eq!(
        (answer.status(), &answer.json()["type"]),
        (400, &json!("urn:boost-dashboard:invalid_json"))
    );
    // A dry run keeps nothing, not even for a while.
    let dry = send(&app, "accounts?dry_run=true", None, true, account(1).to_string()).await;
    assert_eq!((dry.status(), &dry.json()["inserted"]), (200, &json!(1)));
    assert!(waiting(&app).is_empty());
    assert_eq!(app.db().number("select count(*) from receipt").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_run_each_request_once() {
    let app = TestApp::new().await;
    let mut answers = Vec::new();
    for id in 1..=20 {
        answers.push(send(&app, "accounts", None, true, account(id).to_string()).await);
    }
    let stop = CancellationToken::new();
    let workers: Vec<_> = (0..4).map(|_| background::start(app.app(), &stop)).collect();
    until(async || waiting(&app).is_empty().then_some(())).await;
    stop.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
    for answer in &answers {
        let done = receipt(&app, answer).await;
        assert_eq!((&done["status"], &done["inserted"]), (&json!("done"), &json!(1)), "{done}");
    }
    assert_eq!(app.db().number("select count(*) from receipt").await, 20);
    assert_eq!(app.db().number("select count(*) from receipt_items").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_item_keeps_its_scope_from_being_safe() {
    let app = TestApp::new().await;
    let token = app.token(&["ingest:*"]);
    let issue = |number: i64, day: i64| json!({"id": number, "number": number, "updated_at": format!("2024-01-{day:02}T00:00:00Z")});
    let path = "/api/v1/ingest/github/issues?repo=o/r";
    app.post_json(path, &token, &json!([issue(1, 5), issue(2, 15)])).await.expect(200);
    send(&app, "issues?repo=o/r", None, true, issue(3, 10).to_string()).await;
    let mark = async || app.get("/api/v1/ingest/watermarks").await.expect(200)["data"][0].clone();
    let before = mark().await;
    assert_eq!((&before["high"]["key"], &before["safe"]["key"]), (&json!("2"), &json!("1")));
    assert_eq!(before["open_failures"], 1);
    worker::run_next(app.app()).await.unwrap();
    assert_eq!(mark().await["safe"]["key"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_short_is_run_again() {
    let app = TestApp::new().await;
    let body = json!([account(1), {"login": "nobody"}]).to_string();
    let answer = send(&app, "accounts", None, true, body).await;
    // As a server leaves it that is killed between two batches.
    let mut conn = app.db().connect().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut conn,
        "update receipt set status = 'running', inserted = 1, received = 2; \
         insert into receipt_items select number, 0, '[]' from receipt; \
         insert into dead_letter (receipt_number, domain, kind, params, content_type, code, body) \
         select number, 'github', 'accounts', '{}', 'application/json', 'x', '' from receipt",
    )
    .await
    .unwrap();
    assert!(worker::run_next(app.app()).await.unwrap());
    let done = receipt(&app, &answer).await;
    assert_eq!((&done["received"], &done["inserted"]), (&json!(2), &json!(1)), "{done}");
    assert_eq!(app.db().number("select count(*) from dead_letter").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_done_once_its_archive_is_synced() {
    let app = TestApp::new().await;
    let answer = send(&app, "accounts", None, true, account(1).to_string()).await;
    let blocked = app.block_archive();
    assert!(worker::run_next(app.app()).await.unwrap());
    assert_eq!(app.db().number("select count(*) from github_account").await, 1);
    assert_eq!(receipt(&app, &answer).await["status"], "queued");
    assert_eq!(waiting(&app).len(), 1, "its body is kept");
    std::fs::remove_dir(blocked).unwrap();
    // As a server leaves it that loses power right after the commit.
    let mut conn = app.db().connect().await;
    let cut = "update receipt set status = 'running'; update queued_request set not_before = now()";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, cut).await.unwrap();
    assert!(worker::run_next(app.app()).await.unwrap());
    let done = receipt(&app, &answer).await;
    assert_eq!((&done["status"], &done["unchanged"]), (&json!("done"), &json!(1)), "{done}");
    assert_eq!(app.app().archive.entries().unwrap().count(), 1);
    assert!(waiting(&app).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_request_survives_kill_9() {
    // Queued where nothing runs it, as by a server that is killed right after its answer.
    let app = TestApp::new().await;
    let (db, place) = (app.db(), Place::new(app.folder(), Some(app.db().url())));
    let mut answers = Vec::new();
    for id in 1..=5 {
        answers.push(send(&app, "accounts", None, true, account(id).to_string()).await);
    }
    assert_eq!(db.number("select count(*) from github_account").await, 0);
    let server = place.serve(&["serve"]).await;
    until(async || (db.number("select count(*) from github_account").await > 0).then_some(()))
        .await;
    server.kill().await;
    let server = place.serve(&["serve"]).await;
    until(async || {
        let left = db.number("select count(*) from queued_request").await;
        (left == 0).then_some(())
    })
    .await;
    server.stop().await;
    for answer in &answers {
        let done = receipt(&app, answer).await;
        assert_eq!(done["status"], "done", "{done}");
    }
    assert_eq!(db.number("select count(*) from github_account").await, 5);
    assert!(waiting(&app).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_leaves_what_is_waited_for() {
    let app = TestApp::new().await;
    let answer = send(&app, "accounts", None, true, account(1).to_string()).await;
    let folder = app.app().settings.workspace.join("queue");
    let long_ago = std::time::SystemTime::now() - Duration::from_hours(48);
    let orphan = folder.join("0193.body");
    std::fs::write(&orphan, "left").unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = std::fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    assert_eq!(worker::sweep(app.app()).await.unwrap(), 1);
    assert!(!orphan.exists());
    assert!(worker::run_next(app.app()).await.unwrap());
    assert_eq!(receipt(&app, &answer).await["status"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_wait_are_stored_once_they_can_be() {
    let app = TestApp::new().await;
    let mut conn = app.db().connect().await;
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut conn,
        "insert into dead_letter (domain, kind, params, content_type, code, body) values \
         ('github', 'accounts', '{}', 'application/json', 'unresolved_reference', '{\"id\": 1, \"login\": \"a\"}'), \
         ('github', 'accounts', '{}', 'application/json', 'unresolved_reference', '{\"login\": \"b\"}'), \
         ('github', 'accounts', '{}', 'application/json', 'invalid_id', '{\"id\": 2, \"login\": \"c\"}')",
    )
    .await
    .unwrap();
    let kind = boost_dashboard::ingest::routes::kind_named("github/accounts").unwrap();
    let stop = CancellationToken::new();
    for stored in [1, 0] {
        let done = background::retry_of(app.app(), &[kind.spec()], &stop).await.unwrap();
        assert_eq!(done, stored);
    }
    // One was stored; one was tried twice and left no receipt; the third waits for nothing.
    assert_eq!(app.db().number("select count(*) from github_account").await, 1);
    assert_eq!(app.db().number("select count(*) from receipt").await, 1);
    let left = "select string_agg(code || attempts, ' ' order by id)::text = \
        'unresolved_reference2 invalid_id0' and count(*) = 2 from dead_letter";
    assert_eq!(app.db().number(&format!("select ({left})::integer::bigint")).await, 1);
}
