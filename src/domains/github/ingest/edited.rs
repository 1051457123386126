//! The items of a batch that change what other items stored: deletions, transfers, edits of labels.

use std::collections::{BTreeSet, HashMap};

use diesel::{QueryResult, result::Error};

use super::{
    Item,
    issues::Issue,
    label_edits::{self, Edits, LabelEdit},
    removals::{self, Removal},
    transfers::{self, Fate, Transfer},
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{kind::Outcome, repo_name::RepoName, tx::Tx, upsert::Action},
};

/// The advisory lock of issues and pull requests: whoever stores some shares it, whoever deletes or
/// transfers some or edits labels has it alone. So nobody stores what is being deleted meanwhile.
const THREADS_LOCK: i64 = 0x6768_7468_7265_6164;

/// What becomes of a copy of an issue that was deleted.
pub const GONE: Outcome = Outcome { action: Action::Stale, table: "issue", row_id: None };

/// Takes that lock. It is the first of all, so that nobody waits for it who holds another.
pub async fn lock_threads(tx: &mut Tx<'_>, items: &[(i32, &Item)]) -> QueryResult<()> {
    let mode = |item: &Item| match item {
        Item::Issue(_) | Item::Pull(_) => Some("_shared"),
        Item::Removal(_) | Item::Transfer(_) | Item::LabelEdit(_) => Some(""),
        _ => None,
    };
    // The empty text is the least: one item that edits makes the batch one that does.
    let Some(mode) = items.iter().filter_map(|(_, item)| mode(item)).min() else { return Ok(()) };
    let mut lock = Statement::new(format!("select pg_advisory_xact_lock{mode}("));
    lock.bind(SqlType::BigInt, Value::BigInt(THREADS_LOCK)).push(")::text");
    tx.query(lock).await?;
    Ok(())
}

/// Rows of repositories, `github_repository.id`, by folded name.
type Repositories = HashMap<RepoName, i64>;

fn repo_id(repositories: &Repositories, name: &RepoName) -> QueryResult<i64> {
    repositories.get(&name.folded()).copied().ok_or(Error::NotFound)
}

/// The edits of a batch, with their positions in it, and what edits mean for its other items.
#[derive(Debug, Default)]
pub(super) struct Edited<'i> {
    /// What became of the deletions.
    pub(super) removed: (Vec<usize>, Vec<Outcome>),
    /// What labels are called now.
    pub(super) labels_now: Edits,
    fates: HashMap<i64, Fate>,
    transfers: (Vec<usize>, Vec<(i32, &'i Transfer)>),
    labels: (Vec<usize>, Vec<(i32, &'i LabelEdit)>),
}

impl<'i> Edited<'i> {
    /// Deletes what is to be deleted, and finds out what edits mean for the other items. Call it
    /// before they are stored, and [`Self::finish`] after.
    pub(super) async fn begin(
        tx: &mut Tx<'_>,
        items: &[(i32, &'i Item)],
        repositories: &Repositories,
    ) -> QueryResult<Self> {
        let mut edited = Self::default();
        let mut removals: Vec<&Removal> = Vec::new();
        let (mut issues, mut threads) = (Vec::new(), BTreeSet::new());
        for (slot, (index, item)) in items.iter().enumerate() {
            match item {
                Item::Removal(removal) => {
                    edited.removed.0.push(slot);
                    removals.push(removal);
                }
                Item::Transfer(transfer) => {
                    edited.transfers.0.push(slot);
                    edited.transfers.1.push((*index, transfer));
                }
                Item::LabelEdit(edit) => {
                    edited.labels.0.push(slot);
                    edited.labels.1.push((*index, edit));
                }
                Item::Issue(issue) => {
                    issues.push(&**issue);
                    threads.insert(repo_id(repositories, &issue.thread.repo)?);
                }
                Item::Pull(pull) => {
                    threads.insert(repo_id(repositories, &pull.thread.repo)?);
                }
                _ => {}
            }
        }
        edited.removed.1 = removals::remove(tx, &removals).await?;
        label_edits::remember(tx, &edited.labels.1).await?;
        edited.fates = transfers::fates(tx, &issues).await?;
        threads.extend(edited.fates.values().filter_map(Fate::repository));
        edited.labels_now = Edits::of(tx, &threads).await?;
        Ok(edited)
    }

    /// An issue and its repository as they are now; none if it was deleted.
    pub(super) fn now<'s>(&'s self, issue: &'s Issue, repo_id: i64) -> Option<(&'s Issue, i64)> {
        match self.fates.get(&issue.id) {
            None => Some((issue, repo_id)),
            Some(Fate::Moved(moved, repo_id)) => Some((moved, *repo_id)),
            Some(Fate::Gone) => None,
        }
    }

    /// Moves what hangs on transferred issues, and edits the labels that are stored. Gives what
    /// became of each edit, with its position.
    pub(super) async fn finish(
        &self,
        tx: &mut Tx<'_>,
        repositories: &Repositories,
    ) -> QueryResult<Vec<(usize, Outcome)>> {
        let transferred = transfers::store(tx, &self.transfers.1).await?;
        let places = self.labels.1.iter().map(|(_, edit)| repo_id(repositories, &edit.repo));
        let places = places.collect::<QueryResult<Vec<i64>>>()?;
        let labelled = label_edits::apply(tx, &self.labels.1, &places).await?;
        let slots = self.transfers.0.iter().chain(&self.labels.0).copied();
        Ok(slots.zip(transferred.into_iter().chain(labelled)).collect())
    }
}
