//! The ingest endpoints: one per kind, with its schema and its example.

use axum::{
    Extension,
    body::Body,
    extract::{OriginalUri, Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    body::{Documents, Format},
    dead_letters, docs,
    idempotency::{self, Spooled},
    job::{Job, Source},
    known, pipeline,
    queue::{self, Answer},
    read::AnyKind,
    reads,
    receipt::Status,
    request, watermarks,
};
use crate::{
    app::App,
    domains,
    http::{
        access::{Allowed, IngestsDomain, Reads},
        extract::{NoParams, Params},
        layers::RequestId,
        problem::{Problem, Result},
    },
    webhooks,
};

/// The routes of every kind.
pub fn routes() -> OpenApiRouter<App> {
    domains::all()
        .iter()
        .flat_map(|domain| &domain.kinds)
        .fold(OpenApiRouter::new(), |router, kind| router.merge(of_kind(*kind)))
        .merge(reads::routes())
        .merge(dead_letters::routes())
        .merge(watermarks::routes())
}

/// A kind, as its handlers get it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posted(pub(super) &'static dyn AnyKind);

fn of_kind(kind: &'static dyn AnyKind) -> OpenApiRouter<App> {
    let (schemas, paths) = docs::post(kind.spec());
    let ingest = (schemas, paths, post(ingest));
    let (schemas, paths) = docs::schema(kind.spec());
    let schema = (schemas, paths, get(show_schema));
    let (schemas, paths) = docs::example(kind.spec());
    let example = (schemas, paths, get(show_example));
    let (schemas, paths) = docs::known(kind.spec());
    let ask = (schemas, paths, post(known::ask));
    OpenApiRouter::new()
        .routes(ingest)
        .routes(ask)
        .routes(schema)
        .routes(example)
        .layer(Extension(Posted(kind)))
}

async fn ingest(
    State(app): State<App>,
    allowed: Allowed<IngestsDomain>,
    Extension(Posted(kind)): Extension<Posted>,
    RequestId(request_id): RequestId,
    Params(pairs): Params,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response> {
    let spec = kind.spec();
    let params = uri.query().unwrap_or_default().to_owned();
    let asked = request::parameters(spec, &pairs, &app.settings, app.clock.now())?;
    let (parts, body) = request.into_parts();
    let format = request::format(spec, &parts.headers)?;
    let key = request::idempotency_key(&parts.headers)?;
    let job = Job {
        kind,
        context: asked.context,
        content_type: format.media().to_owned(),
        mode: asked.mode,
        is_retry: false,
        subject: allowed.subject().to_owned(),
        request_id: request_id.to_string(),
        receipt_id: Uuid::now_v7(),
        idempotency: None,
        archive: Some(app.archive.clone()),
    };
    // A task of its own: a client that goes away does not stop what is being stored.
    let accepted = Accepted { job, format, key, params };
    let answer = tokio::spawn(accepted.run(app, parts.headers, body)).await;
    match answer.map_err(Problem::internal)?? {
        Answer::Queued { id, json } => Ok(queued(&id, json)),
        Answer::Done { rejected, json } => {
            let status = if rejected { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            Ok(respond(status, json, uri.path()))
        }
    }
}

/// A request whose parameters are in order.
struct Accepted {
    job: Job,
    format: Format,
    key: Option<String>,
    params: String,
}

impl Accepted {
    async fn run(mut self, app: App, headers: HeaderMap, body: Body) -> Result<Answer> {
        let spec = self.job.kind.spec();
        let reader = request::reader(&app, &headers, body, self.format)?;
        let limits = request::limits(&app.settings);
        // A dry run keeps nothing, so it cannot wait either.
        if request::prefers_async(&headers) && !self.job.context.dry_run {
            let spooled = Spooled::write(&app.settings.workspace, reader, &self.params).await?;
            let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let request = queue::Request {
                job: self.job,
                format: self.format,
                media: media.unwrap_or("application/json").to_owned(),
                key: self.key,
            };
            return queue::accept(&app, request, spooled).await;
        }
        let Some(key) = self.key.filter(|_| !self.job.context.dry_run) else {
            let mut conn = app.pool.get().await?;
            let documents = Documents::new(reader, self.format, limits, spec);
            let mut source = Source::Body(Box::new(documents));
            let (receipt, json) = pipeline::run(&app, &self.job, &mut conn, &mut source).await?;
            return Ok(Answer::Done { rejected: receipt.status == Status::Rejected, json });
        };
        let spooled = Spooled::write(&app.settings.workspace, reader, &self.params).await?;
        let (mut conn, earlier) =
            idempotency::claim(&app.pool, spec, &key, &spooled.digest).await?;
        if let Some(earlier) = earlier {
            return Ok(queue::answer_of(earlier));
        }
        self.job.idempotency = Some((key, spooled.digest.clone()));
        let documents = Documents::new(spooled.read().await?, self.format, limits, spec);
        let mut source = Source::Body(Box::new(documents));
        let done = pipeline::run(&app, &self.job, &mut conn, &mut source).await;
        idempotency::release(&mut conn).await?;
        let (receipt, json) = done?;
        Ok(Answer::Done { rejected: receipt.status == Status::Rejected, json })
    }
}

/// The answer to a request that waits.
fn queued(id: &str, json: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::LOCATION, format!("/api/v1/ingest/receipts/{id}")),
        (HeaderName::from_static("preference-applied"), "respond-async".to_owned()),
    ];
    (StatusCode::ACCEPTED, headers, json).into_response()
}

/// A receipt as it is answered. One that rejects everything is a problem document too; its `status`
/// is the receipt's.
pub fn respond(status: StatusCode, json: String, path: &str) -> Response {
    if status.is_success() {
        return (status, [(header::CONTENT_TYPE, "application/json")], json).into_response();
    }
    let document = match serde_json::from_str::<Value>(&json) {
        Ok(mut document) => {
            document["type"] = json!("urn:boost-dashboard:rejected");
            document["title"] = json!("Unprocessable Content");
            document["detail"] = json!("Every item was rejected.");
            document["instance"] = json!(path);
            document.to_string()
        }
        Err(_) => json,
    };
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::UNPROCESSABLE_ENTITY, headers, document).into_response()
}

async fn show_schema(
    _: Allowed<Reads>,
    _: NoParams,
    Extension(Posted(kind)): Extension<Posted>,
) -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], kind.spec().schema).into_response()
}

async fn show_example(
    _: Allowed<Reads>,
    _: NoParams,
    Extension(Posted(kind)): Extension<Posted>,
) -> Response {
    ([(header::CONTENT_TYPE, docs::example_media(kind.spec()))], kind.spec().example)
        .into_response()
}

/// The kind of a name, `domain/kind`; those of webhooks too, which have no endpoint here.
pub fn kind_named(name: &str) -> Option<&'static dyn AnyKind> {
    let posted = domains::all().into_iter().flat_map(|domain| domain.kinds);
    posted.chain(webhooks::kinds()).find(|kind| {
        let spec = kind.spec();
        name.split_once('/') == Some((spec.domain, spec.name))
    })
}
