//! Rows that were removed for ever: a late copy does not bring them back.

use std::collections::{BTreeSet, HashSet};

use diesel::QueryResult;

use super::{given::Given, tx::Tx};
use crate::db::sql::{SqlType, Statement, Value};

/// Of these keys, those whose rows were removed for ever.
pub async fn blocked(
    tx: &mut Tx<'_>,
    table: &str,
    keys: &[String],
) -> QueryResult<HashSet<String>> {
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let mut statement = Given::default().texts("key", keys.iter().map(String::as_str)).statement(
        "select t.natural_key from",
        "join tombstone t on t.natural_key = u.key and t.remembered where t.table_name = ",
    );
    statement.bind(SqlType::Text, Value::Text(table.to_owned()));
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.into_iter().next() {
            Some(Value::Text(key)) => Some(key),
            _ => None,
        })
        .collect())
}

/// Remembers for ever that rows with these keys are deleted; gives how many were not known to be.
pub async fn remember(tx: &mut Tx<'_>, table: &str, keys: &BTreeSet<String>) -> QueryResult<usize> {
    if keys.is_empty() {
        return Ok(0);
    }
    let mut statement = Statement::new(
        "insert into tombstone (table_name, natural_key, deleted_at, remembered) select ",
    );
    statement.bind(SqlType::Text, Value::Text(table.to_owned())).push("::text, u.key, ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(", true from ");
    Given::default().texts("key", keys.iter().map(String::as_str)).append(&mut statement);
    statement.push(
        " on conflict (table_name, natural_key) do update set remembered = true, \
         deleted_at = excluded.deleted_at where not tombstone.remembered",
    );
    tx.execute(statement).await
}
