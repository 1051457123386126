//! Storing pages: libraries and releases first, then contents, then which library has which.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, Utc};
use diesel::{QueryResult, result::Error};

use super::{
    links,
    page::{Crawl, Page, Place},
    text,
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::boost::ingest::{
        self as boost,
        catalogue::Catalogue,
        derive, reference,
        version::{self, Version},
    },
    ingest::{
        given::Given,
        kind::{Outcome, Sheet},
        tx::Tx,
        upsert::Action,
    },
};

/// What is known of a text: every part is the greatest or least of all statements, so their order
/// does not matter.
#[derive(Debug, Clone, PartialEq)]
struct Content {
    /// The address shown: of the greatest release, then the latest, then the smallest. Whoever does
    /// not say when they fetched it were there before those who do.
    url: (i32, Option<DateTime<Utc>>, Reverse<String>),
    /// The oldest release, by macro number and row.
    first: (i32, i64),
    /// The newest release.
    last: (i32, i64),
    scraped: Scraped,
    text_bytes: i64,
}

/// When a text was fetched: the latest time that is said. Until one is, the time at which it first
/// came stands in, which is no statement: so the same page again changes nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scraped {
    at: DateTime<Utc>,
    is_stated: bool,
}

impl Scraped {
    fn absorb(self, other: Self) -> Self {
        match (self.is_stated, other.is_stated) {
            (true, false) => self,
            (false, true) => other,
            (true, true) => Self { at: self.at.max(other.at), ..self },
            (false, false) => Self { at: self.at.min(other.at), ..self },
        }
    }
}

impl Content {
    fn of(page: &Page, version: i64) -> Self {
        let release = (page.place.version.key(), version);
        Self {
            url: (release.0, page.scraped_at, Reverse(page.url.clone())),
            first: release,
            last: release,
            scraped: Scraped { at: page.seen_at, is_stated: page.scraped_at.is_some() },
            text_bytes: i64::try_from(page.text.len()).unwrap_or(i64::MAX),
        }
    }

    fn absorb(&mut self, other: Self) {
        if other.url > self.url {
            self.url = other.url;
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.scraped = self.scraped.absorb(other.scraped);
    }
}

/// Texts by hash, each with an item that has it.
type Contents = BTreeMap<String, (Content, i32)>;

/// Stores pages; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, sheets: &[Sheet<Crawl, Page>]) -> QueryResult<Vec<Outcome>> {
    // What a reference means, and whether its stub is still there, is settled under one lock.
    boost::lock(tx).await?;
    let catalogue = Catalogue::load(tx.conn).await?;
    let known = tx.count("boost_library_version").inserted;
    let places = library_versions(tx, &catalogue, sheets).await?;
    let mut contents = Contents::new();
    for (item, page) in sheets.iter().flat_map(|sheet| &sheet.items) {
        let version = places.get(&page.place).ok_or(Error::NotFound)?.version;
        let content = Content::of(page, version);
        if let Some((known, _)) = contents.get_mut(&page.hash) {
            known.absorb(content);
        } else {
            contents.insert(page.hash.clone(), (content, *item));
            tx.keep_file(text::path(&page.hash), page.text.clone());
        }
    }
    let ids = store_contents(tx, contents).await?;
    let linked = links::store(tx, sheets, &places, &ids).await?;
    if tx.count("boost_library_version").inserted > known {
        // The release may be the newest now, and others the libraries that it has.
        derive::catalogue_changed(tx, &catalogue, &BTreeSet::new()).await?;
    }
    let mut told = HashSet::new();
    Ok(sheets
        .iter()
        .flat_map(|sheet| &sheet.items)
        .map(|(_, page)| {
            let (id, action) = ids[&page.hash];
            let place = places[&page.place].row;
            // A change is told once: of the page that is first in the batch.
            let (is_first, is_first_here) =
                (told.insert((id, None)), told.insert((id, Some(place))));
            let action = match action {
                Action::Inserted | Action::Updated if is_first => action,
                _ if is_first_here && linked.contains(&(place, id)) => Action::Updated,
                _ => Action::Unchanged,
            };
            Outcome { action, table: "boost_doc_content", row_id: Some(id) }
        })
        .collect())
}

/// A library in a release.
#[derive(Debug, Clone)]
pub struct LibraryVersion {
    /// What it is called whatever its row: repository, library, release.
    pub name: String,
    /// `boost_library_version.id`.
    pub row: i64,
    /// `boost_version.id`.
    pub version: i64,
}

