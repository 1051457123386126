//! Dead letters: rejected items, kept until they are stored or deleted.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::{Documents, Format},
    job::{Job, Source},
    kind::Items,
    pipeline,
    receipt::Receipt,
    request,
    routes::kind_named,
};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Json, Row, SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, Operates},
        extract::Path,
        layers::RequestId,
        problem::{Problem, Result},
        scope::Scope,
    },
    query::resource::{Resource, Served},
    resource,
};

resource! {
    /// A rejected item.
    pub struct DeadLetterRow, table dead_letter, path "/ingest/dead-letters", time received_at;
    /// Surrogate key.
    id: i64 = dead_letter::id, indexed;
    /// The domain posted to.
    domain: String = dead_letter::domain, indexed;
    /// The kind posted as.
    kind: String = dead_letter::kind;
    /// The parameters it was posted with.
    params: serde_json::Value = dead_letter::params;
    /// The item's position in its body.
    index: i32 = dead_letter::index;
    /// Why it was rejected.
    code: String = dead_letter::code, indexed;
    /// Where, inside the item.
    pointer: String = dead_letter::pointer;
    /// Why, for people.
    detail: String = dead_letter::detail;
    /// Every reason.
    errors: serde_json::Value = dead_letter::errors;
    /// Where its document is archived.
    raw_path: Option<String> = dead_letter::raw_path;
    /// When it was received.
    received_at: DateTime<Utc> = dead_letter::received_at;
    /// How often it was tried again.
    attempts: i32 = dead_letter::attempts;
    /// When it was tried last.
    last_attempt_at: Option<DateTime<Utc>> = dead_letter::last_attempt_at;
}

/// The list: for those who may ingest.
pub fn resource() -> Resource {
    Resource { scope: Scope::Ingest("*".to_owned()), ..DeadLetterRow::resource() }
}

/// The routes besides the list.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(retry)).routes(routes!(delete))
}

/// Retry a dead letter
///
/// Posts the item again as it was posted. If it is stored now, the dead letter is gone.
#[utoipa::path(
    post,
    path = "/ingest/dead-letters/{id}/retry",
    operation_id = "retry_ingest_dead_letter",
    tag = "ingest",
    params(("id" = i64, Path, description = "The dead letter's id.", example = 1)),
    responses((status = 200, description = "The receipt of the retry; `rejected` is 1 if it is still refused.", body = Receipt, example = json!({"id": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10", "status": "done"}))),
    extensions(("x-scope" = json!("ingest:*")))
)]
async fn retry(
    State(app): State<App>,
    allowed: Allowed<Operates>,
    RequestId(request_id): RequestId,
    Path(id): Path<i64>,
) -> Result<Response> {
    let retry =
        Retry { subject: allowed.subject(), request_id: request_id.as_ref(), dry_run: false };
    let (_, json) = retry_letter(&app, id, retry).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Who tries a dead letter again, and how.
#[derive(Debug, Clone, Copy)]
pub struct Retry<'a> {
    /// Who asks.
    pub subject: &'a str,
    /// The request's id.
    pub request_id: &'a str,
    /// Whether it is only asked whether it would be stored.
    pub dry_run: bool,
}

/// Posts a dead letter again; gives the receipt and its JSON. If the item is stored, the letter is
/// gone.
pub async fn retry_letter(app: &App, id: i64, retry: Retry<'_>) -> Result<(Receipt, String)> {
    let mut conn = app.pool.get().await?;
    let letter = load(&mut conn, id).await?;
    let kind = kind_named(&format!("{}/{}", letter.domain, letter.kind))
        .ok_or_else(|| Problem::not_found("There is no such kind any more."))?;
    let mut asked =
        request::parameters(kind.spec(), &letter.params, &app.settings, app.clock.now())?;
    asked.context.received_at = letter.received_at;
    asked.context.dry_run = retry.dry_run;
    let format = Format::of_document(&letter.content_type);
    asked.context.excerpt =
        kind.spec().items != Items::Whole || matches!(format, Format::Csv | Format::Lines);
    let job = Job {
        kind,
        context: asked.context,
        content_type: letter.content_type,
        mode: asked.mode,
        is_retry: true,
        subject: retry.subject.to_owned(),
        request_id: retry.request_id.to_owned(),
        receipt_id: Uuid::now_v7(),
        idempotency: None,
        archive: Some(app.archive.clone()),
    };
    let body = std::io::Cursor::new(letter.body);
    let limits = request::limits(&app.settings);
    let documents = Documents::new(Box::pin(body), format, limits, kind.spec());
    let mut source = Source::Body(Box::new(documents));
    let done = pipeline::run(app, &job, &mut conn, &mut source).await;
    match &done {
        Ok((receipt, _)) if receipt.rejected == 0 && retry.dry_run => {}
        Ok((receipt, _)) if receipt.rejected == 0 => {
            remove(&mut conn, id).await?;
        }
        _ => tried(&mut conn, id, app.clock.now()).await?,
    }
    done
}

/// Delete a dead letter
///
/// The item is given up; its document stays in the archive.
#[utoipa::path(
    delete,
    path = "/ingest/dead-letters/{id}",
    operation_id = "delete_ingest_dead_letter",
    tag = "ingest",
    params(("id" = i64, Path, description = "The dead letter's id.", example = 1)),
    responses((status = 204, description = "It is gone.", example = json!(null))),
    extensions(("x-scope" = json!("ingest:*")))
)]
async fn delete(
    State(app): State<App>,
    _: Allowed<Operates>,
    Path(id): Path<i64>,
) -> Result<StatusCode> {
    let mut conn = app.pool.get().await?;
    if remove(&mut conn, id).await? == 0 {
        return Err(Problem::not_found("There is no such dead letter."));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A dead letter with its body.
struct Letter {
    domain: String,
    kind: String,
    params: Vec<(String, String)>,
    content_type: String,
    body: Vec<u8>,
    received_at: DateTime<Utc>,
}

async fn load(conn: &mut Connection, id: i64) -> Result<Letter> {
    let mut statement = Statement::new(
        "select domain, kind, params, content_type, body, received_at from dead_letter where id = ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(id));
    let rows: Vec<Row> = statement.load(conn).await?;
    let Some(Ok(
        [
            Value::Text(domain),
            Value::Text(kind),
            Value::Jsonb(Json(params)),
            Value::Text(content_type),
            Value::Bytea(body),
            Value::Timestamptz(received_at),
        ],
    )) = rows.into_iter().next().map(|row| <[Value; 6]>::try_from(row.0))
    else {
        return Err(Problem::not_found("There is no such dead letter."));
    };
    let params = params
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    Ok(Letter { domain, kind, params, content_type, body, received_at })
}

async fn remove(conn: &mut Connection, id: i64) -> Result<usize> {
    let mut statement = Statement::new("delete from dead_letter where id = ");
    statement.bind(SqlType::BigInt, Value::BigInt(id));
    Ok(statement.execute(conn).await?)
}

async fn tried(conn: &mut Connection, id: i64, now: DateTime<Utc>) -> Result<()> {
    let mut statement =
        Statement::new("update dead_letter set attempts = attempts + 1, last_attempt_at = ");
    statement.bind(SqlType::Timestamptz, Value::Timestamptz(now)).push(" where id = ");
    statement.bind(SqlType::BigInt, Value::BigInt(id));
    statement.execute(conn).await?;
    Ok(())
}
