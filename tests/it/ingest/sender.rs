//! Posts payloads, and reads what became of them.

use std::{io::Write as _, path::Path};

use axum::{
    body::Body,
    http::{Method, header},
};
use boost_dashboard::config::Settings;
use serde_json::Value;

use super::rows;
use crate::support::{Answer, TestApp, request};

/// A server, and a token that may ingest and read everything.
pub(super) struct Sender {
    pub(super) app: TestApp,
    pub(super) token: String,
}

impl Sender {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let app = TestApp::with(change).await;
        let token = app.token(&["ingest:*", "read:raw", "read:pii"]);
        Self { app, token }
    }

    /// Posts a body as it is; `to` is the kind with its parameters.
    pub(super) async fn raw(&self, to: &str, media: &str, body: impl Into<Body>) -> Answer {
        self.app.post(&format!("/api/v1/ingest/github/{to}"), &self.token, media, body).await
    }

    /// Posts JSON and gives the receipt of a request that is answered 200.
    pub(super) async fn post(&self, to: &str, body: &Value) -> Value {
        self.raw(to, "application/json", body.to_string()).await.expect(200)
    }

    /// Posts JSON of which every item must be rejected, and gives the receipt.
    pub(super) async fn refused(&self, to: &str, body: &Value) -> Value {
        self.raw(to, "application/json", body.to_string()).await.expect(422)
    }

    /// Posts in a content-coding.
    pub(super) async fn coded(&self, to: &str, media: &str, coding: &str, body: Vec<u8>) -> Answer {
        let path = format!("/api/v1/ingest/github/{to}");
        self.app.post_coded(&path, &self.token, media, coding, body).await
    }

    /// Posts with an idempotency key.
    pub(super) async fn keyed(&self, to: &str, key: &str, body: &Value) -> Answer {
        let request =
            request(Method::POST, &format!("/api/v1/ingest/github/{to}"), Some(&self.token))
                .header(header::CONTENT_TYPE, "application/json")
                .header("idempotency-key", key)
                .body(Body::from(body.to_string()))
                .unwrap();
        self.app.send(request).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.app.get_as(&self.token, &format!("/api/v1{path}")).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        let path = format!("/api/v1{path}");
        let request = request(Method::DELETE, &path, Some(&self.token)).body(Body::empty());
        self.app.send(request.unwrap()).await
    }

    pub(super) async fn retry(&self, letter: &Value) -> Answer {
        let path = format!("/api/v1/ingest/dead-letters/{letter}/retry");
        self.app.post_json(&path, &self.token, &Value::Null).await
    }

    pub(super) async fn dump(&self) -> Vec<String> {
        rows::dump(self.app.db()).await
    }

    pub(super) async fn exact(&self) -> Vec<String> {
        rows::exact(self.app.db()).await
    }

    pub(super) async fn wipe(&self) {
        rows::wipe(self.app.db()).await;
    }

    /// How often PostgreSQL had to break a deadlock in this database.
    pub(super) async fn deadlocks(&self) -> i64 {
        self.number("select deadlocks from pg_stat_database where datname = current_database()")
            .await
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        self.app.db().number(sql).await
    }
}

/// A file of `tests/fixtures/github`.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/github");
    let path = folder.join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fixture that is one JSON document.
pub(super) fn json_fixture(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

/// The lines of a fixture in NDJSON, gzipped if its name says so.
pub(super) fn lines(name: &str) -> Vec<Value> {
    let mut bytes = fixture(name);
    if Path::new(name).extension().is_some_and(|extension| extension == "gz") {
        let mut plain = Vec::new();
        std::io::copy(&mut flate2::read::MultiGzDecoder::new(bytes.as_slice()), &mut plain)
            .unwrap();
        bytes = plain;
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// An object with more members.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    match (object.as_object_mut(), more) {
        (Some(members), Value::Object(more)) => members.extend(more),
        (_, more) => panic!("{more} is no object, or is given to none"),
    }
    object
}

/// NDJSON of documents.
pub(super) fn ndjson(documents: &[Value]) -> Vec<u8> {
    let mut body = Vec::new();
    for document in documents {
        writeln!(body, "{document}").unwrap();
    }
    body
}

/// The five counts of a receipt: inserted, updated, unchanged, stale, rejected.
pub(super) fn counts(receipt: &Value) -> [u64; 5] {
    ["inserted", "updated", "unchanged", "stale", "rejected"]
        .map(|count| receipt[count].as_u64().unwrap_or_else(|| panic!("{count} in {receipt}")))
}

/// The codes of a receipt's `errors` or `warnings`, each with index and pointer.
pub(super) fn notes(receipt: &Value, list: &str) -> Vec<String> {
    let notes = receipt[list].as_array().unwrap_or_else(|| panic!("{list} in {receipt}"));
    let text = |note: &Value, key: &str| note[key].as_str().unwrap_or_default().to_owned();
    notes
        .iter()
        .map(|note| format!("{} {} {}", note["index"], text(note, "code"), text(note, "pointer")))
        .map(|note| note.trim_end().to_owned())
        .collect()
}
