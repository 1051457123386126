//! `boost_file`: which library a repository's file belongs to.
//!
//! Derived: the newest list of headers that names the file; else the repository's only library; else
//! the library with the repository's name; else none. Evaluated again when a file, a library or a
//! list of headers comes.

use std::collections::BTreeSet;

use diesel::QueryResult;

use super::catalogue::Catalogue;
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::usage::ingest::resolve,
    ingest::{given::Given, tx::Tx},
};

/// What evaluating files changed. Each list is sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that belong to a library now and did not before.
    pub gained: Vec<i64>,
    /// Files that belong to another library now.
    pub moved: Vec<i64>,
    /// Files that belong to no library any more. Their `boost_file` rows are still there: what
    /// points at them must point elsewhere first.
    pub lost: Vec<i64>,
}

/// Evaluates every file of repositories, present and deleted ones alike, and lets usages follow.
pub async fn follow_repositories(
    tx: &mut Tx<'_>,
    catalogue: &Catalogue,
    repositories: &BTreeSet<i64>,
) -> QueryResult<()> {
    if repositories.is_empty() {
        return Ok(());
    }
    hold(tx, repositories, "pg_advisory_xact_lock").await?;
    let changes = evaluate(tx, catalogue, repositories, None).await?;
    settle(tx, &changes, &[]).await
}

/// Evaluates files of repositories, and lets usages follow.
pub async fn follow_files(
    tx: &mut Tx<'_>,
    catalogue: &Catalogue,
    repositories: &BTreeSet<i64>,
    files: &BTreeSet<i64>,
) -> QueryResult<()> {
    if files.is_empty() {
        return Ok(());
    }
    hold(tx, repositories, "pg_advisory_xact_lock").await?;
    let changes = evaluate(tx, catalogue, repositories, Some(files)).await?;
    settle(tx, &changes, &[]).await
}

/// What commits, scans and file lists call for the files that they made or changed, by repository.
/// Costs two small statements where no repository has a library.
pub async fn touched(tx: &mut Tx<'_>, files: &BTreeSet<(i64, i64)>) -> QueryResult<()> {
    let repositories: BTreeSet<i64> = files.iter().map(|(repo, _)| *repo).collect();
    if repositories.is_empty() {
        return Ok(());
    }
    // Whoever makes a library of the repository meanwhile waits, and then sees these files.
    hold(tx, &repositories, "pg_advisory_xact_lock_shared").await?;
    let mut select = Statement::new("select id from boost_library_repository where id = any(");
    select.bind_all(SqlType::BigInt, repositories.into_iter().map(Value::BigInt)).push(")");
    let repositories: BTreeSet<i64> = tx.ids(select).await?.into_iter().collect();
    if repositories.is_empty() {
        return Ok(());
    }
    let catalogue = Catalogue::load(tx.conn).await?;
    let files: BTreeSet<i64> = files
        .iter()
        .filter(|(repo, _)| repositories.contains(repo))
        .map(|(_, file)| *file)
        .collect();
    let changes = evaluate(tx, &catalogue, &repositories, Some(&files)).await?;
    // Of several files that match a header one that is not deleted wins, so each may matter.
    let files: Vec<i64> = files.into_iter().collect();
    settle(tx, &changes, &files).await
}

/// Holds repositories until the transaction ends: who adds files shares them, who changes libraries
/// has them alone, so that no file misses its library.
async fn hold(tx: &mut Tx<'_>, repositories: &BTreeSet<i64>, lock: &str) -> QueryResult<()> {
    let mut statement = Statement::new(format!(
        "select count({lock}(l.key)::text) from (select \
         hashtextextended('boost_file:' || u.repo, 0) as key from "
    ));
    Given::default().ids("repo", repositories.iter().copied()).append(&mut statement);
    statement.push(" order by 1) l");
    tx.query(statement).await?;
    Ok(())
}

