//! The tags of answers that were given lately, as far as it is known when they stop to be good.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use quick_cache::sync::Cache;
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use super::conditional::{REVALIDATED, ReadAt, VARIES};

/// Tags that are remembered. Each is some 500 bytes and the answer's `Link`.
const REMEMBERED: usize = 16_384;
/// Bytes of the longest `Link` that is remembered: it repeats the address, and may be as long.
const LONGEST_LINK: usize = 2_048;

/// What was answered lately.
#[derive(Debug)]
pub struct Tags {
    known: Cache<Key, Arc<Known>>,
    /// Of this process alone, so that nobody can make two requests with the same key.
    seed: u64,
}

/// What tells one request from another: the hash of its address, who asks, and for what format.
pub(super) type Key = u128;

/// An answer without its body.
#[derive(Debug)]
pub(super) struct Known {
    read_at: ReadAt,
    tag: HeaderValue,
    link: Option<HeaderValue>,
    cache_control: HeaderValue,
}

impl Default for Tags {
    fn default() -> Self {
        Self { known: Cache::new(REMEMBERED), seed: Uuid::now_v7().as_u64_pair().1 }
    }
}

impl Tags {
    /// The key of a request.
    pub(super) fn key(&self, request: &Request) -> Key {
        let mut hasher = Xxh3::with_seed(self.seed);
        let address = request.uri().path_and_query().map_or("", |address| address.as_str());
        hasher.update(address.as_bytes());
        for name in [header::AUTHORIZATION, header::ACCEPT] {
            for value in request.headers().get_all(&name) {
                // No header and no address holds a line end.
                hasher.update(b"\n");
                hasher.update(name.as_str().as_bytes());
                hasher.update(value.as_bytes());
            }
        }
        hasher.digest128()
    }

    pub(super) fn get(&self, key: Key) -> Option<Arc<Known>> {
        self.known.get(&key)
    }

    /// Remembers an answer, unless that takes too much room.
    pub(super) fn keep(&self, key: Key, known: Known) {
        if known.link.as_ref().is_none_or(|link| link.len() <= LONGEST_LINK) {
            self.known.insert(key, Arc::new(known));
        }
    }
}

impl Known {
    /// What is kept of an answer with these headers.
    pub(super) fn new(read_at: ReadAt, headers: &HeaderMap, tag: HeaderValue) -> Self {
        let cache_control = headers.get(header::CACHE_CONTROL).cloned().unwrap_or(REVALIDATED);
        Self { read_at, tag, link: headers.get(header::LINK).cloned(), cache_control }
    }

    pub(super) fn tag(&self) -> &HeaderValue {
        &self.tag
    }

    pub(super) fn read_at(&self) -> ReadAt {
        self.read_at
    }

    /// The answer to whoever holds the tag.
    pub(super) fn unchanged(&self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        headers.insert(header::VARY, VARIES);
        if let Some(link) = &self.link {
            headers.insert(header::LINK, link.clone());
        }
        response
    }
}
