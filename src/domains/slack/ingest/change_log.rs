//! `slack_channel_membership_change_log`: who came and went.
//!
//! A join is told twice, by a message and by an event, a moment apart. What is told within five
//! seconds of a join is that join. All reports are kept with their row, and rows are derived from all
//! reports of a user, so the order in which they come does not matter.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use diesel::QueryResult;
use serde_json::json;

use crate::{
    db::sql::{Json, SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx, upsert::Action},
};

/// The table.
pub const TABLE: &str = "slack_channel_membership_change_log";

/// How far apart two reports of one join or leave are, in microseconds.
const SAME: i64 = 5_000_000;

/// A report: microseconds since 1970, and whether it is of a leave. So that of two at one time the
/// join comes first.
type Report = (i64, bool);

/// A join or leave, placed.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    /// `slack_channel.id`.
    pub channel: i64,
    /// `slack_user.id`.
    pub user: i64,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Whether it is a join.
    pub is_joined: bool,
    /// The item's index.
    pub item: i32,
}

impl Placed {
    fn report(&self) -> Report {
        (self.at, !self.is_joined)
    }
}

/// A row, as reports make it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    /// The earliest report, which it is known by.
    first: Report,
    reports: BTreeSet<Report>,
}

/// The events that reports tell of. An event begins with a report that is more than five seconds
/// after the beginning of the last one of its kind; no two begin at one time.
fn fold(reports: &BTreeSet<Report>) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for report in reports {
        let same = events.iter().rposition(|event| {
            let (begun, is_leave) = event.first;
            (is_leave == report.1 && report.0 - begun <= SAME) || begun == report.0
        });
        match same {
            Some(nth) => {
                events[nth].reports.insert(*report);
            }
            None => events.push(Event { first: *report, reports: BTreeSet::from([*report]) }),
        }
    }
    events
}

/// A stored row.
#[derive(Debug)]
struct Stored {
    id: i64,
    event: Event,
}

/// What became of a join or leave: the row, and what happened to it.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// The row's id; none for one that was just made.
    pub id: Option<i64>,
    /// What happened.
    pub action: Action,
}

/// What to write.
#[derive(Default)]
struct Writing {
    deleted: Vec<i64>,
    updated: Vec<(i64, Event, i32)>,
    inserted: Vec<((i64, i64), Event, i32)>,
}

/// Stores joins and leaves; one outcome for each, in order. Whoever calls it holds the channels.
pub async fn store(tx: &mut Tx<'_>, moves: &[Placed]) -> QueryResult<Vec<Done>> {
    let mut told: BTreeMap<(i64, i64), Vec<&Placed>> = BTreeMap::new();
    for event in moves {
        told.entry((event.channel, event.user)).or_default().push(event);
    }
    let mut stored = read(tx, told.keys()).await?;
    let mut writing = Writing::default();
    let mut fates: BTreeMap<(i64, i64, Report), Done> = BTreeMap::new();
    for (key, told) in &told {
        let before = stored.remove(key).unwrap_or_default();
        settle(*key, told, before, &mut writing, &mut fates);
    }
    write(tx, writing).await?;
    Ok(moves
        .iter()
        .map(|event| {
            let same = Done { id: None, action: Action::Unchanged };
            let place = (event.channel, event.user, event.report());
            let fate = fates.get_mut(&place);
            // A report that is given twice did what it did the first time.
            fate.map_or(same, |fate| {
                let done = *fate;
                fate.action = Action::Unchanged;
                done
            })
        })
        .collect())
}

/// Decides what becomes of the rows of one user in one channel.
fn settle(
    (channel, user): (i64, i64),
    told: &[&Placed],
    mut before: Vec<Stored>,
    writing: &mut Writing,
    fates: &mut BTreeMap<(i64, i64, Report), Done>,
) {
    let known: BTreeSet<Report> =
        before.iter().flat_map(|row| row.event.reports.iter().copied()).collect();
    let mut reports = known.clone();
    reports.extend(told.iter().map(|event| event.report()));
    let mut events = fold(&reports);
    // A row stays with the event that begins when it did, else with one that has a report of it.
    let mut paired = Vec::new();
    for exactly in [true, false] {
        events.retain(|event| {
            let found = before.iter().position(|row| {
                if exactly {
                    row.event.first.0 == event.first.0
                } else {
                    !row.event.reports.is_disjoint(&event.reports)
                }
            });
            let row = found.map(|nth| before.swap_remove(nth));
            let is_new = row.is_none();
            paired.extend(row.map(|row| (row, event.clone())));
            is_new
        });
    }
    let told_by = |event: &Event| {
        told.iter().find(|told| event.reports.contains(&told.report())).map_or(0, |told| told.item)
    };
    let mut tell = |event: &Event, id: Option<i64>, action: Action| {
        let new = event.reports.iter().filter(|report| !known.contains(report));
        for (nth, report) in new.enumerate() {
            let action = if nth == 0 { action } else { Action::Unchanged };
            fates.insert((channel, user, *report), Done { id, action });
        }
    };
    for (row, event) in paired {
        let action =
            if row.event.first == event.first { Action::Unchanged } else { Action::Updated };
        tell(&event, Some(row.id), action);
        if row.event != event {
            let item = told_by(&event);
            writing.updated.push((row.id, event, item));
        }
    }
    for event in events {
        tell(&event, None, Action::Inserted);
        let item = told_by(&event);
        writing.inserted.push(((channel, user), event, item));
    }
    writing.deleted.extend(before.into_iter().map(|row| row.id));
}

