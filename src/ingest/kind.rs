//! A payload kind: what it is called, how one item is read, how a batch of items is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;

use super::{
    archive::RawPath,
    repo_name::RepoName,
    stamp::Stamp,
    tx::Tx,
    upsert::Action,
    value::{Node, Note, Notes},
};
use crate::db::Connection;

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

/// Where the items of a document stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// The document is the item.
    Whole,
    /// Elements of the list under the first of these keys that is there. A document without one is
    /// an item itself.
    Under(&'static [&'static str]),
    /// The same, and the list may be an object: each of its members is an item, `{key: value}`.
    Members(&'static [&'static str]),
}

impl Items {
    /// The keys of the list.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Whole => &[],
            Self::Under(keys) | Self::Members(keys) => keys,
        }
    }
}

/// Where a scraper of the kind resumes.
#[derive(Debug, Clone, Copy)]
pub enum Watermark {
    /// The kind has none, and why.
    None(&'static str),
    /// SQL that selects `(scope text, at timestamptz, key text, position bigint)`, one row for each
    /// stored row that counts: no stubs. `position` orders them; where `at` does, it is
    /// `(extract(epoch from at) * 1000000)::bigint`.
    Of(&'static str),
    /// The same, where more than dead letters keeps a scope from being safe.
    Failing {
        /// As [`Watermark::Of`].
        rows: &'static str,
        /// SQL that selects `(scope text, position bigint)`, one row for each open failure: a scan
        /// that failed and that no good one follows.
        failures: &'static str,
    },
    /// The same, where not all rows are for everybody.
    Private {
        /// As [`Watermark::Of`]; it ends with its `where`.
        rows: &'static str,
        /// The condition of the rows that are.
        public: &'static str,
    },
}

impl Watermark {
    /// SQL of the rows that count, if there is a watermark.
    pub const fn rows(self) -> Option<&'static str> {
        match self {
            Self::None(_) => None,
            Self::Of(rows) | Self::Failing { rows, .. } | Self::Private { rows, .. } => Some(rows),
        }
    }

    /// The condition of the rows that everybody may be told of, where these are not all.
    pub const fn public(self) -> Option<&'static str> {
        match self {
            Self::Private { public, .. } => Some(public),
            _ => None,
        }
    }

    /// SQL of open failures besides dead letters and queued requests.
    pub const fn failures(self) -> Option<&'static str> {
        match self {
            Self::Failing { failures, .. } => Some(failures),
            _ => None,
        }
    }
}

/// How natural keys of the kind are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The key as text, its fields in braces: `{repo}:{number}`.
    pub key: &'static str,
    /// SQL after `from`, that joins the given keys `u` (`ord`, and a text column for each field) to
    /// what is stored, and selects nothing itself: rows of the result are known. Stubs are not.
    pub stored: &'static str,
    /// The table whose tombstones tell that a key was deleted, and the SQL expression over `u` of its
    /// natural key there; none where rows of the kind are never deleted.
    pub deleted: Option<(&'static str, &'static str)>,
}

/// What a kind is, as its documentation and the pipeline see it.
#[derive(Debug, Clone, Copy)]
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
    /// Where the items of a document stand.
    pub items: Items,
    /// Whether a JSON array is one document; its elements are the items, unless the document is.
    pub array_is_one: bool,
    /// The most items of a document.
    pub limit: usize,
    /// The columns that a CSV file must have.
    pub columns: &'static [&'static str],
    /// Whether its objects carry their own modification time; not where the time at which they came
    /// may stand in for it.
    pub source_time: bool,
    /// JSON Schema of one document: also the list of keys that are no drift.
    pub schema: &'static str,
    /// A body that works, of the first content type that it takes.
    pub example: &'static str,
    /// Where a scraper resumes.
    pub watermark: Watermark,
    /// How keys are asked for.
    pub known: Known,
    /// The condition over the keys asked for, `u`, of those that everybody may be told of, where
    /// these are not all.
    pub public_keys: Option<&'static str>,
    /// The tables that its dead letters with `unresolved_reference` wait for: when a row of one of
    /// them is written, they are tried again.
    pub awaits: &'static [&'static str],
}

