//! A server that a test posts the payloads of one domain to, and reads rows from as text.

use std::path::Path;

use boost_dashboard::{
    db::sql::{Row, Statement, Value as Cell},
    ingest::{kind::Watermark, read::AnyKind},
};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;

use super::sender::Sender;
use crate::support::{
    Answer,
    dump::{Dump, dump},
};

/// The domain's end of a server.
pub(super) struct Domain {
    pub(super) sender: Sender,
    name: &'static str,
}

impl Domain {
    pub(super) async fn new(name: &'static str) -> Self {
        Self { sender: Sender::new().await, name }
    }

    /// Posts a body as it is; `to` is the kind with its parameters.
    pub(super) async fn raw(&self, to: &str, media: &str, body: impl Into<Vec<u8>>) -> Answer {
        let path = format!("/api/v1/ingest/{}/{to}", self.name);
        self.sender.app.post(&path, &self.sender.token, media, body.into()).await
    }

    /// Posts JSON and gives the receipt, whatever became of the items.
    pub(super) async fn post(&self, to: &str, body: &Value) -> Value {
        let answer = self.raw(to, "application/json", body.to_string()).await;
        assert!(matches!(answer.status(), 200 | 422), "{} {}", answer.status(), answer.text());
        answer.json()
    }

    /// Posts JSON of one item and gives what became of it.
    pub(super) async fn action(&self, to: &str, body: &Value) -> String {
        let receipt = self.post(to, body).await;
        assert_eq!(receipt["received"], 1, "{receipt}");
        let actions = ["inserted", "updated", "unchanged", "stale", "rejected"];
        actions.into_iter().find(|action| receipt[action] == 1).unwrap_or_default().to_owned()
    }

    /// Rows of a query that gives one text.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        let mut conn = self.sender.app.db().pool().get().await.unwrap();
        let rows: Vec<Row> = Statement::new(sql).once().load(&mut conn).await.unwrap();
        rows.into_iter()
            .map(|row| match row.0.into_iter().next() {
                Some(Cell::Text(text)) => text,
                Some(Cell::Null) => "null".to_owned(),
                other => panic!("{other:?} is no text"),
            })
            .collect()
    }

    /// Runs statements of the test's own.
    pub(super) async fn execute(&self, statements: &[&str]) {
        let mut conn = self.sender.app.db().pool().get().await.unwrap();
        for sql in statements {
            Statement::new(*sql).once().execute(&mut conn).await.unwrap();
        }
    }

    /// Every row of every table, comparable between databases.
    pub(super) async fn dump(&self) -> Dump {
        dump(self.sender.app.db().url()).await
    }
}

/// A file of `tests/fixtures`.
pub(super) fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a file: its array, or its lines.
pub(super) fn documents(name: &str) -> Vec<Value> {
    let bytes = file(name);
    match serde_json::from_slice(&bytes) {
        Ok(Value::Array(documents)) => documents,
        Ok(document) => vec![document],
        Err(_) => bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect(),
    }
}

/// Posts versions of objects in several orders, twice each, and one after the other: every order must
/// end in the same rows. Gives the rows.
pub(super) async fn same_in_any_order(name: &'static str, posts: &[(String, Value)]) -> Dump {
    let orders: [Vec<usize>; 4] = [
        (0..posts.len()).collect(),
        (0..posts.len()).rev().collect(),
        (0..posts.len()).step_by(2).chain((1..posts.len()).step_by(2)).collect(),
        (0..posts.len()).chain((0..posts.len()).rev()).collect(),
    ];
    let mut first: Option<Dump> = None;
    for order in orders {
        let domain = Domain::new(name).await;
        for nth in &order {
            let (to, body) = &posts[*nth];
            domain.post(to, body).await;
        }
        let dump = domain.dump().await;
        match &first {
            Some(first) => crate::support::dump::assert_same(first, &dump),
            None => first = Some(dump),
        }
    }
    first.unwrap_or_default()
}

/// Sixteen times the same body at once: one delivery makes the rows, the others find them, and none
/// waits for another in a circle.
pub(super) async fn at_once(domain: &Domain, to: &str, body: &Value) {
    let receipts = futures_util::future::join_all((0..16).map(|_| domain.post(to, body))).await;
    let made: u64 = receipts.iter().map(|receipt| receipt["inserted"].as_u64().unwrap()).sum();
    let received = receipts[0]["received"].as_u64().unwrap();
    assert_eq!(made, received, "{receipts:?}");
    assert_eq!(domain.sender.deadlocks().await, 0);
}

/// The example of each kind is stored, stands in the kind's watermark, and its key is known; keys of
/// nothing are not.
#[tokio::test(flavor = "multi_thread")]
async fn examples_are_stored_watched_and_known() {
    for (name, kind, key, nothing, watched) in [
        (
            "clang",
            "commits",
            "'3C127E83C07C3791E86413C22A414A030D4302E3' as sha",
            "'3C12' as sha",
            true,
        ),
        ("clang", "issues", "'76713' as number", "'one' as number", true),
        ("clang", "pull-requests", "'78189' as number", "'one' as number", true),
        ("website", "days", "'2025/01/15' as stat_date", "'2025-01-16' as stat_date", true),
        ("pinecone", "acks", "'mailing' as app_type", "'slack' as app_type", true),
        ("pinecone", "fail-lists", "'mailing' as app_type", "'slack' as app_type", false),
        ("youtube", "videos", "'aBcD3fGhI_k' as video_id", "'w' as video_id", true),
        (
            "youtube",
            "transcripts",
            "'v' as video_id, 'en' as lang",
            "'v' as video_id, 'de' as lang",
            false,
        ),
    ] {
        let domain = Domain::new(name).await;
        let kinds = boost_dashboard::domains::all().into_iter().flat_map(|domain| domain.kinds);
        let spec =
            kinds.map(AnyKind::spec).find(|spec| (spec.domain, spec.name) == (name, kind)).unwrap();
        let (to, media) = match kind {
            "transcripts" => ("transcripts?video=v", "text/vtt"),
            _ => (kind, "application/json"),
        };
        let receipt = domain.raw(to, media, spec.example).await.expect(200);
        assert_eq!(receipt["inserted"], 1, "{name}/{kind}: {receipt}");
        assert_eq!(domain.sender.number("select count(*) from drift").await, 0, "{name}/{kind}");
        let known = |key: &str| {
            format!(
                "with u as (select 1::bigint as ord, {key}) select u.ord::text from {}",
                spec.known.stored
            )
        };
        assert_eq!(domain.texts(&known(key)).await, ["1"], "{name}/{kind}");
        assert_eq!(domain.texts(&known(nothing)).await, [""; 0], "{name}/{kind}");
        let Watermark::Of(sql) = spec.watermark else {
            assert!(!watched, "{name}/{kind}");
            continue;
        };
        let rows = format!(
            "select scope || ' ' || (position = (extract(epoch from at) * 1000000)::bigint) \
             from ({sql}) w where key is not null order by scope"
        );
        let rows = domain.texts(&rows).await;
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.ends_with(" true")),
            "{name}/{kind}: {rows:?}"
        );
    }
}
