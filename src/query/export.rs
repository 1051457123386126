//! A list in whole: every row that passes, as a stream, in constant memory.
//!
//! A task of its own reads rows from PostgreSQL, as fast as the client takes them and no faster, and
//! writes them into chunks. The body that the client gets ends only once the task has said that it
//! is complete: whatever else happens breaks the transfer, so that no file is short unnoticed.

use std::{io, mem, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, Uri, header},
    response::{IntoResponse, Response},
};
use deadpool::managed::Object;
use diesel::{QueryResult, result::Error};
use diesel_async::{
    AsyncConnection, AsyncConnectionCore, RunQueryDsl, TransactionManager,
    pooled_connection::AsyncDieselConnectionManager,
};
use futures_util::{TryStreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{
    answer, csv,
    format::Format,
    grammar,
    plan::{Count, Filter, Plan},
    render, select, value,
    view::View,
};
use crate::{
    app::App,
    config::Settings,
    db::{
        Connection, Pool, reader,
        sql::{Row, SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, ReadsResource},
        extract::Params,
        problem::{Fault, Problem, Result},
        scope::Scope,
    },
};

/// The header that says when the rows were read.
pub const AS_OF: HeaderName = HeaderName::from_static("x-as-of");
/// The header that says in which order they come, as `sort` is written.
pub const ROW_ORDER: HeaderName = HeaderName::from_static("x-row-order");

/// No limit: as many rows as `bigint` counts.
const UNLIMITED: usize = usize::MAX >> 1;
/// Bytes after which a chunk is sent.
const CHUNK: usize = 64 << 10;
/// Chunks that wait for the client.
const AHEAD: usize = 2;
/// How long a client may take no chunk before it is thought to be gone.
const STALL: Duration = Duration::from_mins(1);

type Pooled = Object<AsyncDieselConnectionManager<Connection>>;
type Transaction = <Connection as AsyncConnection>::TransactionManager;

/// Places for exports. They are fewer than the pool's connections, so that pages always have some; of a
/// pool of one connection they are that one.
#[derive(Debug)]
pub struct Exports(Arc<Semaphore>);

impl Exports {
    /// As many places as the settings say and the pool allows.
    pub fn new(settings: &Settings) -> Self {
        let spare = settings.pool_size.saturating_sub(1).max(1);
        Self(Arc::new(Semaphore::new(settings.max_exports.clamp(1, spare))))
    }

    fn take(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let detail = "As many exports are running as the server takes. Try again in a while.";
            Problem::unavailable("too_many_exports", detail)
        })
    }
}

