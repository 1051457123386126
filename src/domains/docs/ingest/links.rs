//! Which library version has which text. Pages add to it; a list that is said to be complete is
//! all of it, until something newer is said.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::{QueryResult, result::Error};

use super::{
    page::{Crawl, Page, Place},
    store::LibraryVersion,
};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    ingest::{
        given::Given,
        kind::Sheet,
        stamp::Stamp,
        statements::{self, Statement},
        tx::Tx,
        upsert::Action,
    },
};

/// The statements' fold: by library version, the newest list that is complete.
const FOLD: &str = "docs.pages";
const TABLE: &str = "boost_library_documentation";

/// A library version and a text.
type Link = (i64, i64);

/// Stores the links of the sheets' pages; gives those that were made or removed.
pub(super) async fn store(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Crawl, Page>],
    places: &HashMap<Place, LibraryVersion>,
    contents: &HashMap<String, (i64, Action)>,
) -> QueryResult<HashSet<Link>> {
    let lists: Vec<Option<(i64, Stamp)>> =
        sheets.iter().map(|sheet| full_list(tx, sheet, places)).collect();
    let newest = newest_lists(tx, sheets, places, &lists).await?;
    let mut wanted: BTreeMap<Link, DateTime<Utc>> = BTreeMap::new();
    let mut full: BTreeMap<i64, (DateTime<Utc>, BTreeSet<i64>)> = BTreeMap::new();
    for (sheet, list) in sheets.iter().zip(&lists) {
        let is_newest = list.as_ref().is_some_and(|(row, stamp)| newest.get(row) == Some(stamp));
        if let (true, Some((row, _))) = (is_newest, list) {
            full.entry(*row).or_insert((sheet.envelope.stated_at, BTreeSet::new()));
        }
        for (_, page) in &sheet.items {
            let row = places.get(&page.place).ok_or(Error::NotFound)?.row;
            let (content, _) = contents.get(&page.hash).ok_or(Error::NotFound)?;
            let at = if is_newest { sheet.envelope.stated_at } else { page.seen_at };
            // What a newer list lacks was gone by then.
            let is_open = newest.get(&row).is_none_or(|list| Some(at) > list.source_at);
            if is_newest || is_open {
                let known = wanted.entry((row, *content)).or_insert(at);
                *known = at.max(*known);
            }
            if is_newest && let Some((_, listed)) = full.get_mut(&row) {
                listed.insert(*content);
            }
        }
    }
    let mut changed = insert(tx, &wanted).await?;
    changed.extend(remove_unlisted(tx, &full).await?);
    Ok(changed)
}

/// The library version that a sheet lists in full, and the stamp of that. Where a page could not be
/// read the list is not complete.
fn full_list(
    tx: &mut Tx<'_>,
    sheet: &Sheet<Crawl, Page>,
    places: &HashMap<Place, LibraryVersion>,
) -> Option<(i64, Stamp)> {
    let Sheet { envelope, items } = sheet;
    let row = places.get(envelope.place.as_ref()?)?.row;
    if !envelope.is_complete {
        return None;
    }
    if envelope.pages != items.len() {
        if let Some((item, _)) = items.first() {
            let detail = "Pages were rejected, so those that are missing are not removed.";
            tx.warn(*item, "partial_list", detail);
        }
        return None;
    }
    Some((row, envelope.stamp(items.iter().map(|(_, page)| page))))
}

/// The newest full list of each library version, those of the sheets included.
async fn newest_lists(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Crawl, Page>],
    places: &HashMap<Place, LibraryVersion>,
    lists: &[Option<(i64, Stamp)>],
) -> QueryResult<HashMap<i64, Stamp>> {
    let names: HashMap<i64, &str> =
        places.values().map(|place| (place.row, place.name.as_str())).collect();
    let stated: Vec<Statement> = sheets
        .iter()
        .zip(lists)
        .filter_map(|(sheet, list)| {
            let (row, stamp) = list.as_ref()?;
            Some(Statement {
                scope: (*names.get(row)?).to_owned(),
                key: String::new(),
                stamp: stamp.clone(),
                body: serde_json::Value::Null,
                item: sheet.items.first().map_or(-1, |(item, _)| *item),
            })
        })
        .collect();
    statements::keep(tx, FOLD, &stated).await?;
    let kept = statements::of(tx, FOLD, names.values().copied()).await?;
    let newest = |name: &str| Some(kept.get(name)?.last()?.stamp.clone());
    Ok(names.iter().filter_map(|(row, name)| Some((*row, newest(name)?))).collect())
}

/// Adds links; gives the new ones.
async fn insert(
    tx: &mut Tx<'_>,
    wanted: &BTreeMap<Link, DateTime<Utc>>,
) -> QueryResult<HashSet<Link>> {
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let mut insert = Sql::new(format!(
        "insert into {TABLE} (boost_library_version_id, boost_doc_content_id, seen_at, created_at) \
         select u.place, u.content, u.at, "
    ));
    insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push("::timestamptz from ");
    Given::default()
        .ids("place", wanted.keys().map(|(place, _)| *place))
        .ids("content", wanted.keys().map(|(_, content)| *content))
        .with("at", SqlType::Timestamptz, wanted.values().map(|at| Value::Timestamptz(*at)))
        .append(&mut insert);
    insert.push(&format!(
        " order by u.place, u.content \
         on conflict (boost_library_version_id, boost_doc_content_id) \
         do update set seen_at = excluded.seen_at \
         where {TABLE}.seen_at is null or {TABLE}.seen_at < excluded.seen_at \
         returning boost_library_version_id, boost_doc_content_id, xmax = 0"
    ));
    let mut made = HashSet::new();
    for row in tx.query(insert).await? {
        if let [Value::BigInt(place), Value::BigInt(content), Value::Bool(true)] = row.0.as_slice()
        {
            made.insert((*place, *content));
        }
    }
    let count = tx.count(TABLE);
    count.inserted += made.len() as u64;
    count.unchanged += (wanted.len() - made.len()) as u64;
    Ok(made)
}

/// Removes the links that a full list lacks; gives them.
async fn remove_unlisted(
    tx: &mut Tx<'_>,
    full: &BTreeMap<i64, (DateTime<Utc>, BTreeSet<i64>)>,
) -> QueryResult<Vec<Link>> {
    if full.is_empty() {
        return Ok(Vec::new());
    }
    let listed: Vec<Link> = full
        .iter()
        .flat_map(|(place, (_, contents))| contents.iter().map(|content| (*place, *content)))
        .collect();
    let mut delete = Sql::new(format!("delete from {TABLE} d using "));
    Given::default()
        .ids("place", full.keys().copied())
        .with("at", SqlType::Timestamptz, full.values().map(|(at, _)| Value::Timestamptz(*at)))
        .append(&mut delete);
    delete.push(
        " where d.boost_library_version_id = u.place and (d.seen_at is null or d.seen_at <= u.at) \
         and not exists (select from ",
    );
    Given::default()
        .ids("place", listed.iter().map(|(place, _)| *place))
        .ids("content", listed.iter().map(|(_, content)| *content))
        .append(&mut delete);
    delete.push(
        " where u.place = d.boost_library_version_id and u.content = d.boost_doc_content_id) \
         returning d.boost_library_version_id, d.boost_doc_content_id",
    );
    let rows = tx.query(delete).await?;
    let removed: Vec<Link> = rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(place), Value::BigInt(content)] => Some((*place, *content)),
            _ => None,
        })
        .collect();
    tx.count(TABLE).deleted += removed.len() as u64;
    Ok(removed)
}
