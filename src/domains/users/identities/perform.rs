//! Runs an operation: one transaction, repeated if it met another one.

use diesel_async::{AnsiTransactionManager as Manager, TransactionManager};

use super::{
    changes::{Key, Table},
    journal::Entry,
    operation::Operation,
    plan::plan,
    undo,
    world::{Stop, World},
};
use crate::{
    app::App,
    changes,
    db::Connection,
    http::problem::{Problem, Result},
};

/// How often a transaction is tried that meets others.
const TRIES: usize = 20;

/// One spelling of times, so that images can be compared; and nobody waits for ever.
const BEGIN: &str = "begin; set local timezone = 'UTC'; set local statement_timeout = '60s'";

/// Who asks for an operation.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// The token's subject.
    pub subject: &'a str,
    /// The request's id.
    pub request_id: &'a str,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The operation's number in the journal; none if everything was as it was to be.
    pub operation: Option<i64>,
    /// The row that it is about, if that is left.
    pub row: Option<Key>,
}

/// Runs an operation.
pub async fn perform(app: &App, who: Who<'_>, operation: &Operation) -> Result<Done> {
    let mut conn = app.pool.get().await?;
    for attempt in 1.. {
        match attempt_once(app, &mut conn, &who, operation).await {
            Ok(done) => {
                if done.operation.is_some() {
                    // Before others are told that something changed: what they read then is kept.
                    app.hidden.refresh(&mut conn).await;
                    let tables = Table::ALL.into_iter().map(Table::name);
                    changes::announce(app, tables, &mut conn).await;
                }
                return Ok(done);
            }
            Err(stop) if stop.is_passing() && attempt < TRIES => {
                tracing::debug!(?stop, attempt, "repeating an identity operation");
            }
            Err(Stop::Refused(problem)) => return Err(problem),
            Err(Stop::Race) => break,
            Err(Stop::Database(error)) => return Err(last_word(error)),
        }
    }
    Err(Problem::unavailable("busy", "Others are moving the same profiles; try again."))
}

/// What is said of an error that comes again and again.
fn last_word(error: diesel::result::Error) -> Problem {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match &error {
        Error::DatabaseError(Kind::UniqueViolation | Kind::ForeignKeyViolation, info) => {
            let table = info.table_name().unwrap_or("a table").to_owned();
            let detail = format!("A row of `{table}` is in the way, or one it needs is gone.");
            Problem::conflict("changed_since", detail)
        }
        _ => error.into(),
    }
}

async fn attempt_once(
    app: &App,
    conn: &mut Connection,
    who: &Who<'_>,
    operation: &Operation,
) -> Result<Done, Stop> {
    Manager::begin_transaction_sql(conn, BEGIN).await?;
    let mut world = World::new(conn, app.clock.now());
    match run(&mut world, who, operation).await {
        Ok(done) => {
            Manager::commit_transaction(conn).await?;
            Ok(done)
        }
        Err(stop) => {
            // A connection that is lost has rolled back by itself.
            let _ = Manager::rollback_transaction(conn).await;
            Err(stop)
        }
    }
}

async fn run(world: &mut World<'_>, who: &Who<'_>, operation: &Operation) -> Result<Done, Stop> {
    let mut undoes = None;
    let row = if let Operation::Undo { operation } = operation {
        undoes = Some(*operation);
        undo::plan(world, *operation).await?
    } else {
        plan(operation, world).await?
    };
    if world.changes.rows.is_empty() {
        return Ok(Done { operation: None, row });
    }
    let mut changes = std::mem::take(&mut world.changes);
    changes.write(world.conn).await?;
    let (kind, what, at) = (operation.kind(), operation.what(), world.now);
    let entry = Entry { kind, what, who, at, undoes };
    let id = entry.write(&changes, world.conn).await?;
    if let Some(undone) = undoes {
        undo::mark(world.conn, undone, id).await?;
    }
    Ok(Done { operation: Some(id), row })
}
