//! What can be read of ingest: receipts, their items, dead letters, drift, the archive, provenance.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::task::spawn_blocking;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::receipt::{ItemReport, Receipt};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{Row, SqlType, Statement, Value},
    },
    http::{
        access::{Allowed, Reads, ReadsRaw},
        conditional,
        extract::{NoParams, Path, Query},
        problem::{Problem, Result},
        scope::Scope,
    },
    query::{
        self,
        resource::{Resource, Served},
    },
    resource,
};

resource! {
    /// A receipt, without its lists: what became of a request.
    pub struct ReceiptRow, table receipt, path "/ingest/receipts", time started_at;
    /// The receipt's id, a UUID that grows with time.
    id: String = receipt::id, indexed;
    /// The request's id.
    request_id: String = receipt::request_id;
    /// The domain posted to.
    domain: String = receipt::domain, indexed;
    /// The kind posted as.
    kind: String = receipt::kind;
    /// Who sent it: the token's subject.
    subject: String = receipt::subject;
    /// `done`, `partial`, `rejected`, `queued` or `running`.
    status: String = receipt::status;
    /// Items in the body.
    received: i32 = receipt::received;
    /// Items whose row did not exist.
    inserted: i32 = receipt::inserted;
    /// Items that changed something.
    updated: i32 = receipt::updated;
    /// Items of which everything was stored already.
    unchanged: i32 = receipt::unchanged;
    /// Items older than what is stored.
    stale: i32 = receipt::stale;
    /// Items that break a rule of their kind.
    rejected: i32 = receipt::rejected;
    /// When the request began.
    started_at: DateTime<Utc> = receipt::started_at, indexed;
    /// When the receipt was written.
    finished_at: Option<DateTime<Utc>> = receipt::finished_at;
}

resource! {
    /// A key that a source sends and no schema of ours names.
    pub struct DriftRow, table drift, path "/ingest/drift", time last_seen_at;
    /// Surrogate key.
    id: i64 = drift::id, indexed;
    /// The domain.
    domain: String = drift::domain, indexed;
    /// The kind.
    kind: String = drift::kind;
    /// Where it stands: an RFC 6901 pointer, `*` for any element.
    pointer: String = drift::pointer;
    /// How often it was seen.
    occurrences: i64 = drift::occurrences;
    /// The JSON type of its value.
    example: String = drift::example;
    /// When it was seen first.
    first_seen_at: DateTime<Utc> = drift::first_seen_at;
    /// When it was seen last.
    last_seen_at: DateTime<Utc> = drift::last_seen_at;
}

/// The tables of ingest that are read by the grammar.
pub fn resources() -> Vec<Resource> {
    vec![ReceiptRow::resource(), DriftRow::resource(), super::dead_letters::resource()]
}

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    resources()
        .iter()
        .map(query::routes::list)
        .fold(OpenApiRouter::new(), OpenApiRouter::merge)
        .routes(routes!(show_receipt))
        .routes(routes!(list_items))
        .routes(routes!(read_raw))
}

