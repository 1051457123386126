//! Repositories that payloads of other domains merely name: found, or made as stubs, the same way
//! as those that GitHub's own payloads name.

use std::collections::{BTreeMap, HashMap};

use diesel::QueryResult;

use super::{
    accounts::{Accounts, Stored},
    repositories::{Mentioned, Repository},
    settle,
};
use crate::ingest::{repo_name::RepoName, tx::Tx};

/// The rows of repositories, `github_repository.id`, by folded name.
pub type RepositoryIds = HashMap<RepoName, i64>;

/// Stores the accounts that a batch mentions, and finds or makes the repositories that it names, each
/// with the index of an item that does. Call it before any row is locked.
pub async fn store(
    tx: &mut Tx<'_>,
    mut accounts: Accounts,
    names: &[(i32, RepoName)],
) -> QueryResult<(Stored, RepositoryIds)> {
    let mut once: BTreeMap<RepoName, (i32, Repository)> = BTreeMap::new();
    for (item, name) in names {
        once.entry(name.folded()).or_insert_with(|| (*item, Repository::named(name.clone())));
    }
    let mentions: Vec<Mentioned<'_>> = once
        .values()
        .map(|(item, repository)| Mentioned {
            owner: accounts.mention(repository.owner.clone(), None, None, *item),
            repository,
            item: *item,
        })
        .collect();
    let stored = accounts.store(tx).await?;
    if mentions.is_empty() {
        return Ok((stored, RepositoryIds::new()));
    }
    let found = settle::hold(tx, &mentions, false).await?;
    let settled = settle::settle(tx, &mentions, found, &stored).await?;
    let ids = once.into_keys().zip(settled.into_iter().map(|settled| settled.id)).collect();
    Ok((stored, ids))
}
