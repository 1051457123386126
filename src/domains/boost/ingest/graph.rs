//! `boost_dependency` and `dependency_change_log`: what depends on what in each release, and what
//! changed from one to the next. Derived from the statements that are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;
use serde::{Deserialize, Serialize};

use super::{catalogue::Catalogue, reference, version, version::Version};
use crate::{
    db::sql::{SqlType, Statement as Sql, Value},
    ingest::{
        given::Given,
        stamp::Stamp,
        statements::{self, Statement},
        tx::Tx,
    },
};

/// The fold of statements about dependencies; a scope is a version.
pub const FOLD: &str = "boost.dependencies";
/// The key of the statement that lists the clients of a version in full.
pub const LIST: &str = "complete";

/// What is kept: the dependencies of a client, or the list of all clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// What a client depends on, as boostdep calls them.
    Client {
        /// The client.
        client: String,
        /// Its dependencies.
        deps: Vec<String>,
    },
    /// Every client of the version.
    Clients {
        /// Their names.
        clients: BTreeSet<String>,
    },
}

/// The dependencies of a version's clients that count: those of a client that a newer full list
/// lacks do not. In stamp order, so that of two names of one library the newer comes last.
fn counting(said: &[(Stamp, Said)]) -> Vec<(&str, &[String])> {
    let list = said.iter().rev().find_map(|(stamp, said)| match said {
        Said::Clients { clients } => Some((stamp.source_at, clients)),
        Said::Client { .. } => None,
    });
    said.iter()
        .filter_map(|(stamp, said)| match said {
            Said::Client { client, deps } => {
                let gone = list.is_some_and(|(at, clients)| {
                    stamp.source_at <= at && !clients.contains(client)
                });
                (!gone).then_some((client.as_str(), deps.as_slice()))
            }
            Said::Clients { .. } => None,
        })
        .collect()
}

/// The pairs of a version, once the libraries of names are known, with the name that the client goes
/// by.
fn pairs<'s>(
    said: &'s [(Stamp, Said)],
    libraries: &HashMap<String, i64>,
) -> BTreeMap<(i64, i64), &'s str> {
    let mut sets: BTreeMap<i64, (&str, BTreeSet<i64>)> = BTreeMap::new();
    for (name, deps) in counting(said) {
        let Some(client) = libraries.get(name) else { continue };
        let deps = deps.iter().filter_map(|dep| libraries.get(dep).copied());
        sets.insert(*client, (name, deps.filter(|dep| dep != client).collect()));
    }
    let each = |(client, (name, deps)): (i64, (&'s str, BTreeSet<i64>))| {
        deps.into_iter().map(move |dep| ((client, dep), name))
    };
    sets.into_iter().flat_map(each).collect()
}

/// Derives dependencies and the log again; names that mean no library get stubs. Gives the libraries
/// that are named.
pub async fn derive(tx: &mut Tx<'_>, catalogue: &Catalogue) -> QueryResult<BTreeSet<i64>> {
    let said = said(tx).await?;
    let mut names: BTreeMap<String, i32> = BTreeMap::new();
    for of_version in said.values() {
        for (client, deps) in counting(of_version) {
            for name in deps.iter().map(String::as_str).chain([client]) {
                names.entry(name.to_owned()).or_default();
            }
        }
    }
    let libraries = reference::resolve_or_make(tx, catalogue, &names).await?;
    let versions = version::ids(tx, &said.keys().copied().collect(), 0).await?;
    let mut wanted = Rows::new();
    for (version, said) in &said {
        let Some(id) = versions.get(version) else { continue };
        for ((client, dep), name) in pairs(said, &libraries) {
            wanted.insert((*id, client, dep), (version.to_string(), format!("client:{name}")));
        }
    }
    write(tx, wanted).await?;
    derive_log(tx).await?;
    Ok(libraries.into_values().collect())
}