async fn read<'k>(
    tx: &mut Tx<'_>,
    keys: impl Iterator<Item = &'k (i64, i64)> + Clone,
) -> QueryResult<BTreeMap<(i64, i64), Vec<Stored>>> {
    let mut found: BTreeMap<(i64, i64), Vec<Stored>> = BTreeMap::new();
    let statement = Given::default()
        .ids("channel", keys.clone().map(|(channel, _)| *channel))
        .ids("member", keys.map(|(_, user)| *user))
        .statement(
            "select c.channel_id, c.slack_user_id, c.id, c.is_joined, c.created_at, c.reports from",
            &format!(
                "join {TABLE} c on c.channel_id = u.channel and c.slack_user_id = u.member \
                 order by c.id"
            ),
        );
    for row in tx.query(statement).await? {
        if let Ok(
            [
                Value::BigInt(channel),
                Value::BigInt(user),
                Value::BigInt(id),
                Value::Bool(is_joined),
                Value::Timestamptz(at),
                Value::Jsonb(Json(reports)),
            ],
        ) = <[Value; 6]>::try_from(row.0)
        {
            let first = (at.timestamp_micros(), !is_joined);
            let pairs: Vec<(i64, bool)> = serde_json::from_value(reports).unwrap_or_default();
            let mut reports: BTreeSet<Report> =
                pairs.into_iter().map(|(at, is_joined)| (at, !is_joined)).collect();
            reports.insert(first);
            let row = Stored { id, event: Event { first, reports } };
            found.entry((channel, user)).or_default().push(row);
        }
    }
    Ok(found)
}

/// The columns of events.
fn given<'a>(events: &[(&Event, i32)]) -> Given<'a> {
    let at = |event: &Event| {
        DateTime::from_timestamp_micros(event.first.0).map_or(Value::Null, Value::Timestamptz)
    };
    let reports = |event: &Event| {
        let pairs: Vec<_> = event.reports.iter().map(|(at, is_leave)| (at, !is_leave)).collect();
        Value::Jsonb(Json(json!(pairs)))
    };
    Given::default()
        .with("at", SqlType::Timestamptz, events.iter().map(|(event, _)| at(event)))
        .with("joined", SqlType::Bool, events.iter().map(|(event, _)| Value::Bool(!event.first.1)))
        .with("reports", SqlType::Jsonb, events.iter().map(|(event, _)| reports(event)))
        .with("item", SqlType::Int, events.iter().map(|(_, item)| Value::Int(*item)))
}

async fn write(tx: &mut Tx<'_>, writing: Writing) -> QueryResult<()> {
    let Writing { deleted, updated, inserted } = writing;
    let count = tx.count(TABLE);
    count.deleted += deleted.len() as u64;
    count.updated += updated.len() as u64;
    count.inserted += inserted.len() as u64;
    let receipt = Value::BigInt(tx.receipt);
    if !deleted.is_empty() {
        let mut statement = Statement::new(format!("delete from {TABLE} where id = any("));
        statement.bind_all(SqlType::BigInt, deleted.into_iter().map(Value::BigInt)).push(")");
        tx.execute(statement).await?;
    }
    if !updated.is_empty() {
        let mut statement = Statement::new(format!(
            "update {TABLE} c set created_at = u.at, is_joined = u.joined, reports = u.reports, \
             source_item = u.item, source_receipt = "
        ));
        statement.bind(SqlType::BigInt, receipt.clone()).push(" from ");
        let events: Vec<(&Event, i32)> =
            updated.iter().map(|(_, event, item)| (event, *item)).collect();
        given(&events).ids("id", updated.iter().map(|(id, ..)| *id)).append(&mut statement);
        statement.push(" where c.id = u.id");
        tx.execute(statement).await?;
    }
    if !inserted.is_empty() {
        let mut statement = Statement::new(format!(
            "insert into {TABLE} (channel_id, slack_user_id, is_joined, created_at, reports, \
             source_item, source_receipt) select u.channel, u.member, u.joined, u.at, u.reports, \
             u.item, "
        ));
        statement.bind(SqlType::BigInt, receipt).push("::bigint from ");
        let events: Vec<(&Event, i32)> =
            inserted.iter().map(|(_, event, item)| (event, *item)).collect();
        given(&events)
            .ids("channel", inserted.iter().map(|((channel, _), ..)| *channel))
            .ids("member", inserted.iter().map(|((_, user), ..)| *user))
            .append(&mut statement);
        tx.execute(statement).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firsts(reports: &[(i64, bool)]) -> Vec<(i64, bool)> {
        let reports = reports.iter().map(|(second, is_leave)| (second * 1_000_000, *is_leave));
        let events = fold(&reports.collect());
        events.into_iter().map(|event| (event.first.0 / 1_000_000, event.first.1)).collect()
    }

    #[test]
    fn reports_within_five_seconds_are_one_event() {
        assert_eq!(firsts(&[(0, false), (5, false)]), [(0, false)]);
        assert_eq!(firsts(&[(0, false), (6, false)]), [(0, false), (6, false)]);
        // Five seconds after the beginning, not after the last report.
        assert_eq!(firsts(&[(0, false), (4, false), (8, false)]), [(0, false), (8, false)]);
        assert_eq!(firsts(&[(0, false), (1, true), (2, false)]), [(0, false), (1, true)]);
        // The table has no two rows of one time; the join counts.
        assert_eq!(firsts(&[(0, true), (0, false)]), [(0, false)]);
    }
}
