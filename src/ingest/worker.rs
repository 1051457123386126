//! The queue's worker: runs requests that were accepted, oldest first.
//!
//! While it runs one, its connection holds an advisory lock of the receipt: of several servers one
//! runs it, and if that one dies the lock is free and the next to look runs it again, which changes
//! nothing that was stored.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use diesel::QueryResult;
use diesel_async::{RunQueryDsl, pooled_connection::deadpool::Object};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    body::{Documents, Format},
    job::{Job, Mode, Source},
    ledger, pipeline,
    receipt::{ItemNote, Status},
    request,
    routes::kind_named,
    tx::Tx,
    value::Note,
};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Json, Row, SqlType, Statement, Value},
    },
    http::problem::{Problem, Result},
};

/// How often a server looks for requests that others have queued, or have left.
const LOOK: Duration = Duration::from_secs(2);
/// How long a request is left alone that could not be run for a reason of ours.
const PAUSE: &str = "interval '10 seconds'";
/// How often a request is tried that fails for a reason of ours.
const ATTEMPTS: i32 = 5;
/// Spooled bodies that nobody deleted and no receipt names are swept when they are this old.
const ABANDONED: Duration = Duration::from_hours(24);

/// Runs queued requests, one after the other, until `stop` says so.
pub async fn work(app: &App, stop: &CancellationToken) {
    if let Err(error) = sweep(app).await {
        tracing::warn!(error = format!("{error:#}"), "the queue cannot be swept");
    }
    let mut is_away = false;
    while !stop.is_cancelled() {
        match run_next(app).await {
            Ok(true) => continue,
            Ok(false) => is_away = false,
            // Said once: it lasts as long as the database is away.
            Err(problem) => {
                if !std::mem::replace(&mut is_away, true) {
                    tracing::warn!(%problem, "queued requests cannot be run");
                }
            }
        }
        tokio::select! {
            () = app.wakeups.queued.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Runs the oldest request that nobody else runs; says whether there was one.
pub async fn run_next(app: &App) -> Result<bool> {
    let mut conn = app.pool.get().await?;
    let ready = "select receipt_number from queued_request where not_before <= now() \
                 order by receipt_number limit 64";
    let rows: Vec<Row> = Statement::new(ready).load(&mut conn).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    // A connection of its own: if the task that has it dies, so does the lock.
    let mut conn = Object::take(conn);
    for row in rows {
        let [Value::BigInt(number)] = row.0.as_slice() else { continue };
        let number = *number;
        if !try_lock(&mut conn, number).await? {
            continue;
        }
        // It may have been run since it was listed.
        let Some(waiting) = Waiting::load(&mut conn, number).await? else {
            unlock(&mut conn, number).await?;
            continue;
        };
        let (app, id) = (app.clone(), waiting.id.clone());
        let run = async move { waiting.run(&app, &mut conn).await };
        if let Err(error) = tokio::spawn(run).await.map_err(Problem::internal)? {
            tracing::warn!(id, %error, "a queued request could not be run");
            return Err(error);
        }
        return Ok(true);
    }
    Ok(false)
}

/// The advisory lock of a receipt's number, apart from those of idempotency keys.
fn lock(function: &str, number: i64) -> Statement {
    let mut statement = Statement::new(format!("select {function}(hashtextextended('queue', "));
    statement.bind(SqlType::BigInt, Value::BigInt(number)).push("))");
    statement
}

async fn try_lock(conn: &mut Connection, number: i64) -> QueryResult<bool> {
    let row: Row = lock("pg_try_advisory_lock", number).get_result(conn).await?;
    Ok(row.0 == [Value::Bool(true)])
}

async fn unlock(conn: &mut Connection, number: i64) -> QueryResult<()> {
    lock("pg_advisory_unlock", number).execute(conn).await?;
    Ok(())
}

/// A request that waits, as its row tells.
#[derive(Debug)]
struct Waiting {
    number: i64,
    id: String,
    request_id: String,
    kind: String,
    subject: String,
    params: Vec<(String, String)>,
    mode: Mode,
    idempotency: Option<(String, Vec<u8>)>,
    received_at: chrono::DateTime<chrono::Utc>,
    is_open: bool,
    media: String,
    attempts: i32,
}

impl Waiting {
    async fn load(conn: &mut Connection, number: i64) -> QueryResult<Option<Self>> {
        let mut statement = Statement::new(
            "select r.id, r.request_id, r.domain || '/' || r.kind, r.subject, r.params, r.mode, \
             r.idempotency_key, r.body_digest, r.received_at, r.status, q.media, q.attempts \
             from queued_request q join receipt r on r.number = q.receipt_number \
             where q.receipt_number = ",
        );
        statement.bind(SqlType::BigInt, Value::BigInt(number));
        let rows: Vec<Row> = statement.load(conn).await?;
        let Some(Ok(
            [
                Value::Text(id),
                Value::Text(request_id),
                Value::Text(kind),
                Value::Text(subject),
                Value::Jsonb(Json(params)),
                Value::Text(mode),
                key,
                digest,
                Value::Timestamptz(received_at),
                Value::Text(status),
                Value::Text(media),
                Value::Int(attempts),
            ],
        )) = rows.into_iter().next().map(|row| <[Value; 12]>::try_from(row.0))
        else {
            return Ok(None);
        };
        let params = params.as_object().into_iter().flatten();
        Ok(Some(Self {
            number,
            id,
            request_id,
            kind,
            subject,
            params: params
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            mode: if mode == Mode::Atomic.name() { Mode::Atomic } else { Mode::Partial },
            idempotency: match (key, digest) {
                (Value::Text(key), Value::Bytea(digest)) => Some((key, digest)),
                _ => None,
            },
            received_at,
            is_open: [Status::Queued, Status::Running].map(Status::text).contains(&&*status),
            media,
            attempts,
        }))
    }

    fn body(&self, app: &App) -> PathBuf {
        app.settings.workspace.join("queue").join(&self.id)
    }

    /// Runs it to its receipt; or puts it off, if that is our fault.
    async fn run(self, app: &App, conn: &mut Connection) -> Result<()> {
        if !self.is_open {
            // It was done, and the server died before it could say so.
            return self.forget(app, conn).await;
        }
        let (job, format) = match self.job(app) {
            Ok(prepared) => prepared,
            Err(problem) => {
                tracing::error!(id = self.id, %problem, "this server cannot run a queued request");
                return self.put_off(conn, false).await;
            }
        };
        let file = match tokio::fs::File::open(self.body(app)).await {
            Ok(file) => file,
            Err(error) => {
                // The workspace may be another server's, or not mounted yet.
                tracing::error!(id = self.id, %error, "the body of a queued request is not there");
                return self.put_off(conn, false).await;
            }
        };
        self.begin(conn).await?;
        let limits = request::limits(&app.settings);
        let documents = Documents::new(Box::pin(file), format, limits, job.kind.spec());
        let mut source = Source::Body(Box::new(documents));
        match pipeline::run_as(app, &job, conn, &mut source, self.number).await {
            Ok(_) => self.forget(app, conn).await,
            Err(problem) if problem.status == StatusCode::SERVICE_UNAVAILABLE => {
                tracing::warn!(id = self.id, %problem, "a queued request is put off");
                self.put_off(conn, false).await
            }
            Err(problem) if problem.status.is_server_error() && self.attempts + 1 < ATTEMPTS => {
                self.put_off(conn, true).await
            }
            Err(problem) => {
                if problem.status.is_server_error() {
                    // Kept for whoever finds out why.
                    let body = self.body(app);
                    let _ = tokio::fs::rename(&body, body.with_extension("failed")).await;
                }
                self.give_up(app, conn, &job, &problem).await?;
                self.forget(app, conn).await
            }
        }
    }

    fn job(&self, app: &App) -> Result<(Job, Format)> {
        let kind = kind_named(&self.kind)
            .ok_or_else(|| Problem::not_found("There is no such kind any more."))?;
        let spec = kind.spec();
        let mut asked = request::parameters(spec, &self.params, &app.settings, app.clock.now())?;
        asked.context.received_at = self.received_at;
        let mut headers = HeaderMap::new();
        let media = HeaderValue::from_str(&self.media).map_err(Problem::internal)?;
        headers.insert(header::CONTENT_TYPE, media);
        let format = request::format(spec, &headers)?;
        let job = Job {
            kind,
            context: asked.context,
            content_type: format.media().to_owned(),
            mode: self.mode,
            is_retry: false,
            subject: self.subject.clone(),
            request_id: self.request_id.clone(),
            receipt_id: Uuid::parse_str(&self.id).map_err(Problem::internal)?,
            idempotency: self.idempotency.clone(),
            archive: Some(app.archive.clone()),
        };
        Ok((job, format))
    }

    /// What a run that was cut short has noted is noted again.
    async fn begin(&self, conn: &mut Connection) -> QueryResult<()> {
        let mut statement = Statement::new(
            "with i as (delete from receipt_items where \
            receipt_number = ",
        );
        statement.bind(SqlType::BigInt, Value::BigInt(self.number));
        statement.push("), d as (delete from dead_letter where receipt_number = ");
        statement.bind(SqlType::BigInt, Value::BigInt(self.number));
        statement.push(") update receipt set status = 'running' where number = ");
        statement.bind(SqlType::BigInt, Value::BigInt(self.number));
        statement.execute(conn).await?;
        Ok(())
    }

    async fn put_off(&self, conn: &mut Connection, counts: bool) -> Result<()> {
        let mut statement = Statement::new(
            "with r as (update receipt set status = 'queued' where \
            number = ",
        );
        statement.bind(SqlType::BigInt, Value::BigInt(self.number)).push(&format!(
            ") update queued_request set not_before = now() + {PAUSE}, attempts = attempts + "
        ));
        statement.bind(SqlType::Int, Value::Int(i32::from(counts)));
        statement.push(" where receipt_number = ");
        statement.bind(SqlType::BigInt, Value::BigInt(self.number));
        statement.execute(conn).await?;
        Ok(())
    }

    /// Concludes the receipt of a request that cannot be run, unless a part of it was stored.
    async fn give_up(
        &self,
        app: &App,
        conn: &mut Connection,
        job: &Job,
        problem: &Problem,
    ) -> QueryResult<()> {
        if !Self::load(conn, self.number).await?.is_some_and(|waiting| waiting.is_open) {
            return Ok(());
        }
        let note = Note {
            pointer: String::new(),
            code: problem.code.clone().into_owned(),
            detail: problem.detail.clone(),
        };
        let mut receipt = job.begun(Status::Queued, app.clock.now());
        receipt.received = 1;
        receipt.rejected = 1;
        receipt.errors.push(ItemNote { index: 0, note });
        receipt.conclude(app.clock.now());
        let json = serde_json::to_string(&receipt).unwrap_or_default();
        let mut tx = Tx::new(conn, app.clock.now(), self.number);
        ledger::write_receipt(&mut tx, job, &receipt, Some(&json)).await
    }

    /// It is done: the receipt tells how it went. The body goes first, so that none is left behind;
    /// a row without one is a row of a receipt that is concluded.
    async fn forget(&self, app: &App, conn: &mut Connection) -> Result<()> {
        let _ = tokio::fs::remove_file(self.body(app)).await;
        let mut statement = Statement::new("delete from queued_request where receipt_number = ");
        statement.bind(SqlType::BigInt, Value::BigInt(self.number));
        statement.execute(conn).await?;
        unlock(conn, self.number).await?;
        Ok(())
    }
}

/// Deletes bodies that servers left when they died: those of requests that were never queued, or are
/// done. What a receipt waits for stays, however old it is.
pub async fn sweep(app: &App) -> anyhow::Result<usize> {
    let folder = app.settings.workspace.join("queue");
    let Ok(mut entries) = tokio::fs::read_dir(&folder).await else { return Ok(0) };
    let mut old = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(metadata) = entry.metadata().await else { continue };
        let age = metadata.modified()?.elapsed().unwrap_or_default();
        // Another server may be at it right now.
        if age > ABANDONED && !name.ends_with(".failed") {
            old.push(name);
        }
    }
    let mut statement = Statement::new(
        "select r.id from queued_request q join receipt r on r.number = q.receipt_number",
    );
    statement = statement.once();
    let rows: Vec<Row> = statement.load(&mut *app.pool.get().await?).await?;
    let is_waited_for = |name: &String| rows.iter().any(|row| row.0 == [Value::Text(name.clone())]);
    old.retain(|name| !is_waited_for(name));
    for name in &old {
        let path = folder.join(name);
        tokio::fs::remove_file(&path).await.with_context(|| path.display().to_string())?;
    }
    Ok(old.len())
}
