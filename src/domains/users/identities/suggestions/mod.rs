//! Suggestions: which profiles may be one person, and why.
//!
//! Every pair rests on an address: GitHub's noreply address with an account's id, or the same address
//! twice. Handles and names only add to that, since they never reach the threshold alone. So
//! candidates are found by joining addresses with each other, never profiles with profiles, and an
//! address that too many profiles share is passed over, and that is said.
//!
//! A kind of evidence counts once, however many rows show it: two shared addresses are not independent.

pub mod evidence;
pub mod find;
pub mod store;

use chrono::{DateTime, Duration, Utc};
use diesel_async::{AnsiTransactionManager as Manager, RunQueryDsl, TransactionManager};
use serde::Serialize;
use utoipa::ToSchema;

use self::find::Which;
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// A pair with less is not suggested.
pub const THRESHOLD: f64 = 0.60;

/// An address that more profiles share says nothing about any two of them.
const MOST: i64 = 20;

/// What is new is stored some time before it can be seen: so much is looked at twice.
const OVERLAP: Duration = Duration::minutes(10);

/// Where PostgreSQL thinks that a table is small, it would compare all with all in a loop.
const BEGIN: &str = "begin; set local statement_timeout = '300s'; set local enable_nestloop = off";

/// What a computation found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SuggestionReport)]
pub struct Report {
    /// Pairs with enough evidence, besides those that are one identity already.
    pub pairs: usize,
    /// Suggestions that are new.
    pub made: usize,
    /// Open suggestions with other evidence than before.
    pub updated: usize,
    /// Open suggestions that were taken away: the two are one identity, or (if everybody was compared)
    /// the evidence is gone.
    pub withdrawn: usize,
    /// Addresses that too many profiles share.
    pub skipped: Vec<Skipped>,
}

/// An address that too many profiles share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Skipped {
    /// One of its rows, `email.id`.
    pub email_id: i64,
    /// How many profiles have it.
    pub profiles: i64,
}

/// Computes suggestions: of profiles about which something changed against all, or of all if `full`.
pub async fn compute(app: &App, full: bool) -> Result<Report> {
    let mut conn = app.pool.get().await?;
    Manager::begin_transaction_sql(&mut *conn, BEGIN).await?;
    match run(&mut conn, app.clock.now(), full).await {
        Ok(report) => {
            Manager::commit_transaction(&mut *conn).await?;
            Ok(report)
        }
        Err(problem) => {
            let _ = Manager::rollback_transaction(&mut *conn).await;
            Err(problem)
        }
    }
}

async fn run(conn: &mut Connection, now: DateTime<Utc>, full: bool) -> Result<Report> {
    // One at a time: the other one's pairs would be in the way.
    let lock = "select pg_advisory_xact_lock(hashtext('identity_suggestion'))";
    Statement::new(lock).execute(conn).await?;
    let last = if full { None } else { last(conn).await? };
    let which = last.map_or(Which::All, Which::Since);
    let found = find::pairs(conn, which).await?;
    let skipped = find::skipped(conn, which).await?;
    let pairs = evidence::weigh(conn, found).await?;
    let mut report = Report { pairs: pairs.len(), skipped, ..Report::default() };
    (report.made, report.updated) = store::put(conn, &pairs, now).await?;
    report.withdrawn = store::withdraw(conn, last.is_none().then_some(pairs.as_slice())).await?;
    note(conn, now - OVERLAP, &report).await?;
    Ok(report)
}

/// Since when something is new.
async fn last(conn: &mut Connection) -> Result<Option<DateTime<Utc>>> {
    let last = Statement::new("select since from identity_suggestion_run order by id desc limit 1");
    let rows: Vec<Row> = last.load(conn).await?;
    Ok(rows.into_iter().find_map(|Row(values)| match values[..] {
        [Value::Timestamptz(since)] => Some(since),
        _ => None,
    }))
}

async fn note(conn: &mut Connection, since: DateTime<Utc>, report: &Report) -> Result<()> {
    let json = serde_json::to_value(report).map_err(Problem::internal)?;
    let mut statement =
        Statement::new("insert into identity_suggestion_run (since, report) values (");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(since)).push(", ");
    statement.bind(SqlType::Jsonb, Value::Jsonb(crate::db::sql::Json(json))).push(")");
    statement.execute(conn).await?;
    Ok(())
}