/// The rows that pass `fixed` and what the parameters ask for, in the format that the caller wants:
/// a page of them, or all.
pub async fn list(
    app: &App,
    caller: &Allowed<ReadsResource>,
    view: &Arc<View>,
    fixed: &[Filter],
    params: &Params,
    uri: &Uri,
    format: Format,
) -> Result<Response> {
    if format == Format::Json {
        return answer::list(app, caller, view, fixed, params, uri).await;
    }
    let mut plan = plan(view, &params.0, fixed).map_err(Problem::invalid)?;
    plan.private = caller.has(&Scope::ReadPii);
    let order = order(view, &plan);
    let place = app.exports.take()?;
    let mut connection = app.pool.get().await?;
    let now = app.clock.now();
    answer::place(&mut plan, view, now, &mut connection).await?;
    let as_of = value::rfc3339(now);
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let export = Export {
        view: Arc::clone(view),
        plan,
        format,
        is_veiled: app.hidden.any(),
        longest: Duration::from_millis(app.settings.export_timeout_ms),
        sender,
    };
    tokio::spawn(export.run(connection, app.pool.clone(), place));
    // What fails before the first row is still answered as a problem.
    let first = receiver.recv().await.ok_or_else(|| Problem::internal("the export ended"))??;
    let headers = [
        (header::CONTENT_TYPE, content_type(format).to_owned()),
        (header::CONTENT_DISPOSITION, disposition(view, format)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (AS_OF, as_of),
        (ROW_ORDER, order),
    ];
    Ok((headers, body(first, receiver)).into_response())
}

/// What the parameters ask of an export: the list grammar, without a page's bounds.
fn plan(
    view: &View,
    pairs: &[(String, String)],
    fixed: &[Filter],
) -> std::result::Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut limit = UNLIMITED;
    let mut rest = Vec::with_capacity(pairs.len());
    for (name, text) in pairs {
        let is_column = view.index(name).is_some();
        match name.as_str() {
            "limit" => match value::integer::<usize>(name, text) {
                Ok(given @ 1..=UNLIMITED) => limit = given,
                Ok(_) => {
                    let detail = "`limit` is at least 1.";
                    faults.push(Fault::parameter(name, "out_of_range", detail));
                }
                Err(fault) => faults.push(fault),
            },
            // Of a column that is called so, a number is a filter; what is neither is refused there.
            "count" if is_column && Count::parse(text).is_none() => {
                rest.push((name.clone(), text.clone()));
            }
            "count" if text == "none" => {}
            "count" | "include" if !is_column || name == "count" => {
                let detail = format!("`{name}` goes with pages only, not with CSV or NDJSON.");
                faults.push(Fault::parameter(name, "not_exported", detail));
            }
            _ => rest.push((name.clone(), text.clone())),
        }
    }
    match grammar::list(view, &rest, fixed) {
        Ok(plan) if faults.is_empty() => Ok(Plan { limit, ..plan }),
        Ok(_) => Err(faults),
        Err(others) => Err(faults.into_iter().chain(others).collect()),
    }
}

/// The order, as `sort` is written.
fn order(view: &View, plan: &Plan) -> String {
    let keys = plan.sort.iter().map(|key| {
        let minus = if key.descending { "-" } else { "" };
        format!("{minus}{}", view.column(key.column).name)
    });
    keys.collect::<Vec<_>>().join(",")
}

const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Csv => "text/csv; charset=utf-8; header=present",
        other => other.media_type(),
    }
}

/// A name for the file that a browser makes of it.
fn disposition(view: &View, format: Format) -> String {
    let ending = if format == Format::Csv { "csv" } else { "ndjson" };
    let name = view.resource().path.trim_matches('/').replace('/', "-");
    format!("attachment; filename=\"{name}.{ending}\"")
}

/// A piece of an export.
enum Piece {
    Rows(Bytes),
    /// There is nothing more. Without it the export is not complete.
    End,
}

/// The body of the answer. It ends well only with [`Piece::End`].
fn body(first: Piece, receiver: mpsc::Receiver<Result<Piece>>) -> Body {
    Body::from_stream(stream::try_unfold((Some(first), receiver), async |(first, mut receiver)| {
        let piece = match first {
            Some(piece) => Some(Ok(piece)),
            None => receiver.recv().await,
        };
        match piece {
            Some(Ok(Piece::Rows(rows))) => Ok(Some((rows, (None, receiver)))),
            Some(Ok(Piece::End)) => Ok(None),
            Some(Err(problem)) => Err(io::Error::other(problem)),
            None => Err(io::Error::other("the export broke off")),
        }
    }))
}

/// An export at work.
struct Export {
    view: Arc<View>,
    plan: Plan,
    format: Format,
    /// Whether somebody is hidden.
    is_veiled: bool,
    longest: Duration,
    sender: mpsc::Sender<Result<Piece>>,
}

