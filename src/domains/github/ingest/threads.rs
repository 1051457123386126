//! Storing issues and pull requests with what hangs on them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::QueryResult;

use super::{
    accounts::{Handle, Stored},
    children::{Brought, Child, Children, ISSUE_COMMENTS, PULL_COMMENTS, REVIEWS, none_came_back},
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
        tx::Tx,
        upsert::{Action, Done, upsert, upsert_locking},
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

/// Where the full lists stand among the sets of an issue and of a pull request.
const COMMENTS: usize = 2;
/// See [`COMMENTS`].
const REVIEWS_LISTED: usize = 3;

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

/// Writes the parents; `locks` names those that are locked even if they do not change.
async fn store_parents<D: Draft>(
    tx: &mut Tx<'_>,
    places: &[Place],
    drafts: Vec<D>,
    locks: &[bool],
) -> QueryResult<Parents> {
    Ok(Parents {
        done: upsert_locking(tx, drafts, locks).await?,
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
    let threads = Threads {
        all: issues.iter().map(|placed| &placed.item.thread).collect(),
        people: issues.iter().map(|placed| placed.people).collect(),
        labels: issues.iter().map(Placed::labels).collect(),
        indexes: issues.iter().map(|placed| placed.index).collect(),
    };
    let comments = threads.comments(tx, &ISSUE_COMMENTS).await?;
    let mut locks = vec![false; issues.len()];
    comments.mark(&mut locks);
    let mut parents = store_parents(tx, &places, drafts, &locks).await?;
    threads.store_sets(tx, &mut parents, accounts, &ISSUE_LABELS, &ISSUE_ASSIGNEES).await?;
    threads
        .store_comments(tx, &mut parents, accounts, &comments, |comment, parent, author, item| {
            IssueCommentDraft {
                issue_comment_id: comment.id,
                issue_id: Cell::Stated(parent),
                account_id: author,
                body: Cell::Stated(comment.body.clone()),
                issue_comment_created_at: Cell::Stated(comment.created_at),
                issue_comment_updated_at: Cell::Stated(comment.updated_at),
                stamp: comment.stamp.clone(),
                item,
            }
        })
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
    let threads = Threads {
        all: pulls.iter().map(|placed| &placed.item.thread).collect(),
        people: pulls.iter().map(|placed| placed.people).collect(),
        labels: pulls.iter().map(Placed::labels).collect(),
        indexes: pulls.iter().map(|placed| placed.index).collect(),
    };
    let comments = threads.comments(tx, &PULL_COMMENTS).await?;
    let reviews = reviews(tx, pulls).await?;
    let mut locks = vec![false; pulls.len()];
    comments.mark(&mut locks);
    reviews.mark(&mut locks);
    let mut parents = store_parents(tx, &places, drafts, &locks).await?;
    keep_merged(tx, &parents).await?;
    threads.store_sets(tx, &mut parents, accounts, &PULL_LABELS, &PULL_ASSIGNEES).await?;
    threads
        .store_comments(tx, &mut parents, accounts, &comments, |comment, parent, author, item| {
            PullCommentDraft {
                pr_comment_id: comment.id,
                pr_id: Cell::Stated(parent),
                account_id: author,
                body: Cell::Stated(comment.body.clone()),
                pr_comment_created_at: Cell::Stated(comment.created_at),
                pr_comment_updated_at: Cell::Stated(comment.updated_at),
                stamp: comment.stamp.clone(),
                item,
            }
        })
        .await?;
    store_reviews(tx, pulls, &reviews, &mut parents, accounts).await?;
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
    people: Vec<&'i People>,
    labels: Vec<Option<&'i BTreeSet<String>>>,
    indexes: Vec<i32>,
}

impl<'i> Threads<'i> {
    async fn comments(
        &self,
        tx: &mut Tx<'_>,
        children: &'static Children,
    ) -> QueryResult<Brought<'i, Comment>> {
        let mut comments = Vec::new();
        for (n, (thread, people)) in self.all.iter().zip(&self.people).enumerate() {
            let list = thread.comments.iter().flatten().zip(&people.comments);
            comments.extend(list.map(|(comment, author)| (n, comment, *author)));
        }
        Brought::of(tx, children, comments).await
    }

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
        comments: &Brought<'_, Comment>,
        draft: impl Fn(&Comment, i64, Cell<i64>, i32) -> D,
    ) -> QueryResult<()> {
        let admitted = comments.admitted(tx, &parents.done, COMMENTS).await?;
        let (mut drafts, mut owners) = (Vec::new(), Vec::new());
        for comment in &admitted {
            let (n, author) = (comment.of, accounts.author(comment.author));
            owners.push(parents.row(n));
            drafts.push(draft(comment.child, parents.row(n), author, self.indexes[n]));
        }
        let done = upsert(tx, drafts).await?;
        none_came_back(&admitted, &done)?;
        mark_changed(parents, &owners, &done);
        let bereft = comments.remove_unlisted(tx, &parents.done, COMMENTS).await?;
        parents.changed.extend(bereft);
        Ok(())
    }
}

fn mark_changed(parents: &mut Parents, owners: &[i64], done: &[Done]) {
    for (owner, done) in owners.iter().zip(done) {
        if matches!(done.action, Action::Inserted | Action::Updated) {
            parents.changed.insert(*owner);
        }
    }
}

async fn reviews<'i>(
    tx: &mut Tx<'_>,
    pulls: &[Placed<'i, Pull>],
) -> QueryResult<Brought<'i, Review>> {
    let mut reviews = Vec::new();
    for (n, placed) in pulls.iter().enumerate() {
        let list = placed.item.reviews.iter().flatten().zip(&placed.people.reviews);
        reviews.extend(list.map(|(review, author)| (n, review, *author)));
    }
    Brought::of(tx, &REVIEWS, reviews).await
}

async fn store_reviews(
    tx: &mut Tx<'_>,
    pulls: &[Placed<'_, Pull>],
    reviews: &Brought<'_, Review>,
    parents: &mut Parents,
    accounts: Accounts<'_>,
) -> QueryResult<()> {
    // A comment that is kept out has its number all the same.
    let ids = review_ids::settle(tx, reviews.all()).await?;
    let ids: HashMap<i64, i64> = reviews.all().map(Child::number).zip(ids).collect();
    let admitted = reviews.admitted(tx, &parents.done, REVIEWS_LISTED).await?;
    let (mut drafts, mut owners) = (Vec::new(), Vec::new());
    for review in &admitted {
        let (parent, author) = (parents.row(review.of), accounts.author(review.author));
        let id = ids[&review.child.number()];
        owners.push(parent);
        drafts.push(review.child.draft(id, parent, author, pulls[review.of].index));
    }
    let done = upsert(tx, drafts).await?;
    none_came_back(&admitted, &done)?;
    mark_changed(parents, &owners, &done);
    let bereft = reviews.remove_unlisted(tx, &parents.done, REVIEWS_LISTED).await?;
    parents.changed.extend(bereft);
    Ok(())
}
