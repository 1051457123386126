//! Issues that went to another repository. There they have another id and another number; what hangs
//! on them goes along, and a late copy under the old id is a copy of the new one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::QueryResult;
use serde_json::{Value as Json, json};

use super::{
    issues::Issue,
    removals::{self, Gone, Removal},
    tables,
};
use crate::{
    db::sql::{SqlType, Statement, Value},
    ingest::{
        given::Given,
        join,
        kind::Outcome,
        repo_name::RepoName,
        stamp::{Stamp, digest},
        statements::{self, Statement as Said},
        tombstone,
        tx::Tx,
        upsert::Action,
    },
};

/// Where the statements about them are kept: by old id.
const FOLD: &str = "github.transfers";
/// How often an issue may move on.
const MOVES: usize = 16;

/// A transfer. The issue as it is now is an item of its own beside it.
#[derive(Debug)]
pub struct Transfer {
    /// GitHub's id before.
    pub from: i64,
    /// GitHub's id now.
    pub to: i64,
    /// The repository it was in.
    pub repo: RepoName,
}

/// Where an issue stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    row: i64,
    repo: i64,
    number: i32,
}

/// Moves what hangs on the old rows to the new ones, which are stored by now; one outcome for each
/// transfer, in order.
pub async fn store(tx: &mut Tx<'_>, transfers: &[(i32, &Transfer)]) -> QueryResult<Vec<Outcome>> {
    if transfers.is_empty() {
        return Ok(Vec::new());
    }
    let said: Vec<Said> = transfers
        .iter()
        .map(|(item, transfer)| {
            let body = json!({"to": transfer.to.to_string()});
            let stamp = Stamp { digest: digest(&body), ..Stamp::BOTTOM };
            let (scope, key) = (transfer.from.to_string(), String::new());
            Said { scope, key, stamp, body, item: *item }
        })
        .collect();
    statements::keep(tx, FOLD, &said).await?;
    let old = transfers.iter().map(|(_, transfer)| transfer.from.to_string()).collect();
    tombstone::remember(tx, "issue", &old).await?;
    let mut outcomes = Vec::new();
    for (_, transfer) in transfers {
        outcomes.push(move_row(tx, transfer).await?);
    }
    Ok(outcomes)
}

/// Transfers are rare: row by row.
async fn move_row(tx: &mut Tx<'_>, transfer: &Transfer) -> QueryResult<Outcome> {
    let ids = BTreeSet::from([transfer.from, transfer.to]);
    let standing = find(tx, &ids).await?;
    let (from, to) = (standing.get(&transfer.from), standing.get(&transfer.to));
    let mut outcome =
        Outcome { action: Action::Unchanged, table: "issue", row_id: to.map(|to| to.row) };
    match (from, to) {
        (None, _) => return Ok(outcome),
        // It was deleted where it went.
        (Some(_), None) => {
            let repo = transfer.repo.clone();
            let removal = Removal { what: Gone::Issue, id: transfer.from, number: None, repo };
            removals::remove(tx, &[&removal]).await?;
        }
        (Some(from), Some(to)) => {
            // The new repository has its own labels and people: the new payload lists them.
            for table in ["issue_label", "issue_assignee"] {
                let mut statement =
                    Statement::new(format!("delete from {table} where issue_id = "));
                statement.bind(SqlType::BigInt, Value::BigInt(from.row));
                let count = tx.execute(statement).await?;
                tx.count(table).deleted += count as u64;
            }
            join::merge(tx, &tables(), "issue", from.row, to.row).await?;
            // A newer statement of the old place is none of the new one.
            let mut place = Statement::new("update issue set repo_id = ");
            place.bind(SqlType::BigInt, Value::BigInt(to.repo)).push(", issue_number = ");
            place.bind(SqlType::Int, Value::Int(to.number)).push(" where id = ");
            place.bind(SqlType::BigInt, Value::BigInt(to.row));
            tx.execute(place).await?;
        }
    }
    outcome.action = Action::Updated;
    Ok(outcome)
}

async fn find(tx: &mut Tx<'_>, ids: &BTreeSet<i64>) -> QueryResult<HashMap<i64, Standing>> {
    let statement = Given::default().ids("id", ids.iter().copied()).statement(
        "select i.issue_id, i.id, i.repo_id, i.issue_number from",
        "join issue i on i.issue_id = u.id",
    );
    let mut found = HashMap::new();
    for row in tx.query(statement).await? {
        if let [Value::BigInt(id), Value::BigInt(row), Value::BigInt(repo), Value::Int(number)] =
            row.0.as_slice()
        {
            found.insert(*id, Standing { row: *row, repo: *repo, number: *number });
        }
    }
    Ok(found)
}

/// What becomes of an issue whose id is not in use any more.
#[derive(Debug)]
pub enum Fate {
    /// It is deleted.
    Gone,
    /// It is another issue now, in this repository: `github_repository.id`.
    Moved(Box<Issue>, i64),
}

impl Fate {
    /// The repository that the issue went to.
    pub fn repository(&self) -> Option<i64> {
        match self {
            Self::Moved(_, repo) => Some(*repo),
            Self::Gone => None,
        }
    }
}

/// The fate of those of the issues that were deleted or transferred, by id.
pub async fn fates(tx: &mut Tx<'_>, issues: &[&Issue]) -> QueryResult<HashMap<i64, Fate>> {
    let keys: Vec<String> = issues.iter().map(|issue| issue.id.to_string()).collect();
    let blocked = tombstone::blocked(tx, "issue", &keys).await?;
    let mut fates = HashMap::new();
    if blocked.is_empty() {
        return Ok(fates);
    }
    let blocked: BTreeSet<i64> = blocked.iter().filter_map(|id| id.parse().ok()).collect();
    let now = follow(tx, &blocked).await?;
    let standing = find(tx, &now.values().copied().collect()).await?;
    for issue in issues.iter().filter(|issue| blocked.contains(&issue.id)) {
        let moved = now.get(&issue.id).and_then(|to| Some((*to, standing.get(to)?)));
        let fate = match moved {
            Some((to, standing)) => {
                let mut issue = (*issue).clone();
                issue.id = to;
                issue.thread.number = standing.number;
                Fate::Moved(Box::new(issue), standing.repo)
            }
            None => Fate::Gone,
        };
        fates.insert(issue.id, fate);
    }
    Ok(fates)
}

/// The ids that transferred issues have now.
async fn follow(tx: &mut Tx<'_>, from: &BTreeSet<i64>) -> QueryResult<BTreeMap<i64, i64>> {
    let mut now: BTreeMap<i64, i64> = BTreeMap::new();
    let mut asked = from.clone();
    for _ in 0..MOVES {
        let scopes: Vec<String> = asked.iter().map(i64::to_string).collect();
        let said = statements::of(tx, FOLD, scopes.iter().map(String::as_str)).await?;
        let moved: BTreeMap<i64, i64> = said
            .iter()
            .filter_map(|(scope, said)| {
                let to = said.last()?.body.get("to").and_then(Json::as_str)?.parse().ok()?;
                Some((scope.parse().ok()?, to))
            })
            .collect();
        if moved.is_empty() {
            break;
        }
        for to in now.values_mut() {
            *to = *moved.get(to).unwrap_or(to);
        }
        for (id, to) in &moved {
            if from.contains(id) {
                now.entry(*id).or_insert(*to);
            }
        }
        asked = moved.into_values().collect();
    }
    Ok(now)
}
