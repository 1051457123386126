//! Storing scans and lists: repositories and files first, then includes, then what is derived of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::QueryResult;

use super::{
    derive, except,
    externals::{self, External},
    includes::{self, Include},
    places::{self, is_changed},
    resolve,
    rows::{ExternalRow, FileRow, UsageRow},
};
use crate::{
    domains::github::ingest::files::{Deletion, ListedFile},
    ingest::{
        kind::Outcome,
        tx::Tx,
        upsert::{Action, Done},
    },
};

/// Stores rows of `usage/external-repositories`; one outcome for each, in order.
pub async fn store_externals(
    tx: &mut Tx<'_>,
    items: &[(i32, &ExternalRow)],
) -> QueryResult<Vec<Outcome>> {
    let full = |row: &ExternalRow| row.repository.is_full();
    let described: Vec<_> = items
        .iter()
        .filter(|(_, row)| full(row))
        .map(|(item, row)| (*item, &row.repository))
        .collect();
    let named = items.iter().map(|(item, row)| (*item, &row.repository.name));
    let (repositories, outcomes) = places::repositories(tx, &described, named).await?;
    let externals = items
        .iter()
        .map(|(item, row)| {
            let id = places::repository(&repositories, &row.repository.name)?;
            Ok((id, *item, row.external.clone()))
        })
        .collect::<QueryResult<Vec<_>>>()?;
    let done = externals::store(tx, externals).await?;
    let mut outcomes = outcomes.into_iter();
    Ok(items
        .iter()
        .zip(done)
        .map(|((_, row), done)| {
            let repository = full(row).then(|| outcomes.next()).flatten();
            Outcome {
                action: both(done.action, repository.map(|outcome| outcome.action)),
                table: "boost_external_repository",
                row_id: Some(done.id),
            }
        })
        .collect())
}

/// What became of an item that is about a row and about the row that it extends.
fn both(own: Action, base: Option<Action>) -> Action {
    match (own, base) {
        (Action::Inserted, _) => Action::Inserted,
        (Action::Updated, _) | (_, Some(Action::Inserted | Action::Updated)) => Action::Updated,
        (Action::Stale, _) | (_, Some(Action::Stale)) => Action::Stale,
        _ => Action::Unchanged,
    }
}

/// Stores rows of `usage/files`; one outcome for each, in order.
pub async fn store_files(tx: &mut Tx<'_>, items: &[(i32, &FileRow)]) -> QueryResult<Vec<Outcome>> {
    let named = items.iter().map(|(item, row)| (*item, &row.repo));
    let (repositories, _) = places::repositories(tx, &[], named).await?;
    let listed = items
        .iter()
        .map(|(item, row)| {
            Ok(ListedFile {
                repo_id: places::repository(&repositories, &row.repo)?,
                filename: &row.path,
                is_deleted: Some(Deletion {
                    is_deleted: row.is_deleted,
                    at: row.at,
                    row: Some(*item),
                }),
                item: *item,
            })
        })
        .collect::<QueryResult<Vec<_>>>()?;
    let (_, done) = places::files(tx, &listed).await?;
    Ok(done
        .into_iter()
        .map(|done| Outcome { action: done.action, table: "github_file", row_id: Some(done.id) })
        .collect())
}

/// Stores rows of `usage/usages`; one outcome for each, in order.
pub async fn store_usages(
    tx: &mut Tx<'_>,
    items: &[(i32, &UsageRow)],
) -> QueryResult<Vec<Outcome>> {
    let named = items.iter().map(|(item, row)| (*item, &row.repo));
    let (repositories, _) = places::repositories(tx, &[], named).await?;
    let ids = items
        .iter()
        .map(|(_, row)| places::repository(&repositories, &row.repo))
        .collect::<QueryResult<Vec<i64>>>()?;
    name_externals(tx, items.iter().zip(&ids).map(|((item, _), id)| (*id, *item))).await?;
    let mut seen = HashSet::new();
    let listed: Vec<ListedFile<'_>> = items
        .iter()
        .zip(&ids)
        .filter(|((_, row), id)| seen.insert((**id, row.path.as_str())))
        .map(|((item, row), id)| ListedFile {
            repo_id: *id,
            filename: &row.path,
            is_deleted: None,
            item: *item,
        })
        .collect();
    let (files, _) = places::files(tx, &listed).await?;
    let headers = resolve::resolve(tx, items.iter().map(|(_, row)| row.header.as_str())).await?;
    let includes = items
        .iter()
        .zip(&ids)
        .map(|((item, row), id)| {
            Ok(Include {
                file: file(&files, *id, &row.path)?,
                header: &row.header,
                header_id: headers.get(&row.header).copied(),
                last_commit_date: row.commit_date,
                excepted_at: row.excepted_at,
                stamp: &row.stamp,
                item: *item,
            })
        })
        .collect::<QueryResult<Vec<_>>>()?;
    let done = includes::store(tx, &includes).await?;
    follow(tx, &includes, &done, &[]).await?;
    let rows: BTreeSet<i64> = done.iter().map(|done| done.id).collect();
    let rows: Vec<i64> = rows.into_iter().collect();
    let usages: HashMap<i64, i64> = derive::usages(tx, &rows).await?.into_iter().collect();
    Ok(done
        .into_iter()
        .map(|done| Outcome {
            action: done.action,
            table: "boost_usage",
            row_id: usages.get(&done.id).copied(),
        })
        .collect())
}

/// The row of a file that was stored.
pub(super) fn file(files: &places::Files<'_>, repo: i64, path: &str) -> QueryResult<i64> {
    files.get(&(repo, path)).copied().ok_or(diesel::result::Error::NotFound)
}

/// Makes external repositories of which only the name is known, and holds all of them.
async fn name_externals(
    tx: &mut Tx<'_>,
    repositories: impl Iterator<Item = (i64, i32)>,
) -> QueryResult<()> {
    let mut seen = HashSet::new();
    let named = repositories
        .filter(|(id, _)| seen.insert(*id))
        .map(|(id, item)| (id, item, External::default()))
        .collect();
    externals::store(tx, named).await?;
    Ok(())
}

/// Lets kept scans except the includes that are older than they, and derives what is served of every
/// file of which an include changed: of `includes`, or of `files`.
pub(super) async fn follow(
    tx: &mut Tx<'_>,
    includes: &[Include<'_>],
    done: &[Done],
    files: &[i64],
) -> QueryResult<()> {
    let changed = || includes.iter().zip(done).filter(|(_, done)| is_changed(done));
    let rows: BTreeSet<i64> = changed().map(|(_, done)| done.id).collect();
    let rows: Vec<i64> = rows.into_iter().collect();
    except::seen_before(tx, &rows).await?;
    let files: BTreeSet<i64> =
        changed().map(|(include, _)| include.file).chain(files.iter().copied()).collect();
    let files: Vec<i64> = files.into_iter().collect();
    derive::derive(tx, &files).await
}
