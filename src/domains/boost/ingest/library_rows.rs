//! The rows of libraries: what [`super::library_fold`] derives, written where it differs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use super::{
    catalogue::Catalogue,
    derive,
    libraries::Document,
    library_fold::{Derived, LibraryRow, Said},
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

    let items = Items::of(documents);
    let places: BTreeMap<Place, i32> = repositories
        .values()
        .flat_map(|r| r.derived.names.iter().map(|name| (r.id, name.clone())))
        .map(|place| {
            let item = items.of_library(&place.1);
            (place, item)
        })
        .collect();
    let libraries = reference::make_libraries(tx, &places, false).await?;
    let versions: BTreeSet<Version> = documents.iter().map(|document| document.version).collect();
    let mut version_ids: BTreeMap<i32, i64> = version::ids(tx, &versions, items.first)
        .await?
        .into_iter()
        .map(|(version, id)| (version.key(), id))
        .collect();
    version_ids.extend(known_versions(tx, &repositories).await?);

    let written = write_rows(tx, &repositories, &libraries, &version_ids, &items).await?;
    let mut changed =
        roles::store_roles(tx, &repositories, &libraries, &version_ids, &written.ids).await?;
    changed.extend(roles::store_categories(tx, &repositories, &libraries, items.first).await?);
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
    let owners: Vec<(i32, RepoName)> = documents
        .iter()
        .map(|d| (d.entries.first().map_or(0, |(index, _)| *index), d.repo.clone()))
        .collect();
    let (stored, ids) = named::store(tx, accounts, &owners).await?;
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

/// Which item of the batch a row comes from: the last that names the library.
struct Items<'d> {
    first: i32,
    last: HashMap<&'d str, i32>,
}

impl<'d> Items<'d> {
    fn of(documents: &'d [Document<'_>]) -> Self {
        let items = || documents.iter().flat_map(|document| &document.entries);
        Self {
            first: items().next().map_or(0, |(index, _)| *index),
            last: items().map(|(index, entry)| (entry.name.as_str(), *index)).collect(),
        }
    }

    fn of_library(&self, name: &str) -> i32 {
        self.last.get(name).copied().unwrap_or(self.first)
    }
}

/// A row to write, and the item that it comes from.
#[derive(Clone, Copy)]
struct Wanted<'r> {
    row: &'r LibraryRow,
    item: i32,
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
    items: &Items<'_>,
) -> QueryResult<Written> {
    let mut wanted: BTreeMap<(i64, i64), Wanted<'_>> = BTreeMap::new();
    let mut listed: BTreeSet<(i64, i64)> = BTreeSet::new();
    for repository in repositories.values() {
        for ((name, version), row) in &repository.derived.rows {
            let library = libraries.get(&(repository.id, name.clone()));
            if let (Some(library), Some(version)) = (library, versions.get(version)) {
                let item = items.of_library(name);
                wanted.insert((*library, *version), Wanted { row, item });
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
    let emptied = Wanted { row: &empty, item: items.first };
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
        let wanted = match wanted.remove(&(library, version)) {
            Some(wanted) => wanted,
            None if !listed.contains(&(repo, version)) => continue,
            None if is_documented => emptied,
            None => {
                gone.push(id);
                continue;
            }
        };
        written.ids.insert((library, version), id);
        if texts(wanted.row) == stored {
            tx.count("boost_library_version").unchanged += 1;
        } else {
            written.updated.insert(id);
            altered.push((id, wanted));
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
    for (pair, wanted) in wanted {
        let Some(id) = made.get(&pair) else { continue };
        written.ids.insert(pair, *id);
        written.inserted.insert(*id);
        altered.push((*id, wanted));
    }
    write_texts(tx, altered).await?;
    Ok(written)
}

async fn write_texts(tx: &mut Tx<'_>, mut rows: Vec<(i64, Wanted<'_>)>) -> QueryResult<()> {
    rows.sort_by_key(|(id, _)| *id);
    if rows.is_empty() {
        return Ok(());
    }
    let mut update = Sql::new(
        "update boost_library_version t set cpp_version = u.cpp, description = u.description, \
         documentation = u.documentation, key = u.key, updated_at = ",
    );
    update.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
    update.push(", source_item = u.item, source_receipt = ");
    update.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(" from ");
    Given::default()
        .ids("id", rows.iter().map(|(id, _)| *id))
        .texts("cpp", rows.iter().map(|(_, wanted)| wanted.row.cpp_version.as_str()))
        .texts("description", rows.iter().map(|(_, wanted)| wanted.row.description.as_str()))
        .texts("documentation", rows.iter().map(|(_, wanted)| wanted.row.documentation.as_str()))
        .texts("key", rows.iter().map(|(_, wanted)| wanted.row.key.as_str()))
        .with("item", SqlType::Int, rows.iter().map(|(_, wanted)| Value::Int(wanted.item)))
        .append(&mut update);
    update.push(" where t.id = u.id");
    tx.execute(update).await?;
    Ok(())
}
