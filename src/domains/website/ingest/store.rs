//! Storing days: each count is a row with a stamp; a replacement is remembered, and what is older
//! than it is no longer there, nor comes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::QueryResult;
use serde_json::Value as Body;

use super::day::{Counts, Day};
use crate::{
    db::sql::{SqlType, Value},
    draft,
    ingest::{
        given::Given,
        kind::Outcome,
        register::{Cell, Draft},
        stamp::Stamp,
        statements::{self, Statement},
        tx::Tx,
        upsert::{Action, Done, upsert},
    },
};

draft! {
    /// What a payload says about a day.
    pub struct WebsiteDraft, table website, key { stat_date: NaiveDate };
    registers { website_visit_count: i64 }
}

draft! {
    /// What a payload says about a day's visits from a country.
    pub struct CountryDraft, table website_visit_count, key { stat_date: NaiveDate, country: String };
    registers { count: i64 }
}

draft! {
    /// What a payload says about a word on a day.
    pub struct WordDraft, table website_word_count, key { stat_date: NaiveDate, word: String };
    registers { count: i64 }
}

/// The fold that remembers replacements: a scope a day, a key a list.
const REPLACEMENTS: &str = "website.replacement";
/// The most rows of one statement.
const CHUNK: usize = 10_000;

/// A list of a day, and the table of its rows.
struct List<D> {
    table: &'static str,
    of: fn(&Day) -> Option<&Counts>,
    draft: fn(&Day, &str, i64, i32) -> D,
}

const COUNTRIES: List<CountryDraft> = List {
    table: "website_visit_count",
    of: |day| day.countries.as_ref(),
    draft: |day, name, count, item| CountryDraft {
        stat_date: day.date,
        country: name.to_owned(),
        count: Cell::Stated(count),
        stamp: day.stamp.clone(),
        item,
    },
};

const WORDS: List<WordDraft> = List {
    table: "website_word_count",
    of: |day| day.words.as_ref(),
    draft: |day, name, count, item| WordDraft {
        stat_date: day.date,
        word: name.to_owned(),
        count: Cell::Stated(count),
        stamp: day.stamp.clone(),
        item,
    },
};

/// What became of the rows of a day.
#[derive(Debug, Default, Clone, Copy)]
struct Fate {
    is_new: bool,
    is_changed: bool,
    is_stale: bool,
}

impl Fate {
    fn add(&mut self, action: Action) {
        match action {
            Action::Inserted => self.is_new = true,
            Action::Updated => self.is_changed = true,
            Action::Stale => self.is_stale = true,
            Action::Unchanged => {}
        }
    }

    /// The day's action. `known` tells whether something was stored of it before.
    fn action(self, known: bool) -> Action {
        match self {
            Self { is_new: true, .. } if !known => Action::Inserted,
            Self { is_new: true, .. } | Self { is_changed: true, .. } => Action::Updated,
            Self { is_stale: true, .. } => Action::Stale,
            _ => Action::Unchanged,
        }
    }
}

/// Stores days; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, days: &[(i32, &Day)]) -> QueryResult<Vec<Outcome>> {
    // Whoever replaces a list must see all of its rows. One lock a month: a backfill of years does
    // not fill the server's table of locks.
    let months: BTreeSet<String> =
        days.iter().map(|(_, day)| day.date.format("%Y-%m").to_string()).collect();
    statements::lock(tx, "website", months.iter().map(String::as_str)).await?;
    let known = known(tx, days).await?;
    let replaced = replacements(tx, days).await?;

    let mut fates = vec![Fate::default(); days.len()];
    let stated = |(slot, (item, day)): (usize, &(i32, &Day))| {
        let draft = WebsiteDraft {
            stat_date: day.date,
            website_visit_count: Cell::Stated(day.visits?),
            stamp: day.stamp.clone(),
            item: *item,
        };
        Some((slot, draft))
    };
    let (slots, drafts): (Vec<usize>, Vec<WebsiteDraft>) =
        days.iter().enumerate().filter_map(stated).unzip();
    let mut ids: HashMap<usize, i64> = HashMap::new();
    for (slot, done) in slots.iter().zip(upsert(tx, drafts).await?) {
        fates[*slot].add(done.action);
        ids.insert(*slot, done.id);
    }
    store_list(tx, days, &COUNTRIES, &replaced, &mut fates).await?;
    store_list(tx, days, &WORDS, &replaced, &mut fates).await?;

    // Of several statements of a new day the first makes it.
    let mut made = known;
    Ok(days
        .iter()
        .zip(fates)
        .enumerate()
        .map(|(slot, ((_, day), fate))| {
            let action = fate.action(made.contains(&day.date));
            if fate.is_new {
                made.insert(day.date);
            }
            Outcome { action, table: "website", row_id: ids.get(&slot).copied() }
        })
        .collect())
}

/// The days of which something is stored.
async fn known(tx: &mut Tx<'_>, days: &[(i32, &Day)]) -> QueryResult<BTreeSet<NaiveDate>> {
    let statement = given_dates(days.iter().map(|(_, day)| day.date)).statement(
        "select distinct u.stat_date from",
        "where exists (select from website t where t.stat_date = u.stat_date) \
         or exists (select from website_visit_count t where t.stat_date = u.stat_date) \
         or exists (select from website_word_count t where t.stat_date = u.stat_date)",
    );
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::Date(date)] => Some(*date),
            _ => None,
        })
        .collect())
}

