//! The rows of libraries: a function of the documents that are kept about their repository.
//!
//! A column is what the newest document of its version that states it says; a library is in a version
//! if the newest full list of that version (or a later part of one) names it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;
use serde::{Deserialize, Serialize};

use super::{
    catalogue::Catalogue,
    derive,
    libraries::{Document, Entry},
    people::Named,
    reference::{self, Place},
    roles, version,
    version::Version,
};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    domains::github::ingest::{accounts::Accounts, named},
    ingest::{
        given::Given,
        kind::Outcome,
        repo_name::RepoName,
        statements::{self, Statement},
        tx::Tx,
        upsert::Action,
    },
};

const FOLD: &str = "boost.libraries";

/// What is kept of a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    version: i32,
    is_full: bool,
    entries: Vec<Entry>,
}

/// A library in a version, as its documents say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LibraryRow {
    /// The C++ standard.
    pub cpp_version: String,
    /// What it is for.
    pub description: String,
    /// Where its documentation is.
    pub documentation: String,
    /// Its key.
    pub key: String,
    /// Who wrote it.
    pub authors: BTreeSet<Named>,
    /// Who maintains it.
    pub maintainers: BTreeSet<Named>,
    /// Its categories, if any document of the version has the key.
    pub categories: Option<Vec<String>>,
}

impl LibraryRow {
    fn state(&mut self, entry: &Entry) {
        for (column, stated) in [
            (&mut self.cpp_version, &entry.cpp_version),
            (&mut self.description, &entry.description),
            (&mut self.documentation, &entry.documentation),
            (&mut self.key, &entry.key),
        ] {
            if let Some(stated) = stated {
                column.clone_from(stated);
            }
        }
        let set = |people: &Vec<Named>| people.iter().cloned().collect();
        if let Some(authors) = &entry.authors {
            self.authors = set(authors);
        }
        if let Some(maintainers) = &entry.maintainers {
            self.maintainers = set(maintainers);
        }
        if entry.categories.is_some() {
            self.categories.clone_from(&entry.categories);
        }
    }

    /// Whether the row has everything that an entry states.
    fn holds(&self, entry: &Entry) -> bool {
        let mut with = self.clone();
        with.state(entry);
        with == *self
    }
}

/// The libraries of a repository.
#[derive(Debug, Default)]
pub struct Derived {
    /// Each that was ever named.
    pub names: BTreeSet<String>,
    /// Versions of which the repository's libraries are listed.
    pub listed: BTreeSet<i32>,
    /// Libraries in versions, by name and macro number.
    pub rows: BTreeMap<(String, i32), LibraryRow>,
    /// Every category that was ever named.
    pub categories: BTreeSet<String>,
    /// Everybody who was ever named, with the statement that did.
    pub people: Vec<(Named, usize)>,
}

impl Derived {
    /// Folds documents in stamp order.
    fn of(said: &[Said]) -> Self {
        let mut derived = Self::default();
        let mut rows: BTreeMap<(String, i32), LibraryRow> = BTreeMap::new();
        let mut present: BTreeMap<i32, BTreeSet<String>> = BTreeMap::new();
        for (nth, said) in said.iter().enumerate() {
            let list = present.entry(said.version).or_default();
            if said.is_full {
                list.clear();
                derived.listed.insert(said.version);
            }
            for entry in &said.entries {
                list.insert(entry.name.clone());
                derived.names.insert(entry.name.clone());
                derived.categories.extend(entry.categories.iter().flatten().cloned());
                let people = entry.authors.iter().chain(&entry.maintainers).flatten();
                derived.people.extend(people.map(|person| (person.clone(), nth)));
                rows.entry((entry.name.clone(), said.version)).or_default().state(entry);
            }
        }
        rows.retain(|(name, version), _| present.get(version).is_some_and(|l| l.contains(name)));
        derived.rows = rows;
        derived
    }

    /// The categories of a library: those of its greatest version that states any.
    pub fn categories_of(&self, name: &str) -> BTreeSet<&str> {
        self.rows
            .range((name.to_owned(), i32::MIN)..=(name.to_owned(), i32::MAX))
            .rev()
            .find_map(|(_, row)| row.categories.as_ref())
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }
}

/// A repository of the batch: what is derived for it, and who is in it.
#[derive(Debug)]
pub struct Repository {
    /// `github_repository.id`.
    pub id: i64,
    /// What its documents say.
    pub derived: Derived,
    /// `github_account.id` of everybody named.
    pub accounts: HashMap<Named, i64>,
}