/// Why an export does not come to its end.
enum Broken {
    /// The statement failed, or the connection did.
    Failed(Error),
    /// Nobody takes the rows any more.
    Left,
    /// It takes too long.
    Slow,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Export {
    /// Sends everything. The connection goes back to the pool only if it is as good as before.
    async fn run(self, mut connection: Pooled, pool: Pool, place: OwnedSemaphorePermit) {
        let session = match session(&mut connection).await {
            Ok(session) => session,
            Err(error) => return self.break_off(error.into()).await,
        };
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(self.longest, self.copy(&mut connection)) => {
                outcome.unwrap_or(Err(Broken::Slow))
            }
            () = self.sender.closed() => Err(Broken::Left),
        };
        match outcome {
            Ok(rest) => {
                drop((connection, place));
                if self.send(rest).await.is_ok() {
                    let _ = self.sender.send(Ok(Piece::End)).await;
                }
            }
            Err(Broken::Failed(error)) => {
                drop(Object::take(connection));
                self.break_off(error.into()).await;
            }
            Err(broken) => {
                // Out of the pool, which may open another instead.
                let connection = Object::take(connection);
                if let Err(error) = end_session(&pool, session).await {
                    tracing::warn!(%error, "the statement of an export goes on");
                }
                drop((connection, place));
                if matches!(broken, Broken::Slow) {
                    let detail = "The export took longer than the server allows.";
                    self.break_off(Problem::unavailable("export_timeout", detail)).await;
                }
            }
        }
    }

    /// Copies rows from PostgreSQL into chunks, and gives what is left for the last.
    async fn copy(&self, connection: &mut Connection) -> std::result::Result<Vec<u8>, Broken> {
        // A list may be two statements (rows with the leading sort key, rows without it): they must
        // see the same rows.
        let veil = if self.is_veiled { reader::veil(true) } else { String::new() };
        let begin = format!(
            "begin isolation level repeatable read, read only; set local statement_timeout = {}; \
             {veil}",
            self.longest.as_millis()
        );
        Transaction::begin_transaction_sql(connection, &begin).await?;
        let shown = self.view.shown(self.plan.fields.as_ref());
        let mut chunk = Vec::with_capacity(CHUNK + CHUNK / 4);
        if self.format == Format::Csv {
            csv::header(&self.view, shown, &mut chunk);
        }
        let (mut left, mut is_first) = (self.plan.limit, true);
        for part in select::parts(&self.view, &self.plan) {
            if left == 0 {
                break;
            }
            let statement = select::page(&self.view, &self.plan, &[], *part, left).once();
            let mut rows = AsyncConnectionCore::load(connection, statement).await?;
            while let Some(row) = rows.try_next().await? {
                let written = if self.format == Format::Csv {
                    csv::row(&self.view, shown, &row, &mut chunk)
                } else {
                    render::row(&self.view, shown, &row, &mut chunk).map(|()| chunk.push(b'\n'))
                };
                written.map_err(Error::DeserializationError)?;
                left -= 1;
                // The answer begins with the first row, however long the others take.
                if chunk.len() >= CHUNK || mem::take(&mut is_first) {
                    let full = mem::replace(&mut chunk, Vec::with_capacity(CHUNK + CHUNK / 4));
                    self.send(full).await?;
                }
            }
        }
        Transaction::commit_transaction(connection).await?;
        Ok(chunk)
    }

    async fn send(&self, rows: Vec<u8>) -> std::result::Result<(), Broken> {
        if rows.is_empty() {
            return Ok(());
        }
        let sent = self.sender.send(Ok(Piece::Rows(rows.into())));
        match tokio::time::timeout(STALL, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Broken::Left),
            Err(_) => Err(Broken::Slow),
        }
    }

    /// Says why there is nothing more. Whoever does not listen notices anyhow: [`Piece::End`] is
    /// missing.
    async fn break_off(&self, problem: Problem) {
        tracing::warn!(%problem, "an export broke off");
        let told = self.sender.send(Err(problem));
        let _ = tokio::time::timeout(STALL, told).await;
    }
}

/// PostgreSQL's number of the connection's session.
async fn session(connection: &mut Connection) -> QueryResult<Value> {
    let Row(values) = Statement::new("select pg_backend_pid()").get_result(connection).await?;
    values.into_iter().next().ok_or(Error::NotFound)
}

/// Ends a session with what it runs. A statement whose client has gone would else go on until it
/// has a row to send.
async fn end_session(pool: &Pool, session: Value) -> std::result::Result<(), Problem> {
    let mut connection = pool.get().await?;
    let mut statement = Statement::new("select pg_terminate_backend(");
    statement.bind(SqlType::Int, session).push(")");
    statement.execute(&mut connection).await?;
    Ok(())
}
