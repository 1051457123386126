//! Stub libraries: made of references that mean no library, gone as soon as they mean one.

use std::collections::BTreeSet;

use diesel::QueryResult;

use super::catalogue::Catalogue;
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{join, register::Draft, tx::Tx},
};

/// Merges stubs into the libraries that their references mean now. Few at a time: each reference is
/// merged once.
pub async fn merge_resolved(tx: &mut Tx<'_>, catalogue: &Catalogue) -> QueryResult<()> {
    let stubs =
        Statement::new("select id, repo_id, name from boost_library where is_stub order by id");
    let mut left = BTreeSet::new();
    for row in tx.query(stubs).await? {
        let Ok([Value::BigInt(stub), Value::BigInt(repo), Value::Text(name)]) =
            <[Value; 3]>::try_from(row.0)
        else {
            continue;
        };
        if let Some(library) = catalogue.resolve(&name) {
            let stamped = [super::headers::HeaderDraft::table()];
            join::merge(tx, &stamped, "boost_library", stub, library.id).await?;
            left.insert(repo);
        }
    }
    leave_repositories(tx, &left).await
}

/// Removes the stubs that nothing names any more: no dependency of `named`, no documentation.
pub async fn drop_unused(tx: &mut Tx<'_>, named: &BTreeSet<i64>) -> QueryResult<()> {
    let mut delete = Statement::new(
        "delete from boost_library l where l.is_stub \
         and not exists (select from boost_library_version lv where lv.library_id = l.id) \
         and l.id <> all(",
    );
    delete.bind_all(SqlType::BigInt, named.iter().copied().map(Value::BigInt));
    delete.push(") returning l.repo_id");
    let left = tx.ids(delete).await?;
    tx.count("boost_library").deleted += left.len() as u64;
    leave_repositories(tx, &left.into_iter().collect()).await
}

/// Removes what was made of a repository for a stub's sake alone, so that it does not matter whether
/// the reference or the library came first.
async fn leave_repositories(tx: &mut Tx<'_>, repositories: &BTreeSet<i64>) -> QueryResult<()> {
    if repositories.is_empty() {
        return Ok(());
    }
    let given = || repositories.iter().copied().map(Value::BigInt);
    let mut delete = Statement::new("delete from boost_library_repository r where r.id = any(");
    delete.bind_all(SqlType::BigInt, given());
    delete.push(") and not exists (select from boost_library l where l.repo_id = r.id)");
    let gone = tx.execute(delete).await? as u64;
    tx.count("boost_library_repository").deleted += gone;
    // Only rows that no payload has ever described and that nothing points at. Rows that somebody is
    // just about to point at are locked, and stay.
    let mut delete = Statement::new(
        "delete from github_repository where id in (select r.id from github_repository r \
         where r.github_repo_id is null and r.source_at is null and r.source_digest = ''",
    );
    for (table, column) in [
        ("git_commit", "repo_id"),
        ("github_file", "repo_id"),
        ("issue", "repo_id"),
        ("pull_request", "repo_id"),
        ("repo_language", "repo_id"),
        ("repo_license", "repo_id"),
        ("former_repository_name", "repo_id"),
        ("boost_library_repository", "id"),
        ("boost_external_repository", "id"),
    ] {
        delete.push(&format!(" and not exists (select from {table} c where c.{column} = r.id)"));
    }
    // Nor one of which a document listed the libraries, if only to say that there are none.
    delete.push(
        " and not exists (select from statement s, github_account a where s.fold = 'boost.libraries' \
         and a.id = r.owner_account_id and s.scope = lower(a.username) || '/' || lower(r.repo_name))",
    );
    delete.push(" and r.id = any(").bind_all(SqlType::BigInt, given());
    delete.push(") for update skip locked)");
    let gone = tx.execute(delete).await? as u64;
    tx.count("github_repository").deleted += gone;
    Ok(())
}