/// Every name that a statement has, counting or not.
pub async fn names(tx: &mut Tx<'_>) -> QueryResult<Vec<String>> {
    let mut select = Sql::new(
        "select distinct n.name from statement s cross join lateral \
         (select s.body ->> 'client' union all \
          select jsonb_array_elements_text(s.body -> 'deps')) n(name) \
         where n.name is not null and s.fold = ",
    );
    select.bind(SqlType::Text, Value::Text(FOLD.to_owned()));
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.into_iter().next() {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        })
        .collect())
}

async fn said(tx: &mut Tx<'_>) -> QueryResult<BTreeMap<Version, Vec<(Stamp, Said)>>> {
    let mut select = Sql::new("select distinct scope from statement where fold = ");
    select.bind(SqlType::Text, Value::Text(FOLD.to_owned()));
    let scopes: Vec<String> = tx
        .query(select)
        .await?
        .into_iter()
        .filter_map(|row| match row.0.into_iter().next() {
            Some(Value::Text(scope)) => Some(scope),
            _ => None,
        })
        .collect();
    let kept = statements::of(tx, FOLD, scopes.iter().map(String::as_str)).await?;
    Ok(kept
        .into_iter()
        .filter_map(|(scope, statements)| {
            let said = statements.into_iter().filter_map(|Statement { stamp, body, .. }| {
                Some((stamp, serde_json::from_value(body).ok()?))
            });
            Some((Version::parse(&scope)?, said.collect()))
        })
        .collect())
}

/// Dependencies by version, client and dependency, with scope and key of the statement that says so.
type Rows = BTreeMap<(i64, i64, i64), (String, String)>;

/// Makes `boost_dependency` what is wanted.
async fn write(tx: &mut Tx<'_>, mut wanted: Rows) -> QueryResult<()> {
    let stored =
        Sql::new("select id, version_id, client_library_id, dep_library_id from boost_dependency");
    let mut gone = Vec::new();
    for row in tx.query(stored).await? {
        if let [
            Value::BigInt(id),
            Value::BigInt(version),
            Value::BigInt(client),
            Value::BigInt(dep),
        ] = row.0.as_slice()
            && wanted.remove(&(*version, *client, *dep)).is_none()
        {
            gone.push(*id);
        }
    }
    if !gone.is_empty() {
        tx.count("boost_dependency").deleted += gone.len() as u64;
        let mut delete = Sql::new("delete from boost_dependency where id = any(");
        delete.bind_all(SqlType::BigInt, gone.into_iter().map(Value::BigInt)).push(")");
        tx.execute(delete).await?;
    }
    tx.count("boost_dependency").inserted += wanted.len() as u64;
    let wanted: Vec<_> = wanted.into_iter().collect();
    for chunk in wanted.chunks(10_000) {
        let mut insert = Sql::new(
            "insert into boost_dependency (version_id, client_library_id, dep_library_id, \
             source_receipt, source_item, created_at) \
             select u.version, u.client, u.dep, s.source_receipt, s.source_item, ",
        );
        insert.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now)).push("::timestamptz from ");
        Given::default()
            .ids("version", chunk.iter().map(|((version, ..), _)| *version))
            .ids("client", chunk.iter().map(|((_, client, _), _)| *client))
            .ids("dep", chunk.iter().map(|((.., dep), _)| *dep))
            .texts("scope", chunk.iter().map(|(_, (scope, _))| scope.as_str()))
            .texts("key", chunk.iter().map(|(_, (_, key))| key.as_str()))
            .append(&mut insert);
        insert.push(" left join statement s on s.scope = u.scope and s.key = u.key and s.fold = ");
        insert.bind(SqlType::Text, Value::Text(FOLD.to_owned()));
        tx.execute(insert).await?;
    }
    Ok(())
}

/// Derives the log again from the dependencies: for each two neighbours among the versions of which
/// dependencies are stated, what came and what went. A release without a date logs nothing yet; of
/// two changes of one pair on one day the greater version's stays.
pub async fn derive_log(tx: &mut Tx<'_>) -> QueryResult<()> {
    let rows = tx.query(Sql::new(LOG)).await?;
    if let Some([Value::BigInt(deleted), Value::BigInt(inserted), Value::BigInt(updated)]) =
        rows.first().map(|row| row.0.as_slice())
    {
        let number = |count: &i64| u64::try_from(*count).unwrap_or_default();
        let count = tx.count("dependency_change_log");
        count.deleted += number(deleted);
        count.inserted += number(inserted);
        count.updated += number(updated);
    }
    Ok(())
}

