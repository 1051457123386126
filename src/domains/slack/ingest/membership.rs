//! `slack_channel_membership`: who is in a channel.
//!
//! The newest event of a channel and user decides. A row keeps the time of its newest event (a join,
//! a leave, a list that names the user), a channel that of its newest full list. A user whose newest
//! event is older than the channel's list was not on it, so has left. Both times only grow, and
//! `is_deleted` follows from them, so events and lists may come in any order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// The table.
pub const TABLE: &str = "slack_channel_membership";

/// Orders those who mark guests and those who make memberships: a membership made while its user
/// becomes a guest would miss that.
const GUESTS_LOCK: i64 = 0x6775_6573_7473;

/// Something that says whether a user is in a channel.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// `slack_channel.id`.
    pub channel: i64,
    /// `slack_user.id`.
    pub user: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether the user is in it.
    pub is_member: bool,
    /// The item's index.
    pub item: i32,
}

/// A full list.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// `slack_channel.id`.
    pub channel: i64,
    /// When it was true.
    pub at: DateTime<Utc>,
    /// The item's index.
    pub item: i32,
}

/// What changed, by the items that did it.
#[derive(Debug, Default)]
pub struct Changes {
    /// Items that made a row.
    pub made: HashSet<i32>,
    /// Items that changed one.
    pub changed: HashSet<i32>,
    /// Channels that had memberships before.
    pub peopled: HashSet<i64>,
}

/// Holds the lock that orders guests and memberships. Taken first in a transaction.
pub async fn lock_guests(tx: &mut Tx<'_>, alone: bool) -> QueryResult<()> {
    let lock = if alone { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
    let mut statement = Statement::new(format!("select {lock}("));
    statement.bind(SqlType::BigInt, Value::BigInt(GUESTS_LOCK)).push(")::text");
    tx.query(statement).await?;
    Ok(())
}

/// Whether one of the users is said to be a guest, or not to be, and that is new.
pub async fn any_new_guest(tx: &mut Tx<'_>, said: &[(&str, bool)]) -> QueryResult<bool> {
    if said.is_empty() {
        return Ok(false);
    }
    let statement = Given::default()
        .texts("member", said.iter().map(|(user, _)| *user))
        .with("guest", SqlType::Bool, said.iter().map(|(_, flag)| Value::Bool(*flag)))
        .statement(
            "select 1 from",
            "left join slack_user s on s.slack_user_id = u.member \
             where s.is_restricted is distinct from u.guest limit 1",
        );
    Ok(!tx.query(statement).await?.is_empty())
}

/// Sets the flag of guests on all their memberships.
pub async fn mark_guests(tx: &mut Tx<'_>, users: Vec<i64>) -> QueryResult<()> {
    if users.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(format!(
        "update {TABLE} m set is_restricted = s.is_restricted, updated_at = "
    ));
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(
        " from slack_user s where s.id = m.slack_user_id \
         and m.is_restricted <> s.is_restricted and s.id = any(",
    );
    statement.bind_all(SqlType::BigInt, users.into_iter().map(Value::BigInt)).push(")");
    let marked = tx.execute(statement).await?;
    tx.count(TABLE).updated += marked as u64;
    Ok(())
}

/// The newest event of each channel and user: of two at one time the one that says that the user is
/// in it.
fn newest(events: &[Event]) -> BTreeMap<(i64, i64), Event> {
    let mut newest: BTreeMap<(i64, i64), Event> = BTreeMap::new();
    for event in events {
        let known = newest.entry((event.channel, event.user)).or_insert(*event);
        if (event.at, event.is_member) > (known.at, known.is_member) {
            *known = *event;
        }
    }
    newest
}

/// Stores events and full lists. Whoever calls it holds the channels.
pub async fn store(tx: &mut Tx<'_>, events: &[Event], lists: &[List]) -> QueryResult<Changes> {
    let mut changes = Changes::default();
    if events.is_empty() && lists.is_empty() {
        return Ok(changes);
    }
    changes.peopled = peopled(tx, lists).await?;
    let newest = newest(events);
    let channels: BTreeSet<i64> =
        newest.keys().map(|(channel, _)| *channel).chain(lists.iter().map(|l| l.channel)).collect();
    let listed_at = listed_at(tx, channels, lists).await?;
    let stored = stored(tx, newest.keys()).await?;
    let (mut made, mut moved) = (Vec::new(), Vec::new());
    for (key, event) in &newest {
        let unlisted = listed_at.get(&key.0).is_some_and(|list| event.at < *list);
        let is_deleted = !event.is_member || unlisted;
        match stored.get(key) {
            None => {
                changes.made.insert(event.item);
                made.push((*event, is_deleted));
            }
            Some((id, was_deleted, last)) => {
                let is_newer = last.is_none_or(|last| last < event.at);
                let is_tie = *last == Some(event.at) && event.is_member;
                if is_newer || (is_tie && *was_deleted && !is_deleted) {
                    if *was_deleted != is_deleted {
                        changes.changed.insert(event.item);
                    }
                    moved.push((*id, *event, is_deleted, *was_deleted != is_deleted));
                } else {
                    tx.count(TABLE).unchanged += 1;
                }
            }
        }
    }
    insert(tx, &made).await?;
    update(tx, &moved).await?;
    remove_unlisted(tx, lists, &listed_at, &mut changes).await?;
    Ok(changes)
}

/// The channels of lists that have memberships.
async fn peopled(tx: &mut Tx<'_>, lists: &[List]) -> QueryResult<HashSet<i64>> {
    if lists.is_empty() {
        return Ok(HashSet::new());
    }
    let statement =
        Given::default().ids("channel", lists.iter().map(|list| list.channel)).statement(
            "select distinct u.channel from",
            &format!("where exists (select from {TABLE} m where m.channel_id = u.channel)"),
        );
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.first() {
            Some(Value::BigInt(channel)) => Some(*channel),
            _ => None,
        })
        .collect())
}

