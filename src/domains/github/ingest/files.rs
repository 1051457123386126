//! `github_file` and `git_commit_file_change`: which files there are, and what commits did to them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::commits::{Commit, Completeness, FileChange};
use crate::{
    db::sql::{SqlType, Value},
    draft,
    ingest::{
        register::Cell,
        sets::{self, Column, Listed, MemberKey, Mode, Set},
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::{Action, Done, upsert, upsert_locking},
    },
};

draft! {
    /// What a commit (or a list of files) says about a file. The greatest commit that touches the
    /// name decides whether it is deleted; the greatest that renames to it, what it was before.
    pub struct FileDraft, table github_file, key { repo_id: i64, filename: String };
    registers {
        is_deleted: bool,
        previous_filename_id: Option<i64> [own],
    }
    dates { created_at }
}

/// The files of a commit.
static CHANGES: Set = Set {
    table: "git_commit_file_change",
    parent: "commit_id",
    key: Column::new("github_file_id", SqlType::BigInt),
    values: &[
        Column { name: "status", ty: SqlType::Text, cast: Some("file_change_status") },
        Column::new("additions", SqlType::Int),
        Column::new("deletions", SqlType::Int),
        Column::new("patch", SqlType::Text),
        Column::new("source_rank", SqlType::SmallInt),
        Column::new("source_digest", SqlType::Bytea),
    ],
    created_at: true,
    updated_at: false,
};

/// The most files of one statement.
const CHUNK: usize = 10_000;

/// A commit with the repository it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'i> {
    /// The commit.
    pub commit: &'i Commit,
    /// `github_repository.id`.
    pub repo_id: i64,
    /// The item's index.
    pub item: i32,
}

/// The ids of files by repository and name.
pub type FileIds<'i> = HashMap<(i64, &'i str), i64>;

/// A commit's time and SHA: what it says about files is stamped with them.
fn stamp(commit: &Commit) -> Stamp {
    Stamp { source_at: commit.source_at, digest: commit.sha.as_bytes().to_vec(), ..Stamp::BOTTOM }
}

/// The same of whether a file is deleted. Several lists may come of one commit, and one may be cut: an
/// entry of the file's own beats that it was renamed away, then the better list counts.
fn stamp_of_deletion(commit: &Commit, is_own: bool, is_deleted: bool) -> Stamp {
    let mut stamp = stamp(commit);
    let rank = u8::try_from(commit.completeness.rank()).unwrap_or_default();
    // No SHA goes on with such bytes, so commits are in the order that they were in.
    stamp.digest.extend([u8::from(is_own), rank, u8::from(is_deleted)]);
    stamp
}

/// Files that a batch made, or of which it changed whether they are deleted, by repository.
pub type Touched = BTreeSet<(i64, i64)>;

/// Stores every file that the commits name.
pub async fn store_files<'i>(
    tx: &mut Tx<'_>,
    commits: &[Placed<'i>],
) -> QueryResult<(FileIds<'i>, Touched)> {
    let mut names: Vec<(i64, &str)> = Vec::new();
    let (mut drafts, mut locks) = (Vec::new(), Vec::new());
    let mut add = |placed: &Placed<'i>, name: &'i str, stamp: Stamp, deleted: bool, lock: bool| {
        names.push((placed.repo_id, name));
        locks.push(lock);
        drafts.push(FileDraft {
            repo_id: placed.repo_id,
            filename: name.to_owned(),
            is_deleted: Cell::Stated(deleted),
            previous_filename_id: Cell::Unstated(None),
            stamp,
            item: placed.item,
        });
    };
    for placed in commits {
        for (name, change) in placed.commit.files.iter().flatten() {
            use crate::domains::github::enums::FileChangeStatus::Removed;
            let deleted = change.status == Removed;
            let stamp = stamp_of_deletion(placed.commit, true, deleted);
            // A new name is about to point at its old one.
            add(placed, name, stamp, deleted, change.renamed_from.is_some());
        }
        for (_, change) in placed.commit.files.iter().flatten() {
            // An entry of its own beats being renamed away.
            if let Some(old) = &change.renamed_from
                && placed.commit.files.as_ref().is_none_or(|files| !files.contains_key(old))
            {
                add(placed, old, stamp_of_deletion(placed.commit, false, true), true, false);
            }
        }
    }
    let done = upsert_locking(tx, drafts, &locks).await?;
    let touched = names
        .iter()
        .zip(&done)
        .filter(|(_, done)| matches!(done.action, Action::Inserted | Action::Updated))
        .map(|((repo, _), done)| (*repo, done.id))
        .collect();
    let ids: FileIds<'i> =
        names.into_iter().zip(done).map(|(name, done)| (name, done.id)).collect();
    store_renames(tx, commits, &ids).await?;
    Ok((ids, touched))
}

/// What a scan or a list says of whether a file is deleted.
#[derive(Debug, Clone, Copy)]
pub struct Deletion {
    /// Whether it is.
    pub is_deleted: bool,
    /// When that was so.
    pub at: DateTime<Utc>,
    /// The row of a list that says so: of two of one time the later counts. None where the file is only
    /// known to be there.
    pub row: Option<i32>,
}

