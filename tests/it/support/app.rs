//! The real router on a database of its own, driven without a socket.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode, header, request},
    response::Response,
};
use boost_dashboard::{
    app::{App, Clock},
    config::{ReadAuth, Settings},
    db::pool::{self, PoolSettings},
    http::scope::Scope,
    router,
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{TestDb, slow::Slow};

/// The server as `serve` makes it, with a database and folders that are this test's alone.
pub(crate) struct TestApp {
    app: App,
    router: Router,
    db: TestDb,
    folder: TempDir,
    slow: Option<Slow>,
}

impl TestApp {
    /// The server with its defaults.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The server with settings of the test's own.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_clock(Clock::system(), change).await
    }

    /// The server with another clock as well.
    pub(crate) async fn with_clock(clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(TestDb::new().await, None, clock, change)
    }

    /// The server with another clock, on a PostgreSQL of its own ([`TestDb::alone`]).
    pub(crate) async fn alone(clock: Clock) -> Self {
        Self::on(TestDb::alone().await, None, clock, |_| {})
    }

    /// The server on a database that takes `times` as long to answer.
    pub(crate) async fn slow(times: u32, change: impl FnOnce(&mut Settings)) -> Self {
        let db = TestDb::new().await;
        // On a busy machine it is slow by itself.
        let most = Duration::from_millis(20);
        let slow = Slow::before(db.url(), times, most).await.unwrap();
        Self::on(db, Some(slow), Clock::system(), change)
    }

    fn on(
        db: TestDb,
        slow: Option<Slow>,
        clock: Clock,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            workspace: folder.path().join("workspace"),
            data_dir: folder.path().join("data"),
            jwt_secret: Some("a secret of the tests that is long enough".into()),
            // A busy machine is no reason for a test to fail.
            pool_wait_ms: 20_000,
            ..Settings::default()
        };
        std::fs::create_dir_all(&settings.workspace).unwrap();
        std::fs::create_dir_all(&settings.data_dir).unwrap();
        change(&mut settings);
        let pool = PoolSettings {
            size: settings.pool_size,
            statement_timeout: Duration::from_millis(settings.statement_timeout_ms),
            wait_timeout: Duration::from_millis(settings.pool_wait_ms),
            connect_timeout: Duration::from_millis(settings.pool_wait_ms),
            ..PoolSettings::default()
        };
        let url = slow.as_ref().map_or(db.url(), Slow::url);
        let pool = pool::build(url, &pool).unwrap();
        let app = App::assemble(settings, pool, clock).unwrap();
        Self { router: router(app.clone()), app, db, folder, slow }
    }

    /// What handlers hold.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// The database behind it.
    pub(crate) fn db(&self) -> &TestDb {
        &self.db
    }

    /// How long the answers of a slow database were held back.
    pub(crate) fn held_back(&self) -> Duration {
        self.slow.as_ref().map_or(Duration::ZERO, Slow::held_back)
    }

    /// A folder that goes with the test; `workspace` and `data` are in it.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Keeps deliveries of today from being finished, as a full disk would: what stands in the way is
    /// at the path given, for the test to remove.
    pub(crate) fn block_archive(&self) -> std::path::PathBuf {
        let raw = self.app.settings.workspace.join("raw");
        let journal = std::fs::read_dir(raw.join(".journal")).unwrap().next().unwrap().unwrap();
        let server = journal.file_name().into_string().unwrap();
        let day = self.app.clock.now().date_naive();
        let manifest = raw.join(format!("_manifest/{day}.{server}.ndjson"));
        std::fs::create_dir(&manifest).unwrap();
        manifest
    }

    /// A token that may do what these scopes say.
    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        let scopes: Vec<Scope> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let day = chrono::Duration::days(1);
        self.app.keys.issue("test", &scopes, day, self.app.clock.now()).unwrap().token
    }

    /// `GET`, without a token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, None).body(Body::empty()).unwrap()).await
    }

    /// `GET`, with a token.
    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        self.send(request(Method::GET, path, Some(token)).body(Body::empty()).unwrap()).await
    }

    /// `POST` of a JSON body.
    pub(crate) async fn post_json(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.post(path, token, "application/json", body.to_string()).await
    }

    /// `POST` of a body in a content-coding.
    pub(crate) async fn post_coded(
        &self,
        path: &str,
        token: &str,
        content_type: &str,
        coding: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = request(Method::POST, path, Some(token))
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_ENCODING, coding)
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    /// `POST` of any body.
    pub(crate) async fn post(
        &self,
        path: &str,
        token: &str,
        content_type: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = request(Method::POST, path, Some(token))
            .header(header::CONTENT_TYPE, content_type)
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    /// Any request, its answer's body still to be read.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response {
        // The router never fails: whatever goes wrong is an answer.
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }

    /// Any request; [`request`] begins one.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// The begin of a request.
pub(crate) fn request(method: Method, path: &str, token: Option<&str>) -> request::Builder {
    let builder = Request::builder().method(method).uri(path);
    match token {
        Some(token) => builder.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => builder,
    }
}

/// What was answered, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// A header, if it was sent and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as it was sent.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in an answer {}: {}", self.status, self.text()),
        }
    }

    /// The JSON body of an answer that must have this status; else shows what was answered.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{}", self.text());
        self.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_on_its_own_database_and_folders() {
    let app = TestApp::new().await;
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.status(), 200, "{}", ready.text());
    let pool = app.app().pool.get().await.unwrap();
    drop((pool, app.db().connect().await));
    assert!(app.app().settings.workspace.starts_with(app.folder()));
    assert!(app.app().settings.data_dir.starts_with(app.folder()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_the_settings_of_its_test() {
    let app = TestApp::with(|settings| settings.read_auth = ReadAuth::Required).await;
    assert_eq!(app.app().settings.read_auth, ReadAuth::Required);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_request_can_be_sent() {
    let app = TestApp::new().await;
    let token = app.token(&["admin", "ingest:github"]);
    assert_eq!(app.get_as(&token, "/health/live").await.status(), 200);
    let head = super::request(Method::HEAD, "/health/live", None).body(Body::empty()).unwrap();
    assert!(app.send(head).await.bytes().is_empty());
    let nowhere = app.post_json("/api/v1/nowhere", &token, &serde_json::json!({})).await;
    assert_eq!(nowhere.header("content-type"), Some("application/problem+json"));
    assert_eq!(nowhere.expect(404)["instance"], "/api/v1/nowhere");
}
