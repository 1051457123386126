//! Entity tags: every answer to a GET that is there as a whole has one, and whoever holds it is
//! told that nothing has changed instead of being sent the same again.
//!
//! A tag is weak. It is the hash of the body without the time it was read at, the member `as_of`, so
//! it changes if and only if anything else in the body does; the content-coding does not matter to it.
//! Streams have none: it would be known only after their end.
//!
//! Where a handler says which table its answer depends on ([`ReadAt`]), the tag is remembered, and
//! as long as that table does not change the answer to it needs neither handler nor database.

use std::{
    convert::Infallible,
    fs::File,
    io::{self, Seek as _},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, Either};
use memchr::memmem;
use tower::Service;
use xxhash_rust::xxh3::Xxh3;

use super::{
    access,
    problem::Problem,
    tags::{Key, Known},
};
use crate::{app::App, changes::versions::Stamp};

/// How an answer may be kept, unless its handler says otherwise: with a question whether it is
/// still good.
pub(super) const REVALIDATED: HeaderValue =
    HeaderValue::from_static("private, max-age=0, must-revalidate");
/// What an answer depends on besides the address.
pub(super) const VARIES: HeaderValue =
    HeaderValue::from_static("accept, accept-encoding, authorization");

/// How a body begins to say when it was read. No text in JSON holds it: there the quotes are escaped.
const AS_OF: &[u8] = b"\"as_of\":\"";

/// When an answer was read that was kept for a while. An extension of the response; where it lacks,
/// a body was read while its request ran.
#[derive(Debug, Clone, Copy)]
pub struct AsOf(pub DateTime<Utc>);

/// What an answer depends on besides the request: a table (and what its rows are served with), as
/// it was before it was read. An extension of the response.
#[derive(Debug, Clone, Copy)]
pub struct ReadAt {
    table: &'static str,
    stamp: Stamp,
}

impl ReadAt {
    /// Now. None where the server does not hear of changes.
    pub fn now(app: &App, table: &'static str) -> Option<Self> {
        Some(Self { table, stamp: app.versions.of(&[table])? })
    }

    /// Whether the table is as it was.
    pub(super) fn holds(self, app: &App) -> bool {
        app.versions.of(&[self.table]) == Some(self.stamp)
    }
}

/// The layer. It stands within compression: it needs the body as the handler made it.
#[derive(Clone)]
pub(super) struct Conditional<S> {
    pub(super) app: App,
    pub(super) next: S,
}

impl<S> Service<Request> for Conditional<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.next.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Either::Left(self.next.call(request));
        }
        let app = self.app.clone();
        let asked = Asked {
            key: app.tags.key(&request),
            held: Held::of(request.headers()),
            begun: app.clock.now(),
        };
        Either::Right(match asked.known(&app) {
            None => {
                let answer = self.next.call(request);
                Box::pin(async move { Ok(asked.answered(&app, answer.await?).await) })
            }
            // In the future, where a line of the log is the request's.
            Some(known) => Box::pin(async move {
                let welcome = access::welcome(request.headers(), &app);
                Ok(welcome.map_or_else(Problem::into_response, |()| known.unchanged()))
            }),
        })
    }
}

/// What of a request its tag depends on.
struct Asked {
    key: Key,
    held: Held,
    begun: DateTime<Utc>,
}

impl Asked {
    /// What was answered lately, if the client has it and it is still so.
    fn known(&self, app: &App) -> Option<Arc<Known>> {
        if self.held.0.is_empty() {
            return None;
        }
        app.tags.get(self.key).filter(|it| self.held.has(it.tag()) && it.read_at().holds(app))
    }

    /// The answer with its tag, or word that the client has it.
    async fn answered(self, app: &App, response: Response) -> Response {
        match response.status() {
            StatusCode::OK => {}
            // Without a word a browser would keep it for ever, and what it leads to moves again.
            StatusCode::MOVED_PERMANENTLY => return with_caching(response),
            _ => return response,
        }
        let Ok((mut response, tag)) =
            tagged(response, |it| (self.begun..=app.clock.now()).contains(it)).await
        else {
            return Problem::internal("the body of an answer could not be read").into_response();
        };
        response = with_caching(response);
        let Some(tag) = tag else { return response };
        response.headers_mut().insert(header::ETAG, tag.clone());
        if let Some(read_at) = response.extensions().get::<ReadAt>() {
            app.tags.keep(self.key, Known::new(*read_at, response.headers(), tag.clone()));
        }
        if self.held.has(&tag) { unchanged(response) } else { response }
    }
}

/// The answer with what it depends on, and how it may be kept.
fn with_caching(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.append(header::VARY, VARIES);
    headers.entry(header::CACHE_CONTROL).or_insert(REVALIDATED);
    response
}

