//! What PostgreSQL believes of the tables that a transaction fills.
//!
//! It plans by statistics that only an analyze makes, and autovacuum's counts no row of a transaction
//! that still runs: while a large document is stored it may write down that a table of many pages has
//! none. From then on whatever is joined with that table runs as a loop in a loop. So a transaction
//! that has inserted more rows than PostgreSQL believes in analyses the table itself. It sees its own
//! rows, and until it commits nobody else analyses the table.

use std::collections::BTreeMap;

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::tx::Tally;
use crate::db::{
    Connection,
    sql::{Row, SqlType, Statement, Value},
};

/// From how many rows on a table is looked at: a plan for fewer is never slow enough to matter.
const MANY: u64 = 1_000;
/// How many times as many rows make it worth another look.
const GROWTH: u64 = 4;

/// Which tables were looked at, and how many rows had been inserted then.
#[derive(Debug, Default)]
pub(super) struct Statistics(BTreeMap<String, u64>);

impl Statistics {
    /// The tables that grew much since they were last looked at, each with the rows inserted.
    pub(super) fn grown(&mut self, tally: &Tally) -> Vec<(String, u64)> {
        let mut grown = Vec::new();
        for (table, count) in tally {
            let looked = self.0.get(table).map_or(MANY, |looked| looked.saturating_mul(GROWTH));
            if count.inserted >= looked {
                self.0.insert(table.clone(), count.inserted);
                grown.push((table.clone(), count.inserted));
            }
        }
        grown
    }
}

/// Analyses those of the tables of which PostgreSQL believes that they have less than half of the rows
/// that were inserted. One that others are analysing is left to them: nobody waits.
pub(super) async fn refresh(conn: &mut Connection, grown: &[(String, u64)]) -> QueryResult<()> {
    let mut believed = Statement::new(
        "select c.relname::text, c.reltuples::bigint from pg_class c \
         where c.oid in (select to_regclass(name) from unnest(",
    );
    believed
        .bind_all(SqlType::Text, grown.iter().map(|(table, _)| Value::Text(table.clone())))
        .push(") name)");
    let mut wrong = Vec::new();
    for Row(values) in believed.load::<Row>(conn).await? {
        let Ok([Value::Text(table), Value::BigInt(rows)]) = <[Value; 2]>::try_from(values) else {
            continue;
        };
        let inserted = grown.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows);
        // -1 is a table that was never analysed.
        if rows.max(0).unsigned_abs() < inserted / 2 {
            wrong.push(table);
        }
    }
    if !wrong.is_empty() {
        let analyze = format!("analyze (skip_locked) {}", wrong.join(", "));
        Statement::new(analyze).once().execute(conn).await?;
    }
    Ok(())
}
