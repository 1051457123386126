//! Comments and reviews, which a payload may list in full: `complete=comments,reviews`.
//!
//! That there are no others is a statement about the parent. Its stamp is kept with the parent, as
//! that of every child set, so of several lists the newest counts, whichever came first. What it
//! lacks is removed, and kept out, unless it was seen later.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::{QueryResult, result::Error};

use super::accounts::Handle;
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        register::Cell,
        stamp::{Stamp, digest},
        tombstone,
        tx::Tx,
        upsert::{Action, Done},
    },
};

/// A table of comments or reviews.
#[derive(Debug)]
pub struct Children {
    /// The table.
    pub table: &'static str,
    /// The column that names the parent.
    parent: &'static str,
    /// The natural key: [`Child::number`], or that number negated.
    key: &'static str,
    /// [`Child::number`] of a row `c`, as an expression.
    number: &'static str,
}

/// Comments of issues.
pub static ISSUE_COMMENTS: Children = Children {
    table: "issue_comment",
    parent: "issue_id",
    key: "issue_comment_id",
    number: "c.issue_comment_id",
};

/// Comments of pull requests.
pub static PULL_COMMENTS: Children = Children {
    table: "pull_request_comment",
    parent: "pr_id",
    key: "pr_comment_id",
    number: "c.pr_comment_id",
};

/// Reviews and review comments.
pub static REVIEWS: Children = Children {
    table: "pull_request_review",
    parent: "pr_id",
    key: "pr_review_id",
    number: "case c.kind when 'review' then -abs(c.pr_review_id) else c.pr_review_id end",
};

/// A comment or a review.
pub trait Child {
    /// GitHub's number of it; negated where GitHub counts what the table holds twice over.
    fn number(&self) -> i64;

    /// The statement's stamp.
    fn stamp(&self) -> &Stamp;
}

/// What a list states that is said to be full: that there are no others, at its time. That is
/// `as_of`, else the parent's own time, else when it came.
pub fn full_list<C: Child>(
    parent: &Stamp,
    came_at: Option<DateTime<Utc>>,
    list: Option<&Vec<C>>,
) -> Cell<()> {
    let (Some(came_at), Some(list)) = (came_at, list) else { return Cell::Unstated(()) };
    let at = parent.as_of.or(parent.source_at).unwrap_or(came_at);
    let numbers: BTreeSet<String> = list.iter().map(|child| child.number().to_string()).collect();
    Cell::StatedAt((), Stamp { source_at: Some(at), digest: digest(&numbers), ..Stamp::BOTTOM })
}

/// A child that may be stored.
#[derive(Debug)]
pub struct Admitted<'i, C> {
    /// The position of its parent's payload in the batch.
    pub of: usize,
    /// The child.
    pub child: &'i C,
    /// Who wrote it.
    pub author: Option<Handle>,
    /// Whether it is only because it is stored already.
    is_late: bool,
}

/// The children that a batch brings to one table.
#[derive(Debug)]
pub struct Brought<'i, C> {
    children: &'static Children,
    all: Vec<(usize, &'i C, Option<Handle>)>,
    stored: HashSet<i64>,
}

