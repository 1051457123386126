//! Rows that were removed: a late copy does not bring them back.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::{given::Given, stamp::Stamp, tx::Tx};
use crate::db::sql::{SqlType, Statement, Value};

/// Of rows with these keys and stamps, those that were removed by a newer statement, or for ever.
pub async fn blocked(
    tx: &mut Tx<'_>,
    table: &str,
    rows: &[(String, &Stamp)],
) -> QueryResult<HashSet<String>> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let mut statement =
        Given::default().texts("key", rows.iter().map(|(key, _)| key.as_str())).statement(
            "select u.ord, t.source_at, t.remembered from",
            "join tombstone t on t.natural_key = u.key where t.table_name = ",
        );
    statement.bind(SqlType::Text, Value::Text(table.to_owned()));
    let mut blocked = HashSet::new();
    for row in tx.query(statement).await? {
        if let [Value::BigInt(ord), removed_at, Value::Bool(remembered)] = row.0.as_slice() {
            let Some((key, stamp)) = usize::try_from(ord - 1).ok().and_then(|n| rows.get(n)) else {
                continue;
            };
            // It was there when the sender looked, or it has changed since.
            let newer = match removed_at {
                Value::Timestamptz(at) => stamp.source_at.max(stamp.as_of) > Some(*at),
                _ => false,
            };
            if *remembered || !newer {
                blocked.insert(key.clone());
            }
        }
    }
    Ok(blocked)
}

/// A child table whose rows a payload may list in full although its kind does not assume it.
#[derive(Debug)]
pub struct Children {
    /// The table.
    pub table: &'static str,
    /// The column that names the parent.
    pub parent: &'static str,
    /// The natural key.
    pub key: &'static str,
    /// A row's own time, as an expression.
    pub time: &'static str,
    /// What else a row must be, as a condition.
    pub only: &'static str,
}

/// A parent, when its list was true, and the keys it lists.
pub type FullList = (i64, Option<DateTime<Utc>>, Vec<i64>);

/// Removes the children that a full list lacks, except those whose own time is later than the list.
/// Gives the parents that lost one.
pub async fn remove_unlisted(
    tx: &mut Tx<'_>,
    children: &'static Children,
    lists: &[FullList],
) -> QueryResult<HashSet<i64>> {
    if lists.is_empty() {
        return Ok(HashSet::new());
    }
    // Of several lists of one parent the newest counts: what the others lack it may have.
    let mut newest: BTreeMap<i64, &FullList> = BTreeMap::new();
    for list in lists {
        let known = newest.entry(list.0).or_insert(list);
        if list.1 >= known.1 {
            *known = list;
        }
    }
    let lists: Vec<&FullList> = newest.into_values().collect();
    let Children { table, parent, key, time, only } = children;
    let listed: Vec<i64> = lists.iter().flat_map(|(.., keys)| keys.iter().copied()).collect();
    let mut statement = Statement::new(format!("delete from {table} c using "));
    Given::default()
        .ids("parent", lists.iter().map(|(parent, ..)| *parent))
        .with(
            "at",
            SqlType::Timestamptz,
            lists.iter().map(|(_, at, _)| at.map_or(Value::Null, Value::Timestamptz)),
        )
        .append(&mut statement);
    statement.push(&format!(
        " where c.{parent} = u.parent and {only} and ({time} <= u.at or {time} is null or u.at is null) \
         and c.{key} <> all("
    ));
    statement.bind_all(SqlType::BigInt, listed.into_iter().map(Value::BigInt));
    statement.push(&format!(") returning c.{key}, c.{parent}, u.at"));
    let mut bereft = HashSet::new();
    let (mut keys, mut times) = (Vec::new(), Vec::new());
    for row in tx.query(statement).await? {
        let Ok([Value::BigInt(key), Value::BigInt(parent), at]) = <[Value; 3]>::try_from(row.0)
        else {
            continue;
        };
        keys.push(key.to_string());
        times.push(at);
        bereft.insert(parent);
    }
    tx.count(table).deleted += keys.len() as u64;
    record(tx, table, keys, times).await?;
    Ok(bereft)
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

async fn record(
    tx: &mut Tx<'_>,
    table: &str,
    keys: Vec<String>,
    times: Vec<Value>,
) -> QueryResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(
        "insert into tombstone (table_name, natural_key, source_at, deleted_at) select ",
    );
    statement.bind(SqlType::Text, Value::Text(table.to_owned())).push("::text, u.key, u.at, ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    Given::default()
        .texts("key", keys)
        .with("at", SqlType::Timestamptz, times)
        .append(&mut statement);
    statement.push(
        " on conflict (table_name, natural_key) do update set \
         source_at = greatest(tombstone.source_at, excluded.source_at), \
         deleted_at = excluded.deleted_at",
    );
    tx.execute(statement).await?;
    Ok(())
}
