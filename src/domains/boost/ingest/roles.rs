//! Authors, maintainers and categories of libraries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use super::{library_rows::Repository, reference::Place};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        repo_name::RepoName,
        sets::{self, Column, Listed, MemberKey, Mode, Set},
        tx::Tx,
    },
};

static ROLES: Set = Set {
    table: "boost_library_role_relationship",
    parent: "library_version_id",
    key: Column::new("account_id", SqlType::BigInt),
    values: &[Column::new("is_author", SqlType::Bool), Column::new("is_maintainer", SqlType::Bool)],
    created_at: true,
    updated_at: true,
};

static CATEGORIES: Set = Set {
    table: "boost_library_category_relationship",
    parent: "library_id",
    key: Column::new("category_id", SqlType::BigInt),
    values: &[],
    created_at: true,
    updated_at: true,
};

/// Libraries of which a role or a category changed.
#[derive(Debug, Default)]
pub struct Changed {
    versions: BTreeSet<i64>,
    libraries: BTreeSet<i64>,
}

impl Changed {
    /// Whether a library in a version, or the library, is among them.
    pub fn contains(&self, library_version: i64, library: i64) -> bool {
        self.versions.contains(&library_version) || self.libraries.contains(&library)
    }

    /// Adds others.
    pub fn extend(&mut self, other: Self) {
        self.versions.extend(other.versions);
        self.libraries.extend(other.libraries);
    }
}

/// Makes the roles of every library in every version what is derived. `rows` are
/// `boost_library_version.id` by library and version; those that are not derived have no roles.
pub async fn store_roles(
    tx: &mut Tx<'_>,
    repositories: &BTreeMap<RepoName, Repository>,
    libraries: &HashMap<Place, i64>,
    versions: &BTreeMap<i32, i64>,
    rows: &HashMap<(i64, i64), i64>,
) -> QueryResult<Changed> {
    let mut lists: BTreeMap<i64, BTreeMap<MemberKey, Vec<Value>>> =
        rows.values().map(|id| (*id, BTreeMap::new())).collect();
    for repository in repositories.values() {
        for ((name, version), row) in &repository.derived.rows {
            let pair = libraries.get(&(repository.id, name.clone())).zip(versions.get(version));
            let Some(members) = pair
                .and_then(|(library, version)| rows.get(&(*library, *version)))
                .and_then(|id| lists.get_mut(id))
            else {
                continue;
            };
            for (people, column) in [(&row.authors, 0), (&row.maintainers, 1)] {
                for person in people {
                    let Some(account) = repository.accounts.get(person) else { continue };
                    let flags = members
                        .entry(MemberKey::Id(*account))
                        .or_insert_with(|| vec![Value::Bool(false); 2]);
                    flags[column] = Value::Bool(true);
                }
            }
        }
    }
    let lists: Vec<Listed> = lists
        .into_iter()
        .map(|(parent, members)| Listed { parent, fresh: false, members })
        .collect();
    let versions = sets::apply(tx, &ROLES, Mode::Replace, &lists).await?;
    Ok(Changed { versions, libraries: BTreeSet::new() })
}

/// Makes the categories of libraries those of their greatest version that states any.
pub async fn store_categories(
    tx: &mut Tx<'_>,
    repositories: &BTreeMap<RepoName, Repository>,
    libraries: &HashMap<Place, i64>,
) -> QueryResult<Changed> {
    let names: BTreeSet<&str> = repositories
        .values()
        .flat_map(|repository| repository.derived.categories.iter().map(String::as_str))
        .collect();
    let ids = category_ids(tx, &names).await?;
    let mut lists: Vec<Listed> = Vec::new();
    for repository in repositories.values() {
        for name in &repository.derived.names {
            let Some(parent) = libraries.get(&(repository.id, name.clone())) else { continue };
            let members = repository
                .derived
                .categories_of(name)
                .into_iter()
                .filter_map(|category| Some((MemberKey::Id(*ids.get(category)?), Vec::new())))
                .collect();
            lists.push(Listed { parent: *parent, fresh: false, members });
        }
    }
    let libraries = sets::apply(tx, &CATEGORIES, Mode::Replace, &lists).await?;
    Ok(Changed { versions: BTreeSet::new(), libraries })
}

/// The ids of categories; missing ones are made.
async fn category_ids(
    tx: &mut Tx<'_>,
    names: &BTreeSet<&str>,
) -> QueryResult<HashMap<String, i64>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut insert = Statement::new(
        "insert into boost_library_category (name, created_at, updated_at) select u.name, ",
    );
    for end in ["::timestamptz, ", "::timestamptz from "] {
        insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(end);
    }
    Given::default().texts("name", names.iter().copied()).append(&mut insert);
    insert.push(" on conflict (name) do nothing");
    let made = tx.execute(insert).await? as u64;
    tx.count("boost_library_category").inserted += made;
    let mut select =
        Statement::new("select name, id from boost_library_category where name = any(");
    select
        .bind_all(SqlType::Text, names.iter().map(|name| Value::Text((*name).to_owned())))
        .push(")");
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::Text(name), Value::BigInt(id)]) => Some((name, id)),
            _ => None,
        })
        .collect())
}
