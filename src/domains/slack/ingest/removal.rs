//! Messages that were deleted: gone for ever, since Slack never uses a timestamp again.

use std::collections::{BTreeMap, HashSet};

use diesel::QueryResult;

use crate::{
    db::sql::{Statement, Value},
    ingest::{given::Given, tombstone, tx::Tx},
};

/// The table whose tombstones these are.
pub const TABLE: &str = "slack_message";

/// Removes messages and remembers that: natural key to channel row and timestamp. Gives the keys of
/// those that were stored.
pub async fn remove(
    tx: &mut Tx<'_>,
    messages: &BTreeMap<String, (i64, String)>,
) -> QueryResult<HashSet<String>> {
    if messages.is_empty() {
        return Ok(HashSet::new());
    }
    let mut statement = Statement::new("delete from slack_message m using ");
    Given::default()
        .texts("key", messages.keys().map(String::as_str))
        .ids("channel", messages.values().map(|(channel, _)| *channel))
        .texts("ts", messages.values().map(|(_, ts)| ts.as_str()))
        .append(&mut statement);
    statement.push(" where m.channel_id = u.channel and m.ts = u.ts returning u.key");
    let rows = tx.query(statement).await?;
    let removed: HashSet<String> = rows
        .into_iter()
        .filter_map(|row| match row.0.into_iter().next() {
            Some(Value::Text(key)) => Some(key),
            _ => None,
        })
        .collect();
    tx.count(TABLE).deleted += removed.len() as u64;

    tombstone::remember(tx, TABLE, &messages.keys().cloned().collect()).await?;
    Ok(removed)
}
