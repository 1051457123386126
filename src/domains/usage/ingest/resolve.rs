//! Which Boost file a header's text means: a function of the text and of the files that are known,
//! found again whenever one of them comes, goes or changes.

use std::collections::HashMap;

use diesel::QueryResult;

use super::derive;
use crate::{
    db::sql::{Row, SqlType, Statement, Value},
    ingest::{given::Given, tx::Tx},
};

/// The advisory lock of the Boost files as usages see them. Who stores usages shares it, from before
/// headers are resolved; who changes the files has it alone, so that each sees what the other did.
/// Taken after every lock on accounts, repositories and files.
const CATALOGUE_LOCK: i64 = 0x7573_6167_6562_6f6f;

/// The most texts or files of one statement.
const CHUNK: usize = 10_000;

/// Which file each text means; texts that none matches are left out. Keeps the files as they are
/// until the transaction ends.
pub async fn resolve<'n>(
    tx: &mut Tx<'_>,
    names: impl IntoIterator<Item = &'n str>,
) -> QueryResult<HashMap<String, i64>> {
    lock(tx, "pg_advisory_xact_lock_shared").await?;
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    let mut found = HashMap::new();
    for names in names.chunks(CHUNK) {
        found.extend(matches(tx, names, &[]).await?);
    }
    Ok(found)
}

/// Lets usages follow the Boost files. `changed` are files that have a library, perhaps since now, or
/// of which `is_deleted` changed; `leaving` those about to lose theirs, whose `boost_file` rows may go
/// when this returns.
pub async fn files_changed(tx: &mut Tx<'_>, changed: &[i64], leaving: &[i64]) -> QueryResult<()> {
    if changed.is_empty() && leaving.is_empty() {
        return Ok(());
    }
    lock(tx, "pg_advisory_xact_lock").await?;
    let files: Vec<i64> = changed.iter().chain(leaving).copied().collect();
    let mut names = Vec::new();
    for files in files.chunks(CHUNK) {
        names.extend(included_as(tx, files).await?);
    }
    names.sort_unstable();
    names.dedup();
    let mut moved = Vec::new();
    for names in names.chunks(CHUNK) {
        let found = matches(tx, names, leaving).await?;
        moved.extend(point(tx, names, &found).await?);
    }
    moved.sort_unstable();
    moved.dedup();
    derive::derive(tx, &moved).await?;
    Ok(())
}

async fn lock(tx: &mut Tx<'_>, lock: &str) -> QueryResult<()> {
    let mut statement = Statement::new(format!("select {lock}("));
    statement.bind(SqlType::BigInt, Value::BigInt(CATALOGUE_LOCK)).push(")::text");
    tx.query(statement).await?;
    Ok(())
}

/// The best match of each text. One text is looked up after the other, by its last segment: however
/// many files there are, few are called the same.
async fn matches(
    tx: &mut Tx<'_>,
    names: &[String],
    without: &[i64],
) -> QueryResult<Vec<(String, i64)>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Statement::new("select u.name, m.id from ");
    Given::default().texts("name", names.iter().map(String::as_str)).append(&mut statement);
    statement.push(
        " cross join lateral (select f.id from github_file f \
         where split_part(f.filename, '/', -1) = split_part(u.name, '/', -1) \
         and (f.filename = u.name or right(f.filename, length(u.name) + 1) = '/' || u.name) \
         and f.id <> all(",
    );
    statement.bind_all(SqlType::BigInt, without.iter().copied().map(Value::BigInt));
    statement.push(
        ") and (select b.id from boost_file b where b.id = f.id) is not null \
         order by f.is_deleted, f.filename <> 'include/' || u.name, length(f.filename), \
         (select a.username || '/' || r.repo_name from github_repository r \
         join github_account a on a.id = r.owner_account_id where r.id = f.repo_id) collate \"C\", \
         f.filename collate \"C\" limit 1) m",
    );
    Ok(tx.query(statement).await?.into_iter().filter_map(named).collect())
}

fn named(row: Row) -> Option<(String, i64)> {
    match <[Value; 2]>::try_from(row.0) {
        Ok([Value::Text(name), Value::BigInt(id)]) => Some((name, id)),
        _ => None,
    }
}

/// The texts that could mean one of the files and that some file includes. The order makes PostgreSQL
/// look each up in the index, and not read all includes until it meets one.
async fn included_as(tx: &mut Tx<'_>, files: &[i64]) -> QueryResult<Vec<String>> {
    let statement = Given::default().ids("id", files.iter().copied()).statement(
        "select distinct n.header_name from",
        "join github_file f on f.id = u.id \
         cross join lateral (select string_to_array(f.filename, '/') as parts) p \
         cross join lateral generate_subscripts(p.parts, 1) s(nth) \
         cross join lateral (select i.header_name from boost_include i \
         where i.header_name = array_to_string(p.parts[s.nth:], '/') \
         order by i.id limit 1) n",
    );
    let rows = tx.query(statement).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.into_iter().next() {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        })
        .collect())
}

/// Points the includes of texts at what they mean now; gives the files of those that changed.
async fn point(
    tx: &mut Tx<'_>,
    names: &[String],
    found: &[(String, i64)],
) -> QueryResult<Vec<i64>> {
    let found: HashMap<&str, i64> = found.iter().map(|(name, id)| (name.as_str(), *id)).collect();
    let meant = names
        .iter()
        .map(|name| found.get(name.as_str()).copied().map_or(Value::Null, Value::BigInt));
    let mut statement =
        Statement::new("with moved as (update boost_include i set boost_header_id = u.id from ");
    Given::default()
        .texts("name", names.iter().map(String::as_str))
        .with("id", SqlType::BigInt, meant)
        .append(&mut statement);
    statement.push(
        " where i.header_name = u.name and i.boost_header_id is distinct from u.id \
         returning i.file_path_id) select distinct file_path_id from moved",
    );
    Ok(derive::ids(tx.query(statement).await?))
}
