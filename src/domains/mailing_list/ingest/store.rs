//! Storing mails: their senders, then the ids they are known by, then the mails in the order of these.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::QueryResult;

use super::{
    mail::Mail,
    rekey::{self, Keys},
    sender,
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        kind::Outcome,
        tx::Tx,
        upsert::{Action, Done, upsert},
    },
};

/// Mails of one statement, and the bytes of text after which it is full: a thread may have tens of
/// thousands, and each is copied several times on its way.
const CHUNK: usize = 1_000;
const CHUNK_BYTES: usize = 4 << 20;

/// A mail on its way into the database.
struct Placed<'m> {
    /// Its place in the answer.
    slot: usize,
    item: i32,
    mail: &'m Mail,
    msg_id: &'m str,
    sender: i64,
}

/// Stores mails; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, mails: &[(i32, &Mail)]) -> QueryResult<Vec<Outcome>> {
    let senders = sender::store(tx, mails).await?;
    let keys = rekey::settle(tx, mails).await?;
    let mut placed: Vec<Placed<'_>> = mails
        .iter()
        .zip(senders)
        .enumerate()
        .map(|(slot, ((item, mail), sender))| {
            let msg_id = keys.of(mail);
            Placed { slot, item: *item, mail, msg_id, sender }
        })
        .collect();
    placed.sort_by_key(|placed| placed.msg_id);
    let mut outcomes: Vec<Option<Outcome>> = vec![None; mails.len()];
    let mut rest = placed.as_slice();
    while !rest.is_empty() {
        let (chunk, left) = rest.split_at(chunk_of(rest));
        store_chunk(tx, chunk, &keys, &mut outcomes).await?;
        rest = left;
    }
    outcomes.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}

/// How many mails the next statement takes; copies of one mail stay together.
fn chunk_of(rest: &[Placed<'_>]) -> usize {
    let mut bytes = 0;
    for (nth, placed) in rest.iter().enumerate() {
        let is_full = nth >= CHUNK || bytes >= CHUNK_BYTES;
        if is_full && rest[nth - 1].msg_id != placed.msg_id {
            return nth;
        }
        bytes += placed.mail.content.as_ref().map_or(0, String::len);
    }
    rest.len()
}

async fn store_chunk(
    tx: &mut Tx<'_>,
    chunk: &[Placed<'_>],
    keys: &Keys,
    outcomes: &mut [Option<Outcome>],
) -> QueryResult<()> {
    // Of the lists that a mail is on, the smallest in byte order is kept.
    let mut lists: HashMap<&str, &str> = HashMap::with_capacity(chunk.len());
    for placed in chunk {
        let list = lists.entry(placed.msg_id).or_insert(&placed.mail.list);
        *list = (*list).min(&placed.mail.list);
    }
    let drafts = chunk
        .iter()
        .map(|placed| {
            placed.mail.draft(placed.msg_id, placed.sender, lists[placed.msg_id], placed.item)
        })
        .collect();
    let done = upsert(tx, drafts).await?;
    let moved = settle_lists(tx, chunk, &done, &lists).await?;
    for (placed, done) in chunk.iter().zip(done) {
        let is_changed =
            keys.changed.contains(placed.msg_id) || moved.contains(&(done.id, &*placed.mail.list));
        outcomes[placed.slot] = Some(Outcome {
            action: match done.action {
                Action::Unchanged | Action::Stale if is_changed => Action::Updated,
                action => action,
            },
            table: "mailing_list_message",
            row_id: Some(done.id),
        });
    }
    Ok(())
}

/// Warns of mails that are on several lists, and moves those to a smaller list that are stored with a
/// greater one. Gives the rows that moved, with the list that they moved to.
async fn settle_lists<'m>(
    tx: &mut Tx<'_>,
    chunk: &[Placed<'m>],
    done: &[Done],
    lists: &HashMap<&'m str, &'m str>,
) -> QueryResult<HashSet<(i64, &'m str)>> {
    let mut old: BTreeMap<i64, &str> = BTreeMap::new();
    for (placed, done) in chunk.iter().zip(done) {
        if !done.fresh {
            old.insert(done.id, lists[placed.msg_id]);
        }
    }
    let before = other_lists(tx, &old).await?;
    let mut first: HashMap<i64, &str> = HashMap::new();
    for (placed, done) in chunk.iter().zip(done) {
        let list = placed.mail.list.as_str();
        let known = match before.get(&done.id) {
            Some(stored) => stored.as_str(),
            None if done.fresh => first.entry(done.id).or_insert(list),
            None => lists[placed.msg_id],
        };
        if known != list {
            tx.warn(
                placed.item,
                "cross_post",
                format!("The mail is on {known} as well; it is kept on the smaller of both."),
            );
        }
    }
    let mut moved = HashSet::new();
    let mut given: Vec<(i64, &str)> = Vec::new();
    for (placed, done) in chunk.iter().zip(done) {
        let list = lists[placed.msg_id];
        if before.get(&done.id).is_some_and(|stored| list < stored.as_str())
            && moved.insert((done.id, list))
        {
            given.push((done.id, list));
        }
    }
    if given.is_empty() {
        return Ok(moved);
    }
    let mut statement =
        Statement::new("update mailing_list_message m set list_name = u.list, updated_at = ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    Given::default()
        .ids("id", given.iter().map(|(id, _)| *id))
        .texts("list", given.iter().map(|(_, list)| *list))
        .append(&mut statement);
    statement.push(" where m.id = u.id");
    tx.execute(statement).await?;
    Ok(moved)
}

/// The lists of rows that are stored with another one than given, in the order of their ids; they are
/// locked.
async fn other_lists(
    tx: &mut Tx<'_>,
    given: &BTreeMap<i64, &str>,
) -> QueryResult<HashMap<i64, String>> {
    if given.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = Given::default()
        .ids("id", given.keys().copied())
        .texts("list", given.values().copied())
        .statement(
            "select m.id, m.list_name from",
            "join mailing_list_message m on m.id = u.id where m.list_name <> u.list \
             order by m.msg_id collate \"C\" for no key update of m",
        );
    Ok(tx
        .query(statement)
        .await?
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::BigInt(id), Value::Text(list)]) => Some((id, list)),
            _ => None,
        })
        .collect())
}
