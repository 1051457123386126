//! `Prefer: respond-async`: requests that are accepted now and run later.
//!
//! Before the answer, the body is on disk for good in `workspace/queue/<receipt id>` and the receipt
//! is committed as `queued`. [`worker`](super::worker) runs them, one task a server.

use diesel::QueryResult;
use diesel_async::RunQueryDsl;

use super::{
    body::{Documents, Format},
    given::Given,
    idempotency::{self, Spooled},
    job::{Job, Source},
    ledger, pipeline,
    receipt::{Receipt, Status},
    request, watermarks,
};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::{
        coding::Reader,
        problem::{Problem, Result},
    },
};

/// A request that may be queued.
#[derive(Debug)]
pub struct Request {
    /// The job, without its idempotency key.
    pub job: Job,
    /// How documents stand in the body.
    pub format: Format,
    /// The media type, as it was sent.
    pub media: String,
    /// The idempotency key.
    pub key: Option<String>,
}

/// What a request is answered that asked to be queued.
#[derive(Debug)]
pub enum Answer {
    /// It is queued: its receipt as it stands.
    Queued {
        /// The receipt's id.
        id: String,
        /// Its JSON.
        json: String,
    },
    /// Its receipt: it was run before, or its body cannot be taken apart.
    Done {
        /// Whether everything was rejected.
        rejected: bool,
        /// The receipt's JSON.
        json: String,
    },
}

/// Queues a request.
pub async fn accept(app: &App, request: Request, spooled: Spooled) -> Result<Answer> {
    let Request { mut job, format, media, key } = request;
    let spec = job.kind.spec();
    let mut conn = match &key {
        None => app.pool.get().await?,
        Some(key) => {
            let claimed = idempotency::claim(&app.pool, spec, key, &spooled.digest).await?;
            match claimed {
                (_, Some(earlier)) => return Ok(answer_of(earlier)),
                (conn, None) => conn,
            }
        }
    };
    job.idempotency = key.map(|key| (key, spooled.digest.clone()));
    let answer = enqueue(app, &mut conn, &job, format, &media, spooled).await;
    if job.idempotency.is_some() {
        idempotency::release(&mut conn).await?;
    }
    answer
}

/// What a request is answered that was sent before with the same key.
pub fn answer_of(earlier: idempotency::Earlier) -> Answer {
    match earlier.queued {
        Some(id) => {
            let json = serde_json::json!({"id": id, "status": earlier.status}).to_string();
            Answer::Queued { id, json }
        }
        None => Answer::Done {
            rejected: earlier.status == Status::Rejected.text(),
            json: earlier.response,
        },
    }
}

async fn enqueue(
    app: &App,
    conn: &mut Connection,
    job: &Job,
    format: Format,
    media: &str,
    spooled: Spooled,
) -> Result<Answer> {
    if waiting(conn).await? >= app.settings.queue_limit {
        return Err(Problem::unavailable("queue_full", "Too many requests wait; send it later."));
    }
    let limits = request::limits(&app.settings);
    let documents = |reader: Reader| Documents::new(reader, format, limits, job.kind.spec());
    let Ok(scopes) = scopes(app, conn, job, documents(spooled.read().await?)).await else {
        // Nothing that can be run later: it is answered as if it had not asked to be queued.
        let mut source = Source::Body(Box::new(documents(spooled.read().await?)));
        let (receipt, json) = pipeline::run(app, job, conn, &mut source).await?;
        return Ok(Answer::Done { rejected: receipt.status == Status::Rejected, json });
    };
    let receipt = job.begun(Status::Queued, app.clock.now());
    let json = serde_json::to_string(&receipt).unwrap_or_default();
    let kept = spooled.keep(&receipt.id).await?;
    if let Err(error) = insert(conn, job, &receipt, media, scopes).await {
        let _ = tokio::fs::remove_file(kept).await;
        return Err(error.into());
    }
    app.wakeups.queued.notify_one();
    Ok(Answer::Queued { id: receipt.id, json })
}

async fn waiting(conn: &mut Connection) -> QueryResult<usize> {
    let row: Row = Statement::new("select count(*) from queued_request").get_result(conn).await?;
    let count = if let [Value::BigInt(count)] = row.0.as_slice() { *count } else { 0 };
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The least position of the body's items in each scope, as the kind's watermark knows them; reads
/// the body to its end.
async fn scopes(
    app: &App,
    conn: &mut Connection,
    job: &Job,
    mut documents: Documents,
) -> Result<Vec<(String, i64)>> {
    let has_watermark = job.kind.spec().watermark.rows().is_some();
    let mut least = std::collections::BTreeMap::new();
    let mut unknown = std::collections::BTreeSet::new();
    while let Some(batch) = documents.next_batch().await.map_err(|broken| broken.problem)? {
        let documents = batch.iter().filter(|_| has_watermark);
        for location in documents.flat_map(|doc| job.kind.locations(doc, None, &job.context)) {
            match (location.scope, location.position) {
                (Some(scope), Some(position)) => {
                    let known = least.entry(scope).or_insert(position);
                    *known = position.min(*known);
                }
                (Some(scope), None) => {
                    unknown.insert(scope);
                }
                (None, _) => {}
            }
        }
    }
    if !unknown.is_empty() {
        let asked: Vec<String> = unknown.iter().cloned().collect();
        let highs = watermarks::highs(conn, job.kind.spec(), Some(&asked), app.clock.now()).await?;
        for scope in unknown {
            let position = watermarks::just_above(highs.get(&scope.to_lowercase()));
            let known = least.entry(scope).or_insert(position);
            *known = position.min(*known);
        }
    }
    Ok(least.into_iter().collect())
}

/// One statement, so one transaction.
async fn insert(
    conn: &mut Connection,
    job: &Job,
    receipt: &Receipt,
    media: &str,
    scopes: Vec<(String, i64)>,
) -> QueryResult<()> {
    let text = |text: &str| Value::Text(text.to_owned());
    let (key, digest) = match &job.idempotency {
        Some((key, digest)) => (text(key), Value::Bytea(digest.clone())),
        None => (Value::Null, Value::Null),
    };
    let mut statement = Statement::new(
        "with r as (insert into receipt (id, request_id, domain, kind, subject, params, mode, \
         status, idempotency_key, body_digest, received_at, started_at) values (",
    );
    for (ty, value) in [
        (SqlType::Text, text(&receipt.id)),
        (SqlType::Text, text(&receipt.request_id)),
        (SqlType::Text, text(&receipt.domain)),
        (SqlType::Text, text(&receipt.kind)),
        (SqlType::Text, text(&job.subject)),
        (SqlType::Jsonb, ledger::params(job)),
        (SqlType::Text, text(job.mode.name())),
        (SqlType::Text, text(Status::Queued.text())),
        (SqlType::Text, key),
        (SqlType::Bytea, digest),
        (SqlType::Timestamptz, Value::Timestamptz(job.context.received_at)),
    ] {
        statement.bind(ty, value).push(", ");
    }
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(receipt.started_at)).push(
        ") returning number), q as (insert into queued_request (receipt_number, media) \
         select number, ",
    );
    statement.bind(SqlType::Text, text(media)).push(
        " from r) insert into queued_scope (receipt_number, scope, position) \
         select r.number, u.scope, u.position from r cross join ",
    );
    let (names, positions): (Vec<String>, Vec<i64>) = scopes.into_iter().unzip();
    Given::default()
        .texts("scope", names)
        .with("position", SqlType::BigInt, positions.into_iter().map(Value::BigInt))
        .append(&mut statement);
    statement.execute(conn).await?;
    Ok(())
}
