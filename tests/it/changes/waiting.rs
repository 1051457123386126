//! Long polls, the event stream, and what is told in between.

use std::time::{Duration, Instant};

use axum::{
    body::{Body, BodyDataStream},
    http::Method,
};
use boost_dashboard::changes;
use diesel_async::SimpleAsyncConnection as _;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{next, page, run};
use crate::support::{TestApp, request};

/// A server that listens, until the token is dropped.
pub(super) async fn listening(app: &TestApp) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    changes::start(app.app(), &stop);
    while app.app().versions.of(&["language"]).is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.drop_guard()
}

/// A stream of events.
struct Events(BodyDataStream, String);

impl Events {
    async fn open(app: &TestApp, path: &str, last: Option<&str>) -> Self {
        let mut request = request(Method::GET, path, None).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = app.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body().into_data_stream(), String::new())
    }

    /// The id and the data of the next event that has data; none when the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some(end) = self.1.find("\n\n") {
                let event = &self.1[..end];
                let field = |name: &str| {
                    event.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
                };
                let found = (field("id:"), field("data:"));
                self.1.drain(..end + 2);
                if let (Some(id), Some(data)) = found {
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
            }
            let patience = Duration::from_secs(20);
            let more = tokio::time::timeout(patience, self.0.next()).await.unwrap()?.unwrap();
            self.1.push_str(std::str::from_utf8(&more).unwrap());
        }
    }
}

async fn insert(app: &TestApp, names: &[&str]) {
    for name in names {
        run(app, &format!("insert into language (name) values ('{name}')")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_is_answered_once_with_all_of_a_transaction() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let _stop = listening(&app).await;
    let start = next(&page(&app, &token, "/changes", Some("now")).await);
    let wait = format!("/api/v1/changes?table=language,license&wait=25&after={start}");
    let write = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        // What it does not wait for leaves it waiting.
        run(&app, "insert into tmp_identity (display_name) values ('no')").await;
        run(
            &app,
            "insert into language (name) values ('a'); insert into license (name, spdx_id) values ('l', 'L');
             insert into language (name) values ('b'), ('c')",
        )
        .await;
    };
    let began = Instant::now();
    let (answer, ()) = tokio::join!(app.get(&wait), write);
    let answer = answer.expect(200);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(answer["data"].as_array().unwrap().len(), 4, "{answer}");

    // With nothing to come it ends, empty, with a cursor.
    let began = Instant::now();
    let again = format!("/api/v1/changes?wait=1&table=issue&after={}", next(&answer));
    let answer = app.get(&again).await.expect(200);
    assert!(began.elapsed() >= Duration::from_millis(950));
    assert_eq!(answer["data"], json!([]));
    assert!(answer["page"]["next_cursor"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_not_left_waiting_when_a_long_transaction_ends_without_a_word() {
    let app = TestApp::new().await;
    let token = app.token(&["read"]);
    let _stop = listening(&app).await;
    let mut long = app.db().connect().await;
    long.batch_execute("begin; select pg_current_xact_id()").await.unwrap();
    let start = next(&page(&app, &token, "/changes", Some("now")).await);
    insert(&app, &["held"]).await;
    let wait = format!("/api/v1/changes?wait=1&after={start}");
    let answer = app.get(&wait).await.expect(200);
    assert_eq!(answer["data"], json!([]), "it is kept back");
    let wait = format!("/api/v1/changes?wait=25&after={}", next(&answer));
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        long.batch_execute("rollback").await.unwrap();
    };
    let began = Instant::now();
    let (answer, ()) = tokio::join!(app.get(&wait), end);
    assert_eq!(answer.expect(200)["data"][0]["row"]["name"], "held");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_behind_the_last_event_and_ends_with_the_server() {
    // The only connection is not held while nothing happens.
    let app = TestApp::with(|settings| {
        settings.pool_size = 1;
        settings.max_subscribers = 1;
    })
    .await;
    let stop = listening(&app).await;
    let path = "/api/v1/changes?after=now&domain=github";
    let mut events = Events::open(&app, path, None).await;
    app.get("/api/v1/changes?wait=1").await.expect(503);
    app.get("/api/v1/github/languages").await.expect(200);
    insert(&app, &["a", "b", "c"]).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let (id, data) = events.next().await.unwrap();
        assert_eq!((&data["row"]["name"], &data["cursor"]), (&json!(name), &json!(id)));
        ids.push(id);
    }
    drop(events);
    insert(&app, &["d"]).await;
    // Its address still says `now`, as a browser's does.
    let mut events = Events::open(&app, path, Some(&ids[1])).await;
    for name in ["c", "d"] {
        assert_eq!(events.next().await.unwrap().1["row"]["name"], name);
    }
    run(&app, "delete from language where name = 'd'").await;
    let (_, data) = events.next().await.unwrap();
    assert_eq!((&data["op"], &data["row"]), (&json!("delete"), &Value::Null));
    drop(stop);
    assert_eq!(events.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_has_to_catch_up_is_not_held_up() {
    let app = TestApp::new().await;
    let _stop = listening(&app).await;
    let rows = "insert into language (name) select 'l' || n from generate_series(1, 3000) n";
    run(&app, rows).await;
    app.db().settle().await;
    let mut events = Events::open(&app, "/api/v1/changes?table=language&limit=10", None).await;
    let began = Instant::now();
    for _ in 0..3000 {
        assert!(events.next().await.is_some());
    }
    // A breath after each of the three hundred pages would be half a minute.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // At the end it goes on as ever.
    insert(&app, &["another"]).await;
    assert_eq!(events.next().await.unwrap().1["row"]["name"], "another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_begins_with_a_problem_where_it_cannot_begin() {
    let app = TestApp::new().await;
    let request = request(Method::GET, "/api/v1/changes", None)
        .header("accept", "text/event-stream")
        .header("last-event-id", "nonsense")
        .body(Body::empty())
        .unwrap();
    let problem = app.send(request).await.expect(400);
    assert_eq!(problem["errors"][0]["code"], "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_for_those_who_prefer_one() {
    let app = TestApp::new().await;
    let _stop = listening(&app).await;
    for (accept, media) in [
        ("Text/Event-Stream", "text/event-stream"),
        ("text/event-stream, */*;q=0.1", "text/event-stream"),
        ("text/event-stream;q=0, */*", "application/json"),
        ("text/event-stream;q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
    ] {
        let request = request(Method::GET, "/api/v1/changes", None).header("accept", accept);
        let response = app.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.headers()["content-type"], media, "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stamp_tells_whether_a_table_was_changed() {
    let app = TestApp::new().await;
    let versions = &app.app().versions;
    assert_eq!(versions.of(&["language"]), None, "nobody listens");
    let _stop = listening(&app).await;
    let (before, other) = (versions.of(&["language", "license"]), versions.of(&["issue"]));
    insert(&app, &["a"]).await;
    let began = Instant::now();
    while versions.of(&["language", "license"]) == before {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(versions.of(&["issue"]), other);

    // What this server stored itself, it knows before it says so.
    let token = app.token(&["ingest:github"]);
    let before = versions.of(&["github_account"]);
    let account = json!({"login": "jane", "id": 7, "type": "User", "name": "Jane"});
    let receipt = app.post_json("/api/v1/ingest/github/accounts", &token, &account).await;
    assert_ne!(versions.of(&["github_account"]), before);
    assert_eq!(receipt.expect(200)["inserted"], 1);
}