/// The answer with its tag: its handler's, or one made of its body. A stream has none. `is_now` says
/// which times are those of this request.
async fn tagged(
    response: Response,
    is_now: impl Fn(&DateTime<Utc>) -> bool,
) -> Result<(Response, Option<HeaderValue>), axum::Error> {
    if let Some(tag) = response.headers().get(header::ETAG).cloned() {
        return Ok((response, Some(tag)));
    }
    if response.body().size_hint().exact().is_none() {
        return Ok((response, None));
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let tag = match parts.extensions.get::<AsOf>() {
        Some(AsOf(kept)) => of_body(&body, |time| time == kept),
        None => of_body(&body, is_now),
    };
    Ok((Response::from_parts(parts, Body::from(body)), Some(tag)))
}

/// The tag of a body, without the times at which it was read. A stored time that is called `as_of`
/// is not among these: it is older than the request.
fn of_body(body: &[u8], is_read_at: impl Fn(&DateTime<Utc>) -> bool) -> HeaderValue {
    let mut hasher = Xxh3::new();
    let mut rest = body;
    while let Some(at) = memmem::find(rest, AS_OF) {
        let (before, time) = rest.split_at(at + AS_OF.len());
        hasher.update(before);
        let end = memchr::memchr(b'"', time).unwrap_or(time.len());
        let (time, after) = time.split_at(end);
        let read = str::from_utf8(time).ok().and_then(|it| it.parse().ok());
        if !read.is_some_and(|read| is_read_at(&read)) {
            hasher.update(time);
        }
        rest = after;
    }
    hasher.update(rest);
    weak(&hasher)
}

/// The tag of a file, which is then read from its begin. Blocks.
pub fn of_file(file: &mut File) -> io::Result<HeaderValue> {
    let mut hasher = Xxh3::new();
    io::copy(file, &mut hasher)?;
    file.rewind()?;
    Ok(weak(&hasher))
}

fn weak(hasher: &Xxh3) -> HeaderValue {
    HeaderValue::try_from(format!("W/\"{:032x}\"", hasher.digest128()))
        .unwrap_or_else(|_| unreachable!("hexadecimal digits may stand in a header"))
}

/// The answer without what the client has.
fn unchanged(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    for of_the_body in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_DISPOSITION,
        header::CONTENT_ENCODING,
    ] {
        parts.headers.remove(of_the_body);
    }
    Response::from_parts(parts, Body::empty())
}

/// The tags that a client holds: its `If-None-Match`.
struct Held(Vec<HeaderValue>);

impl Held {
    fn of(headers: &HeaderMap) -> Self {
        Self(headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect())
    }

    /// Whether `tag` is among them, by the weak comparison.
    fn has(&self, tag: &HeaderValue) -> bool {
        let Some(tag) = tag.to_str().ok().and_then(opaque) else { return false };
        self.0.iter().filter_map(|list| list.to_str().ok()).any(|list| names(list, tag))
    }
}

/// A tag without what says that it is weak, and without its quotes.
fn opaque(tag: &str) -> Option<&str> {
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')
}

/// Whether a list of tags names one. Its elements may contain commas.
fn names(list: &str, tag: &str) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        rest = rest.strip_prefix("W/").unwrap_or(rest);
        let quoted = rest.strip_prefix('"').and_then(|inner| inner.split_once('"'));
        match quoted {
            Some((one, _)) if one == tag => return true,
            Some((_, others)) => rest = others,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_are_compared_weakly() {
        for (list, is_named) in [
            ("*", true),
            (" * ", true),
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("\"b\",\"a\"", true),
            ("\"b,\", \"a\"", true),
            ("\"b\"", false),
            ("\"a,\"", false),
            ("a", false),
            ("\"a", false),
            ("", false),
            ("W/", false),
            ("\"A\"", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, list.parse().unwrap());
            let held = Held::of(&headers);
            for ours in ["\"a\"", "W/\"a\""] {
                assert_eq!(held.has(&HeaderValue::from_static(ours)), is_named, "{list}");
            }
        }
    }

    #[test]
    fn the_time_of_reading_alone_changes_no_tag() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = time("2024-05-01T12:00:00Z")..=time("2024-05-01T12:00:01Z");
        let tag = |data: &str, stored: &str, read: &str| {
            let body = format!(
                "{{\"data\":[{{\"x\":\"{data}\",\"as_of\":\"{stored}\"}}],\
                 \"meta\":{{\"as_of\":\"{read}\"}}}}"
            );
            of_body(body.as_bytes(), |time| now.contains(time))
        };
        let first = tag("a", "2024-05-01T11:00:00Z", "2024-05-01T12:00:00Z");
        assert_eq!(first, tag("a", "2024-05-01T11:00:00Z", "2024-05-01T12:00:00.000001Z"));
        assert_ne!(first, tag("b", "2024-05-01T11:00:00Z", "2024-05-01T12:00:00Z"));
        assert_ne!(first, tag("a", "2024-05-01T11:00:01Z", "2024-05-01T12:00:00Z"));
        assert_ne!(first, tag("a", "2024-05-01T11:00:00Z", "2024-05-01T13:00:00Z"));
    }
}
