//! What happens around every handler: the request's id, its place among those in flight, the
//! problem document, the access line, the metrics.
//!
//! It is one layer on purpose: each further one costs every request a box.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tower::ServiceBuilder;
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::{AllowOrigin, CorsLayer},
};
use uuid::Uuid;

use super::{
    access, conditional,
    limits::Place,
    problem::{Problem, Result},
};
use crate::{app::App, config::Settings, query::export, telemetry};

/// The request id's header.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A client's id must not be longer.
const MAX_REQUEST_ID: usize = 200;
/// Smaller answers are not compressed: it would cost more than it saves.
const MIN_COMPRESSED: u64 = 1_024;

/// The id of a request: the client's `x-request-id`, or one made here.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        match parts.extensions.get::<Self>() {
            Some(id) => Ok(id.clone()),
            None => Err(Problem::internal("the request has no id")),
        }
    }
}

/// Puts every layer around the routes.
pub fn wrap(router: Router, app: App) -> Router {
    let compression = CompressionLayer::new()
        // The knee of each coder's curve.
        .quality(CompressionLevel::Precise(4))
        .compress_when(
            SizeAbove::new(MIN_COMPRESSED)
                .and(NotForContentType::IMAGES)
                .and(NotForContentType::SSE),
        );
    let cors = cors(&app.settings);
    let conditional = middleware::from_fn_with_state(app.clone(), conditional::layer);
    router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(app, around))
            .layer(cors)
            .layer(compression)
            .layer(conditional),
    )
}

/// Browsers may read from other origins; they may not write.
fn cors(settings: &Settings) -> CorsLayer {
    let origins = if settings.cors_origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(settings.cors_origins.iter().filter_map(|origin| origin.parse().ok()))
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([
            header::AUTHORIZATION,
            header::IF_NONE_MATCH,
            // Whoever follows an event stream by `fetch` sends it by hand.
            HeaderName::from_static("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LINK,
            header::RETRY_AFTER,
            REQUEST_ID,
            export::AS_OF,
            export::ROW_ORDER,
        ])
        .max_age(Duration::from_mins(10))
}

/// The layer around everything.
async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = take_id(request.headers_mut());
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (method, uri) = (request.method().clone(), request.uri().clone());

    let work = async {
        let response = admitted(&app, request, next).await;
        let response = finish(response, &uri, &id);
        report(&method, &uri, route.as_ref(), response.status(), started.elapsed());
        response
    };
    telemetry::within_request(Arc::clone(&id), work).await
}

/// Lets the request in if there is room and the client is not too fast.
async fn admitted(app: &App, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Whoever asks whether we are well must get an answer above all when we are busy.
    let watch = path.starts_with("/health/") || path == "/metrics";
    let Some(_place) = Place::take(&app.in_flight, app.settings.max_in_flight)
        .map(Some)
        .or_else(|| watch.then_some(None))
    else {
        let detail = "The server has as many requests as it can take.";
        return Problem::unavailable("too_many_in_flight", detail).into_response();
    };
    if !app.rates.on() || watch {
        return bounded(app, request, next).await;
    }
    let allowance = app.rates.count(&client(app, &request));
    let mut response = match allowance.refused() {
        Some(problem) => problem.into_response(),
        None => bounded(app, request, next).await,
    };
    allowance.write(response.headers_mut());
    response
}

/// Who a request counts for: the token's subject, else the address it comes from.
fn client(app: &App, request: &Request) -> String {
    if let Some(token) = access::bearer(request.headers())
        && let Ok(token) = app.keys.verify(token, app.clock.now())
    {
        return format!("subject {}", token.subject);
    }
    let peer = request.extensions().get::<ConnectInfo<std::net::SocketAddr>>();
    peer.map_or_else(String::new, |ConnectInfo(peer)| peer.ip().to_string())
}

/// Runs the handler; a panic of it is a 500, and a read may not take for ever.
async fn bounded(app: &App, request: Request, next: Next) -> Response {
    let read = *request.method() == Method::GET;
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    let outcome = if read {
        let most = Duration::from_millis(app.settings.request_timeout_ms);
        let Ok(outcome) = tokio::time::timeout(most, handler).await else {
            let detail = "The request took longer than the server allows.";
            return Problem::unavailable("request_timeout", detail).into_response();
        };
        outcome
    } else {
        handler.await
    };
    outcome.unwrap_or_else(|panic| Problem::internal(panic_text(&*panic)).into_response())
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a handler panicked")
}

/// Takes the client's request id if it may stand in a header and a log line, else makes one. Marks
/// what must not be shown.
fn take_id(headers: &mut HeaderMap) -> Arc<str> {
    for name in [header::AUTHORIZATION, header::COOKIE] {
        if let Some(value) = headers.get_mut(name) {
            value.set_sensitive(true);
        }
    }
    let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    });
    if let Some(id) = sent {
        return id.into();
    }
    let mut buffer = Uuid::encode_buffer();
    Arc::from(&*Uuid::now_v7().hyphenated().encode_lower(&mut buffer))
}

/// Writes the problem document, where the response is a refusal, and the request id.
fn finish(mut response: Response, uri: &Uri, id: &str) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| {
        // A refusal that is not ours (axum's, tower's) is made one.
        let refusal = status.is_client_error() || status.is_server_error();
        (refusal && !is_problem(response.headers())).then(|| foreign(status))
    });
    if let Some(problem) = problem {
        let document = problem.document(uri.path(), id).to_string();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_ENCODING);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LENGTH, document.len().into());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.body_mut() = Body::from(document);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_problem(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/problem+json")
}

fn foreign(status: StatusCode) -> Problem {
    let reason = status.canonical_reason().unwrap_or("Error");
    let code = reason.to_ascii_lowercase().replace([' ', '-'], "_");
    Problem::new(status, code, format!("{reason}."))
}

/// The access line and the metrics of a request. The query is left out: it may hold addresses.
fn report(
    method: &Method,
    uri: &Uri,
    route: Option<&MatchedPath>,
    status: StatusCode,
    took: Duration,
) {
    let route = route.map_or("none", MatchedPath::as_str);
    tracing::info!(
        target: "access",
        method = method.as_str(),
        path = uri.path(),
        route,
        status = status.as_u16(),
        us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    // Methods beyond the usual ones are any client's to invent: they must not become labels.
    let method = match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    };
    let labels = [
        ("route", metrics::SharedString::from(route.to_owned())),
        ("method", metrics::SharedString::const_str(method)),
        ("status", metrics::SharedString::from(status.as_str().to_owned())),
    ];
    metrics::histogram!("http_request_duration_seconds", &labels).record(took.as_secs_f64());
}
