//! Issues and comments that GitHub says are deleted. Their ids are never used again, so the deletion
//! is remembered for ever: a late copy does not bring them back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;

use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{kind::Outcome, repo_name::RepoName, tombstone, tx::Tx, upsert::Action},
};

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gone {
    /// An issue, and what hangs on it.
    Issue,
    /// A comment of an issue.
    IssueComment,
    /// A comment of a pull request.
    PullComment,
    /// A comment on a line of a pull request.
    ReviewComment,
}

/// A deletion.
#[derive(Debug)]
pub struct Removal {
    /// What was deleted.
    pub what: Gone,
    /// GitHub's id of it.
    pub id: i64,
    /// Its number, if it has one that is told.
    pub number: Option<i64>,
    /// The repository it was in.
    pub repo: RepoName,
}

impl Removal {
    /// The key that scrapers ask for: `owner/name:number`, as the repository was called then. It is
    /// remembered beside the id, which alone keeps a late copy out.
    fn named(&self) -> Option<String> {
        Some(format!("{}:{}", self.repo.folded(), self.number?))
    }
}

impl Gone {
    /// The table of the row.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::IssueComment => "issue_comment",
            Self::PullComment => "pull_request_comment",
            Self::ReviewComment => "pull_request_review",
        }
    }

    /// GitHub's id, and what else the row must be.
    const fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::Issue => ("issue_id", "true"),
            Self::IssueComment => ("issue_comment_id", "true"),
            Self::PullComment => ("pr_comment_id", "true"),
            Self::ReviewComment => ("pr_review_id", "kind = 'comment'"),
        }
    }
}

/// Removes rows and remembers that they are gone; one outcome for each removal, in order.
pub async fn remove(tx: &mut Tx<'_>, removals: &[&Removal]) -> QueryResult<Vec<Outcome>> {
    let mut ids: BTreeMap<Gone, BTreeSet<i64>> = BTreeMap::new();
    for removal in removals {
        ids.entry(removal.what).or_default().insert(removal.id);
    }
    let mut removed: HashMap<(Gone, i64), Action> = HashMap::new();
    for (what, ids) in &ids {
        match what {
            Gone::Issue => remove_children(tx, ids).await?,
            Gone::ReviewComment => clear_numbers(tx, ids).await?,
            Gone::IssueComment | Gone::PullComment => {}
        }
        let (key, only) = what.key();
        let condition = format!("{only} and {key}");
        for id in delete(tx, what.table(), key, &condition, ids).await? {
            removed.insert((*what, id), Action::Updated);
        }
        let of_kind = removals.iter().filter(|removal| removal.what == *what);
        let keys = ids.iter().map(i64::to_string).chain(of_kind.filter_map(|gone| gone.named()));
        tombstone::remember(tx, what.table(), &keys.collect()).await?;
    }
    Ok(removals
        .iter()
        .map(|removal| Outcome {
            action: removed.remove(&(removal.what, removal.id)).unwrap_or(Action::Unchanged),
            table: removal.what.table(),
            row_id: None,
        })
        .collect())
}

/// What hangs on issues goes with them; its comments will not come back either.
async fn remove_children(tx: &mut Tx<'_>, issues: &BTreeSet<i64>) -> QueryResult<()> {
    let of_issues = "issue_id in (select i.id from issue i where i.issue_id";
    for table in ["issue_label", "issue_assignee"] {
        delete_under(tx, table, of_issues, issues).await?;
    }
    let comments = delete_under(tx, "issue_comment", of_issues, issues).await?;
    let keys = comments.iter().map(i64::to_string).collect();
    tombstone::remember(tx, "issue_comment", &keys).await?;
    Ok(())
}

async fn delete_under(
    tx: &mut Tx<'_>,
    table: &str,
    of_issues: &str,
    issues: &BTreeSet<i64>,
) -> QueryResult<BTreeSet<i64>> {
    let key = if table == "issue_comment" { "issue_comment_id" } else { "id" };
    let mut statement = Statement::new(format!("delete from {table} where {of_issues} = any("));
    statement.bind_all(SqlType::BigInt, issues.iter().copied().map(Value::BigInt));
    statement.push(&format!(")) returning {key}"));
    deleted(tx, table, statement).await
}

async fn delete(
    tx: &mut Tx<'_>,
    table: &str,
    key: &str,
    condition: &str,
    ids: &BTreeSet<i64>,
) -> QueryResult<BTreeSet<i64>> {
    let mut statement = Statement::new(format!("delete from {table} where {condition} = any("));
    statement.bind_all(SqlType::BigInt, ids.iter().copied().map(Value::BigInt));
    statement.push(&format!(") returning {key}"));
    deleted(tx, table, statement).await
}

async fn deleted(tx: &mut Tx<'_>, table: &str, statement: Statement) -> QueryResult<BTreeSet<i64>> {
    let ids = tx.ids(statement).await?;
    tx.count(table).deleted += ids.len() as u64;
    Ok(ids.into_iter().collect())
}

/// A review that has the number of a comment has it negated; see `threads`.
pub async fn clear_numbers(tx: &mut Tx<'_>, comments: &BTreeSet<i64>) -> QueryResult<()> {
    let mut statement = Statement::new(
        "update pull_request_review set pr_review_id = -pr_review_id \
         where kind = 'review' and pr_review_id = any(",
    );
    statement.bind_all(SqlType::BigInt, comments.iter().copied().map(Value::BigInt)).push(")");
    tx.execute(statement).await?;
    Ok(())
}