/// Stores documents; one outcome for each entry, in order.
pub async fn store(tx: &mut Tx<'_>, documents: &[Document<'_>]) -> QueryResult<Vec<Outcome>> {
    super::lock(tx).await?;
    let before = Catalogue::load(tx.conn).await?;
    let kept: Vec<Statement> = documents.iter().map(statement).collect();
    statements::keep(tx, FOLD, &kept).await?;
    let repositories = repositories(tx, documents).await?;

    let places: BTreeSet<Place> = repositories
        .values()
        .flat_map(|r| r.derived.names.iter().map(|name| (r.id, name.clone())))
        .collect();
    let libraries = reference::make_libraries(tx, &places, false).await?;
    let versions: BTreeSet<Version> = documents.iter().map(|document| document.version).collect();
    let first = documents.iter().flat_map(|d| &d.entries).map(|(index, _)| *index).next();
    let mut version_ids: BTreeMap<i32, i64> = version::ids(tx, &versions, first.unwrap_or(0))
        .await?
        .into_iter()
        .map(|(version, id)| (version.key(), id))
        .collect();
    version_ids.extend(known_versions(tx, &repositories).await?);

    let written = write_rows(tx, &repositories, &libraries, &version_ids).await?;
    let mut changed =
        roles::store_roles(tx, &repositories, &libraries, &version_ids, &written.ids).await?;
    changed.extend(roles::store_categories(tx, &repositories, &libraries).await?);
    derive::catalogue_changed(tx, &before, &repositories.values().map(|r| r.id).collect()).await?;

    let mut fresh = written.inserted;
    let mut outcomes = Vec::new();
    for document in documents {
        let Some(repository) = repositories.get(&document.repo.folded()) else { continue };
        for (_, entry) in &document.entries {
            let key = (entry.name.clone(), document.version.key());
            let library = libraries.get(&(repository.id, entry.name.clone())).copied();
            let row = library
                .zip(version_ids.get(&key.1).copied())
                .and_then(|pair| written.ids.get(&pair).copied());
            let action = match (row, repository.derived.rows.get(&key)) {
                (Some(row), _) if fresh.remove(&row) => Action::Inserted,
                (Some(row), Some(derived)) if derived.holds(entry) => {
                    let library = library.unwrap_or_default();
                    if written.updated.contains(&row) || changed.contains(row, library) {
                        Action::Updated
                    } else {
                        Action::Unchanged
                    }
                }
                _ => Action::Stale,
            };
            outcomes.push(Outcome { action, table: "boost_library_version", row_id: row });
        }
    }
    Ok(outcomes)
}

/// Of one content only the newest statement is kept; different contents are kept beside each other,
/// because one may state what the other does not.
fn statement(document: &Document<'_>) -> Statement {
    let said = Said {
        version: document.version.key(),
        is_full: document.is_full,
        entries: document.entries.iter().map(|(_, entry)| (*entry).clone()).collect(),
    };
    Statement {
        scope: document.repo.folded().to_string(),
        key: format!("{}@{}", document.version, hex::encode(&document.stamp.digest)),
        stamp: document.stamp.clone(),
        body: serde_json::to_value(said).unwrap_or_default(),
        item: document.entries.first().map_or(0, |(index, _)| *index),
    }
}

/// The repositories of documents, by folded name, with everything that is kept about them. Two names
/// of one repository (it was renamed) are one.
async fn repositories(
    tx: &mut Tx<'_>,
    documents: &[Document<'_>],
) -> QueryResult<BTreeMap<RepoName, Repository>> {
    let names: Vec<RepoName> = documents.iter().map(|document| document.repo.folded()).collect();
    let scopes: Vec<String> = names.iter().map(ToString::to_string).collect();
    let kept = statements::of(tx, FOLD, scopes.iter().map(String::as_str)).await?;
    let mut accounts = Accounts::default();
    let mut found: BTreeMap<RepoName, (Derived, Vec<(Named, _)>)> = BTreeMap::new();
    for name in names {
        let statements = kept.get(&name.to_string()).map(Vec::as_slice).unwrap_or_default();
        let said: Vec<(&Statement, Said)> = statements
            .iter()
            .filter_map(|s| Some((s, serde_json::from_value(s.body.clone()).ok()?)))
            .collect();
        let derived = Derived::of(&said.iter().map(|(_, said)| said.clone()).collect::<Vec<_>>());
        let mut people = Vec::new();
        for (person, nth) in &derived.people {
            let Statement { stamp, item, .. } = said[*nth].0;
            let at = stamp.source_at;
            let handle = accounts.mention(person.person(), at, stamp.as_of, *item);
            if let Some(address) = &person.address {
                accounts.address(handle, address.clone(), at);
            }
            people.push((person.clone(), handle));
        }
        found.insert(name, (derived, people));
    }
    let named: Vec<(i32, RepoName)> = documents
        .iter()
        .map(|d| (d.entries.first().map_or(0, |(index, _)| *index), d.repo.clone()))
        .collect();
    let (stored, ids) = named::store(tx, accounts, &named).await?;
    found
        .into_iter()
        .map(|(name, (derived, people))| {
            let id = ids.get(&name).copied().ok_or(diesel::result::Error::NotFound)?;
            let accounts =
                people.into_iter().map(|(person, handle)| (person, stored.id(handle))).collect();
            Ok((name, Repository { id, derived, accounts }))
        })
        .collect()
}

/// Every version that documents of the repositories are about, by macro number.
async fn known_versions(
    tx: &mut Tx<'_>,
    repositories: &BTreeMap<RepoName, Repository>,
) -> QueryResult<BTreeMap<i32, i64>> {
    let keys: BTreeSet<i32> = repositories
        .values()
        .flat_map(|r| r.derived.rows.keys().map(|(_, key)| *key).chain(r.derived.listed.clone()))
        .collect();
    let mut select = Sql::new("select version_key, id from boost_version where version_key = any(");
    select.bind_all(SqlType::Int, keys.into_iter().map(Value::Int)).push(")");
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::Int(key), Value::BigInt(id)] => Some((*key, *id)),
            _ => None,
        })
        .collect())
}

