//! Posts payloads of one kind of any domain, and reads rows with a query of the test's own.

use std::path::Path;

use axum::body::Body;
use boost_dashboard::db::sql::{Row, Statement, Value as Cell};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;

use super::sender::Sender;
use crate::support::Answer;

/// A server and a kind.
pub(super) struct Feed {
    pub(super) sender: Sender,
    kind: &'static str,
}

impl Feed {
    /// A new server, for a kind as `domain/kind`.
    pub(super) async fn new(kind: &'static str) -> Self {
        Self { sender: Sender::new().await, kind }
    }

    /// Posts a body as it is, with parameters.
    pub(super) async fn raw(&self, query: &str, media: &str, body: impl Into<Body>) -> Answer {
        let path = format!("/api/v1/ingest/{}?{query}", self.kind);
        self.sender.app.post(&path, &self.sender.token, media, body).await
    }

    /// Posts JSON of which something is stored.
    pub(super) async fn post(&self, body: &Value) -> Value {
        self.given("", body).await
    }

    /// The same, with parameters.
    pub(super) async fn given(&self, query: &str, body: &Value) -> Value {
        self.raw(query, "application/json", body.to_string()).await.expect(200)
    }

    /// Posts JSON of which every item must be rejected; gives the code and pointer of each error.
    pub(super) async fn refused(&self, query: &str, body: &Value) -> Vec<String> {
        let receipt = self.raw(query, "application/json", body.to_string()).await.expect(422);
        super::sender::notes(&receipt, "errors")
    }

    /// The rows of a query, each as JSON.
    pub(super) async fn rows(&self, query: &str) -> Vec<String> {
        let sql = format!("select to_jsonb(x)::text from ({query}) x");
        let mut conn = self.sender.app.db().pool().get().await.unwrap();
        let rows: Vec<Row> = Statement::new(sql).once().load(&mut conn).await.unwrap();
        rows.into_iter()
            .map(|row| match row.0.into_iter().next() {
                Some(Cell::Text(text)) => text,
                other => panic!("{other:?} is no text"),
            })
            .collect()
    }

    /// The first column of a query, as text.
    pub(super) async fn texts(&self, query: &str) -> Vec<String> {
        let rows = self.rows(&format!("select y.* from ({query}) y(v)")).await;
        rows.iter()
            .map(|row| match &serde_json::from_str::<Value>(row).unwrap()["v"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect()
    }
}

/// A file of `tests/fixtures`.
pub(super) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A fixture that is one JSON document.
pub(super) fn json_file(name: &str) -> Value {
    serde_json::from_str(&file(name)).unwrap()
}

/// A fixture of one JSON document a line.
pub(super) fn line_file(name: &str) -> Vec<Value> {
    file(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