/// Lets usages follow the files, then removes the files that no library has.
async fn settle(tx: &mut Tx<'_>, changes: &Changes, altered: &[i64]) -> QueryResult<()> {
    let mut appeared: BTreeSet<i64> = altered.iter().copied().collect();
    appeared.extend(&changes.gained);
    appeared.extend(&changes.moved);
    let appeared: Vec<i64> = appeared.into_iter().collect();
    resolve::files_changed(tx, &appeared, &changes.lost).await?;
    if !changes.lost.is_empty() {
        let mut delete = Statement::new("delete from boost_file where id = any(");
        delete.bind_all(SqlType::BigInt, changes.lost.iter().copied().map(Value::BigInt)).push(")");
        let lost = tx.execute(delete).await? as u64;
        tx.count("boost_file").deleted += lost;
    }
    Ok(())
}

/// Writes what files belong to now, and gives what changed. Those that belong to nothing any more
/// keep their rows until [`settle`].
async fn evaluate(
    tx: &mut Tx<'_>,
    catalogue: &Catalogue,
    repositories: &BTreeSet<i64>,
    files: Option<&BTreeSet<i64>>,
) -> QueryResult<Changes> {
    let default = |repo: &i64| {
        catalogue.default_of(*repo).map_or(Value::Null, |library| Value::BigInt(library.id))
    };
    let mut statement = Statement::new(
        "select f.id, coalesce(h.library_id, u.rule), h.id is not null, b.id is not null from ",
    );
    Given::default()
        .ids("repo", repositories.iter().copied())
        .with("rule", SqlType::BigInt, repositories.iter().map(default))
        .append(&mut statement);
    statement.push(
        " join github_file f on f.repo_id = u.repo \
         left join (boost_header_statement h join boost_library l on l.id = h.library_id \
             and (l.headers_listed_at is null or h.source_at >= l.headers_listed_at)) on h.id = f.id \
         left join boost_file b on b.id = f.id \
         where (b.library_id is distinct from coalesce(h.library_id, u.rule) or b.id is not null \
             and b.assigned_by <> case when h.id is null then 'rule' else 'statement' end)",
    );
    if let Some(files) = files {
        statement.push(" and f.id = any(");
        statement.bind_all(SqlType::BigInt, files.iter().copied().map(Value::BigInt)).push(")");
    }
    statement.push(" order by f.id");
    let mut changes = Changes::default();
    let mut written: Vec<(i64, i64, &str)> = Vec::new();
    for row in tx.query(statement).await? {
        match row.0.as_slice() {
            [
                Value::BigInt(file),
                Value::BigInt(library),
                Value::Bool(stated),
                Value::Bool(had),
            ] => {
                let list = if *had { &mut changes.moved } else { &mut changes.gained };
                list.push(*file);
                written.push((*file, *library, if *stated { "statement" } else { "rule" }));
            }
            [Value::BigInt(file), Value::Null, ..] => changes.lost.push(*file),
            _ => {}
        }
    }
    tx.count("boost_file").inserted += changes.gained.len() as u64;
    tx.count("boost_file").updated += changes.moved.len() as u64;
    for chunk in written.chunks(10_000) {
        write(tx, chunk).await?;
    }
    Ok(changes)
}

async fn write(tx: &mut Tx<'_>, files: &[(i64, i64, &str)]) -> QueryResult<()> {
    let mut insert = Statement::new(
        "insert into boost_file (id, library_id, assigned_by) select u.id, u.library, u.by from ",
    );
    Given::default()
        .ids("id", files.iter().map(|(id, ..)| *id))
        .ids("library", files.iter().map(|(_, library, _)| *library))
        .texts("by", files.iter().map(|(.., by)| *by))
        .append(&mut insert);
    insert.push(
        " on conflict (id) do update set library_id = excluded.library_id, \
         assigned_by = excluded.assigned_by",
    );
    tx.execute(insert).await?;
    Ok(())
}
