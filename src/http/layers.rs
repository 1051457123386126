//! What happens around every handler: the request's id, its place among those in flight, the
//! problem document, the access line, the metrics.
//!
//! It is one layer on purpose: each further one costs every request a box.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use tower::{Service, ServiceBuilder, layer::layer_fn};
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
    access,
    conditional::Conditional,
    limits::{Allowance, Place},
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
    let conditional = {
        let app = app.clone();
        layer_fn(move |next| Conditional { app: app.clone(), next })
    };
    let around = layer_fn(move |next| Around { app: app.clone(), next });
    router.layer(
        ServiceBuilder::new().layer(around).layer(cors).layer(compression).layer(conditional),
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

/// The layer around everything. It calls the next service at once, so that none is cloned for it.
#[derive(Clone)]
struct Around<S> {
    app: App,
    next: S,
}

impl<S, B> Service<Request> for Around<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let started = Instant::now();
        let id = take_id(request.headers_mut());
        request.extensions_mut().insert(RequestId(Arc::clone(&id)));
        let route = request.extensions().get::<MatchedPath>().cloned();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        // A read may not take for ever.
        let most = Duration::from_millis(self.app.settings.request_timeout_ms);
        let most = (method == Method::GET).then_some(most);

        let (allowance, admitted) = admit(&self.app, &request);
        let admitted = admitted.map(|place| (place, self.next.call(request)));
        Box::pin(telemetry::within_request(Arc::clone(&id), async move {
            let mut response = match admitted {
                Ok((_place, answer)) => bounded(answer, most).await,
                Err(problem) => problem.into_response(),
            };
            if let Some(allowance) = allowance {
                allowance.write(response.headers_mut());
            }
            let response = finish(response, &uri, &id);
            report(&method, &uri, route.as_ref(), response.status(), started.elapsed());
            Ok(response)
        }))
    }
}

/// Lets the request in if there is room and the client is not too fast. Gives what the client may
/// still do, where that is limited, and the request's place, if it takes one.
fn admit(app: &App, request: &Request) -> (Option<Allowance>, Result<Option<Place>>) {
    let path = request.uri().path();
    // Whoever asks whether we are well must get an answer above all when we are busy.
    let watch = path.starts_with("/health/") || path == "/metrics";
    let place = Place::take(&app.in_flight, app.settings.max_in_flight);
    if watch {
        return (None, Ok(place));
    }
    if place.is_none() {
        let detail = "The server has as many requests as it can take.";
        return (None, Err(Problem::unavailable("too_many_in_flight", detail)));
    }
    if !app.rates.on() {
        return (None, Ok(place));
    }
    let allowance = app.rates.count(&client(app, request));
    (Some(allowance), allowance.refused().map_or(Ok(place), Err))
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

/// The answer, if it comes in time; a panic on the way to it is a 500.
async fn bounded<B>(
    answer: impl Future<Output = Result<Response<B>, Infallible>>,
    most: Option<Duration>,
) -> Response
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let answer = AssertUnwindSafe(answer).catch_unwind();
    let outcome = match most {
        None => answer.await,
        Some(most) => {
            let Ok(outcome) = tokio::time::timeout(most, answer).await else {
                let detail = "The request took longer than the server allows.";
                return Problem::unavailable("request_timeout", detail).into_response();
            };
            outcome
        }
    };
    match outcome {
        Ok(Ok(response)) => response.map(Body::new),
        Ok(Err(never)) => match never {},
        Err(panic) => Problem::internal(panic_text(&*panic)).into_response(),
    }
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