impl<'i, C: Child> Brought<'i, C> {
    /// Those children, each with the position of its parent's payload in the batch and its author.
    pub async fn of(
        tx: &mut Tx<'_>,
        children: &'static Children,
        all: Vec<(usize, &'i C, Option<Handle>)>,
    ) -> QueryResult<Self> {
        let numbers: BTreeSet<i64> =
            all.iter().flat_map(|(_, child, _)| [child.number(), -child.number()]).collect();
        let mut stored = HashSet::new();
        if !numbers.is_empty() {
            let Children { table, key, number, .. } = children;
            let mut select =
                Statement::new(format!("select {number} from {table} c where c.{key} = any("));
            select.bind_all(SqlType::BigInt, numbers.into_iter().map(Value::BigInt)).push(")");
            stored.extend(tx.ids(select).await?);
        }
        Ok(Self { children, all, stored })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &'i C> + Clone {
        self.all.iter().map(|(_, child, _)| *child)
    }

    /// Marks the parents that get a child which is not stored. They are to be locked: whoever lists
    /// their children in full must see it, or be seen.
    pub fn mark(&self, locks: &mut [bool]) {
        for (of, child, _) in &self.all {
            locks[*of] |= !self.stored.contains(&child.number());
        }
    }

    /// The children that may be stored: not those that are deleted for ever, and of those that the
    /// newest full list lacks only those that were seen after it. `set` is the list's place among
    /// the sets of the parents.
    pub async fn admitted(
        &self,
        tx: &mut Tx<'_>,
        parents: &[Done],
        set: usize,
    ) -> QueryResult<Vec<Admitted<'i, C>>> {
        let keys: Vec<String> = self.all().map(|child| child.number().to_string()).collect();
        let gone = tombstone::blocked(tx, self.children.table, &keys).await?;
        let is_seen = |(of, child, _): &&(usize, &C, _)| {
            let (parent, stamp) = (&parents[*of], child.stamp());
            let seen_at = stamp.source_at.max(stamp.as_of);
            parent.sets[set]
                || parent.set_stamps[set]
                    .source_at
                    .is_none_or(|listed_at| seen_at > Some(listed_at))
        };
        let seen: HashSet<i64> =
            self.all.iter().filter(is_seen).map(|(_, child, _)| child.number()).collect();
        let mut admitted = Vec::with_capacity(self.all.len());
        for ((of, child, author), key) in self.all.iter().zip(&keys) {
            let is_late = !seen.contains(&child.number());
            if !gone.contains(key) && (!is_late || self.stored.contains(&child.number())) {
                admitted.push(Admitted { of: *of, child: *child, author: *author, is_late });
            }
        }
        Ok(admitted)
    }

    /// Removes what the newest full lists lack, except what was seen after them. Gives the parents
    /// that lost a child.
    pub async fn remove_unlisted(
        &self,
        tx: &mut Tx<'_>,
        parents: &[Done],
        set: usize,
    ) -> QueryResult<HashSet<i64>> {
        let is_newest = |of: &usize| parents[*of].sets[set];
        let lists: Vec<&Done> = (0..parents.len()).filter(is_newest).map(|n| &parents[n]).collect();
        if lists.is_empty() {
            return Ok(HashSet::new());
        }
        let listed: BTreeSet<i64> = self
            .all
            .iter()
            .filter(|(of, ..)| is_newest(of))
            .map(|(_, child, _)| child.number())
            .collect();
        let Children { table, parent, number, .. } = self.children;
        let time = |at: Option<_>| at.map_or(Value::Null, Value::Timestamptz);
        let times = lists.iter().map(|list| time(list.set_stamps[set].source_at));
        let mut delete = Given::default()
            .ids("parent", lists.iter().map(|list| list.id))
            .with("at", SqlType::Timestamptz, times)
            .statement(
                &format!("delete from {table} c using"),
                &format!(
                    "where c.{parent} = u.parent \
                     and coalesce(greatest(c.source_at, c.source_as_of), '-infinity') <= u.at \
                     and {number} <> all("
                ),
            );
        delete.bind_all(SqlType::BigInt, listed.into_iter().map(Value::BigInt));
        delete.push(&format!(") returning c.{parent}"));
        let parents = tx.ids(delete).await?;
        tx.count(table).deleted += parents.len() as u64;
        Ok(parents.into_iter().collect())
    }
}

/// A child that was let in because it was stored must not be made anew: a list that lacks it was
/// stored meanwhile. The transaction has to be repeated.
pub fn none_came_back<C>(admitted: &[Admitted<'_, C>], done: &[Done]) -> QueryResult<()> {
    let mut done = admitted.iter().zip(done);
    if done.any(|(admitted, done)| admitted.is_late && done.action == Action::Inserted) {
        return Err(Error::RollbackTransaction);
    }
    Ok(())
}
