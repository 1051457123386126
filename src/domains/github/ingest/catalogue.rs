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

/// The ids of names in a table that has one row a name; missing ones are made.
async fn ids_of_names(
    tx: &mut Tx<'_>,
    table: &str,
    names: &BTreeSet<&str>,
) -> QueryResult<HashMap<String, i64>> {
    let mut ids = HashMap::new();
    if names.is_empty() {
        return Ok(ids);
    }
    for make in [false, true] {
        let missing: Vec<&str> =
            names.iter().copied().filter(|name| !ids.contains_key(*name)).collect();
        if missing.is_empty() {
            break;
        }
        if make {
            let mut insert =
                Statement::new(format!("insert into {table} (name, created_at) select u.name, "));
            insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push(" from ");
            Given::default().texts("name", missing.iter().copied()).append(&mut insert);
            insert.push(" on conflict (name) do nothing");
            let made = tx.execute(insert).await?;
            tx.count(table).inserted += made as u64;
        }
        let mut select = Statement::new(format!("select name, id from {table} where name = any("));
        select
            .bind_all(SqlType::Text, missing.into_iter().map(|name| Value::Text(name.to_owned())))
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
    ids_of_names(tx, "language", names).await
}

/// The ids of licences; missing ones are made, and what is stated of them is filled in.
async fn licenses(
    tx: &mut Tx<'_>,
    licenses: &BTreeSet<&License>,
) -> QueryResult<HashMap<String, i64>> {
    let names = licenses.iter().map(|license| license.name.as_str()).collect();
    let ids = ids_of_names(tx, "license", &names).await?;
    if licenses.is_empty() {
        return Ok(ids);
    }
    // Licences have no time: of several copies the greatest wins, so that order plays no role and
    // blank never does.
    let mut by_name: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for License { name, spdx_id, url } in licenses.iter().copied() {
        let greatest = by_name.entry(name).or_default();
        *greatest = (greatest.0.max(spdx_id), greatest.1.max(url));
    }
    let statement = Given::default()
        .texts("name", by_name.keys().copied())
        .texts("spdx", by_name.values().map(|(spdx_id, _)| *spdx_id))
        .texts("url", by_name.values().map(|(_, url)| *url))
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