/// When the newest full list of each channel was true, these lists included; written where it grew.
async fn listed_at(
    tx: &mut Tx<'_>,
    channels: BTreeSet<i64>,
    lists: &[List],
) -> QueryResult<HashMap<i64, DateTime<Utc>>> {
    let mut statement = Statement::new(
        "select id, members_at from slack_channel where members_at is not null and id = any(",
    );
    statement.bind_all(SqlType::BigInt, channels.into_iter().map(Value::BigInt)).push(")");
    let mut known: HashMap<i64, DateTime<Utc>> = HashMap::new();
    for row in tx.query(statement).await? {
        if let [Value::BigInt(channel), Value::Timestamptz(at)] = row.0.as_slice() {
            known.insert(*channel, *at);
        }
    }
    let mut grown: BTreeMap<i64, DateTime<Utc>> = BTreeMap::new();
    for list in lists {
        if known.get(&list.channel).is_none_or(|at| *at < list.at) {
            known.insert(list.channel, list.at);
            grown.insert(list.channel, list.at);
        }
    }
    if !grown.is_empty() {
        let mut statement = Statement::new("update slack_channel c set members_at = u.at from ");
        Given::default()
            .ids("channel", grown.keys().copied())
            .with("at", SqlType::Timestamptz, grown.values().map(|at| Value::Timestamptz(*at)))
            .append(&mut statement);
        statement.push(" where c.id = u.channel");
        tx.execute(statement).await?;
    }
    Ok(known)
}

/// A stored row: id, whether the user has left, the newest event.
type Stored = (i64, bool, Option<DateTime<Utc>>);

async fn stored<'k>(
    tx: &mut Tx<'_>,
    keys: impl Iterator<Item = &'k (i64, i64)> + Clone,
) -> QueryResult<HashMap<(i64, i64), Stored>> {
    let statement = Given::default()
        .ids("channel", keys.clone().map(|(channel, _)| *channel))
        .ids("member", keys.map(|(_, user)| *user))
        .statement(
            "select m.channel_id, m.slack_user_id, m.id, m.is_deleted, m.last_event_at from",
            &format!("join {TABLE} m on m.channel_id = u.channel and m.slack_user_id = u.member"),
        );
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 5]>::try_from(row.0) {
            Ok(
                [
                    Value::BigInt(channel),
                    Value::BigInt(user),
                    Value::BigInt(id),
                    Value::Bool(is_deleted),
                    last,
                ],
            ) => {
                let last = match last {
                    Value::Timestamptz(at) => Some(at),
                    _ => None,
                };
                Some(((channel, user), (id, is_deleted, last)))
            }
            _ => None,
        })
        .collect())
}