/// What [`write_rows`] did.
#[derive(Debug, Default)]
struct Written {
    /// `boost_library_version.id` by library and version.
    ids: HashMap<(i64, i64), i64>,
    inserted: BTreeSet<i64>,
    updated: BTreeSet<i64>,
}

/// Makes `boost_library_version` what is derived: rows that no list names go, unless documentation
/// hangs on them; then they are emptied.
async fn write_rows(
    tx: &mut Tx<'_>,
    repositories: &BTreeMap<RepoName, Repository>,
    libraries: &HashMap<Place, i64>,
    versions: &BTreeMap<i32, i64>,
) -> QueryResult<Written> {
    let mut wanted: BTreeMap<(i64, i64), &LibraryRow> = BTreeMap::new();
    let mut listed: BTreeSet<(i64, i64)> = BTreeSet::new();
    for repository in repositories.values() {
        for ((name, version), row) in &repository.derived.rows {
            let library = libraries.get(&(repository.id, name.clone()));
            if let (Some(library), Some(version)) = (library, versions.get(version)) {
                wanted.insert((*library, *version), row);
            }
        }
        let ids = repository.derived.listed.iter().filter_map(|key| versions.get(key));
        listed.extend(ids.map(|version| (repository.id, *version)));
    }
    let mut written = Written::default();
    let stored = Given::default()
        .ids("repo", repositories.values().map(|repository| repository.id))
        .statement(
            "select distinct on (lv.id) lv.id, l.repo_id, lv.library_id, lv.version_id, \
             lv.cpp_version, lv.description, lv.documentation, lv.key, \
             exists (select from boost_library_documentation d \
                     where d.boost_library_version_id = lv.id) from",
            "join boost_library l on l.repo_id = u.repo and not l.is_stub \
             join boost_library_version lv on lv.library_id = l.id order by lv.id",
        );
    let (mut gone, mut altered) = (Vec::new(), Vec::new());
    let empty = LibraryRow::default();
    for row in tx.query(stored).await? {
        let Ok(
            [
                Value::BigInt(id),
                Value::BigInt(repo),
                Value::BigInt(library),
                Value::BigInt(version),
                Value::Text(cpp_version),
                Value::Text(description),
                Value::Text(documentation),
                Value::Text(key),
                Value::Bool(is_documented),
            ],
        ) = <[Value; 9]>::try_from(row.0)
        else {
            continue;
        };
        let stored = [cpp_version, description, documentation, key];
        let texts = |row: &LibraryRow| {
            [&row.cpp_version, &row.description, &row.documentation, &row.key].map(Clone::clone)
        };
        let row = match wanted.remove(&(library, version)) {
            Some(row) => row,
            None if !listed.contains(&(repo, version)) => continue,
            None if is_documented => &empty,
            None => {
                gone.push(id);
                continue;
            }
        };
        written.ids.insert((library, version), id);
        if texts(row) == stored {
            tx.count("boost_library_version").unchanged += 1;
        } else {
            written.updated.insert(id);
            altered.push((id, row));
        }
    }
    tx.count("boost_library_version").deleted += gone.len() as u64;
    tx.count("boost_library_version").updated += altered.len() as u64;
    if !gone.is_empty() {
        let mut delete = Sql::new("delete from boost_library_version where id = any(");
        delete.bind_all(SqlType::BigInt, gone.into_iter().map(Value::BigInt)).push(")");
        tx.execute(delete).await?;
    }
    let made = reference::library_versions(tx, &wanted.keys().copied().collect()).await?;
    for (pair, row) in wanted {
        let Some(id) = made.get(&pair) else { continue };
        written.ids.insert(pair, *id);
        written.inserted.insert(*id);
        altered.push((*id, row));
    }
    write_texts(tx, altered).await?;
    Ok(written)
}

async fn write_texts(tx: &mut Tx<'_>, mut rows: Vec<(i64, &LibraryRow)>) -> QueryResult<()> {
    rows.sort_by_key(|(id, _)| *id);
    if rows.is_empty() {
        return Ok(());
    }
    let mut update = Sql::new(
        "update boost_library_version t set cpp_version = u.cpp, description = u.description, \
         documentation = u.documentation, key = u.key, updated_at = ",
    );
    update.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
    Given::default()
        .ids("id", rows.iter().map(|(id, _)| *id))
        .texts("cpp", rows.iter().map(|(_, row)| row.cpp_version.as_str()))
        .texts("description", rows.iter().map(|(_, row)| row.description.as_str()))
        .texts("documentation", rows.iter().map(|(_, row)| row.documentation.as_str()))
        .texts("key", rows.iter().map(|(_, row)| row.key.as_str()))
        .append(&mut update);
    update.push(" where t.id = u.id");
    tx.execute(update).await?;
    Ok(())
}
