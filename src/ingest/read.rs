//! Documents read as a kind: what the pipeline works with.

use std::{collections::HashMap, future::Future, pin::Pin};

use diesel::QueryResult;
use serde_json::Value;

use super::{
    document::{Document, Part},
    drift::{Detector, Drift},
    kind::{Context, DocumentKind, Location, Place, Seen, Sheet, Spec, Storing, items_of},
    stamp::Stamp,
    value::{Node, Note, Notes},
};
use crate::db::Connection;

/// What is known of an item before it is stored.
#[derive(Debug)]
pub struct Entry {
    /// Its index in the body.
    pub index: i32,
    /// The document it came in.
    pub document: usize,
    /// Which of the document's items it is; none if the document is refused as a whole.
    pub part: Option<usize>,
    /// Its natural key and stamp, or why it is rejected.
    pub verdict: Result<Accepted, Vec<Note>>,
    /// What was cleaned or dropped.
    pub warnings: Vec<Note>,
    /// Where it stands, if it is rejected.
    pub location: Location,
}

/// An item that was read.
#[derive(Debug)]
pub struct Accepted {
    /// Its natural key as text.
    pub key: String,
    /// The stamp of its statement.
    pub stamp: Stamp,
}

/// The items of a batch, read and ready to store.
pub trait Batch: Send + Sync {
    /// Every item of the batch, in order.
    fn entries(&self) -> &[Entry];

    /// Where each document is archived; none if it is refused as a whole.
    fn places(&self) -> &[Option<Place>];

    /// Asks the database which items are faulty, and rejects them.
    fn refuse<'a>(
        &'a mut self,
        conn: &'a mut Connection,
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = QueryResult<()>> + Send + 'a>>;

    /// Stores the accepted items; one outcome for each, in order.
    fn store<'a>(&'a self, tx: &'a mut super::tx::Tx<'_>, context: &'a Context) -> Storing<'a>;
}

/// A kind without its item type.
pub trait AnyKind: Send + Sync + 'static {
    /// What the kind is.
    fn spec(&self) -> &'static Spec;

    /// Reads documents. Pure: no database, no files. What no schema names is counted in `drift`.
    fn read<'a>(
        &'a self,
        documents: &[Document],
        context: &Context,
        detector: &Detector,
        drift: &mut Drift,
    ) -> Box<dyn Batch + 'a>;

    /// Where items of a document stand: all of them, or one. A document that cannot be taken apart
    /// has one location, of which the scope is known at most.
    fn locations(
        &self,
        document: &Document,
        only: Option<usize>,
        context: &Context,
    ) -> Vec<Location>;
}

impl std::fmt::Debug for dyn AnyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.spec().domain, self.spec().name)
    }
}

struct ReadBatch<'k, K: DocumentKind> {
    kind: &'k K,
    entries: Vec<Entry>,
    places: Vec<Option<Place>>,
    sheets: Vec<Sheet<K::Envelope, K::Item>>,
    /// What stands for items that cannot be read, with their index in the body.
    unread: Vec<(i32, K::Item)>,
}

impl<K: DocumentKind> AnyKind for K {
    fn spec(&self) -> &'static Spec {
        DocumentKind::spec(self)
    }

    fn read<'a>(
        &'a self,
        documents: &[Document],
        context: &Context,
        detector: &Detector,
        drift: &mut Drift,
    ) -> Box<dyn Batch + 'a> {
        let mut batch = ReadBatch {
            kind: self,
            entries: Vec::new(),
            places: Vec::with_capacity(documents.len()),
            sheets: Vec::with_capacity(documents.len()),
            unread: Vec::new(),
        };
        for (nth, document) in documents.iter().enumerate() {
            let place = batch.read_document(nth, document, context, detector, drift);
            batch.places.push(place);
        }
        Box::new(batch)
    }

    fn locations(
        &self,
        document: &Document,
        only: Option<usize>,
        context: &Context,
    ) -> Vec<Location> {
        let unread = || vec![Location { scope: self.scope(context), position: None }];
        let Ok(parts) = &document.parts else { return unread() };
        // What is noted here is noted again when the items are read.
        let notes = Notes::default();
        let Some(envelope) = self.open(Node::root(&parts.envelope, &notes), context) else {
            return unread();
        };
        let chosen = parts.items.iter().enumerate();
        let chosen = chosen.filter(|(nth, _)| only.is_none_or(|only| only == *nth));
        chosen
            .map(|(_, part)| {
                let Ok((value, _)) = part.parse() else {
                    return Location { scope: self.scope(context), position: None };
                };
                self.locate(Node::root(&value, &Notes::default()), &envelope, context)
            })
            .collect()
    }
}

