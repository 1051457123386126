//! What every response has, and how the service tells how it is.

use std::collections::HashSet;

use axum::{body::Body, http::Method};
use boost_dashboard::config::Settings;

use crate::support::{Answer, TestApp, request};

async fn with_id(app: &TestApp, id: &[u8]) -> Answer {
    let request = request(Method::GET, "/health/live", None).header("x-request-id", id);
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_taken_or_made() {
    let app = TestApp::new().await;
    let longest = "x".repeat(200);
    for good in ["abc", "A-1:2/3", &longest] {
        assert_eq!(with_id(&app, good.as_bytes()).await.header("x-request-id"), Some(good));
    }
    let mut made = HashSet::new();
    let too_long = "x".repeat(201);
    for bad in ["", "two words", "tab\there", "\u{e9}", &too_long] {
        let answer = with_id(&app, bad.as_bytes()).await;
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
        assert!(made.insert(id.to_owned()));
    }
    let refused = app
        .send(
            request(Method::GET, "/api/v1/nowhere?secret=1", None)
                .header("x-request-id", "mine")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(refused.header("x-request-id"), Some("mine"));
    let problem = refused.expect(404);
    assert_eq!(problem["request_id"], "mine");
    assert_eq!(problem["instance"], "/api/v1/nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_problem_with_a_suggestion() {
    let app = TestApp::new().await;
    let answer = app.get("/api/v1/github/comits").await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.expect(404);
    assert_eq!(problem["type"], "urn:boost-dashboard:no_such_path");
    assert_eq!(problem["errors"][0]["suggestion"], "/api/v1/github/commits");
    let slash = app.get("/api/v1/github/commits/").await.expect(404);
    assert_eq!(slash["errors"][0]["suggestion"], "/api/v1/github/commits");

    let request = request(Method::DELETE, "/health/live", None).body(Body::empty()).unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.expect(405)["type"], "urn:boost-dashboard:method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_database() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/health/ready").await.expect(200)["status"], "ok");
    app.app().pool.close();
    assert_eq!(app.get("/health/live").await.expect(200)["status"], "ok");
    let away = app.get("/health/ready").await;
    assert_eq!(away.header("retry-after"), Some("1"));
    assert_eq!(away.expect(503)["type"], "urn:boost-dashboard:database_away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_our_tables_is_not_ready() {
    use boost_dashboard::{
        app::{App, Clock},
        db::pool,
    };
    use tower::ServiceExt as _;
    let db = crate::support::TestDb::empty().await;
    let settings = Settings {
        jwt_secret: Some("a secret of the tests that is long enough".into()),
        ..Settings::default()
    };
    let pool = pool::build(db.url(), &pool::PoolSettings::default()).unwrap();
    let app = App::assemble(settings, pool, Clock::system()).unwrap();
    let request = request(Method::GET, "/health/ready", None).body(Body::empty()).unwrap();
    let response = boost_dashboard::router(app).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_by_route_never_by_path() {
    let app = TestApp::new().await;
    app.get("/api/v1/github/commits/987654321").await;
    app.get("/no/such/path/987654321").await;
    let metrics = app.get("/metrics").await;
    assert_eq!(metrics.status(), 200);
    let text = metrics.text();
    let labels = r#"route="/api/v1/github/commits/{id}",method="GET",status="404""#;
    assert!(text.contains(&format!("http_request_duration_seconds_count{{{labels}}}")), "{text}");
    assert!(text.contains("db_pool_connections_max 16"));
    assert!(text.contains("http_requests_in_flight"));
    assert!(!text.contains("987654321"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_only_when_asked() {
    let app = TestApp::new().await;
    let get = async |path: &str, coding: Option<&str>| {
        let mut request = request(Method::GET, path, None);
        if let Some(coding) = coding {
            request = request.header("accept-encoding", coding);
        }
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let document = "/api/v1/openapi.json";
    for coding in ["gzip", "br", "zstd"] {
        let answer = get(document, Some(coding)).await;
        assert_eq!(answer.header("content-encoding"), Some(coding));
        assert_eq!(answer.header("vary"), Some("accept, accept-encoding, authorization"));
    }
    let plain = get(document, None).await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(get("/health/live", Some("gzip")).await.header("content-encoding"), None);
    let gzip = get(document, Some("gzip")).await;
    let mut unpacked = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&gzip.bytes()[..]),
        &mut unpacked,
    )
    .unwrap();
    assert_eq!(unpacked, plain.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_read_from_elsewhere_but_not_write() {
    let app = TestApp::new().await;
    let preflight = async |method: &str| {
        let request = request(Method::OPTIONS, "/api/v1/github/commits", None)
            .header("origin", "https://elsewhere.example")
            .header("access-control-request-method", method)
            .body(Body::empty())
            .unwrap();
        app.send(request).await
    };
    let answer = preflight("GET").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("GET"));
    let taken = answer.header("access-control-allow-headers").unwrap();
    assert!(taken.contains("last-event-id"), "{taken}");
    let read = request(Method::GET, "/api/v1/github/commits", None);
    let read = read.header("origin", "https://elsewhere.example").body(Body::empty()).unwrap();
    let read = app.send(read).await;
    let shown = read.header("access-control-expose-headers").unwrap();
    assert!(shown.contains("content-disposition") && shown.contains("etag"), "{shown}");
    assert!(
        !preflight("POST").await.header("access-control-allow-methods").unwrap().contains("POST")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_are_told_to_come_back() {
    use boost_dashboard::http::limits::Place;
    let app = TestApp::with(|settings| settings.max_in_flight = 1).await;
    let place = Place::take(&app.app().in_flight, 1).unwrap();
    let busy = app.get("/api/v1/github/commits").await;
    assert_eq!(busy.header("retry-after"), Some("1"));
    assert_eq!(busy.expect(503)["type"], "urn:boost-dashboard:too_many_in_flight");
    assert_eq!(app.get("/health/live").await.status(), 200);
    drop(place);
    assert_eq!(app.get("/api/v1/github/commits").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_too_fast_is_slowed() {
    let app = TestApp::with(|settings| settings.rate_limit = 2).await;
    let mut last = None;
    for _ in 0..4 {
        last = Some(app.get("/api/v1/openapi.json").await);
    }
    let last = last.unwrap();
    assert_eq!(last.header("retry-after"), Some("1"));
    assert_eq!(last.header("ratelimit-limit"), Some("2"));
    assert_eq!(last.header("ratelimit-remaining"), Some("0"));
    last.expect(429);
    // Another client is not concerned.
    let token = app.token(&["read"]);
    let other = app.get_as(&token, "/api/v1/openapi.json").await;
    assert_eq!(other.status(), 200);
    assert_eq!(other.header("ratelimit-remaining"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_handler_does_the_answer_is_a_problem() {
    use axum::{Router, http::StatusCode, routing::get};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn panics() -> StatusCode {
        panic!("hunter2")
    }
    async fn sleeps() {
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    }
    let app = TestApp::with(|settings| settings.request_timeout_ms = 50).await;
    let handlers = Router::new()
        .route("/panics", get(panics))
        .route("/sleeps", get(sleeps))
        .route("/html", get(|| async { (StatusCode::BAD_GATEWAY, "<h1>Bad</h1>") }))
        .route("/fine", get(|| async { "fine" }));
    let router = boost_dashboard::http::layers::wrap(handlers, app.app().clone());
    for (path, status, code) in [
        ("/panics", 500, "internal_error"),
        ("/sleeps", 503, "request_timeout"),
        ("/html", 502, "bad_gateway"),
    ] {
        let sent = request(Method::GET, path, None).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(sent).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["type"], format!("urn:boost-dashboard:{code}"));
        assert!(!problem.to_string().contains("hunter2"));
    }
    let sent = request(Method::GET, "/fine", None).body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(sent).await.unwrap().status(), 200);
}

/// Runs the binary with an environment of nothing but `variables`.
fn command(variables: &[(&str, &str)], arguments: &[&str]) -> (bool, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_boost-dashboard"))
        .current_dir(folder.path())
        .env_clear()
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn settings_are_shown_without_secrets() {
    let variables = [
        ("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/db"),
        ("BOOST_DASHBOARD_JWT_SECRET", "hunter2 hunter2 hunter2 hunter2 hunter2"),
        ("BOOST_DASHBOARD_GITHUB_WEBHOOK_SECRETS", "hunter2,hunter22"),
        ("BOOST_DASHBOARD_SLACK_SIGNING_SECRETS", "hunter2"),
        ("BOOST_DASHBOARD_LOG", "trace"),
    ];
    let (fine, out, err) = command(&variables, &["config", "--check"]);
    assert!(fine, "{err}");
    assert!(out.contains("database_url = \"[redacted]\""), "{out}");
    assert!(out.contains("listen = \"127.0.0.1:8080\""));
    assert!(!out.contains("hunter2") && !err.contains("hunter2"));

    // Nor when the database cannot be reached, at the loudest level.
    let (fine, out, err) = command(&variables, &["migrate"]);
    assert!(!fine);
    assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{err}");
}

#[test]
fn unknown_settings_are_refused() {
    let (fine, _, err) = command(&[("BOOST_DASHBOARD_LISTN", "127.0.0.1:1")], &["config"]);
    assert!(!fine);
    assert!(err.contains("did you mean `BOOST_DASHBOARD_LISTEN`?"), "{err}");
}

#[test]
fn a_token_is_issued_alone_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let issue =
        ["token", "issue", "--subject", "me", "--scope", "ingest:github", "--scope", "read"];
    let (fine, out, err) = command(&[("BOOST_DASHBOARD_DATA_DIR", data)], &issue);
    assert!(fine, "{err}");
    assert_eq!(out.trim().split('.').count(), 3);
    assert_eq!(out.lines().count(), 1);
    assert!(!err.contains(out.trim()));
    let keys = boost_dashboard::http::keys::Keys::load(&Settings {
        data_dir: folder.path().to_owned(),
        ..Settings::default()
    })
    .unwrap();
    let now = boost_dashboard::app::Clock::system().now();
    let token = keys.verify(out.trim(), now).unwrap();
    assert_eq!(&*token.subject, "me");
    assert_eq!(token.scopes.len(), 2);
    assert!(keys.verify(out.trim(), now + chrono::Duration::days(91)).is_err());
}

#[test]
fn the_document_is_printed_without_a_database() {
    let (fine, out, err) = command(&[("DATABASE_URL", "nonsense")], &["openapi"]);
    assert!(fine, "{err}");
    let printed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(printed["openapi"], "3.1.0");
}