impl Spec {
    /// A kind with what most have: JSON, one item a document, source time, no parameters.
    pub const fn new(domain: &'static str, name: &'static str, doc: &'static str) -> Self {
        Self {
            domain,
            name,
            doc,
            takes: &[Content::Json],
            params: &[],
            complete: &[],
            wrappers: &[],
            items: Items::Whole,
            array_is_one: false,
            limit: usize::MAX,
            columns: &[],
            source_time: true,
            schema: "",
            example: "",
            watermark: Watermark::None(""),
            known: Known { key: "", stored: "", deleted: None },
            public_keys: None,
            awaits: &[],
        }
    }
}

/// The context parameters that are true or false.
pub const FLAGS: [&str; 2] = ["allow_private", "replace"];

/// Reads a parameter that is true or false; one without a value is true.
pub fn flag(value: &str) -> Option<bool> {
    match value {
        "true" | "1" | "" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
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
    /// Whether the documents are excerpts: items that were rejected and are tried again, without
    /// those beside them. An excerpt lists nothing in full.
    pub excerpt: bool,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
}

impl Context {
    /// Whether the body lists a child set in full.
    pub fn lists_all(&self, set: &str) -> bool {
        !self.excerpt && self.complete.contains(set)
    }

    /// A context parameter, if it is given and not blank.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a context parameter of [`FLAGS`] is given as true.
    pub fn flag(&self, name: &str) -> bool {
        self.params.get(name).and_then(|value| flag(value)).unwrap_or_default()
    }

    /// The time of a statement without source time: `as_of`, else when it was received.
    pub fn stated_at(&self) -> DateTime<Utc> {
        self.as_of.unwrap_or(self.received_at)
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
    /// The table of its primary row; empty where it has none.
    pub table: &'static str,
    /// The id of its primary row.
    pub row_id: Option<i64>,
}

/// A kind whose documents are one item each. Implemented by each domain for its own items.
pub trait Kind: Send + Sync + 'static {
    /// What an item says, in our words.
    type Item: Send + Sync;

    /// What the kind is.
    fn spec(&self) -> &'static Spec;

    /// Reads one item. Faults are noted at their place; then there is no item.
    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Self::Item>>;

    /// Scope and position of an item, rejected or queued, as the kind's watermark knows them. What
    /// it notes is not kept. A scope that a parameter tells is told for `null`, too.
    fn locate(&self, _item: Node<'_>, _context: &Context) -> Location {
        Location::default()
    }

    /// Stores items, parents first, with a constant number of statements. May run again if the
    /// transaction has to be repeated.
    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Self::Item)],
        context: &'a Context,
    ) -> Storing<'a>;
}

/// The outcomes of items, in order.
pub type Storing<'a> = Pin<Box<dyn Future<Output = QueryResult<Vec<Outcome>>> + Send + 'a>>;

/// Items that only the database can tell to be faulty, by index, with why.
pub type Refusing<'a> = Pin<Box<dyn Future<Output = QueryResult<Vec<(i32, Note)>>> + Send + 'a>>;

/// Where an item stands among those of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// The watermark's scope.
    pub scope: Option<String>,
    /// The watermark's position: for times, microseconds since 1970.
    pub position: Option<i64>,
}

/// An item of a document that holds many.
#[derive(Debug)]
pub struct Seen<I> {
    /// The item.
    pub item: I,
    /// Its natural key as text.
    pub key: String,
    /// The stamp of its statement.
    pub stamp: Stamp,
}

/// Where a document is archived, and which of its versions is the newest.
#[derive(Debug)]
pub struct Place {
    /// The plain name.
    pub path: RawPath,
    /// The document's stamp.
    pub stamp: Stamp,
}

/// A document that was read: what surrounds its items, and those that are good.
#[derive(Debug)]
pub struct Sheet<E, I> {
    /// What surrounds the items.
    pub envelope: E,
    /// The items with their index in the body.
    pub items: Vec<(i32, I)>,
}

