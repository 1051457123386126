//! Where usages are: the repositories and files that scans and lists name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use crate::{
    domains::{
        boost::ingest::files as library_files,
        github::ingest::{
            files::{self, ListedFile},
            repositories::Repository,
            store::store_named,
        },
    },
    ingest::{
        kind::Outcome,
        repo_name::RepoName,
        tx::Tx,
        upsert::{Action, Done},
    },
};

/// The rows of repositories, by folded name.
pub type Repositories = HashMap<RepoName, i64>;

/// Stores repositories, those that are described and those that are only named. Gives the row of each
/// name, and an outcome for each that is described.
pub async fn repositories(
    tx: &mut Tx<'_>,
    described: &[(i32, &Repository)],
    named: impl IntoIterator<Item = (i32, &RepoName)>,
) -> QueryResult<(Repositories, Vec<Outcome>)> {
    let mut once: BTreeMap<RepoName, (i32, Repository)> = BTreeMap::new();
    for (item, name) in named {
        let folded = name.folded();
        once.entry(folded).or_insert_with(|| (item, Repository::named(name.clone())));
    }
    let mentions: Vec<(i32, &Repository)> = described
        .iter()
        .copied()
        .chain(once.values().map(|(item, repository)| (*item, repository)))
        .collect();
    let (rows, outcomes) = store_named(tx, &mentions).await?;
    let repositories = mentions
        .iter()
        .zip(rows)
        .map(|((_, repository), row)| (repository.name.folded(), row))
        .collect();
    Ok((repositories, outcomes))
}

/// The row of a repository that was stored.
pub fn repository(repositories: &Repositories, name: &RepoName) -> QueryResult<i64> {
    repositories.get(&name.folded()).copied().ok_or(diesel::result::Error::NotFound)
}

/// The rows of files, by repository and path.
pub type Files<'i> = HashMap<(i64, &'i str), i64>;

/// Stores files; gives the row of each, and what became of each statement, in order.
pub async fn files<'i>(
    tx: &mut Tx<'_>,
    listed: &[ListedFile<'i>],
) -> QueryResult<(Files<'i>, Vec<Done>)> {
    let done = files::store_listed(tx, listed).await?;
    let rows = listed
        .iter()
        .zip(&done)
        .map(|(file, done)| ((file.repo_id, file.filename), done.id))
        .collect();
    let touched: BTreeSet<(i64, i64)> = listed
        .iter()
        .zip(&done)
        .filter(|(_, done)| is_changed(done))
        .map(|(file, done)| (file.repo_id, done.id))
        .collect();
    library_files::touched(tx, &touched).await?;
    Ok((rows, done))
}

/// Whether a row was made or changed.
pub fn is_changed(done: &Done) -> bool {
    matches!(done.action, Action::Inserted | Action::Updated)
}
