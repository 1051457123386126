//! A payload kind: what it is called, how one item is read, how a batch of items is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use serde_json::Value;

use super::{
    archive::RawPath,
    repo_name::RepoName,
    stamp::Stamp,
    tx::Tx,
    upsert::Action,
    value::{Node, Note, Notes},
};

/// A body that a kind takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `application/json` and `application/x-ndjson`.
    Json,
    /// `text/csv`.
    Csv,
    /// `text/plain`.
    Text,
    /// `text/vtt`.
    Vtt,
}

impl Content {
    /// The media types.
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json", "application/x-ndjson"],
            Self::Csv => &["text/csv"],
            Self::Text => &["text/plain"],
            Self::Vtt => &["text/vtt"],
        }
    }
}

/// What a kind is, as its documentation and the pipeline see it.
#[derive(Debug)]
pub struct Spec {
    /// The domain.
    pub domain: &'static str,
    /// The kind's path segment.
    pub name: &'static str,
    /// What it takes, in one or two sentences.
    pub doc: &'static str,
    /// The bodies it takes.
    pub takes: &'static [Content],
    /// The context parameters it reads, besides `as_of` and `complete`.
    pub params: &'static [&'static str],
    /// The child sets that `complete` may name.
    pub complete: &'static [&'static str],
    /// Keys of a wrapper object whose elements are the documents: `items` of a search.
    pub wrappers: &'static [&'static str],
    /// Whether its objects carry their own modification time.
    pub source_time: bool,
    /// JSON Schema of one document: also the list of keys that are no drift.
    pub schema: &'static str,
    /// A body that works.
    pub example: &'static str,
}

/// What surrounds the items of a request.
#[derive(Debug, Clone)]
pub struct Context {
    /// `repo=`.
    pub repo: Option<RepoName>,
    /// `as_of=`.
    pub as_of: Option<DateTime<Utc>>,
    /// `complete=`.
    pub complete: BTreeSet<String>,
    /// When the server received it (replay: when it did then).
    pub received_at: DateTime<Utc>,
    /// The parameters as sent.
    pub params: BTreeMap<String, String>,
    /// The mirror that the clang kinds are about.
    pub clang_mirror: RepoName,
}

impl Context {
    /// Whether the body lists a child set in full.
    pub fn lists_all(&self, set: &str) -> bool {
        self.complete.contains(set)
    }

    /// The source's time as a stamp takes it: one more than a day ahead of us counts as unknown,
    /// because a wrong clock must not freeze a row.
    pub fn source_time(&self, at: Option<DateTime<Utc>>, node: Node<'_>) -> Option<DateTime<Utc>> {
        let at = at?;
        if at > self.received_at + TimeDelta::days(1) {
            node.warn(
                "future_time",
                "The time is more than a day ahead; it does not decide order.",
            );
            return None;
        }
        Some(at)
    }
}

/// An item that was read.
#[derive(Debug)]
pub struct Read<I> {
    /// The item.
    pub item: I,
    /// What the pipeline needs to know of it.
    pub accepted: Accepted,
}

/// What the pipeline needs to know of an item.
#[derive(Debug)]
pub struct Accepted {
    /// Its natural key as text.
    pub key: String,
    /// Where its document is archived.
    pub path: RawPath,
    /// The stamp of its statement.
    pub stamp: Stamp,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The item's action.
    pub action: Action,
    /// The table of its primary row.
    pub table: &'static str,
    /// The id of its primary row.
    pub row_id: Option<i64>,
}

/// A kind. Implemented by each domain for its own items.
pub trait Kind: Send + Sync + 'static {
    /// What an item says, in our words.
    type Item: Send + Sync;

    /// What the kind is.
    fn spec(&self) -> &'static Spec;

    /// Reads one item. Faults are noted at their place; then there is no item.
    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Self::Item>>;

    /// Stores items, parents first, with a constant number of statements. May run again if the
    /// transaction has to be repeated.
    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Self::Item)],
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = QueryResult<Vec<Outcome>>> + Send + 'a>>;
}