impl<K: DocumentKind> ReadBatch<'_, K> {
    /// Reads a document; gives where it is archived, unless it is refused as a whole.
    fn read_document(
        &mut self,
        nth: usize,
        document: &Document,
        context: &Context,
        detector: &Detector,
        drift: &mut Drift,
    ) -> Option<Place> {
        let refused = |faults, warnings| Entry {
            index: document.index,
            document: nth,
            part: None,
            verdict: Err(faults),
            warnings,
            location: Location::default(),
        };
        let notes = Notes::default();
        let silent = Notes::default();
        let parts = match &document.parts {
            Ok(parts) => parts,
            Err(note) => {
                let around = document.surroundings(self.kind.spec());
                let envelope = self.kind.open(Node::root(&around, &notes), context);
                let whole = Node::root(&around, &silent);
                let unread = self.kind.unread(whole, envelope.as_ref(), context);
                self.unread.extend(unread.map(|item| (document.index, item)));
                let (faults, _) = notes.into_parts();
                self.entries.push(refused(private_or(faults, note.clone()), Vec::new()));
                return None;
            }
        };
        detector.inspect(&parts.envelope, drift);
        let node = Node::root(&parts.envelope, &notes);
        let envelope = self.kind.open(node, context);
        let source_error = source_error(&parts.envelope);
        let (mut faults, remarks) = notes.into_parts();
        if let Some(note) = source_error {
            faults = private_or(faults, note);
        }
        let mut warnings = parts.cleaned.clone();
        warnings.extend(remarks);
        if envelope.is_none() || !faults.is_empty() {
            let node = Node::root(&parts.envelope, &silent);
            let unread = self.kind.unread(node, envelope.as_ref(), context);
            self.unread.extend(unread.map(|item| (document.index, item)));
        }
        let Some(mut envelope) = envelope.filter(|_| faults.is_empty()) else {
            self.entries.push(refused(or_unknown_shape(faults), warnings));
            return None;
        };
        // Of a large document what grows by doubling would be held twice over.
        let mut items = Vec::with_capacity(parts.items.len());
        self.entries.reserve(parts.items.len());
        for ((part, item), index) in parts.items.iter().enumerate().zip(document.index..) {
            let at = Entry {
                index,
                part: Some(part),
                ..refused(Vec::new(), std::mem::take(&mut warnings))
            };
            let read = Reading { kind: self.kind, list: parts.list, context, detector };
            let (entry, item) = read.item(item, at, &mut envelope, drift);
            self.entries.push(entry);
            match item {
                Ok(item) => items.push((index, item)),
                Err(unread) => self.unread.extend(unread.map(|item| (index, item))),
            }
        }
        if items.is_empty() && !parts.items.is_empty() {
            return None;
        }
        let sheet = Sheet { envelope, items };
        let place = self.kind.place(&sheet, context);
        self.sheets.push(sheet);
        Some(place)
    }
}

/// What it takes to read an item.
struct Reading<'r, K> {
    kind: &'r K,
    list: Option<&'static str>,
    context: &'r Context,
    detector: &'r Detector,
}