/// The rows of the libraries and releases that the sheets are about; missing ones are made.
async fn library_versions(
    tx: &mut Tx<'_>,
    catalogue: &Catalogue,
    sheets: &[Sheet<Crawl, Page>],
) -> QueryResult<HashMap<Place, LibraryVersion>> {
    let mut places: BTreeMap<&Place, i32> = BTreeMap::new();
    for Sheet { envelope, items } in sheets {
        let first = items.first().map_or(-1, |(item, _)| *item);
        if let Some(place) = &envelope.place {
            places.entry(place).or_insert(first);
        }
        for (item, page) in items {
            places.entry(&page.place).or_insert(*item);
        }
    }
    let references: BTreeMap<String, i32> =
        places.iter().map(|(place, item)| (place.library.clone(), *item)).collect();
    let libraries = reference::resolve_or_make(tx, catalogue, &references).await?;
    let versions: BTreeSet<Version> = places.keys().map(|place| place.version).collect();
    let item = places.values().next().copied().unwrap_or(-1);
    let versions = version::ids(tx, &versions, item).await?;
    let mut pairs = HashMap::new();
    for place in places.into_keys() {
        let library = libraries.get(&place.library).ok_or(Error::NotFound)?;
        let version = versions.get(&place.version).ok_or(Error::NotFound)?;
        pairs.insert(place.clone(), (*library, *version));
    }
    let rows = reference::library_versions(tx, &pairs.values().copied().collect()).await?;
    let names = names(tx, rows.values().copied()).await?;
    pairs
        .into_iter()
        .map(|(place, pair)| {
            let row = *rows.get(&pair).ok_or(Error::NotFound)?;
            let name = names.get(&row).cloned().ok_or(Error::NotFound)?;
            Ok((place, LibraryVersion { name, row, version: pair.1 }))
        })
        .collect()
}

/// `owner/repository:library:release` of library versions.
async fn names(
    tx: &mut Tx<'_>,
    rows: impl Iterator<Item = i64>,
) -> QueryResult<HashMap<i64, String>> {
    let select = Given::default().ids("id", rows).statement(
        "select lv.id, lower(a.username || '/' || r.repo_name) || ':' || l.name || ':' || v.version \
         from",
        "join boost_library_version lv on lv.id = u.id \
         join boost_version v on v.id = lv.version_id \
         join boost_library l on l.id = lv.library_id \
         join github_repository r on r.id = l.repo_id \
         join github_account a on a.id = r.owner_account_id",
    );
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::BigInt(id), Value::Text(name)]) => Some((id, name)),
            _ => None,
        })
        .collect())
}

/// Stores what is said of texts; gives each one's row and what became of it.
async fn store_contents(
    tx: &mut Tx<'_>,
    mut contents: Contents,
) -> QueryResult<HashMap<String, (i64, Action)>> {
    let mut done = HashMap::with_capacity(contents.len());
    if contents.is_empty() {
        return Ok(done);
    }
    for (hash, id) in insert(tx, &contents).await? {
        done.insert(hash, (id, Action::Inserted));
    }
    let count = tx.count("boost_doc_content");
    count.inserted += done.len() as u64;
    contents.retain(|hash, _| !done.contains_key(hash));
    let mut changed = Vec::new();
    for (hash, id, mut stored) in locked(tx, &contents).await? {
        let Some((content, item)) = contents.remove(&hash) else { continue };
        let before = stored.clone();
        stored.absorb(content);
        // Which statement the address comes from is no value of its own.
        let shown = |content: &Content| {
            (content.url.2.clone(), content.first, content.last, content.scraped.at)
        };
        let is_changed = shown(&before) != shown(&stored);
        done.insert(hash, (id, if is_changed { Action::Updated } else { Action::Unchanged }));
        let count = tx.count("boost_doc_content");
        if is_changed {
            count.updated += 1;
        } else {
            count.unchanged += 1;
        }
        if stored != before {
            changed.push((id, stored, item));
        }
    }
    update(tx, &changed).await?;
    if contents.is_empty() { Ok(done) } else { Err(Error::NotFound) }
}

fn columns<'a>(given: Given<'a>, contents: &[&Content]) -> Given<'a> {
    let of = |value: fn(&Content) -> Value| contents.iter().map(move |content| value(content));
    given
        .with("url", SqlType::Text, of(|content| Value::Text(content.url.2.0.clone())))
        .with("url_version", SqlType::Int, of(|content| Value::Int(content.url.0)))
        .with(
            "url_at",
            SqlType::Timestamptz,
            of(|content| content.url.1.map_or(Value::Null, Value::Timestamptz)),
        )
        .with("first", SqlType::BigInt, of(|content| Value::BigInt(content.first.1)))
        .with("last", SqlType::BigInt, of(|content| Value::BigInt(content.last.1)))
        .with("at", SqlType::Timestamptz, of(|content| Value::Timestamptz(content.scraped.at)))
        .with("stated", SqlType::Bool, of(|content| Value::Bool(content.scraped.is_stated)))
}