const LOG: &str = "with v as (
    select v.id, v.version_key, (v.version_created_at at time zone 'UTC')::date as day,
        lag(v.id) over (order by v.version_key) as before, s.source_receipt, s.source_item
    from boost_version v cross join lateral (
        select s.source_receipt, s.source_item from statement s
        where s.fold = 'boost.dependencies' and s.scope = v.version
        order by s.source_receipt desc nulls last, s.source_item limit 1) s
), change as (
    select d.client_library_id, d.dep_library_id, true as is_add, v.day, v.version_key, v.id,
        v.source_receipt, v.source_item
    from v join boost_dependency d on d.version_id = v.id
    where v.before is not null and v.day is not null and not exists (
        select from boost_dependency e where e.version_id = v.before
        and e.client_library_id = d.client_library_id and e.dep_library_id = d.dep_library_id)
    union all
    select d.client_library_id, d.dep_library_id, false, v.day, v.version_key, v.id,
        v.source_receipt, v.source_item
    from v join boost_dependency d on d.version_id = v.before
    where v.day is not null and not exists (
        select from boost_dependency e where e.version_id = v.id
        and e.client_library_id = d.client_library_id and e.dep_library_id = d.dep_library_id)
), wanted as (
    select distinct on (client_library_id, dep_library_id, day)
        client_library_id, dep_library_id, is_add, day, id, source_receipt, source_item
    from change order by client_library_id, dep_library_id, day, version_key desc
), gone as (
    delete from dependency_change_log g where not exists (
        select from wanted w where w.client_library_id = g.client_library_id
        and w.dep_library_id = g.dep_library_id and w.day = g.created_at)
    returning 1
), made as (
    insert into dependency_change_log
        (client_library_id, dep_library_id, is_add, created_at, version_id, source_receipt,
        source_item)
    select client_library_id, dep_library_id, is_add, day, id, source_receipt, source_item
    from wanted
    on conflict (client_library_id, dep_library_id, created_at) do update
        set is_add = excluded.is_add, version_id = excluded.version_id,
            source_receipt = excluded.source_receipt, source_item = excluded.source_item
        where (dependency_change_log.is_add, dependency_change_log.version_id)
            <> (excluded.is_add, excluded.version_id)
    returning xmax = 0 as is_new
)
select (select count(*) from gone), (select count(*) from made where is_new),
    (select count(*) from made where not is_new)";

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp { source_at: DateTime::from_timestamp(seconds, 0), ..Stamp::BOTTOM }
    }

    fn client(client: &str, deps: &[&str]) -> Said {
        let deps = deps.iter().map(|&dep| dep.to_owned()).collect();
        Said::Client { client: client.to_owned(), deps }
    }

    #[test]
    fn a_client_that_a_newer_full_list_lacks_does_not_count() {
        let list = Said::Clients { clients: ["a".to_owned()].into() };
        let said = [
            (at(1), client("a", &["x"])),
            (at(1), client("b", &["x"])),
            (at(2), list),
            (at(3), client("c", &[])),
        ];
        let names: Vec<&str> = counting(&said).into_iter().map(|(client, _)| client).collect();
        assert_eq!(names, ["a", "c"]);
    }

    #[test]
    fn names_of_one_library_are_one_client_and_no_library_needs_itself() {
        let libraries: HashMap<String, i64> =
            [("a", 1), ("alias", 1), ("b", 2), ("c", 3)].map(|(n, id)| (n.to_owned(), id)).into();
        let said = [(at(1), client("a", &["b"])), (at(2), client("alias", &["c", "a"]))];
        assert_eq!(pairs(&said, &libraries), [((1, 3), "alias")].into());
    }
}