fn given_dates<'a>(dates: impl Iterator<Item = NaiveDate>) -> Given<'a> {
    Given::default().with("stat_date", SqlType::Date, dates.map(Value::Date))
}

/// The newest replacement of each list of these days, by table and day.
type Replacements = BTreeMap<(String, NaiveDate), Stamp>;

/// Remembers the replacements among days, and gives all that are remembered of these days.
async fn replacements(tx: &mut Tx<'_>, days: &[(i32, &Day)]) -> QueryResult<Replacements> {
    let mut said = Vec::new();
    for (item, day) in days.iter().filter(|(_, day)| day.replaces) {
        for (table, list) in [(COUNTRIES.table, &day.countries), (WORDS.table, &day.words)] {
            if list.is_some() {
                said.push(Statement {
                    scope: day.date.to_string(),
                    key: table.to_owned(),
                    stamp: day.stamp.clone(),
                    body: Body::Null,
                    item: *item,
                });
            }
        }
    }
    statements::keep(tx, REPLACEMENTS, &said).await?;
    let dates: BTreeMap<String, NaiveDate> =
        days.iter().map(|(_, day)| (day.date.to_string(), day.date)).collect();
    let kept = statements::of(tx, REPLACEMENTS, dates.keys().map(String::as_str)).await?;
    Ok(kept
        .into_values()
        .flatten()
        .filter_map(|kept| Some(((kept.key, *dates.get(&kept.scope)?), kept.stamp)))
        .collect())
}

/// Stores the rows of a list. A statement that is older than the list's replacement stays out; rows
/// that are older are removed: those that the replacement lists are as new as it is.
async fn store_list<D: Draft>(
    tx: &mut Tx<'_>,
    days: &[(i32, &Day)],
    list: &List<D>,
    replaced: &Replacements,
    fates: &mut [Fate],
) -> QueryResult<()> {
    let mut rows: Vec<(NaiveDate, &str, i64, usize)> = Vec::new();
    for (slot, (_, day)) in days.iter().enumerate() {
        let Some(counts) = (list.of)(day) else { continue };
        if replaced.get(&(list.table.to_owned(), day.date)).is_some_and(|at| day.stamp < *at) {
            fates[slot].is_stale = true;
            continue;
        }
        rows.extend(counts.iter().map(|(name, count)| (day.date, name.as_str(), *count, slot)));
    }
    rows.sort_unstable();
    for chunk in rows.chunks(CHUNK) {
        let draft = |(_, name, count, slot): &(NaiveDate, &str, i64, usize)| {
            let (item, day) = days[*slot];
            (list.draft)(day, name, *count, item)
        };
        let done: Vec<Done> = upsert(tx, chunk.iter().map(draft).collect()).await?;
        for ((.., slot), done) in chunk.iter().zip(done) {
            fates[*slot].add(done.action);
        }
    }
    let gone = remove_older(tx, list.table, replaced).await?;
    for (fate, (_, day)) in fates.iter_mut().zip(days) {
        fate.is_changed |= day.replaces && gone.contains(&day.date);
    }
    Ok(())
}

/// Removes the rows of a table that are older than their day's replacement; gives the days that lost
/// one.
async fn remove_older(
    tx: &mut Tx<'_>,
    table: &'static str,
    replaced: &Replacements,
) -> QueryResult<BTreeSet<NaiveDate>> {
    let of_table: Vec<(NaiveDate, &Stamp)> = replaced
        .iter()
        .filter(|((of, _), _)| of == table)
        .map(|((_, date), stamp)| (*date, stamp))
        .collect();
    if of_table.is_empty() {
        return Ok(BTreeSet::new());
    }
    let time = |at: Option<_>| at.map_or(Value::Null, Value::Timestamptz);
    let stamps = || of_table.iter().map(|(_, stamp)| *stamp);
    let given = given_dates(of_table.iter().map(|(date, _)| *date))
        .with("source_at", SqlType::Timestamptz, stamps().map(|stamp| time(stamp.source_at)))
        .with("source_rank", SqlType::SmallInt, stamps().map(|stamp| Value::SmallInt(stamp.rank)))
        .with("source_as_of", SqlType::Timestamptz, stamps().map(|stamp| time(stamp.as_of)))
        .with("source_digest", SqlType::Bytea, stamps().map(|s| Value::Bytea(s.digest.clone())));
    let parts = |row: &str| {
        format!(
            "(coalesce({row}.source_at, '-infinity'), {row}.source_rank, \
             coalesce({row}.source_as_of, '-infinity'), {row}.source_digest)"
        )
    };
    let statement = given.statement(
        &format!("delete from {table} t using"),
        &format!(
            "where t.stat_date = u.stat_date and {} < {} returning t.stat_date",
            parts("t"),
            parts("u")
        ),
    );
    let rows = tx.query(statement).await?;
    tx.count(table).deleted += rows.len() as u64;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::Date(date)] => Some(*date),
            _ => None,
        })
        .collect())
}
