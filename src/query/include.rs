//! Related rows, put into the rows that have them: one statement each, whatever the page holds.

use std::collections::HashMap;

use diesel::{
    QueryResult,
    pg::Pg,
    result::Error,
    row::{Field, Row},
};
use diesel_async::AsyncConnectionCore;
use futures_util::TryStreamExt;

use super::{
    column::Type,
    plan::{Count, Filter, Key, Plan},
    relation::Relation,
    render, rows,
    select::{self, Part},
};
use crate::db::{Connection, sql::Value};

/// Most rows of one table that a row is shown with; the rest is a list of its own.
pub const MOST_CHILDREN: usize = 100;

/// What is to be put into rows that are being written.
#[derive(Debug)]
pub(super) struct Included<'a> {
    relations: &'a [&'static Relation],
    /// Where, in a selected row, each relation's key stands.
    positions: Vec<usize>,
    /// Where each row's JSON ends, before its closing brace.
    ends: Vec<usize>,
    /// For each relation, each row's key as PostgreSQL sent it.
    keys: Vec<Vec<Option<Vec<u8>>>>,
    /// Whether rows that are not public are among those included.
    private: bool,
}

impl<'a> Included<'a> {
    /// Nothing yet. `position` tells where a column stands in a selected row.
    pub(super) fn new(
        relations: &'a [&'static Relation],
        private: bool,
        position: impl Fn(usize) -> usize,
    ) -> Self {
        Self {
            relations,
            positions: relations.iter().map(|relation| position(relation.from)).collect(),
            ends: Vec::new(),
            keys: vec![Vec::new(); relations.len()],
            private,
        }
    }

    /// Notes a row whose JSON has just been written to `body`.
    pub(super) fn note<'r>(&mut self, row: &impl Row<'r, Pg>, body: &[u8]) {
        if self.relations.is_empty() {
            return;
        }
        self.ends.push(body.len() - 1);
        for (keys, position) in self.keys.iter_mut().zip(&self.positions) {
            let field = row.get(*position);
            keys.push(field.and_then(|field| field.value().map(|raw| raw.as_bytes().to_vec())));
        }
    }

    /// Reads what the noted rows have and puts it into them.
    pub(super) async fn put(
        self,
        body: Vec<u8>,
        connection: &mut Connection,
    ) -> QueryResult<Vec<u8>> {
        if self.ends.is_empty() {
            return Ok(body);
        }
        // Of each row, its members beyond the columns.
        let mut members = vec![Vec::new(); self.ends.len()];
        let mut more = Vec::new();
        for (relation, keys) in self.relations.iter().zip(&self.keys) {
            if relation.is_one() {
                let found = parents(relation, keys, self.private, connection).await?;
                for (members, key) in members.iter_mut().zip(keys) {
                    label(members, &relation.name);
                    let row = key.as_ref().and_then(|key| found.get(key));
                    members.extend_from_slice(row.map_or(b"null", Vec::as_slice));
                }
            } else if let [members] = &mut members[..]
                && let [Some(key)] = &keys[..]
            {
                label(members, &relation.name);
                let key = value(relation.target().column(relation.by).ty, key)?;
                children(relation, key, self.private, members, &mut more, connection).await?;
            }
        }
        if let [members] = &mut members[..]
            && !more.is_empty()
        {
            label(members, "more");
            members.push(b'{');
            members.extend_from_slice(&more[1..]);
            members.push(b'}');
        }
        let added: usize = members.iter().map(Vec::len).sum();
        let mut whole = Vec::with_capacity(body.len() + added);
        let mut from = 0;
        for (end, members) in self.ends.iter().zip(&members) {
            whole.extend_from_slice(&body[from..*end]);
            // Some column is always shown, so a member always has one before it.
            whole.extend_from_slice(members);
            from = *end;
        }
        whole.extend_from_slice(&body[from..]);
        Ok(whole)
    }
}

/// The rows whose keys are among `keys`, each by its key.
async fn parents(
    relation: &Relation,
    keys: &[Option<Vec<u8>>],
    private: bool,
    connection: &mut Connection,
) -> QueryResult<HashMap<Vec<u8>, Vec<u8>>> {
    let view = relation.target();
    let mut wanted: Vec<_> = keys.iter().flatten().collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let ty = view.column(relation.by).ty;
    let values = wanted.into_iter().map(|key| value(ty, key)).collect::<QueryResult<_>>()?;
    rows::by_key(view, relation.by, values, private, connection).await
}

/// Writes the first rows whose column is `key`, and to `more` where the rest of them is.
async fn children(
    relation: &Relation,
    key: Value,
    private: bool,
    out: &mut Vec<u8>,
    more: &mut Vec<u8>,
    connection: &mut Connection,
) -> QueryResult<()> {
    let view = relation.target();
    let plan = Plan {
        filters: vec![Filter::equals(relation.by, key.clone())],
        window: None,
        within: Vec::new(),
        sort: vec![Key { column: 0, descending: false }],
        limit: MOST_CHILDREN,
        after: None,
        fields: None,
        count: Count::None,
        include: Vec::new(),
        private,
        search: None,
    };
    let statement = view.ready(select::page(view, &plan, &[], Part::Whole, MOST_CHILDREN + 1));
    let mut rows = AsyncConnectionCore::load(connection, statement).await?;
    out.push(b'[');
    let (mut written, mut last) = (0, None);
    while let Some(row) = rows.try_next().await? {
        if written == MOST_CHILDREN {
            label(more, &relation.name);
            let rest = rest_of(relation, &key, last.as_ref())?;
            render::text(&rest, more).map_err(|error| Error::SerializationError(error.into()))?;
            break;
        }
        if written > 0 {
            out.push(b',');
        }
        render::row(view, view.shown(None), &row, out).map_err(Error::DeserializationError)?;
        written += 1;
        last = Some(row);
    }
    out.push(b']');
    Ok(())
}

/// The address of the children after `last`.
fn rest_of<'r>(
    relation: &Relation,
    key: &Value,
    last: Option<&impl Row<'r, Pg>>,
) -> QueryResult<String> {
    let view = relation.target();
    let field = last.and_then(|row| row.get(0));
    let last = match field.as_ref().and_then(|field| field.value()) {
        Some(raw) => value(view.column(0).ty, raw.as_bytes())?,
        None => Value::Null,
    };
    let (path, by, id) = (view.resource().path, view.column(relation.by), view.column(0));
    Ok(format!("/api/v1{path}?{}={}&{}__gt={}", by.name, in_query(key), id.name, in_query(&last)))
}

/// A key as it stands in a query string.
fn in_query(key: &Value) -> String {
    match key {
        Value::BigInt(key) => key.to_string(),
        Value::Text(key) => key.bytes().fold(String::new(), |escaped, byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                escaped + char::from(byte).encode_utf8(&mut [0; 4])
            }
            byte => format!("{escaped}%{byte:02X}"),
        }),
        _ => String::new(),
    }
}

/// Appends `,"name":`.
fn label(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// A key as it is bound, from PostgreSQL's bytes.
pub(super) fn value(ty: Type, raw: &[u8]) -> QueryResult<Value> {
    key(ty, raw).map_err(Error::DeserializationError)
}

/// Keys are numbers or texts.
fn key(ty: Type, raw: &[u8]) -> diesel::deserialize::Result<Value> {
    Ok(match ty {
        Type::BigInt => Value::BigInt(i64::from_be_bytes(raw.try_into()?)),
        Type::Text => Value::Text(String::from_utf8(raw.to_vec())?),
        _ => return Err("a key that is neither a number nor a text".into()),
    })
}