/// Get a receipt
///
/// As it was answered; of a request that still runs, as far as it has come. What was sent with
/// `allow_private` is told to whoever has `read:pii` or may ingest into the domain.
#[utoipa::path(
    get,
    path = "/ingest/receipts/{id}",
    operation_id = "get_ingest_receipt",
    tag = "ingest",
    params(("id" = String, Path, description = "The receipt's id.", example = "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10")),
    responses((status = 200, description = "The receipt.", body = Receipt, example = json!({"id": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10", "status": "done"}))),
    extensions(("x-scope" = json!("read")))
)]
async fn show_receipt(
    State(app): State<App>,
    caller: Allowed<Reads>,
    _: NoParams,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut conn = app.pool.get().await?;
    refuse_private(&mut conn, &app, &caller, &id).await?;
    let mut statement = Statement::new(
        "select coalesce(body, jsonb_build_object('id', id, 'request_id', request_id, 'domain', \
         domain, 'kind', kind, 'status', status, 'dry_run', false, 'received', received, \
         'inserted', inserted, 'updated', updated, 'unchanged', unchanged, 'stale', stale, \
         'rejected', rejected, 'warnings', '[]'::jsonb, 'tables', '{}'::jsonb, 'raw', '[]'::jsonb, \
         'errors', '[]'::jsonb, 'started_at', to_char(started_at at time zone 'UTC', \
         'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'finished_at', null)), response \
         from receipt where id = ",
    );
    statement.bind(SqlType::Text, Value::Text(id));
    let rows: Vec<Row> = statement.load(&mut conn).await?;
    let body = match rows.into_iter().next().map(|row| <[Value; 2]>::try_from(row.0)) {
        Some(Ok([_, Value::Text(response)])) => response,
        Some(Ok([Value::Jsonb(body), _])) => body.0.to_string(),
        _ => return Err(Problem::not_found("There is no such receipt.")),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Refuses a receipt of what may not be public to whoever may not know of it: it names channels and
/// messages.
async fn refuse_private(
    conn: &mut Connection,
    app: &App,
    caller: &Allowed<Reads>,
    id: &str,
) -> Result<()> {
    let mut statement =
        Statement::new("select domain from receipt where params ? 'allow_private' and id = ");
    statement.bind(SqlType::Text, Value::Text(id.to_owned()));
    let rows: Vec<Row> = statement.load(conn).await?;
    match rows.into_iter().next().as_ref().map(|row| &row.0[..]) {
        Some([Value::Text(domain)]) if !caller.knows_private(domain) => {
            caller.also(&Scope::ReadPii, app)
        }
        _ => Ok(()),
    }
}

/// A page of a receipt's items.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ItemsPage {
    /// Only items after this index.
    after: Option<i64>,
    /// How many items, 1 to 500.
    #[param(example = 50, minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// Only items with this action: `inserted`, `updated`, `unchanged`, `stale`, `rejected`.
    action: Option<String>,
}

/// List a receipt's items
///
/// What became of each item, in the order of the body. What was sent with `allow_private` is told to
/// whoever has `read:pii` or may ingest into the domain.
#[utoipa::path(
    get,
    path = "/ingest/receipts/{id}/items",
    operation_id = "list_ingest_receipt_items",
    tag = "ingest",
    params(("id" = String, Path, description = "The receipt's id.", example = "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10"), ItemsPage),
    responses((status = 200, description = "A page of items; `page.next_cursor` is the next `after`.", body = Items, example = json!({"data": [], "page": {"next_cursor": null, "limit": 50}}))),
    extensions(("x-scope" = json!("read")))
)]
async fn list_items(
    State(app): State<App>,
    caller: Allowed<Reads>,
    Path(id): Path<String>,
    Query(page): Query<ItemsPage>,
) -> Result<Response> {
    let limit = page.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::invalid(vec![crate::http::problem::Fault::parameter(
            "limit",
            "out_of_range",
            "`limit` is 1 to 500.",
        )]));
    }
    let mut statement = Statement::new(
        "select r.number, i.item from receipt r left join lateral (select item, \
         (item->>'index')::bigint as n from receipt_items ri, jsonb_array_elements(ri.items) item \
         where ri.receipt_number = r.number and (item->>'index')::bigint > ",
    );
    statement.bind(SqlType::BigInt, Value::BigInt(page.after.unwrap_or(-1)));
    if let Some(action) = page.action {
        statement.push(" and item->>'action' = ").bind(SqlType::Text, Value::Text(action));
    }
    statement.push(" order by n limit ").bind(SqlType::BigInt, Value::BigInt(limit + 1));
    let mut conn = app.pool.get().await?;
    refuse_private(&mut conn, &app, &caller, &id).await?;
    statement.push(") i on true where r.id = ").bind(SqlType::Text, Value::Text(id));
    let rows: Vec<Row> = statement.load(&mut conn).await?;
    if rows.is_empty() {
        return Err(Problem::not_found("There is no such receipt."));
    }
    let mut items: Vec<Json> = rows
        .into_iter()
        .filter_map(|row| match row.0.into_iter().nth(1) {
            Some(Value::Jsonb(item)) => Some(item.0),
            _ => None,
        })
        .collect();
    let more = i64::try_from(items.len()).unwrap_or(i64::MAX) > limit;
    if more {
        items.pop();
    }
    let next = items.last().filter(|_| more).map(|item| item["index"].to_string());
    Ok(crate::http::json::Json(json!({
        "data": items,
        "page": {"next_cursor": next, "limit": limit},
    }))
    .into_response())
}

/// A page of items.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = ReceiptItems)]
struct Items {
    /// The items.
    data: Vec<ItemReport>,
    /// Where the next page begins.
    #[schema(value_type = Object)]
    page: Json,
}

/// Read a file of the archive
///
/// The bytes of a document as they were sent, by its plain path or by a version's.
#[utoipa::path(
    get,
    path = "/ingest/raw/{*path}",
    operation_id = "get_ingest_raw",
    tag = "ingest",
    params(("path" = String, Path, description = "As receipts and provenance name it; may contain `/`.", example = "github_activity_tracker/boostorg/json/repository.json")),
    responses((status = 200, description = "The document.", content(
        (serde_json::Value = "application/json", example = json!({"id": 7_000_001})),
        (String = "application/x-ndjson"),
        (String = "text/csv"),
        (String = "text/plain"),
        (String = "text/vtt"),
        (String = "application/octet-stream"),
    ))),
    extensions(("x-scope" = json!("read:raw")))
)]
async fn read_raw(
    State(app): State<App>,
    _: Allowed<ReadsRaw>,
    _: NoParams,
    Path(path): Path<String>,
) -> Result<Response> {
    let found = app.archive.read(&path).await.map_err(Problem::internal)?;
    let Some(raw) = found else {
        return Err(Problem::not_found("There is no such document in the archive."));
    };
    let mut file = raw.file.into_std().await;
    let tag = move || conditional::of_file(&mut file).map(|tag| (file, tag));
    let (file, tag) =
        spawn_blocking(tag).await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    let stream = tokio_util::io::ReaderStream::new(tokio::fs::File::from_std(file));
    let headers = [
        (header::ETAG, tag),
        (header::CONTENT_TYPE, HeaderValue::from_static(raw.content_type)),
        (header::CONTENT_LENGTH, raw.length.into()),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(stream)).into_response())
}
