//! Labels that were renamed or deleted. GitHub tells it once, for the whole repository, and changes
//! no issue's time; so the edits are remembered, and what an older payload says is read through them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde_json::{Value as Json, json};

use crate::{
    db::sql::{Json as SqlJson, SqlType, Statement, Value},
    ingest::{
        kind::Outcome,
        repo_name::RepoName,
        stamp::{Stamp, digest},
        statements::{self, Statement as Said},
        tx::Tx,
        upsert::Action,
    },
};

/// Where the edits are kept: by GitHub's id of the repository, which survives renames.
const FOLD: &str = "github.labels";

/// A label's edit.
#[derive(Debug)]
pub struct LabelEdit {
    /// The repository.
    pub repo: RepoName,
    /// GitHub's id of it.
    pub github_id: i64,
    /// The name before.
    pub from: String,
    /// The name after; none if the label was deleted.
    pub to: Option<String>,
    /// When we were told: GitHub gives no time.
    pub at: DateTime<Utc>,
}

/// A label's edit as it is remembered.
#[derive(Debug)]
struct Edit {
    at: DateTime<Utc>,
    from: String,
    to: Option<String>,
}

/// The edits of repositories, by `github_repository.id`, in order.
#[derive(Debug, Default)]
pub struct Edits(HashMap<i64, Vec<Edit>>);

impl Edits {
    /// The edits of these repositories.
    pub async fn of(tx: &mut Tx<'_>, repositories: &BTreeSet<i64>) -> QueryResult<Self> {
        let mut edits: HashMap<i64, Vec<Edit>> = HashMap::new();
        if repositories.is_empty() {
            return Ok(Self(edits));
        }
        let mut statement = Statement::new(
            "select r.id, s.source_at, s.body from github_repository r join statement s \
             on s.scope = r.github_repo_id::text and s.fold = ",
        );
        statement.bind(SqlType::Text, Value::Text(FOLD.to_owned())).push(" where r.id = any(");
        statement.bind_all(SqlType::BigInt, repositories.iter().copied().map(Value::BigInt));
        statement.push(") order by s.source_at, s.key");
        for row in tx.query(statement).await? {
            let Ok([Value::BigInt(repo), Value::Timestamptz(at), Value::Jsonb(SqlJson(body))]) =
                <[Value; 3]>::try_from(row.0)
            else {
                continue;
            };
            let text = |key| body.get(key).and_then(Json::as_str).map(str::to_owned);
            let edit = Edit { at, from: text("from").unwrap_or_default(), to: text("to") };
            edits.entry(repo).or_default().push(edit);
        }
        Ok(Self(edits))
    }

    /// What labels that were listed at a time are called now; none if as they were.
    pub fn read_through(
        &self,
        repo: i64,
        labels: &BTreeSet<String>,
        listed_at: Option<DateTime<Utc>>,
    ) -> Option<BTreeSet<String>> {
        let later = self.0.get(&repo)?.iter().filter(|edit| listed_at < Some(edit.at));
        let mut now = labels.clone();
        for edit in later {
            if now.remove(&edit.from) {
                now.extend(edit.to.clone());
            }
        }
        (now != *labels).then_some(now)
    }
}

/// Remembers edits. Call it before issues and pull requests are stored, and [`apply`] after.
pub async fn remember(tx: &mut Tx<'_>, edits: &[(i32, &LabelEdit)]) -> QueryResult<()> {
    let said: Vec<Said> = edits
        .iter()
        .map(|(item, edit)| {
            let body = json!({"from": edit.from, "to": edit.to});
            let stamp = Stamp { source_at: Some(edit.at), digest: digest(&body), ..Stamp::BOTTOM };
            let key = format!("{:020}:{}", edit.at.timestamp_micros(), edit.from);
            Said { scope: edit.github_id.to_string(), key, stamp, body, item: *item }
        })
        .collect();
    statements::keep(tx, FOLD, &said).await?;
    Ok(())
}

/// Edits the labels that are stored, except where they were listed later; `repositories` are the
/// `github_repository.id` of each. One outcome for each edit, in order.
pub async fn apply(
    tx: &mut Tx<'_>,
    edits: &[(i32, &LabelEdit)],
    repositories: &[i64],
) -> QueryResult<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    // One after the other: each stands on the one before, and there is rarely more than one.
    for ((_, edit), repo) in edits.iter().zip(repositories) {
        let mut changed = 0;
        for (table, parent, key) in
            [("issue_label", "issue", "issue_id"), ("pull_request_label", "pull_request", "pr_id")]
        {
            let old = |statement: &mut Statement| {
                statement.push(&format!(
                    " where t.id in (select l.id from {table} l join {parent} p on p.id = l.{key} \
                     where coalesce(case when p.column_stamps ? 'labels' \
                     then (p.column_stamps->'labels'->>0)::bigint \
                     else (extract(epoch from p.source_at) * 1000000)::bigint end, 0) < "
                ));
                let at = edit.at.timestamp_micros();
                statement.bind(SqlType::BigInt, Value::BigInt(at)).push(" and p.repo_id = ");
                statement.bind(SqlType::BigInt, Value::BigInt(*repo)).push(" and l.label_name = ");
                statement.bind(SqlType::Text, Value::Text(edit.from.clone())).push(")");
            };
            if let Some(to) = &edit.to {
                let mut rename = Statement::new(format!("update {table} t set label_name = "));
                rename.bind(SqlType::Text, Value::Text(to.clone()));
                old(&mut rename);
                rename.push(&format!(
                    " and not exists (select from {table} o where o.{key} = t.{key} \
                     and o.label_name = "
                ));
                rename.bind(SqlType::Text, Value::Text(to.clone())).push(")");
                let renamed = tx.execute(rename).await? as u64;
                tx.count(table).updated += renamed;
                changed += renamed;
            }
            // What is left has the new name already, or the label is gone.
            let mut left = Statement::new(format!("delete from {table} t"));
            old(&mut left);
            let removed = tx.execute(left).await? as u64;
            tx.count(table).deleted += removed;
            changed += removed;
        }
        outcomes.push(Outcome {
            action: if changed > 0 { Action::Updated } else { Action::Unchanged },
            table: "issue_label",
            row_id: None,
        });
    }
    Ok(outcomes)
}
