//! Library references against the database: what they mean, and stubs of those that mean nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use super::{
    OWNER,
    catalogue::{Catalogue, repository_of},
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::github::ingest::{accounts::Accounts, named},
    ingest::{given::Given, repo_name::RepoName, tx::Tx},
};

/// The libraries of references, `boost_library.id`; a reference that means none has no entry.
pub async fn resolve<'r>(
    tx: &mut Tx<'_>,
    references: impl IntoIterator<Item = &'r str>,
) -> QueryResult<HashMap<String, i64>> {
    let catalogue = Catalogue::load(tx.conn).await?;
    Ok(references
        .into_iter()
        .filter_map(|reference| Some((reference.to_owned(), catalogue.resolve(reference)?.id)))
        .collect())
}

/// The same in a catalogue at hand, and references that mean no library get a stub. `references` come
/// with the index of an item that has them. Call [`super::lock`] first, and this before other rows are
/// locked.
pub async fn resolve_or_make(
    tx: &mut Tx<'_>,
    catalogue: &Catalogue,
    references: &BTreeMap<String, i32>,
) -> QueryResult<HashMap<String, i64>> {
    let mut ids = HashMap::new();
    let mut stubs: BTreeMap<&str, i32> = BTreeMap::new();
    for (reference, item) in references {
        match catalogue.resolve(reference) {
            Some(library) => {
                ids.insert(reference.clone(), library.id);
            }
            None => {
                stubs.insert(reference, *item);
            }
        }
    }
    let known = known_stubs(tx, stubs.keys().copied()).await?;
    stubs.retain(|reference, _| !known.contains_key(*reference));
    ids.extend(known);
    if !stubs.is_empty() {
        ids.extend(make_stubs(tx, &stubs).await?);
    }
    Ok(ids)
}

/// The repository of a reference's stub.
fn stub_repository(reference: &str) -> RepoName {
    RepoName { owner: OWNER.to_owned(), name: repository_of(reference) }
}

/// The name of a reference's stub.
pub fn stub_name(reference: &str) -> String {
    reference.trim().replace('~', "/")
}

/// The stubs that were made of references before.
async fn known_stubs<'r>(
    tx: &mut Tx<'_>,
    references: impl Iterator<Item = &'r str>,
) -> QueryResult<HashMap<String, i64>> {
    let references: Vec<&str> = references.collect();
    if references.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = Given::default()
        .texts("reference", references.iter().copied())
        .texts("repo", references.iter().map(|reference| repository_of(reference)))
        .texts("name", references.iter().map(|reference| stub_name(reference)))
        .statement(
            "select u.reference, l.id from",
            "join boost_library l on l.name = u.name and l.is_stub \
             join github_repository r on r.id = l.repo_id and lower(r.repo_name) = lower(u.repo) \
             join github_account a on a.id = r.owner_account_id where lower(a.username) = ",
        );
    statement.bind(SqlType::Text, Value::Text(OWNER.to_owned()));
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::Text(reference), Value::BigInt(id)]) => Some((reference, id)),
            _ => None,
        })
        .collect())
}

async fn make_stubs(
    tx: &mut Tx<'_>,
    stubs: &BTreeMap<&str, i32>,
) -> QueryResult<HashMap<String, i64>> {
    let names: Vec<(i32, RepoName)> =
        stubs.iter().map(|(reference, item)| (*item, stub_repository(reference))).collect();
    let (_, repositories) = named::store(tx, Accounts::default(), &names).await?;
    let mut wanted = BTreeMap::new();
    let mut places = Vec::new();
    for (reference, (item, repository)) in stubs.keys().zip(&names) {
        let Some(repo_id) = repositories.get(&repository.folded()) else { continue };
        let place = (*repo_id, stub_name(reference));
        wanted.insert(place.clone(), *item);
        places.push(((*reference).to_owned(), place));
    }
    let made = make_libraries(tx, &wanted, true).await?;
    Ok(places
        .into_iter()
        .filter_map(|(reference, place)| Some((reference, *made.get(&place)?)))
        .collect())
}

/// A library's key: its repository, its name.
pub type Place = (i64, String);

/// The rows of libraries by repository and name; missing ones are made, of the items that come with
/// the names. What was a stub and is named by metadata is one no more.
pub async fn make_libraries(
    tx: &mut Tx<'_>,
    places: &BTreeMap<Place, i32>,
    is_stub: bool,
) -> QueryResult<HashMap<Place, i64>> {
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let given = || {
        Given::default()
            .ids("repo", places.keys().map(|(repo, _)| *repo))
            .texts("name", places.keys().map(|(_, name)| name.as_str()))
            .with("item", SqlType::Int, places.values().copied().map(Value::Int))
    };
    let mut repositories = Statement::new(
        "insert into boost_library_repository (id, created_at, updated_at) select distinct u.repo, ",
    );
    for end in ["::timestamptz, ", "::timestamptz from "] {
        repositories.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(end);
    }
    given().append(&mut repositories);
    repositories.push(" order by u.repo on conflict (id) do nothing");
    let made = tx.execute(repositories).await? as u64;
    tx.count("boost_library_repository").inserted += made;

    let mut libraries = Statement::new(
        "insert into boost_library (repo_id, name, source_item, is_stub, source_receipt) \
         select u.repo, u.name, u.item, ",
    );
    libraries.bind(SqlType::Bool, Value::Bool(is_stub)).push(", ");
    libraries.bind(SqlType::BigInt, Value::BigInt(tx.receipt)).push(" from ");
    given().append(&mut libraries);
    libraries.push(
        " on conflict (repo_id, name) do update set is_stub = false, \
         source_receipt = excluded.source_receipt, source_item = excluded.source_item \
         where boost_library.is_stub and not excluded.is_stub returning xmax = 0",
    );
    for row in tx.query(libraries).await? {
        match row.0.as_slice() {
            [Value::Bool(true)] => tx.count("boost_library").inserted += 1,
            _ => tx.count("boost_library").updated += 1,
        }
    }

    let select = given().statement(
        "select l.repo_id, l.name, l.id from",
        "join boost_library l on l.repo_id = u.repo and l.name = u.name",
    );
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 3]>::try_from(row.0) {
            Ok([Value::BigInt(repo), Value::Text(name), Value::BigInt(id)]) => {
                Some(((repo, name), id))
            }
            _ => None,
        })
        .collect())
}

/// The rows of libraries in releases, `boost_library_version.id`, by library and version; missing
/// ones are made with empty texts.
pub async fn library_versions(
    tx: &mut Tx<'_>,
    pairs: &BTreeSet<(i64, i64)>,
) -> QueryResult<HashMap<(i64, i64), i64>> {
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let given = || {
        Given::default()
            .ids("library", pairs.iter().map(|(library, _)| *library))
            .ids("version", pairs.iter().map(|(_, version)| *version))
    };
    let mut insert = Statement::new(
        "insert into boost_library_version (library_id, version_id, created_at, updated_at) \
         select u.library, u.version, ",
    );
    for end in ["::timestamptz, ", "::timestamptz from "] {
        insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(end);
    }
    given().append(&mut insert);
    insert.push(" on conflict (library_id, version_id) do nothing");
    let made = tx.execute(insert).await? as u64;
    tx.count("boost_library_version").inserted += made;
    let select = given().statement(
        "select lv.library_id, lv.version_id, lv.id from",
        "join boost_library_version lv on lv.library_id = u.library and lv.version_id = u.version",
    );
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(library), Value::BigInt(version), Value::BigInt(id)] => {
                Some(((*library, *version), *id))
            }
            _ => None,
        })
        .collect())
}
