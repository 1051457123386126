//! `language`, `license` and the sets of them that repositories have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::QueryResult;

use super::repositories::{License, Repository};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        sets::{self, Column, Listed, MemberKey, Mode, Set},
        tx::Tx,
        upsert::Done,
    },
};

static LANGUAGES: Set = Set {
    table: "repo_language",
    parent: "repo_id",
    key: Column::new("language_id", SqlType::BigInt),
    values: &[Column::new("line_count", SqlType::BigInt)],
    created_at: true,
    updated_at: true,
};

static LICENSES: Set = Set {
    table: "repo_license",
    parent: "repo_id",
    key: Column::new("license_id", SqlType::BigInt),
    values: &[],
    created_at: true,
    updated_at: false,
};

/// Rows to make: the name, and its other columns.
type Rows<'r> = BTreeMap<&'r str, Vec<&'r str>>;

/// The ids of names in a table that has one row a name; missing ones are made, with `columns`.
async fn ids_of_names(
    tx: &mut Tx<'_>,
    table: &str,
    columns: &[&str],
    rows: &Rows<'_>,
) -> QueryResult<HashMap<String, i64>> {
    let mut ids = HashMap::new();
    if rows.is_empty() {
        return Ok(ids);
    }
    for make in [false, true] {
        let missing: Rows<'_> = rows
            .iter()
            .filter(|(name, _)| !ids.contains_key(**name))
            .map(|(name, values)| (*name, values.clone()))
            .collect();
        if missing.is_empty() {
            break;
        }
        if make {
            let mut insert = Statement::new(format!("insert into {table} (created_at, name"));
            for column in columns {
                insert.push(", ").push(column);
            }
            insert.push(") select ");
            insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(", u.name");
            for column in columns {
                insert.push(", u.").push(column);
            }
            insert.push(" from ");
            let mut given = Given::default().texts("name", missing.keys().copied());
            for (nth, column) in columns.iter().enumerate() {
                given = given.texts(column, missing.values().map(|values| values[nth]));
            }
            given.append(&mut insert);
            insert.push(" on conflict (name) do nothing");
            let made = tx.execute(insert).await?;
            tx.count(table).inserted += made as u64;
        }
        let mut select = Statement::new(format!("select name, id from {table} where name = any("));
        select
            .bind_all(SqlType::Text, missing.into_keys().map(|name| Value::Text(name.to_owned())))
            .push(")");
        for row in tx.query(select).await? {
            if let Ok([Value::Text(name), Value::BigInt(id)]) = <[Value; 2]>::try_from(row.0) {
                ids.insert(name, id);
            }
        }
    }
    Ok(ids)
}

/// The ids of languages; missing ones are made.
pub async fn languages(
    tx: &mut Tx<'_>,
    names: &BTreeSet<&str>,
) -> QueryResult<HashMap<String, i64>> {
    let rows = names.iter().map(|name| (*name, Vec::new())).collect();
    ids_of_names(tx, "language", &[], &rows).await
}

/// The ids of licences; missing ones are made, and what is stated of them is filled in. Licences
/// have no time: of several copies the greatest wins, so that order plays no role and blank never
/// does.
async fn licenses(
    tx: &mut Tx<'_>,
    licenses: &BTreeSet<&License>,
) -> QueryResult<HashMap<String, i64>> {
    let mut rows: Rows<'_> = BTreeMap::new();
    for License { name, spdx_id, url } in licenses.iter().copied() {
        let row = rows.entry(name).or_insert_with(|| vec!["", ""]);
        *row = vec![row[0].max(spdx_id), row[1].max(url)];
    }
    let ids = ids_of_names(tx, "license", &["spdx_id", "url"], &rows).await?;
    if rows.is_empty() {
        return Ok(ids);
    }
    let statement = Given::default()
        .texts("name", rows.keys().copied())
        .texts("spdx", rows.values().map(|row| row[0]))
        .texts("url", rows.values().map(|row| row[1]))
        .statement(
            "update license l set spdx_id = greatest(u.spdx collate \"C\", l.spdx_id), \
             url = greatest(u.url collate \"C\", l.url) from",
            "where l.name = u.name \
             and (u.spdx > l.spdx_id collate \"C\" or u.url > l.url collate \"C\")",
        );
    let filled = tx.execute(statement).await?;
    tx.count("license").updated += filled as u64;
    Ok(ids)
}

/// Makes the licence and the languages of repositories what their newest payload says; gives the
/// repositories of which something changed.
pub async fn store_sets(
    tx: &mut Tx<'_>,
    repositories: &[(&Repository, &Done)],
) -> QueryResult<HashSet<i64>> {
    let stated =
        |set: usize| repositories.iter().filter(move |(_, done)| done.sets.get(set) == Some(&true));
    // A name is known once it was seen, also in a payload that came too late to count.
    let named: BTreeSet<&License> = repositories
        .iter()
        .filter_map(|(repository, _)| repository.license.as_ref()?.as_ref())
        .collect();
    let license_ids = licenses(tx, &named).await?;
    let spoken: BTreeSet<&str> = repositories
        .iter()
        .filter_map(|(repository, _)| repository.languages.as_ref())
        .flat_map(|languages| languages.iter().map(|(name, _)| name.as_str()))
        .collect();
    let language_ids = languages(tx, &spoken).await?;

    let list = |done: &Done, members| Listed { parent: done.id, fresh: false, members };
    let license_lists: Vec<Listed> = stated(0)
        .filter_map(|(repository, done)| {
            let license = repository.license.as_ref()?.as_ref();
            let id = license.and_then(|license| license_ids.get(&license.name));
            let members = id.map(|id| (MemberKey::Id(*id), Vec::new())).into_iter().collect();
            Some(list(done, members))
        })
        .collect();
    let language_lists: Vec<Listed> = stated(1)
        .filter_map(|(repository, done)| {
            let members = repository.languages.as_ref()?.iter().filter_map(|(name, bytes)| {
                let id = language_ids.get(name)?;
                Some((MemberKey::Id(*id), vec![Value::BigInt(*bytes)]))
            });
            Some(list(done, members.collect()))
        })
        .collect();
    let mut changed = HashSet::new();
    changed.extend(sets::apply(tx, &LICENSES, Mode::Replace, &license_lists).await?);
    changed.extend(sets::apply(tx, &LANGUAGES, Mode::Replace, &language_lists).await?);
    Ok(changed)
}