/// The items of sheets, in order, with their index in the body.
pub fn items_of<E, I>(sheets: &[Sheet<E, I>]) -> Vec<(i32, &I)> {
    let items = sheets.iter().flat_map(|sheet| &sheet.items);
    items.map(|(index, item)| (*index, item)).collect()
}

/// A kind whose documents hold many items: an export, a page of messages, a file of rows. One
/// document is one transaction; rows of a CSV file come in several sheets.
pub trait DocumentKind: Send + Sync + 'static {
    /// What surrounds the items, and what the kind gathers from them while they are read.
    type Envelope: Send + Sync;
    /// What an item says, in our words.
    type Item: Send + Sync;

    /// What the kind is.
    fn spec(&self) -> &'static Spec;

    /// Reads what surrounds the items: the document without its list, `null` where it is a list, or
    /// an item itself. Faults reject the document as one item.
    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<Self::Envelope>;

    /// Reads one item.
    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Self::Envelope,
        context: &Context,
    ) -> Option<Seen<Self::Item>>;

    /// Where the document is archived, once its items are read.
    fn place(&self, sheet: &Sheet<Self::Envelope, Self::Item>, context: &Context) -> Place;

    /// See [`Kind::locate`].
    fn locate(&self, _item: Node<'_>, _envelope: &Self::Envelope, _context: &Context) -> Location {
        Location::default()
    }

    /// The scope of a document that is refused before its items can be read, as far as its
    /// parameters tell.
    fn scope(&self, _context: &Context) -> Option<String> {
        None
    }

    /// What stands for an item that cannot be read when [`Self::refuse`] is asked which are private:
    /// where it was said, as far as that can be told. Of a document that cannot be taken apart the
    /// item is what surrounds its list.
    fn unread(
        &self,
        _item: Node<'_>,
        _envelope: Option<&Self::Envelope>,
        _context: &Context,
    ) -> Option<Self::Item> {
        None
    }

    /// Items that only the database can tell to be faulty: the channel is private, the library
    /// unknown. Asked before anything is archived.
    fn refuse<'a>(
        &'a self,
        _conn: &'a mut Connection,
        _items: &'a [(i32, &'a Self::Item)],
        _context: &'a Context,
    ) -> Refusing<'a> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Stores the items of the sheets; one outcome for each, in order. See [`Kind::store`].
    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Self::Envelope, Self::Item>],
        context: &'a Context,
    ) -> Storing<'a>;
}

/// A document that is one item: its envelope is where the item says that it is archived.
impl<K: Kind> DocumentKind for K {
    type Envelope = Option<(RawPath, Stamp)>;
    type Item = K::Item;

    fn spec(&self) -> &'static Spec {
        Kind::spec(self)
    }

    fn open(&self, _: Node<'_>, _: &Context) -> Option<Self::Envelope> {
        Some(None)
    }

    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Self::Envelope,
        context: &Context,
    ) -> Option<Seen<K::Item>> {
        let Read { item, accepted: Accepted { key, path, stamp } } =
            Kind::read(self, item, context)?;
        *envelope = Some((path, stamp.clone()));
        Some(Seen { item, key, stamp })
    }

    fn place(&self, sheet: &Sheet<Self::Envelope, K::Item>, _: &Context) -> Place {
        match &sheet.envelope {
            Some((path, stamp)) => Place { path: path.clone(), stamp: stamp.clone() },
            None => unreachable!("only a document with an item is placed"),
        }
    }

    fn locate(&self, item: Node<'_>, _: &Self::Envelope, context: &Context) -> Location {
        Kind::locate(self, item, context)
    }

    fn scope(&self, context: &Context) -> Option<String> {
        let notes = Notes::default();
        Kind::locate(self, Node::root(&serde_json::Value::Null, &notes), context).scope
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Self::Envelope, K::Item>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move { Kind::store(self, tx, &items_of(sheets), context).await })
    }
}
