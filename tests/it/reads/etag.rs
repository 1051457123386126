//! Entity tags, on every GET.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use boost_dashboard::{changes, http::openapi};
use diesel_async::SimpleAsyncConnection as _;
use tokio_util::sync::CancellationToken;

use super::{all_rows, query_text, resources, seed, seeded};
use crate::support::{Answer, TestApp, request};

fn asked(method: Method, path: &str, token: Option<&str>, tag: Option<&str>) -> Request<Body> {
    let mut request = request(method, path, token);
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    request.body(Body::empty()).unwrap()
}

async fn conditional(app: &TestApp, path: &str, token: &str, tag: &str) -> Answer {
    app.send(asked(Method::GET, path, Some(token), Some(tag))).await
}

fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").map(str::to_owned);
    tag.unwrap_or_else(|| panic!("{} without a tag: {}", answer.status(), answer.text()))
}

/// What must be said of an answer that the client has.
fn assert_unchanged(path: &str, whole: &Answer, answer: &Answer) {
    assert_eq!(answer.status(), 304, "{path}: {}", answer.text());
    assert!(answer.bytes().is_empty(), "{path}");
    for name in ["etag", "cache-control", "link", "vary"] {
        assert_eq!(answer.header(name), whole.header(name), "{path}: {name}");
    }
    assert_eq!(answer.header("content-type"), None, "{path}");
    assert!(answer.header("x-request-id").is_some(), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_tags_that_hold_while_nothing_changes() {
    let (app, token) = seeded().await;
    for resource in resources() {
        let rows = all_rows(&app, &token, resource.path).await;
        let key = query_text(&rows[3][resource.key().name]);
        let list = format!("/api/v1{}?limit=3&sort=-{}", resource.path, resource.key().name);
        let row = format!("/api/v1{}/{key}", resource.path);
        for path in [list, row] {
            let whole = app.get_as(&token, &path).await;
            assert_eq!(
                whole.header("cache-control"),
                Some("private, max-age=0, must-revalidate"),
                "{path}"
            );
            let tag = tag(&whole);
            assert!(tag.starts_with("W/\""), "{path}: {tag}");
            assert_unchanged(&path, &whole, &conditional(&app, &path, &token, &tag).await);
            let head = app.send(asked(Method::HEAD, &path, Some(&token), None)).await;
            assert_eq!(head.header("etag"), Some(tag.as_str()), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_get_of_the_document_has_a_tag_or_is_a_stream() {
    let (app, _) = seeded().await;
    let token = app.token(&["admin", "read", "read:pii", "read:raw", "ingest:*"]);
    let document = openapi::document().unwrap().value().unwrap();
    let mut tagged = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(get) = operations.get("get") else { continue };
        assert!(get["responses"]["304"].is_object(), "{path}");
        if path.contains('{') {
            continue;
        }
        let whole = app.get_as(&token, path).await;
        if whole.status() != 200 {
            // Some need parameters that only their own tests know.
            assert!(whole.status() < 500, "{path}: {}", whole.text());
            continue;
        }
        let again = conditional(&app, path, &token, &tag(&whole)).await;
        // What counts requests changes with each.
        if path != "/metrics" {
            assert_unchanged(path, &whole, &again);
        }
        tagged += 1;
    }
    assert!(tagged >= 69 + 5, "{tagged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_changes_with_the_body_and_back() {
    let (app, token) = seeded().await;
    let mut connection = app.db().connect().await;
    let paths =
        ["/api/v1/github/issues?limit=5", "/api/v1/github/issues/2", "/api/v1/github/commits"];
    let mut tags = Vec::new();
    for path in paths {
        tags.push(tag(&app.get_as(&token, path).await));
    }
    let change = "alter table issue add column kept text; update issue set kept = title; \
                  update issue set title = 'another' where id = 2";
    connection.batch_execute(change).await.unwrap();
    for (at, path) in paths.into_iter().enumerate() {
        let answer = conditional(&app, path, &token, &tags[at]).await;
        let is_another = at < 2;
        assert_eq!(answer.status(), if is_another { 200 } else { 304 }, "{path}");
        assert_eq!(tag(&answer) != tags[at], is_another, "{path}");
    }
    let back = "update issue set title = kept; alter table issue drop column kept";
    connection.batch_execute(back).await.unwrap();
    for (path, tag) in paths.into_iter().zip(&tags) {
        assert_eq!(conditional(&app, path, &token, tag).await.status(), 304, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_of_several_tags_will_do() {
    let (app, token) = seeded().await;
    let path = "/api/v1/github/languages";
    let ours = tag(&app.get_as(&token, path).await);
    let strong = ours.trim_start_matches("W/").to_owned();
    for (held, status) in [
        (format!("\"a\", {ours}"), 304),
        (strong.clone(), 304),
        ("*".to_owned(), 304),
        ("\"a\"".to_owned(), 200),
        (format!("\"a,{}\"", strong.trim_matches('"')), 200),
    ] {
        assert_eq!(conditional(&app, path, &token, &held).await.status(), status, "{held}");
    }
    let mut several = request(Method::GET, path, None).header("if-none-match", "\"a\"");
    several = several.header("if-none-match", &ours);
    assert_eq!(app.send(several.body(Body::empty()).unwrap()).await.status(), 304);
    // What is refused has no tag.
    let refused = conditional(&app, "/api/v1/github/languages/0", &token, "*").await;
    assert_eq!((refused.status(), refused.header("etag")), (404, None));
    let refused = conditional(&app, "/api/v1/github/languages?x=1", &token, "*").await;
    assert_eq!((refused.status(), refused.header("etag")), (400, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coding_does_not_matter_to_a_tag() {
    let (app, token) = seeded().await;
    let path = "/api/v1/github/issues?limit=500";
    let plain = app.get_as(&token, path).await;
    let request = request(Method::GET, path, Some(&token)).header("accept-encoding", "gzip");
    let coded = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(coded.header("content-encoding"), Some("gzip"));
    assert_eq!(tag(&coded), tag(&plain));
    assert_eq!(coded.header("vary"), plain.header("vary"));
}

/// Waits until an answer has that status.
async fn until(app: &TestApp, path: &str, tag: &str, status: u16) -> Answer {
    for _ in 0..500 {
        let answer = app.send(asked(Method::GET, path, None, Some(tag))).await;
        if answer.status() == status {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{path} is never answered {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_changes_no_database_is_asked() {
    let app = TestApp::with(|settings| {
        settings.pool_size = 1;
        settings.pool_wait_ms = 300;
    })
    .await;
    seed::fill(&app).await;
    let stop = CancellationToken::new();
    let listening = changes::start(app.app(), &stop);
    for _ in 0..500 {
        if app.app().versions.of(&["issue"]).is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(app.app().versions.of(&["issue"]).is_some(), "changes are heard of");

    let list = "/api/v1/github/issues?limit=3&sort=-issue_created_at&count=exact";
    let row = "/api/v1/github/issues/2";
    let guess = "/api/v1/github/issues?count=estimated";
    let long = format!("/api/v1/github/issues?limit=3&title__ne={}", "x".repeat(60_000));
    let mut wholes = Vec::new();
    for path in [list, row, guess, &long] {
        wholes.push(app.get(path).await);
    }
    let taken = app.app().pool.get().await.unwrap();
    for (path, whole) in [list, row].into_iter().zip(&wholes) {
        let again = app.send(asked(Method::GET, path, None, Some(&tag(whole)))).await;
        assert_unchanged(path, whole, &again);
        // Who holds another tag, or none, or is not known, has to ask.
        for (token, held) in
            [(None, Some("\"a\"")), (None, None), (Some("nonsense"), Some(&*tag(whole)))]
        {
            let refused = app.send(asked(Method::GET, path, token, held)).await.status();
            assert_eq!(refused, if token.is_some() { 401 } else { 503 }, "{path}");
        }
    }
    // What the planner thinks changes without a change; and what is long is not remembered.
    for (path, whole) in [(guess, &wholes[2]), (&long, &wholes[3])] {
        let again = app.send(asked(Method::GET, path, None, Some(&tag(whole)))).await;
        assert_eq!(again.status(), 503);
    }

    let mut other = app.db().connect().await;
    other.batch_execute("update issue set title = 'another' where id = 2").await.unwrap();
    until(&app, row, &tag(&wholes[1]), 503).await;
    drop(taken);
    let changed = until(&app, row, &tag(&wholes[1]), 200).await;
    assert_ne!(tag(&changed), tag(&wholes[1]));
    until(&app, row, &tag(&changed), 304).await;
    stop.cancel();
    listening.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_what_another_may_see() {
    let (app, token) = seeded().await;
    let stop = CancellationToken::new();
    let listening = changes::start(app.app(), &stop);
    let path = "/api/v1/discord/messages";
    let private = app.get_as(&token, path).await;
    let public = app.get(path).await;
    assert_ne!(tag(&private), tag(&public));
    assert_eq!(app.send(asked(Method::GET, path, None, Some(&tag(&private)))).await.status(), 200);
    assert_eq!(conditional(&app, path, &token, &tag(&private)).await.status(), 304);
    stop.cancel();
    listening.await.unwrap();
}
