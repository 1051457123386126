//! Webhooks: what a source tells us by itself. A signature over the raw body stands in for a token.
//!
//! Each source has a receiver, which checks the signature and knows the delivery's name and id, and
//! an internal kind, which says what an event means. The body is one document of that kind and goes
//! through the same pipeline as every payload: archived as sent, committed with its receipt, replayed
//! like any other. The kinds have no endpoint under `/ingest`.
//!
//! [`github`] is GitHub's, [`slack`] Slack's; [`signature`] is HMAC-SHA256 in constant time.

pub mod github;
pub mod signature;
pub mod slack;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    app::App,
    config::Secret,
    http::{
        layers::RequestId,
        problem::{Fault, Problem, Result},
    },
    ingest::{
        archive::{Folder, RawPath},
        body::{self, Documents, Format},
        idempotency,
        job::{Job, Source},
        kind::{Context, Spec, Watermark},
        pipeline,
        read::AnyKind,
        receipt::Status,
        request, routes,
    },
};

/// The domain that the kinds are listed under: in receipts, manifests and dead letters.
pub const DOMAIN: &str = "webhooks";

/// The longest name of an event, and the longest id of a delivery, in bytes.
const LONGEST: usize = 255;

/// The kind of each source.
pub fn kinds() -> [&'static dyn AnyKind; 2] {
    [github::kind(), slack::kind()]
}

/// The receivers.
pub fn routes() -> OpenApiRouter<App> {
    github::routes().merge(slack::routes())
}

/// A source's kind, which takes one event a document.
pub const fn spec(source: &'static str, doc: &'static str) -> Spec {
    Spec {
        // What an event means may depend on when it came: a deletion has no time of its own.
        source_time: false,
        // The events are the source's own; what we make of them is what the other kinds' schemas say.
        schema: r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#,
        example: "{}",
        watermark: Watermark::None("Events are about objects of other kinds."),
        ..Spec::new(DOMAIN, source, doc)
    }
}

/// Where a delivery is archived: by source, day and id.
pub fn path(source: &'static str, delivery: &str, context: &Context) -> RawPath {
    let day = context.received_at.date_naive().to_string();
    Folder::of(DOMAIN).fixed(source).said(&day).file(delivery, "json")
}

/// Whether a source may deliver at all. One without secrets has no webhook.
pub fn open(secrets: &[Secret]) -> Result<()> {
    if secrets.is_empty() {
        return Err(Problem::not_found("This webhook is not set up."));
    }
    Ok(())
}

/// A body that is refused because nothing shows that it comes from its source.
pub fn unsigned(challenge: &'static str, detail: &'static str) -> Problem {
    Problem {
        challenge: Some(challenge),
        ..Problem::new(StatusCode::UNAUTHORIZED, "invalid_signature", detail)
    }
}

/// The bytes of a request, as they are signed; bounded like every body.
pub async fn raw_body(app: &App, request: Request) -> Result<(HeaderMap, Bytes)> {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            "A webhook's body is signed as it is sent, without content-coding.",
        ));
    }
    let mut reader = request::reader(app, &parts.headers, body, Format::Json)?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.map_err(|error| body::unreadable(&error))?;
    Ok((parts.headers, bytes.into()))
}

/// Refuses a body that does not say that it is JSON. Ask after the signature is checked.
pub fn json_only(headers: &HeaderMap) -> Result<()> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = sent.unwrap_or("application/json").split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Set the webhook's content type to `application/json`.",
    ))
}

/// A header that a delivery cannot do without.
pub fn named(headers: &HeaderMap, name: &'static str) -> Result<String> {
    let sent = headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    match sent {
        Some(sent) if !sent.is_empty() && sent.len() <= LONGEST => Ok(sent.to_owned()),
        _ => Err(Problem::invalid(vec![Fault::parameter(
            name,
            "invalid_parameter",
            format!("The header `{name}` is 1 to {LONGEST} visible ASCII characters."),
        )])),
    }
}

/// A delivery whose signature is good.
#[derive(Debug)]
pub struct Delivery {
    /// The source's kind.
    pub kind: &'static dyn AnyKind,
    /// The source's id of it: what makes a repetition one.
    pub id: String,
    /// Parameters of the kind: what the headers say. They are kept beside the document.
    pub params: Vec<(String, String)>,
    /// The body as signed.
    pub body: Bytes,
    /// What of it has to be equal when the id is repeated: the body's digest, unless a repetition
    /// may differ.
    pub digest: Vec<u8>,
    /// The status of what is stored, or needed not be.
    pub accepted: StatusCode,
    /// The status of what breaks the rules and is kept as a dead letter.
    pub rejected: StatusCode,
}

impl Delivery {
    /// A delivery that is answered like an ingest request.
    pub fn new(
        kind: &'static dyn AnyKind,
        id: String,
        params: Vec<(String, String)>,
        body: Bytes,
    ) -> Self {
        Self {
            kind,
            id,
            params,
            digest: Sha256::digest(&body).to_vec(),
            body,
            accepted: StatusCode::OK,
            rejected: StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Stores it, once, and answers with the receipt. A repetition gets the first answer.
    pub async fn deliver(
        self,
        app: App,
        RequestId(request_id): RequestId,
        path: &str,
    ) -> Result<Response> {
        let source = self.kind.spec().name;
        let (accepted, rejected) = (self.accepted, self.rejected);
        // A task of its own: a source that hangs up does not stop what is being stored.
        let answer = tokio::spawn(self.run(app, request_id.to_string())).await;
        let (is_rejected, json) = answer.map_err(Problem::internal)??;
        let result = if is_rejected { "rejected" } else { "accepted" };
        let labels = [("source", source), ("result", result)];
        metrics::counter!("boost_dashboard_webhook_deliveries_total", &labels).increment(1);
        Ok(routes::respond(if is_rejected { rejected } else { accepted }, json, path))
    }

    async fn run(self, app: App, request_id: String) -> Result<(bool, String)> {
        let spec = self.kind.spec();
        let asked = request::parameters(spec, &self.params, &app.settings, app.clock.now())?;
        let is_rejected = |status: &str| status == Status::Rejected.text();
        let (mut conn, earlier) =
            idempotency::claim(&app.pool, spec, &self.id, &self.digest).await?;
        if let Some(earlier) = earlier {
            return Ok((is_rejected(&earlier.status), earlier.response));
        }
        let job = Job {
            kind: self.kind,
            context: asked.context,
            content_type: Format::Json.media().to_owned(),
            mode: asked.mode,
            is_retry: false,
            subject: format!("{DOMAIN}/{}", spec.name),
            request_id,
            receipt_id: Uuid::now_v7(),
            idempotency: Some((self.id, self.digest)),
            archive: Some(app.archive.clone()),
        };
        // One event is one document, whatever it looks like: a list is none of ours.
        let mut source = Source::Body(Box::new(Documents::of_one(self.body, spec)));
        let done = pipeline::run(&app, &job, &mut conn, &mut source).await;
        idempotency::release(&mut conn).await?;
        let (receipt, json) = done?;
        Ok((receipt.status == Status::Rejected, json))
    }
}
