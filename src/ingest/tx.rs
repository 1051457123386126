//! One transaction of ingest: its connection, its clock, what it has counted.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    statistics::{self, Statistics},
    value::Note,
};
use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

/// How many rows of a table were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Count {
    /// Rows that did not exist.
    pub inserted: u64,
    /// Rows of which a value changed.
    pub updated: u64,
    /// Rows that had everything already.
    pub unchanged: u64,
    /// Rows that were removed.
    pub deleted: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
    }
}

/// Rows written, by table.
pub type Tally = BTreeMap<String, Count>;

/// A transaction that stores the items of a batch.
#[expect(missing_debug_implementations, reason = "a connection has none")]
pub struct Tx<'a> {
    /// The connection, inside the transaction.
    pub conn: &'a mut Connection,
    /// The time of this delivery: `created_at`, `updated_at`.
    pub now: DateTime<Utc>,
    /// The receipt's number: where rows say they come from.
    pub receipt: i64,
    /// Rows written so far.
    pub tally: Tally,
    /// What is to be said about items, by index, that only storing them showed.
    pub warnings: BTreeMap<i32, Vec<Note>>,
    /// Files that go with the rows, by their path in the workspace. They are named by their content
    /// and can be made again, so one that is left over by a transaction that failed does no harm.
    pub files: BTreeMap<String, Bytes>,
    /// What PostgreSQL was told of the tables that grew.
    statistics: Statistics,
}

impl<'a> Tx<'a> {
    /// A transaction that was begun.
    pub fn new(conn: &'a mut Connection, now: DateTime<Utc>, receipt: i64) -> Self {
        Self {
            conn,
            now,
            receipt,
            tally: Tally::new(),
            warnings: BTreeMap::new(),
            files: BTreeMap::new(),
            statistics: Statistics::default(),
        }
    }

    /// Warns about an item.
    pub fn warn(&mut self, index: i32, code: &str, detail: impl Into<String>) {
        self.warnings.entry(index).or_default().push(Note {
            pointer: String::new(),
            code: code.to_owned(),
            detail: detail.into(),
        });
    }

    /// Has a file written before the transaction commits, unless nothing is to be kept.
    pub fn keep_file(&mut self, path: String, bytes: Bytes) {
        self.files.insert(path, bytes);
    }

    /// Runs a statement and gives its rows.
    pub async fn query(&mut self, statement: Statement) -> QueryResult<Vec<Row>> {
        self.look_at_growth().await?;
        statement.load(self.conn).await
    }

    /// Runs a statement whose rows are a number each, and gives the numbers.
    pub async fn ids(&mut self, statement: Statement) -> QueryResult<Vec<i64>> {
        let rows = self.query(statement).await?;
        let ids = rows.into_iter().filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(id)] => Some(*id),
            _ => None,
        });
        Ok(ids.collect())
    }

    /// Runs a statement and gives the number of rows it touched.
    pub async fn execute(&mut self, statement: Statement) -> QueryResult<usize> {
        self.look_at_growth().await?;
        statement.execute(self.conn).await
    }

    /// See [`statistics`].
    async fn look_at_growth(&mut self) -> QueryResult<()> {
        let grown = self.statistics.grown(&self.tally);
        if grown.is_empty() {
            return Ok(());
        }
        statistics::refresh(self.conn, &grown).await
    }

    /// The count of a table, to add to.
    pub fn count(&mut self, table: &str) -> &mut Count {
        self.tally.entry(table.to_owned()).or_default()
    }
}
