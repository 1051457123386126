//! Repositories of libraries under other names: what a reference to a library means, and which library
//! a file belongs to, depend on what its repository is called.

use std::collections::BTreeSet;

use diesel::QueryResult;

use super::repositories::Repository;
use crate::{
    db::sql::{SqlType, Statement, Value},
    domains::boost::ingest::{self as boost, catalogue::Catalogue, derive},
    ingest::{given::Given, tx::Tx},
};

/// The catalogue of libraries before a batch that may rename repositories of theirs.
#[derive(Debug)]
pub struct Held {
    before: Catalogue,
    repositories: BTreeSet<i64>,
}

/// Holds the catalogue of libraries if the batch may give a repository that has some another name, or
/// take its name. Call it first in a transaction.
pub async fn hold(
    tx: &mut Tx<'_>,
    repositories: impl Iterator<Item = &Repository>,
) -> QueryResult<Option<Held>> {
    // Only GitHub's id tells that a name is another one of the same repository.
    let (ids, names): (Vec<i64>, Vec<_>) =
        repositories.filter_map(|repository| Some((repository.id?, &repository.name))).unzip();
    if ids.is_empty() {
        return Ok(None);
    }
    let mut select = Statement::new("with u as (select * from ");
    Given::default()
        .with("github", SqlType::BigInt, ids.into_iter().map(Value::BigInt))
        .texts("owner", names.iter().map(|name| name.owner.as_str()))
        .texts("name", names.iter().map(|name| name.name.as_str()))
        .append(&mut select);
    select.push(
        ") select r.id from u join github_repository r on r.github_repo_id = u.github \
         join github_account a on a.id = r.owner_account_id \
         join boost_library_repository l on l.id = r.id \
         where (a.username, r.repo_name) <> (u.owner, u.name) \
         union select unnest(array[h.id, r.id]) from u \
         join github_account a on lower(a.username) = lower(u.owner) \
         join github_repository h on h.owner_account_id = a.id \
             and lower(h.repo_name) = lower(u.name) \
         join boost_library_repository l on l.id = h.id \
         left join github_repository r on r.github_repo_id = u.github \
         where h.github_repo_id is distinct from u.github",
    );
    let repositories: BTreeSet<i64> = tx.ids(select).await?.into_iter().collect();
    if repositories.is_empty() {
        return Ok(None);
    }
    boost::lock(tx).await?;
    Ok(Some(Held { before: Catalogue::load(tx.conn).await?, repositories }))
}

/// Has what depends on the names follow them, once the batch is stored.
pub async fn follow(tx: &mut Tx<'_>, held: Option<Held>) -> QueryResult<()> {
    match held {
        Some(Held { before, repositories }) => {
            derive::catalogue_changed(tx, &before, &repositories).await
        }
        None => Ok(()),
    }
}
