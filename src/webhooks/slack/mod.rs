//! Slack's Events API: its receiver and its kind.

pub mod events;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Delivery, json_only, open, raw_body, signature, unsigned};
use crate::{
    app::App,
    config::Secret,
    http::{
        json::Json,
        layers::RequestId,
        problem::{Problem, Result},
    },
    ingest::{clean, read::AnyKind, receipt::Receipt},
};

/// The path under `/api/v1`.
const PATH: &str = "/api/v1/webhooks/slack";
/// What a request without a good signature is answered with.
const CHALLENGE: &str = "X-Slack-Signature";
/// How far a request's time may be from ours, in seconds: an old one may be a replay.
const WINDOW: i64 = 300;
/// The longest id of an event that is taken as it is, in bytes.
const LONGEST: usize = 255;

/// The kind of its events.
pub fn kind() -> &'static dyn AnyKind {
    &events::SlackEvents
}

/// The receiver.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(receive))
}

/// Receive an event of Slack
///
/// The request URL of a Slack app's event subscriptions. `url_verification` is answered with its
/// challenge; every event is archived, and those that are about our tables are stored by the rules
/// of the payload kinds. 404 where the server has no secret. Content that is not public is refused,
/// and not kept, unless the server is set up to take it.
#[utoipa::path(
    post,
    path = "/webhooks/slack",
    operation_id = "receive_slack_event",
    tag = "webhooks",
    params(
        ("X-Slack-Signature" = String, Header, description = "`v0=` and the HMAC-SHA256 of `v0:{timestamp}:{body}` in hex: it stands in for a token.", example = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ("X-Slack-Request-Timestamp" = String, Header, description = "When the request was signed, in seconds since 1970: at most five minutes ago.", example = "1531420618"),
    ),
    request_body(content = serde_json::Value, description = "The event as Slack sends it.", example = json!({"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"})),
    responses(
        (status = 200, description = "The challenge; or the receipt of the event, which is committed and durable. A rejected event is kept as a dead letter and answered so too: sending it again would not help.", body = Receipt, example = json!({"id": "019319f2-7d3c-7c3e-8a51-0d9f1c6b2a10", "status": "done", "received": 1, "inserted": 1})),
        (status = 401, description = "The signature is missing or wrong, or older than five minutes."),
        (status = 404, description = "The server has no secret for this webhook."),
    ),
    extensions(("x-scope" = json!("none")))
)]
async fn receive(
    State(app): State<App>,
    request_id: RequestId,
    request: Request,
) -> Result<Response> {
    let secrets = &app.settings.slack_signing_secrets;
    open(secrets)?;
    let (headers, body) = raw_body(&app, request).await?;
    check(secrets, &headers, &body, app.clock.now())?;
    json_only(&headers)?;
    let (event, _) = clean::parse(&body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_json", format!("This is not JSON: {error}."))
    })?;
    if event["type"] == "url_verification" {
        return Ok(Json(json!({ "challenge": event["challenge"] })).into_response());
    }
    let id = event_id(&event, &body);
    let mut params = vec![("delivery".to_owned(), id.clone())];
    if app.settings.allow_private {
        params.push(("allow_private".to_owned(), "true".to_owned()));
    }
    let delivery = Delivery {
        // Slack may write a retry differently; it is the event that counts.
        digest: Sha256::digest(&id).to_vec(),
        // Whatever is not 2xx is sent again, and in the end switches the subscription off.
        rejected: StatusCode::OK,
        ..Delivery::new(kind(), id, params, body)
    };
    delivery.deliver(app, request_id, PATH).await
}

/// Slack's id of an event; the body's digest where there is none.
fn event_id(event: &Value, body: &[u8]) -> String {
    let is_fine = |id: &&str| !id.is_empty() && id.len() <= LONGEST;
    match event["event_id"].as_str().filter(is_fine) {
        Some(id) => id.to_owned(),
        None => hex::encode(Sha256::digest(body)),
    }
}

/// Refuses what Slack has not signed, or not lately.
fn check(secrets: &[Secret], headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<()> {
    let only = |name| {
        let mut sent = headers.get_all(name).iter();
        let value = sent.next()?.to_str().ok()?.trim();
        sent.next().is_none().then_some(value)
    };
    let signature = only("x-slack-signature").and_then(|sent| sent.strip_prefix("v0="));
    let (Some(signature), Some(time)) = (signature, only("x-slack-request-timestamp")) else {
        return Err(unsigned(
            CHALLENGE,
            "The headers `X-Slack-Signature` and `X-Slack-Request-Timestamp` are needed.",
        ));
    };
    let is_recent = time
        .parse::<i64>()
        .is_ok_and(|seconds| now.timestamp().abs_diff(seconds) <= WINDOW.unsigned_abs());
    if !signature::is_good(secrets, &[b"v0:", time.as_bytes(), b":", body], signature) {
        return Err(unsigned(CHALLENGE, "The body is not signed with the app's signing secret."));
    }
    if !is_recent {
        return Err(unsigned(CHALLENGE, "The signature is more than five minutes old."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that Slack publishes, of a slash command.
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&\
        team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&\
        user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=\
        https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
        96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
        803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const AT: i64 = 1_531_420_618;

    fn is_good(secret: &str, signature: &str, time: &str, body: &str, now: i64) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("x-slack-signature", signature.parse().unwrap());
        headers.insert("x-slack-request-timestamp", time.parse().unwrap());
        let now = DateTime::from_timestamp(now, 0).unwrap();
        check(&["old".into(), secret.into()], &headers, body.as_bytes(), now).is_ok()
    }

    #[test]
    fn the_published_signature_is_good_for_five_minutes() {
        let secret = "8f742231b10e8888abcd99yyyzzz85a5";
        let time = AT.to_string();
        for late in [-300, 0, 300] {
            assert!(is_good(secret, SIGNATURE, &time, BODY, AT + late), "{late}");
        }
        for late in [-301, 301, 1 << 40] {
            assert!(!is_good(secret, SIGNATURE, &time, BODY, AT + late), "{late}");
        }
        assert!(!is_good("another", SIGNATURE, &time, BODY, AT));
        assert!(!is_good(secret, SIGNATURE, &time, &BODY[1..], AT));
        assert!(!is_good(secret, SIGNATURE, &(AT + 1).to_string(), BODY, AT));
        assert!(!is_good(secret, &SIGNATURE[3..], &time, BODY, AT));
        assert!(!is_good(secret, SIGNATURE, "now", BODY, AT));
        assert!(check(&[secret.into()], &HeaderMap::new(), b"", DateTime::UNIX_EPOCH).is_err());
    }
}
