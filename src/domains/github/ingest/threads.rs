//! Storing issues and pull requests with what hangs on them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::QueryResult;

use super::{
    accounts::{Handle, Stored},
    comments::{Comment, IssueCommentDraft, PullCommentDraft},
    issues::{Issue, Thread, author_cell},
    label_edits::Edits,
    numbers::{self, Claim, ISSUES, PULLS, Place},
    pulls::Pull,
    review_ids,
    reviews::Review,
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        kind::Outcome,
        register::{Cell, Draft},
        sets::{self, Column, Listed, MemberKey, Mode, Set},
        stamp::Stamp,
        tombstone::{self, Children, FullList},
        tx::Tx,
        upsert::{Action, Done, upsert},
    },
};

const fn label_set(table: &'static str, parent: &'static str) -> Set {
    Set {
        table,
        parent,
        key: Column::new("label_name", SqlType::Text),
        values: &[],
        created_at: true,
        updated_at: false,
    }
}

const fn assignee_set(table: &'static str, parent: &'static str) -> Set {
    Set {
        table,
        parent,
        key: Column::new("account_id", SqlType::BigInt),
        values: &[],
        created_at: true,
        updated_at: false,
    }
}

static ISSUE_LABELS: Set = label_set("issue_label", "issue_id");
static ISSUE_ASSIGNEES: Set = assignee_set("issue_assignee", "issue_id");
static PULL_LABELS: Set = label_set("pull_request_label", "pr_id");
static PULL_ASSIGNEES: Set = assignee_set("pull_request_assignee", "pr_id");

static ISSUE_COMMENTS: Children = Children {
    table: "issue_comment",
    parent: "issue_id",
    key: "issue_comment_id",
    time: "coalesce(c.issue_comment_updated_at, c.issue_comment_created_at)",
    only: "true",
};
static PULL_COMMENTS: Children = Children {
    table: "pull_request_comment",
    parent: "pr_id",
    key: "pr_comment_id",
    time: "coalesce(c.pr_comment_updated_at, c.pr_comment_created_at)",
    only: "true",
};
static REVIEWS: Children = Children {
    table: "pull_request_review",
    parent: "pr_id",
    key: "pr_review_id",
    time: "coalesce(c.pr_review_updated_at, c.pr_review_created_at)",
    only: "true",
};

/// The accounts that an issue or pull request names.
#[derive(Debug, Default)]
pub struct People {
    /// Its author, if it has one.
    pub author: Option<Handle>,
    /// Its assignees.
    pub assignees: Vec<Handle>,
    /// The author of each comment.
    pub comments: Vec<Option<Handle>>,
    /// The author of each review.
    pub reviews: Vec<Option<Handle>>,
}

/// An item with its repository and its people.
#[derive(Debug)]
pub struct Placed<'i, T> {
    /// The item.
    pub item: &'i T,
    /// `github_repository.id`.
    pub repo_id: i64,
    /// Its people.
    pub people: &'i People,
    /// Its labels as they are called now, where some were renamed or deleted since.
    pub labels: Option<BTreeSet<String>>,
    /// The item's index.
    pub index: i32,
}

impl<'i, T: Threaded> Placed<'i, T> {
    /// An item in its repository, its labels read through the edits there.
    pub fn of(item: &'i T, repo_id: i64, people: &'i People, index: i32, edits: &Edits) -> Self {
        let listed = item.thread().labels.as_ref();
        let labels =
            listed.and_then(|labels| edits.read_through(repo_id, labels, item.stamp().source_at));
        Self { item, repo_id, people, labels, index }
    }

    fn labels(&self) -> Option<&BTreeSet<String>> {
        self.labels.as_ref().or(self.item.thread().labels.as_ref())
    }
}

/// An issue or a pull request.
pub trait Threaded {
    /// What they have in common.
    fn thread(&self) -> &Thread;

    /// The statement's stamp.
    fn stamp(&self) -> &Stamp;
}