/// Inserts texts in the order of their hashes; gives those that were new.
async fn insert(tx: &mut Tx<'_>, contents: &Contents) -> QueryResult<Vec<(String, i64)>> {
    let values: Vec<&Content> = contents.values().map(|(content, _)| content).collect();
    let given = columns(Given::default().texts("hash", contents.keys().cloned()), &values)
        .with("bytes", SqlType::BigInt, values.iter().map(|c| Value::BigInt(c.text_bytes)))
        .with("item", SqlType::Int, contents.values().map(|(_, item)| Value::Int(*item)));
    let mut insert = Statement::new(
        "insert into boost_doc_content (content_hash, url, url_version, url_scraped_at, \
         first_version_id, last_version_id, scraped_at, is_scraped_at_stated, text_bytes, \
         source_item, is_upserted, source_receipt, created_at) select u.hash, u.url, \
         u.url_version, u.url_at, u.first, u.last, u.at, u.stated, u.bytes, u.item, false, ",
    );
    insert.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push("::bigint, ");
    insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push("::timestamptz from ");
    given.append(&mut insert);
    insert.push(
        " order by u.hash collate \"C\" on conflict (content_hash) do nothing \
         returning content_hash, id",
    );
    let rows = tx.query(insert).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::Text(hash), Value::BigInt(id)]) => Some((hash, id)),
            _ => None,
        })
        .collect())
}

/// The texts that are stored, locked in the order of their hashes.
async fn locked(tx: &mut Tx<'_>, contents: &Contents) -> QueryResult<Vec<(String, i64, Content)>> {
    let mut select = Statement::new(
        "select c.content_hash, c.id, c.url, c.url_version, c.url_scraped_at, \
         (select v.version_key from boost_version v where v.id = c.first_version_id), \
         c.first_version_id, \
         (select v.version_key from boost_version v where v.id = c.last_version_id), \
         c.last_version_id, c.scraped_at, c.is_scraped_at_stated, c.text_bytes \
         from boost_doc_content c where c.content_hash = any(",
    );
    select.bind_all(SqlType::Text, contents.keys().cloned().map(Value::Text));
    select.push(") order by c.content_hash collate \"C\" for no key update");
    let mut found = Vec::with_capacity(contents.len());
    for row in tx.query(select).await? {
        let Ok(
            [
                hash,
                id,
                url,
                url_version,
                url_at,
                first_key,
                first,
                last_key,
                last,
                at,
                stated,
                bytes,
            ],
        ) = <[Value; 12]>::try_from(row.0)
        else {
            continue;
        };
        let (Value::Text(hash), Value::BigInt(id), Value::Text(url)) = (hash, id, url) else {
            continue;
        };
        let (Value::Timestamptz(at), Value::Bool(is_stated)) = (at, stated) else { continue };
        // A release that is gone says nothing: any other is older, and newer.
        let release = |key, id, gone| match (key, id) {
            (Value::Int(key), Value::BigInt(id)) => (key, id),
            _ => (gone, 0),
        };
        let url_version = if let Value::Int(key) = url_version { key } else { 0 };
        let url_at = if let Value::Timestamptz(at) = url_at { Some(at) } else { None };
        let content = Content {
            url: (url_version, url_at, Reverse(url)),
            first: release(first_key, first, i32::MAX),
            last: release(last_key, last, i32::MIN),
            scraped: Scraped { at, is_stated },
            text_bytes: if let Value::BigInt(bytes) = bytes { bytes } else { 0 },
        };
        found.push((hash, id, content));
    }
    Ok(found)
}

async fn update(tx: &mut Tx<'_>, changed: &[(i64, Content, i32)]) -> QueryResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let values: Vec<&Content> = changed.iter().map(|(_, content, _)| content).collect();
    let mut update = Statement::new(
        "update boost_doc_content c set url = u.url, url_version = u.url_version, \
         url_scraped_at = u.url_at, first_version_id = u.first, last_version_id = u.last, \
         scraped_at = u.at, is_scraped_at_stated = u.stated, source_item = u.item, \
         source_receipt = ",
    );
    update.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push("::bigint from ");
    columns(Given::default().ids("id", changed.iter().map(|(id, ..)| *id)), &values)
        .with("item", SqlType::Int, changed.iter().map(|(.., item)| Value::Int(*item)))
        .append(&mut update);
    update.push(" where c.id = u.id");
    tx.execute(update).await?;
    Ok(())
}
