//! GitHub's webhook: its receiver and its kind.

pub mod events;
pub mod kind;
pub mod mirror;
pub mod push;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Delivery, json_only, named, open, raw_body, signature, unsigned};
use crate::{
    app::App,
    http::{layers::RequestId, problem::Result},
    ingest::{read::AnyKind, receipt::Receipt},
};

/// The path under `/api/v1`.
const PATH: &str = "/api/v1/webhooks/github";
/// What a request without a good signature is answered with.
const CHALLENGE: &str = "X-Hub-Signature-256";

/// The kind of its events.
pub fn kind() -> &'static dyn AnyKind {
    &kind::GitHubEvents
}

/// The receiver.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// Receive a GitHub webhook
///
/// The payload URL of a repository's or an organisation's webhook, with content type
/// `application/json` and the secret of this server. Every event is archived; those that are about
/// our tables are stored by the rules of the payload kinds. 404 where the server has no secret.
#[utoipa::path(
    post,
    path = "/webhooks/github",
    operation_id = "receive_github_webhook",
    tag = "webhooks",
    params(
        ("X-Hub-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA256 of the body in hex: it stands in for a token.", example = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
        ("X-GitHub-Event" = String, Header, description = "The event.", example = "issues"),
        ("X-GitHub-Delivery" = String, Header, description = "The id of the delivery: a repeated one is answered with the first receipt.", example = "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
    ),
    request_body(content = serde_json::Value, description = "The event as GitHub sends it.", example = json!({"zen": "Keep it logically awesome.", "hook_id": 1})),
    responses(
        (status = 200, description = "Committed and durable: the receipt of the event.", body = Receipt, example = json!({"id": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10", "status": "done", "received": 1, "inserted": 1})),
        (status = 202, description = "The event is none of those that we know: it is archived.", body = Receipt, example = json!({"id": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10", "status": "done", "received": 1, "unchanged": 1})),
        (status = 401, description = "The signature is missing or wrong."),
        (status = 404, description = "The server has no secret for this webhook."),
        (status = 409, description = "The delivery id was used with another body."),
    ),
    extensions(("x-scope" = json!("none")))
)]
async fn receive(
    State(app): State<App>,
    request_id: RequestId,
    request: Request,
) -> Result<Response> {
    open(&app.settings.github_webhook_secrets)?;
    let (headers, body) = raw_body(&app, request).await?;
    let signature = signature_of(&headers)
        .ok_or_else(|| unsigned(CHALLENGE, "The header `X-Hub-Signature-256` is missing."))?;
    if !signature::is_good(&app.settings.github_webhook_secrets, &[&body], signature) {
        return Err(unsigned(CHALLENGE, "The body is not signed with the webhook's secret."));
    }
    json_only(&headers)?;
    let event = named(&headers, "x-github-event")?;
    let id = named(&headers, "x-github-delivery")?;
    let accepted = if events::is_known(&event) { StatusCode::OK } else { StatusCode::ACCEPTED };
    let params = vec![("event".to_owned(), event), ("delivery".to_owned(), id.clone())];
    let delivery = Delivery { accepted, ..Delivery::new(kind(), id, params, body) };
    delivery.deliver(app, request_id, PATH).await
}

/// The hex digits of the signature; none if it is missing, repeated, or of another algorithm.
fn signature_of(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all("x-hub-signature-256").iter();
    let signature = sent.next()?.to_str().ok()?.trim().strip_prefix("sha256=")?;
    sent.next().is_none().then_some(signature)
}
