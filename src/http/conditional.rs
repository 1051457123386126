//! Entity tags: every answer to a GET that is there as a whole has one, and whoever holds it is
//! told that nothing has changed instead of being sent the same again.
//!
//! A tag is weak. It is the hash of the body without the time it was read at ([`AsOf`]), so it
//! changes if and only if anything else in the body does; the content-coding does not matter to it.
//! Streams have none: it would be known only after their end.
//!
//! Where a handler says which table its answer depends on ([`ReadAt`]), the tag is remembered, and
//! as long as that table does not change the answer to it needs neither handler nor database.

use std::{
    fs::File,
    io::{self, Seek as _},
};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use memchr::memmem;
use xxhash_rust::xxh3::Xxh3;

use super::{access, problem::Problem, tags::Known};
use crate::{app::App, changes::versions::Stamp};

/// How an answer may be kept, unless its handler says otherwise: with a question whether it is
/// still good.
pub(super) const REVALIDATED: HeaderValue =
    HeaderValue::from_static("private, max-age=0, must-revalidate");
/// What an answer depends on besides the address.
pub(super) const VARIES: HeaderValue =
    HeaderValue::from_static("accept, accept-encoding, authorization");

/// When the answer was read, which its body says as `"as_of"`. An extension of the response; the
/// tag leaves that member out.
#[derive(Debug, Clone, Copy)]
pub struct AsOf(pub DateTime<Utc>);

impl AsOf {
    /// The member as it stands in the body.
    fn member(self) -> String {
        format!("\"as_of\":\"{}\"", self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

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
pub(super) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let key = app.tags.key(&request);
    let held = Held::of(request.headers());
    if !held.0.is_empty()
        && let Some(known) = app.tags.get(key)
        && held.has(known.tag())
        && known.read_at().holds(&app)
        && access::is_welcome(request.headers(), &app)
    {
        return known.unchanged();
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let Ok((mut response, tag)) = tagged(response).await else {
        return Problem::internal("the body of an answer could not be read").into_response();
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, VARIES);
    headers.entry(header::CACHE_CONTROL).or_insert(REVALIDATED);
    let Some(tag) = tag else { return response };
    headers.insert(header::ETAG, tag.clone());
    if let Some(read_at) = response.extensions().get::<ReadAt>() {
        app.tags.keep(key, Known::new(*read_at, response.headers(), tag.clone()));
    }
    if held.has(&tag) { unchanged(response) } else { response }
}

/// The answer with its tag: its handler's, or one made of its body. A stream has none.
async fn tagged(response: Response) -> Result<(Response, Option<HeaderValue>), axum::Error> {
    if let Some(tag) = response.headers().get(header::ETAG).cloned() {
        return Ok((response, Some(tag)));
    }
    if response.body().size_hint().exact().is_none() {
        return Ok((response, None));
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await?;
    let tag = of_body(&body, parts.extensions.get::<AsOf>().copied());
    Ok((Response::from_parts(parts, Body::from(body)), Some(tag)))
}

/// The tag of a body that is read at a time.
fn of_body(body: &Bytes, as_of: Option<AsOf>) -> HeaderValue {
    let member = as_of.map(AsOf::member);
    let at = member.as_ref().and_then(|it| memmem::rfind(body, it.as_bytes()));
    let mut hasher = Xxh3::new();
    match (at, member) {
        (Some(at), Some(member)) => {
            hasher.update(&body[..at]);
            hasher.update(&body[at + member.len()..]);
        }
        _ => hasher.update(body),
    }
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
        let tag = |data: &str, time: &str| {
            let as_of = AsOf(time.parse().unwrap());
            let body = format!("{{\"data\":[\"{data}\"],\"meta\":{{{}}}}}", as_of.member());
            of_body(&body.into(), Some(as_of))
        };
        let first = tag("a", "2024-05-01T12:00:00Z");
        assert_eq!(first, tag("a", "2024-05-01T12:00:00.000001Z"));
        assert_ne!(first, tag("b", "2024-05-01T12:00:00Z"));
    }
}