/// A document of a body, parsed or not.
#[derive(Debug)]
pub struct Document {
    /// The index of its first item in the body.
    pub index: i32,
    /// The bytes as sent.
    pub bytes: bytes::Bytes,
    /// The document, cleaned, with what was cleaned; or why it cannot be read.
    pub parsed: Result<(Value, Vec<Note>), Note>,
}

/// What is known of an item before it is stored.
#[derive(Debug)]
pub struct Entry {
    /// Its index in the body.
    pub index: i32,
    /// The document it came in.
    pub document: usize,
    /// What is known of it, or why it is rejected.
    pub verdict: Result<Accepted, Vec<Note>>,
    /// What was cleaned or dropped.
    pub warnings: Vec<Note>,
}

/// The items of a batch, read and ready to store.
pub trait Batch: Send + Sync {
    /// Every item of the batch, in order.
    fn entries(&self) -> &[Entry];

    /// Stores the accepted items; one outcome for each, in order.
    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = QueryResult<Vec<Outcome>>> + Send + 'a>>;
}

/// A kind without its item type: what the pipeline works with.
pub trait AnyKind: Send + Sync + 'static {
    /// What the kind is.
    fn spec(&self) -> &'static Spec;

    /// Reads documents. Pure: no database, no files.
    fn read<'a>(&'a self, documents: &[Document], context: &Context) -> Box<dyn Batch + 'a>;
}

impl std::fmt::Debug for dyn AnyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.spec().domain, self.spec().name)
    }
}

struct ReadBatch<'k, K: Kind> {
    kind: &'k K,
    entries: Vec<Entry>,
    items: Vec<(i32, K::Item)>,
}

impl<K: Kind> AnyKind for K {
    fn spec(&self) -> &'static Spec {
        Kind::spec(self)
    }

    fn read<'a>(&'a self, documents: &[Document], context: &Context) -> Box<dyn Batch + 'a> {
        let mut batch = ReadBatch { kind: self, entries: Vec::new(), items: Vec::new() };
        for (nth, document) in documents.iter().enumerate() {
            let (value, cleaned) = match &document.parsed {
                Ok((value, cleaned)) => (value, cleaned),
                Err(note) => {
                    batch.entries.push(Entry {
                        index: document.index,
                        document: nth,
                        verdict: Err(vec![note.clone()]),
                        warnings: Vec::new(),
                    });
                    continue;
                }
            };
            let notes = Notes::default();
            let node = Node::root(value, &notes);
            let read = match source_error(value) {
                Some(detail) => {
                    node.fault("source_error", detail);
                    None
                }
                None => Kind::read(self, node, context),
            };
            let (mut faults, remarks) = notes.into_parts();
            let mut warnings = cleaned.clone();
            warnings.extend(remarks);
            let verdict = match read {
                Some(read) if faults.is_empty() => {
                    batch.items.push((document.index, read.item));
                    Ok(read.accepted)
                }
                _ => {
                    if faults.is_empty() {
                        faults.push(Note {
                            pointer: String::new(),
                            code: "unknown_shape".to_owned(),
                            detail: "This is none of the shapes that the kind takes.".to_owned(),
                        });
                    }
                    Err(faults)
                }
            };
            batch.entries.push(Entry { index: document.index, document: nth, verdict, warnings });
        }
        Box::new(batch)
    }
}

impl<K: Kind> Batch for ReadBatch<'_, K> {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = QueryResult<Vec<Outcome>>> + Send + 'a>> {
        Box::pin(async move {
            let items: Vec<(i32, &K::Item)> =
                self.items.iter().map(|(index, item)| (*index, item)).collect();
            self.kind.store(tx, &items, context).await
        })
    }
}

/// What a source's error page says, if this is one: it never counts as "empty".
fn source_error(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    if object.get("ok") == Some(&Value::Bool(false)) {
        let error = object.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        return Some(format!("The source reported a failure: {error}."));
    }
    match (object.get("message"), object.get("documentation_url")) {
        (Some(Value::String(message)), Some(_)) if !object.contains_key("id") => {
            Some(format!("The source reported a failure: {message}"))
        }
        _ => None,
    }
}