impl Deletion {
    /// At one time what a list says counts more than that a scan found the file, and what a commit
    /// does more than either: no SHA begins as a row's number does.
    fn stamp(self) -> Stamp {
        let told = |row: i32| [&row.to_be_bytes()[..], &[u8::from(self.is_deleted)]].concat();
        let digest = self.row.map(told).unwrap_or_default();
        Stamp { source_at: Some(self.at), digest, ..Stamp::BOTTOM }
    }
}

/// A file that a scan or a list names.
#[derive(Debug, Clone, Copy)]
pub struct ListedFile<'i> {
    /// `github_repository.id`.
    pub repo_id: i64,
    /// The path in the repository.
    pub filename: &'i str,
    /// Whether it is deleted; none where it is only pointed at.
    pub is_deleted: Option<Deletion>,
    /// The item's index in the body.
    pub item: i32,
}

/// Stores files that scans and lists name; one answer for each, in order. Of commits and lists the
/// latest decides whether a file is deleted.
pub async fn store_listed(tx: &mut Tx<'_>, files: &[ListedFile<'_>]) -> QueryResult<Vec<Done>> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|nth| (files[*nth].repo_id, files[*nth].filename));
    let mut done: Vec<Option<Done>> = vec![None; files.len()];
    for chunk in order.chunks(CHUNK) {
        let drafts = chunk.iter().map(|nth| {
            let ListedFile { repo_id, filename, is_deleted, item } = files[*nth];
            FileDraft {
                repo_id,
                filename: filename.to_owned(),
                is_deleted: Cell::of(is_deleted.map(|said| said.is_deleted)),
                previous_filename_id: Cell::Unstated(None),
                stamp: is_deleted.map_or(Stamp::BOTTOM, Deletion::stamp),
                item,
            }
        });
        let stored = upsert(tx, drafts.collect()).await?;
        for (nth, stored) in chunk.iter().zip(stored) {
            done[*nth] = Some(stored);
        }
    }
    done.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}

async fn store_renames(
    tx: &mut Tx<'_>,
    commits: &[Placed<'_>],
    ids: &FileIds<'_>,
) -> QueryResult<()> {
    let mut drafts = Vec::new();
    for placed in commits {
        for (name, change) in placed.commit.files.iter().flatten() {
            let Some(old) = &change.renamed_from else { continue };
            drafts.push(FileDraft {
                repo_id: placed.repo_id,
                filename: name.clone(),
                is_deleted: Cell::Unstated(false),
                previous_filename_id: Cell::Stated(ids.get(&(placed.repo_id, old)).copied()),
                stamp: stamp(placed.commit),
                item: placed.item,
            });
        }
    }
    // They were counted when they were stored; a pointer is a change of its own.
    let before = tx.tally.get("github_file").copied();
    upsert(tx, drafts).await?;
    if let Some(before) = before {
        *tx.count("github_file") = before;
    }
    Ok(())
}

/// Stores what each commit did to its files, and gives the commits of which something changed.
pub async fn store_changes(
    tx: &mut Tx<'_>,
    commits: &[Placed<'_>],
    done: &[Done],
    ids: &FileIds<'_>,
) -> QueryResult<HashSet<i64>> {
    let mut exact: Vec<Listed> = Vec::new();
    let mut united: BTreeMap<i64, Listed> = BTreeMap::new();
    for (placed, done) in commits.iter().zip(done) {
        let Some(files) = &placed.commit.files else { continue };
        let members = files.iter().filter_map(|(name, change)| {
            let id = ids.get(&(placed.repo_id, name))?;
            Some((MemberKey::Id(*id), member(change, placed.commit.completeness)))
        });
        if placed.commit.completeness == Completeness::Complete {
            if done.sets[0] {
                exact.push(Listed {
                    parent: done.id,
                    fresh: done.fresh,
                    members: members.collect(),
                });
            }
        } else if done.set_stamps[0].rank < Completeness::Complete.rank() {
            let list = united.entry(done.id).or_insert_with(|| Listed {
                parent: done.id,
                fresh: done.fresh,
                members: BTreeMap::new(),
            });
            for (key, values) in members {
                let stored = list.members.entry(key).or_insert_with(|| values.clone());
                if better(stored, &values) {
                    *stored = values;
                }
            }
        }
    }
    let mut changed = HashSet::new();
    changed.extend(sets::apply(tx, &CHANGES, Mode::Replace, &exact).await?);
    let united: Vec<Listed> = united.into_values().collect();
    changed.extend(sets::apply(tx, &CHANGES, Mode::Unite(better), &united).await?);
    Ok(changed)
}

fn member(change: &FileChange, completeness: Completeness) -> Vec<Value> {
    let digest = match completeness {
        Completeness::Complete => Value::Null,
        _ => Value::Bytea(digest(change)),
    };
    vec![
        Value::Text(change.status.text().to_owned()),
        Value::Int(change.additions),
        Value::Int(change.deletions),
        Value::Text(change.patch.clone()),
        Value::SmallInt(completeness.rank()),
        digest,
    ]
}

/// Of two entries of one file in incomplete lists, the higher rank wins, then the digest.
fn better(stored: &[Value], listed: &[Value]) -> bool {
    listed[4..] > stored[4..]
}