impl Threaded for Issue {
    fn thread(&self) -> &Thread {
        &self.thread
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

impl Threaded for Pull {
    fn thread(&self) -> &Thread {
        &self.thread
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

/// The accounts of a batch and the one that stands for nobody.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a> {
    /// All of them.
    pub stored: &'a Stored,
    /// `github_account.id` of the ghost; 0 where the batch needs none.
    pub ghost: i64,
}

impl Accounts<'_> {
    fn author(&self, handle: Option<Handle>) -> Cell<i64> {
        author_cell(handle.map(|handle| self.stored.id(handle)), self.ghost)
    }
}

/// What became of parents: the row of each, and under which something changed.
struct Parents {
    done: Vec<Done>,
    folded: Vec<bool>,
    changed: HashSet<i64>,
}

impl Parents {
    fn row(&self, nth: usize) -> i64 {
        self.done[nth].id
    }

    fn outcomes(self, table: &'static str) -> Vec<Outcome> {
        self.done
            .into_iter()
            .zip(self.folded)
            .map(|(done, folded)| {
                let action = match done.action {
                    Action::Inserted => Action::Inserted,
                    _ if self.changed.contains(&done.id) => Action::Updated,
                    Action::Unchanged if folded => Action::Stale,
                    action => action,
                };
                Outcome { action, table, row_id: Some(done.id) }
            })
            .collect()
    }
}

/// Writes the parents.
async fn store_parents<D: Draft>(
    tx: &mut Tx<'_>,
    places: &[Place],
    drafts: Vec<D>,
) -> QueryResult<Parents> {
    Ok(Parents {
        done: upsert(tx, drafts).await?,
        folded: places.iter().map(|place| place.folded).collect(),
        changed: HashSet::new(),
    })
}

fn issue_claims<'i>(issues: &[Placed<'i, Issue>]) -> Vec<Claim<'i>> {
    issues
        .iter()
        .map(|placed| Claim {
            repo_id: placed.repo_id,
            number: placed.item.thread.number,
            id: Some(placed.item.id),
            stamp: &placed.item.stamp,
        })
        .collect()
}

fn pull_claims<'i>(pulls: &[Placed<'i, Pull>]) -> Vec<Claim<'i>> {
    pulls
        .iter()
        .map(|placed| Claim {
            repo_id: placed.repo_id,
            number: placed.item.thread.number,
            id: placed.item.id,
            stamp: &placed.item.stamp,
        })
        .collect()
}

