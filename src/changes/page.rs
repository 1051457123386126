//! A page of changes: entries of the log, each with its row as it is now.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    cursor::{self, After, Position},
    log::{self, Entry, Part, Scan},
};
use crate::{
    app::App,
    db::{Connection, sql::Value},
    http::problem::{Problem, Result},
    query::{rows, value},
};

/// Parts of the log that are looked through for one page, where a caller may see nothing of them.
const ROUNDS: usize = 20;

/// What a caller follows.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Only these tables; all if none are named.
    pub(super) tables: Option<Vec<&'static str>>,
    /// Not these.
    pub(super) hidden: Vec<&'static str>,
    /// Whether rows that are not public are shown.
    pub(super) private: bool,
    pub(super) limit: usize,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) changes: Vec<Change>,
    seen: Position,
    lineage: i64,
    pub(super) more: bool,
    pub(super) held: bool,
}

/// A change as it is answered.
#[derive(Debug)]
pub(super) struct Change {
    /// Continues behind this change.
    pub(super) cursor: String,
    /// The JSON object.
    pub(super) body: Vec<u8>,
}

impl Page {
    /// What the next page comes after.
    pub(super) fn next(&self) -> After {
        After::Seen(self.seen, self.lineage)
    }

    /// The same as a cursor.
    pub(super) fn cursor(&self) -> String {
        cursor::seal(self.seen, self.lineage)
    }

    /// The JSON document.
    pub(super) fn body(&self, limit: usize, as_of: DateTime<Utc>) -> Vec<u8> {
        let mut body = b"{\"data\":[".to_vec();
        for (position, change) in self.changes.iter().enumerate() {
            if position > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&change.body);
        }
        let tail = format!(
            "],\"page\":{{\"next_cursor\":\"{}\",\"limit\":{limit},\"has_more\":{}}},\
             \"meta\":{{\"as_of\":\"{}\"}}}}",
            self.cursor(),
            self.more,
            value::rfc3339(as_of),
        );
        body.extend_from_slice(tail.as_bytes());
        body
    }
}

/// Reads the page after `after`. It is empty only at the end of what may be read, or if a long part
/// of the log is of rows that the caller may not see; then there is more.
pub(super) async fn read(app: &App, wanted: &Wanted, mut after: After) -> Result<Page> {
    let _turn = app.changes.readers.acquire().await.map_err(Problem::internal)?;
    let mut connection = app.reader().await?;
    let scan = Scan {
        tables: wanted.tables.as_deref(),
        hidden: &wanted.hidden,
        private: wanted.private,
        limit: wanted.limit,
    };
    let mut rounds = 0;
    loop {
        let part = log::read(&mut connection, &scan, after).await?;
        let changes = shown(app, wanted, &part, &mut connection).await?;
        rounds += 1;
        if !changes.is_empty() || !part.more || rounds == ROUNDS {
            connection.rest();
            let Part { seen, lineage, more, held, .. } = part;
            return Ok(Page { changes, seen, lineage, more, held });
        }
        after = After::Seen(part.seen, part.lineage);
    }
}

/// The changes of a part of the log: of several of one row the last, with the row as it is now. A
/// row that is not there, or not to be seen, is told of where the log says so; else it was deleted
/// since, which the log says later.
async fn shown(
    app: &App,
    wanted: &Wanted,
    part: &Part,
    connection: &mut Connection,
) -> Result<Vec<Change>> {
    let mut keys: HashMap<&str, Vec<Value>> = HashMap::new();
    let mut gone: HashSet<(&str, Vec<u8>)> = HashSet::new();
    let mut last: Vec<(&Entry, Vec<u8>)> = Vec::new();
    let mut taken: HashSet<(&str, Vec<u8>)> = HashSet::new();
    for entry in part.entries.iter().rev() {
        let key = rows::key_bytes(&entry.key);
        let row = (entry.table.as_str(), key.clone());
        if entry.is_gone {
            gone.insert(row.clone());
        }
        if taken.insert(row) {
            keys.entry(&entry.table).or_default().push(entry.key.clone());
            last.push((entry, key));
        }
    }
    let mut found = HashMap::new();
    for (table, keys) in keys {
        if let Some(feed) = app.changes.feeds.get(table) {
            let rows = rows::by_key(&feed.view, 0, keys, wanted.private, connection).await?;
            found.insert(table, rows);
        }
    }
    let mut changes = Vec::with_capacity(last.len());
    for (entry, key) in last.into_iter().rev() {
        let row = found.get_mut(entry.table.as_str()).and_then(|rows| rows.remove(&key));
        if row.is_some() || gone.contains(&(entry.table.as_str(), key)) {
            changes.push(change(entry, row.as_deref(), part.lineage));
        }
    }
    Ok(changes)
}

fn change(entry: &Entry, row: Option<&[u8]>, lineage: i64) -> Change {
    let cursor = cursor::seal(entry.seen, lineage);
    let id = match &entry.key {
        Value::BigInt(id) => json!(id),
        Value::Text(key) => json!(key),
        _ => json!(null),
    };
    let op = if row.is_some() { "upsert" } else { "delete" };
    let changed_at = value::rfc3339(entry.changed_at);
    let head = format!(
        "{{\"table\":\"{}\",\"op\":\"{op}\",\"id\":{id},\"changed_at\":\"{changed_at}\",\
         \"cursor\":\"{cursor}\",\"row\":",
        entry.table
    );
    let mut body = head.into_bytes();
    body.extend_from_slice(row.unwrap_or(b"null"));
    body.push(b'}');
    Change { cursor, body }
}