async fn insert(tx: &mut Tx<'_>, made: &[(Event, bool)]) -> QueryResult<()> {
    if made.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(format!(
        "insert into {TABLE} (channel_id, slack_user_id, is_restricted, is_deleted, \
         last_event_at, source_item, source_receipt, created_at, updated_at) \
         select u.channel, u.member, coalesce(s.is_restricted, false), u.gone, u.at, u.item, "
    ));
    let now = Value::Timestamptz(tx.now);
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push("::bigint, ");
    statement.bind(SqlType::Timestamptz, now.clone()).push("::timestamptz, ");
    statement.bind(SqlType::Timestamptz, now).push("::timestamptz from ");
    Given::default()
        .ids("channel", made.iter().map(|(event, _)| event.channel))
        .ids("member", made.iter().map(|(event, _)| event.user))
        .with("gone", SqlType::Bool, made.iter().map(|(_, is_deleted)| Value::Bool(*is_deleted)))
        .with(
            "at",
            SqlType::Timestamptz,
            made.iter().map(|(event, _)| Value::Timestamptz(event.at)),
        )
        .with("item", SqlType::Int, made.iter().map(|(event, _)| Value::Int(event.item)))
        .append(&mut statement);
    statement.push(" join slack_user s on s.id = u.member order by u.ord");
    tx.execute(statement).await?;
    tx.count(TABLE).inserted += made.len() as u64;
    Ok(())
}

async fn update(tx: &mut Tx<'_>, moved: &[(i64, Event, bool, bool)]) -> QueryResult<()> {
    if moved.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(format!(
        "update {TABLE} m set is_deleted = u.gone, last_event_at = u.at, source_item = u.item, \
         source_receipt = "
    ));
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(
        ", updated_at = case when \
         m.is_deleted <> u.gone then ",
    );
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
    statement.push("::timestamptz else m.updated_at end from ");
    Given::default()
        .ids("id", moved.iter().map(|(id, ..)| *id))
        .with("gone", SqlType::Bool, moved.iter().map(|(_, _, gone, _)| Value::Bool(*gone)))
        .with("at", SqlType::Timestamptz, moved.iter().map(|m| Value::Timestamptz(m.1.at)))
        .with("item", SqlType::Int, moved.iter().map(|(_, event, ..)| Value::Int(event.item)))
        .append(&mut statement);
    statement.push(" where m.id = u.id");
    tx.execute(statement).await?;
    let changed = moved.iter().filter(|(.., is_changed)| *is_changed).count() as u64;
    let count = tx.count(TABLE);
    count.updated += changed;
    count.unchanged += moved.len() as u64 - changed;
    Ok(())
}

/// Who has no event since the newest full list of a channel was not on it.
async fn remove_unlisted(
    tx: &mut Tx<'_>,
    lists: &[List],
    listed_at: &HashMap<i64, DateTime<Utc>>,
    changes: &mut Changes,
) -> QueryResult<()> {
    let decisive: BTreeMap<i64, &List> = lists
        .iter()
        .filter(|list| listed_at.get(&list.channel) == Some(&list.at))
        .map(|list| (list.channel, list))
        .collect();
    if decisive.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(format!(
        "update {TABLE} m set is_deleted = true, source_item = u.item, source_receipt = "
    ));
    statement.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(", updated_at = ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    Given::default()
        .ids("channel", decisive.keys().copied())
        .with("at", SqlType::Timestamptz, decisive.values().map(|l| Value::Timestamptz(l.at)))
        .with("item", SqlType::Int, decisive.values().map(|list| Value::Int(list.item)))
        .append(&mut statement);
    statement.push(
        " where m.channel_id = u.channel and not m.is_deleted \
         and (m.last_event_at is null or m.last_event_at < u.at) returning u.item",
    );
    let rows = tx.query(statement).await?;
    tx.count(TABLE).updated += rows.len() as u64;
    for row in rows {
        if let Some(Value::Int(item)) = row.0.first() {
            changes.changed.insert(*item);
        }
    }
    Ok(())
}

/// Of lists that changed nothing, those that say something else than what is stored: it is newer.
pub async fn outdated(
    tx: &mut Tx<'_>,
    lists: &[(i32, i64, bool, Vec<i64>)],
) -> QueryResult<HashSet<i32>> {
    let mut outdated = HashSet::new();
    if lists.is_empty() {
        return Ok(outdated);
    }
    let channels: BTreeSet<i64> = lists.iter().map(|(_, channel, ..)| *channel).collect();
    let mut statement = Statement::new(format!(
        "select channel_id, slack_user_id from {TABLE} where not is_deleted and channel_id = any("
    ));
    statement.bind_all(SqlType::BigInt, channels.into_iter().map(Value::BigInt)).push(")");
    let mut present: HashMap<i64, HashSet<i64>> = HashMap::new();
    for row in tx.query(statement).await? {
        if let [Value::BigInt(channel), Value::BigInt(user)] = row.0.as_slice() {
            present.entry(*channel).or_default().insert(*user);
        }
    }
    for (item, channel, is_full, users) in lists {
        let members = present.remove(channel).unwrap_or_default();
        let is_other = users.iter().any(|user| !members.contains(user))
            || (*is_full && users.len() != members.len());
        if is_other {
            outdated.insert(*item);
        }
        present.insert(*channel, members);
    }
    Ok(outdated)
}