/// Makes sure that no other transaction makes the same new issues and pull requests meanwhile. Call
/// it before [`store_issues`] and [`store_pulls`].
pub async fn reserve_numbers(
    tx: &mut Tx<'_>,
    issues: &[Placed<'_, Issue>],
    pulls: &[Placed<'_, Pull>],
) -> QueryResult<()> {
    numbers::reserve(tx, &issue_claims(issues), &pull_claims(pulls)).await
}

/// Stores issues, their labels, assignees and comments.
pub async fn store_issues(
    tx: &mut Tx<'_>,
    issues: &[Placed<'_, Issue>],
    accounts: Accounts<'_>,
) -> QueryResult<Vec<Outcome>> {
    let places = numbers::settle(tx, ISSUES, &issue_claims(issues)).await?;
    let mut drafts = Vec::new();
    for (placed, place) in issues.iter().zip(&places) {
        let author = accounts.author(placed.people.author);
        drafts.push(placed.item.draft(place.key, placed.repo_id, author, placed.index));
    }
    let mut parents = store_parents(tx, &places, drafts).await?;
    let threads = Threads {
        all: issues.iter().map(|placed| &placed.item.thread).collect(),
        stamps: issues.iter().map(|placed| &placed.item.stamp).collect(),
        people: issues.iter().map(|placed| placed.people).collect(),
        labels: issues.iter().map(Placed::labels).collect(),
        indexes: issues.iter().map(|placed| placed.index).collect(),
    };
    threads.store_sets(tx, &mut parents, accounts, &ISSUE_LABELS, &ISSUE_ASSIGNEES).await?;
    threads
        .store_comments(
            tx,
            &mut parents,
            accounts,
            &ISSUE_COMMENTS,
            |comment, parent, author, item| IssueCommentDraft {
                issue_comment_id: comment.id,
                issue_id: Cell::Stated(parent),
                account_id: author,
                body: Cell::Stated(comment.body.clone()),
                issue_comment_created_at: Cell::Stated(comment.created_at),
                issue_comment_updated_at: Cell::Stated(comment.updated_at),
                stamp: comment.stamp.clone(),
                item,
            },
        )
        .await?;
    Ok(parents.outcomes("issue"))
}

/// Stores pull requests, their labels, assignees, comments and reviews.
pub async fn store_pulls(
    tx: &mut Tx<'_>,
    pulls: &[Placed<'_, Pull>],
    accounts: Accounts<'_>,
) -> QueryResult<Vec<Outcome>> {
    let places = numbers::settle(tx, PULLS, &pull_claims(pulls)).await?;
    let mut drafts = Vec::new();
    for (placed, place) in pulls.iter().zip(&places) {
        let author = accounts.author(placed.people.author);
        drafts.push(placed.item.draft(place.key, placed.repo_id, author, placed.index));
    }
    let mut parents = store_parents(tx, &places, drafts).await?;
    keep_merged(tx, &parents).await?;
    let threads = Threads {
        all: pulls.iter().map(|placed| &placed.item.thread).collect(),
        stamps: pulls.iter().map(|placed| &placed.item.stamp).collect(),
        people: pulls.iter().map(|placed| placed.people).collect(),
        labels: pulls.iter().map(Placed::labels).collect(),
        indexes: pulls.iter().map(|placed| placed.index).collect(),
    };
    threads.store_sets(tx, &mut parents, accounts, &PULL_LABELS, &PULL_ASSIGNEES).await?;
    threads
        .store_comments(
            tx,
            &mut parents,
            accounts,
            &PULL_COMMENTS,
            |comment, parent, author, item| PullCommentDraft {
                pr_comment_id: comment.id,
                pr_id: Cell::Stated(parent),
                account_id: author,
                body: Cell::Stated(comment.body.clone()),
                pr_comment_created_at: Cell::Stated(comment.created_at),
                pr_comment_updated_at: Cell::Stated(comment.updated_at),
                stamp: comment.stamp.clone(),
                item,
            },
        )
        .await?;
    store_reviews(tx, pulls, &mut parents, accounts).await?;
    Ok(parents.outcomes("pull_request"))
}

/// A pull request with a time of merging is merged, also when a later payload that does not know the
/// time calls it closed: an item of the issue list.
async fn keep_merged(tx: &mut Tx<'_>, parents: &Parents) -> QueryResult<()> {
    let ids: BTreeSet<i64> = parents
        .done
        .iter()
        .filter(|done| done.action != Action::Unchanged)
        .map(|done| done.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(
        "update pull_request set state = 'merged' \
         where state <> 'merged' and pr_merged_at is not null and id = any(",
    );
    statement.bind_all(SqlType::BigInt, ids.into_iter().map(Value::BigInt)).push(")");
    tx.execute(statement).await?;
    Ok(())
}

/// What issues and pull requests share, side by side.
struct Threads<'i> {
    all: Vec<&'i Thread>,
    stamps: Vec<&'i Stamp>,
    people: Vec<&'i People>,
    labels: Vec<Option<&'i BTreeSet<String>>>,
    indexes: Vec<i32>,
}

impl Threads<'_> {
    async fn store_sets(
        &self,
        tx: &mut Tx<'_>,
        parents: &mut Parents,
        accounts: Accounts<'_>,
        labels: &'static Set,
        assignees: &'static Set,
    ) -> QueryResult<()> {
        let (mut label_lists, mut assignee_lists) = (Vec::new(), Vec::new());
        for (n, done) in parents.done.iter().enumerate() {
            let list = |members: BTreeMap<MemberKey, Vec<Value>>| Listed {
                parent: done.id,
                fresh: done.fresh,
                members,
            };
            let no_values = |key| (key, Vec::new());
            if let (Some(names), true) = (self.labels[n], done.sets[0]) {
                label_lists.push(list(
                    names.iter().cloned().map(MemberKey::Text).map(no_values).collect(),
                ));
            }
            if done.sets[1] {
                let ids = self.people[n].assignees.iter().map(|handle| accounts.stored.id(*handle));
                assignee_lists.push(list(ids.map(MemberKey::Id).map(no_values).collect()));
            }
        }
        parents.changed.extend(sets::apply(tx, labels, Mode::Replace, &label_lists).await?);
        parents.changed.extend(sets::apply(tx, assignees, Mode::Replace, &assignee_lists).await?);
        Ok(())
    }

    async fn store_comments<D: Draft>(
        &self,
        tx: &mut Tx<'_>,
        parents: &mut Parents,
        accounts: Accounts<'_>,
        children: &'static Children,
        draft: impl Fn(&Comment, i64, Cell<i64>, i32) -> D,
    ) -> QueryResult<()> {
        let mut comments: Vec<(usize, &Comment, Option<Handle>)> = Vec::new();
        for (n, thread) in self.all.iter().enumerate() {
            let list = thread.comments.iter().flatten().zip(&self.people[n].comments);
            comments.extend(list.map(|(comment, author)| (n, comment, *author)));
        }
        let mut keys: Vec<(String, &Stamp)> = Vec::new();
        for (_, comment, _) in &comments {
            keys.push((comment.id.to_string(), &comment.stamp));
        }
        let blocked = tombstone::blocked(tx, children.table, &keys).await?;
        let (mut drafts, mut owners) = (Vec::new(), Vec::new());
        for (n, comment, author) in comments {
            if blocked.contains(&comment.id.to_string()) {
                continue;
            }
            owners.push(parents.row(n));
            drafts.push(draft(comment, parents.row(n), accounts.author(author), self.indexes[n]));
        }
        mark_changed(parents, &owners, &upsert(tx, drafts).await?);
        let lists: Vec<FullList> = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, thread)| thread.all_comments)
            .filter_map(|(n, thread)| {
                let ids = thread.comments.as_ref()?.iter().map(|comment| comment.id).collect();
                Some((parents.row(n), list_time(self.stamps[n]), ids))
            })
            .collect();
        parents.changed.extend(tombstone::remove_unlisted(tx, children, &lists).await?);
        Ok(())
    }
}

/// When a list that is said to be complete was true.
fn list_time(stamp: &Stamp) -> Option<chrono::DateTime<chrono::Utc>> {
    stamp.as_of.or(stamp.source_at)
}

fn mark_changed(parents: &mut Parents, owners: &[i64], done: &[Done]) {
    for (owner, done) in owners.iter().zip(done) {
        if matches!(done.action, Action::Inserted | Action::Updated) {
            parents.changed.insert(*owner);
        }
    }
}

async fn store_reviews(
    tx: &mut Tx<'_>,
    pulls: &[Placed<'_, Pull>],
    parents: &mut Parents,
    accounts: Accounts<'_>,
) -> QueryResult<()> {
    let mut reviews: Vec<(usize, &Review, Option<Handle>)> = Vec::new();
    for (n, placed) in pulls.iter().enumerate() {
        let list = placed.item.reviews.iter().flatten().zip(&placed.people.reviews);
        reviews.extend(list.map(|(review, author)| (n, review, *author)));
    }
    let ids = review_ids::settle(tx, reviews.iter().map(|(_, review, _)| *review)).await?;
    let mut keys: Vec<(String, &Stamp)> = Vec::new();
    for ((_, review, _), id) in reviews.iter().zip(&ids) {
        keys.push((id.to_string(), &review.stamp));
    }
    let blocked = tombstone::blocked(tx, REVIEWS.table, &keys).await?;
    let (mut drafts, mut owners) = (Vec::new(), Vec::new());
    for ((n, review, author), id) in reviews.iter().zip(&ids) {
        if blocked.contains(&id.to_string()) {
            continue;
        }
        let (parent, author) = (parents.row(*n), accounts.author(*author));
        owners.push(parent);
        drafts.push(review.draft(*id, parent, author, pulls[*n].index));
    }
    mark_changed(parents, &owners, &upsert(tx, drafts).await?);
    let mut lists: BTreeMap<usize, Vec<i64>> = pulls
        .iter()
        .enumerate()
        .filter(|(_, placed)| placed.item.all_reviews && placed.item.reviews.is_some())
        .map(|(n, _)| (n, Vec::new()))
        .collect();
    for ((n, ..), id) in reviews.iter().zip(&ids) {
        if let Some(list) = lists.get_mut(n) {
            list.push(*id);
        }
    }
    let lists: Vec<FullList> = lists
        .into_iter()
        .map(|(n, ids)| (parents.row(n), list_time(&pulls[n].item.stamp), ids))
        .collect();
    parents.changed.extend(tombstone::remove_unlisted(tx, &REVIEWS, &lists).await?);
    Ok(())
}