impl<K: DocumentKind> Reading<'_, K> {
    /// Reads an item; one that cannot be read gives what stands for it.
    fn item(
        &self,
        part: &Part,
        mut entry: Entry,
        envelope: &mut K::Envelope,
        drift: &mut Drift,
    ) -> (Entry, Result<K::Item, Option<K::Item>>) {
        let (silent, context) = (Notes::default(), self.context);
        let (value, cleaned) = match part.parse() {
            Ok(parsed) => parsed,
            Err(note) => {
                entry.verdict = Err(vec![note]);
                let nothing = Node::root(&Value::Null, &silent);
                return (entry, Err(self.kind.unread(nothing, Some(envelope), context)));
            }
        };
        entry.warnings.extend(cleaned);
        self.detector.inspect_item(self.list, &value, drift);
        let notes = Notes::default();
        let node = Node::root(&value, &notes);
        let source_error = source_error(&value).filter(|_| self.list.is_none());
        let seen = match source_error {
            Some(Note { pointer, code, detail }) => {
                notes.fault(pointer, &code, detail);
                None
            }
            None => self.kind.read(node, envelope, context),
        };
        let is_good = seen.is_some() && !notes.failed();
        let (faults, remarks) = notes.into_parts();
        entry.warnings.extend(remarks);
        let Some(Seen { item, key, stamp }) = seen.filter(|_| is_good) else {
            let node = Node::root(&value, &silent);
            entry.location = self.kind.locate(node, envelope, context);
            entry.verdict = Err(or_unknown_shape(faults));
            return (entry, Err(self.kind.unread(node, Some(envelope), context)));
        };
        entry.verdict = Ok(Accepted { key, stamp });
        (entry, Ok(item))
    }
}

impl<K: DocumentKind> Batch for ReadBatch<'_, K> {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn places(&self) -> &[Option<Place>] {
        &self.places
    }

    fn refuse<'a>(
        &'a mut self,
        conn: &'a mut Connection,
        context: &'a Context,
    ) -> Pin<Box<dyn Future<Output = QueryResult<()>> + Send + 'a>> {
        Box::pin(async move {
            let mut items = items_of(&self.sheets);
            items.extend(self.unread.iter().map(|(index, item)| (*index, item)));
            let mut faults: HashMap<i32, Vec<Note>> = HashMap::new();
            for (index, note) in self.kind.refuse(conn, &items, context).await? {
                faults.entry(index).or_default().push(note);
            }
            if faults.is_empty() {
                return Ok(());
            }
            for sheet in &mut self.sheets {
                sheet.items.retain(|(index, _)| !faults.contains_key(index));
            }
            for entry in &mut self.entries {
                if let Some(notes) = faults.remove(&entry.index) {
                    entry.verdict = Err(notes);
                }
            }
            Ok(())
        })
    }

    fn store<'a>(&'a self, tx: &'a mut super::tx::Tx<'_>, context: &'a Context) -> Storing<'a> {
        self.kind.store(tx, &self.sheets, context)
    }
}

fn or_unknown_shape(mut faults: Vec<Note>) -> Vec<Note> {
    if faults.is_empty() {
        faults.push(Note {
            pointer: String::new(),
            code: "unknown_shape".to_owned(),
            detail: "This is none of the shapes that the kind takes.".to_owned(),
        });
    }
    faults
}

/// Why a document is refused: that it is private goes before all else.
fn private_or(faults: Vec<Note>, note: Note) -> Vec<Note> {
    let private: Vec<Note> = faults.into_iter().filter(Note::is_private).collect();
    if private.is_empty() { vec![note] } else { private }
}

/// What a source's error page says, if this is one: it never counts as "empty".
fn source_error(value: &Value) -> Option<Note> {
    let object = value.as_object()?;
    let note = |reason: &str| Note {
        pointer: String::new(),
        code: "source_error".to_owned(),
        detail: format!("The source reported a failure: {reason}"),
    };
    if object.get("ok") == Some(&Value::Bool(false)) {
        let error = object.get("error").and_then(Value::as_str).unwrap_or("no reason given");
        return Some(note(&format!("{error}.")));
    }
    match (object.get("message"), object.get("documentation_url")) {
        (Some(Value::String(message)), Some(_)) if !object.contains_key("id") => {
            Some(note(message))
        }
        _ => None,
    }
}
