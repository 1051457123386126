//! Mails that share a Message-ID are one, whatever id they came with: a row that was first stored under
//! its Message-ID takes the archive's id when that comes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::QueryResult;

use super::mail::{Mail, MessageDraft};
use crate::{
    db::sql::{Row, SqlType, Statement, Value},
    ingest::{given::Given, join, register::Draft, tx::Tx},
};

/// The advisory lock that orders the making of rows whose id may change. Whoever stores a mail under its
/// Message-ID, or finds one so stored, holds it alone; all others share it.
const MAILS_LOCK: i64 = 0x6d61_696c_2d69_6473;

/// The ids that mails are stored under.
#[derive(Debug, Default)]
pub struct Keys {
    /// By Message-ID, where it is not the mail's own.
    settled: HashMap<String, String>,
    /// Ids of which the row changed its id, or took in another.
    pub changed: HashSet<String>,
}

impl Keys {
    /// The id that a mail is stored under.
    pub fn of<'k>(&'k self, mail: &'k Mail) -> &'k str {
        let settled = mail.message_id.as_ref().and_then(|id| self.settled.get(id));
        settled.map_or(&mail.msg_id, String::as_str)
    }
}

/// Message-IDs of one statement: a thread may have tens of thousands.
const CHUNK: usize = 5_000;

/// A row as it is stored.
#[derive(Debug)]
struct Stored {
    id: i64,
    msg_id: String,
    list: String,
}

type ByMessageId = BTreeMap<String, Stored>;

/// Settles the id of each mail, and moves or merges the rows that have another.
pub async fn settle(tx: &mut Tx<'_>, mails: &[(i32, &Mail)]) -> QueryResult<Keys> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, mail) in mails {
        if let Some(message_id) = &mail.message_id {
            wanted.entry(message_id).or_default().insert(&mail.msg_id);
        }
    }
    if wanted.is_empty() {
        lock(tx, false).await?;
        return Ok(Keys::default());
    }
    let mut stored = rows_of(tx, &wanted).await?;
    let may_change = wanted.iter().any(|(message_id, ids)| {
        let row = stored.get(*message_id);
        ids.len() > 1
            || ids.contains(message_id) && row.is_none()
            || row.is_some_and(|row| !ids.contains(row.msg_id.as_str()))
    });
    lock(tx, may_change).await?;
    if !may_change {
        return Ok(Keys::default());
    }
    stored = rows_of(tx, &wanted).await?;
    let mut keys = Keys::default();
    let mut moved: Vec<(&Stored, &str)> = Vec::new();
    for (message_id, ids) in &wanted {
        let row = stored.get(*message_id);
        let all = ids.iter().copied().chain(row.map(|row| row.msg_id.as_str()));
        let Some(best) = all.min_by_key(|id| (id == message_id, *id)) else { continue };
        keys.settled.insert((*message_id).to_owned(), best.to_owned());
        if let Some(row) = row.filter(|row| row.msg_id != best) {
            moved.push((row, best));
            keys.changed.insert(best.to_owned());
        }
    }
    move_rows(tx, moved).await?;
    Ok(keys)
}

async fn lock(tx: &mut Tx<'_>, alone: bool) -> QueryResult<()> {
    let lock = if alone { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
    let mut statement = Statement::new(format!("select {lock}("));
    statement.bind(SqlType::BigInt, Value::BigInt(MAILS_LOCK)).push(")::text");
    tx.query(statement).await?;
    Ok(())
}

/// The rows that have one of the Message-IDs.
async fn rows_of(
    tx: &mut Tx<'_>,
    wanted: &BTreeMap<&str, BTreeSet<&str>>,
) -> QueryResult<ByMessageId> {
    let message_ids: Vec<&str> = wanted.keys().copied().collect();
    let mut found = ByMessageId::new();
    for message_ids in message_ids.chunks(CHUNK) {
        let statement =
            Given::default().texts("message_id", message_ids.iter().copied()).statement(
                "select m.message_id, m.id, m.msg_id, m.list_name from",
                "join mailing_list_message m on m.message_id = u.message_id",
            );
        found.extend(tx.query(statement).await?.into_iter().filter_map(stored_row));
    }
    Ok(found)
}

fn stored_row(row: Row) -> Option<(String, Stored)> {
    match <[Value; 4]>::try_from(row.0) {
        Ok(
            [Value::Text(message_id), Value::BigInt(id), Value::Text(msg_id), Value::Text(list)],
        ) => Some((message_id, Stored { id, msg_id, list })),
        _ => None,
    }
}

/// Gives rows their new id, or merges them into the row that has it.
async fn move_rows(tx: &mut Tx<'_>, mut moved: Vec<(&Stored, &str)>) -> QueryResult<()> {
    if moved.is_empty() {
        return Ok(());
    }
    moved.sort_by_key(|(_, best)| *best);
    let taken = Given::default().texts("msg_id", moved.iter().map(|(_, best)| *best)).statement(
        "select m.msg_id, m.id, m.list_name from",
        "join mailing_list_message m on m.msg_id = u.msg_id",
    );
    let mut taken_by: HashMap<String, (i64, String)> = HashMap::new();
    for row in tx.query(taken).await? {
        if let Ok([Value::Text(msg_id), Value::BigInt(id), Value::Text(list)]) =
            <[Value; 3]>::try_from(row.0)
        {
            taken_by.insert(msg_id, (id, list));
        }
    }
    let (taken, free): (Vec<_>, Vec<_>) =
        moved.into_iter().partition(|(_, best)| taken_by.contains_key(*best));
    for (row, best) in taken {
        let Some((into, list)) = taken_by.get(best) else { continue };
        join::merge(tx, &[MessageDraft::table()], "mailing_list_message", row.id, *into).await?;
        let mut touched = Statement::new("update mailing_list_message set list_name = ");
        touched.bind(SqlType::Text, Value::Text(list.min(&row.list).clone()));
        touched.push(", updated_at = ").bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
        touched.push(" where id = ").bind(SqlType::BigInt, Value::BigInt(*into));
        tx.execute(touched).await?;
    }
    if free.is_empty() {
        return Ok(());
    }
    let mut renamed =
        Statement::new("update mailing_list_message m set msg_id = u.msg_id, updated_at = ");
    renamed.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    Given::default()
        .ids("id", free.iter().map(|(row, _)| row.id))
        .texts("msg_id", free.iter().map(|(_, best)| *best))
        .append(&mut renamed);
    renamed.push(" where m.id = u.id");
    tx.execute(renamed).await?;
    tx.count("mailing_list_message").updated += free.len() as u64;
    Ok(())
}
