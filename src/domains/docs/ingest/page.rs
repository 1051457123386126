//! Pages of a library's documentation in a release, as a crawl gives them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    domains::boost::ingest::version::{self, Version},
    ingest::{
        archive::{Folder, RawPath},
        kind::{Context, Seen},
        stamp::{Stamp, digest},
        value::Node,
    },
};

/// The archive folder of the documentation collector.
const TRACKER: &str = "boost_library_docs_tracker";

/// The longest text of a page, in bytes.
const TEXT: usize = 8 << 20;

/// Which library, in which release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The release.
    pub version: Version,
    /// The library as the payload refers to it.
    pub library: String,
}

/// What surrounds pages.
#[derive(Debug)]
pub struct Crawl {
    /// Of what the pages are; none where each page says so itself.
    pub place: Option<Place>,
    /// When they were fetched, if that is said of all: by the crawl, or with `as_of=`.
    pub scraped_at: Option<DateTime<Utc>>,
    /// The time of the statement that these are all: the latest of its own and its pages'.
    pub stated_at: DateTime<Utc>,
    /// `as_of=`.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether it is said to list the library's pages in full.
    pub is_complete: bool,
    /// How many pages there are, faulty ones included.
    pub pages: usize,
}

/// A page.
#[derive(Debug, Serialize)]
pub struct Page {
    /// Of what it is.
    #[serde(skip)]
    pub place: Place,
    /// Where it stands, without fragment.
    pub url: String,
    /// SHA-256 of its text, hex.
    pub hash: String,
    /// Its text.
    #[serde(skip)]
    pub text: Bytes,
    /// When it was fetched, if that is said.
    #[serde(skip)]
    pub scraped_at: Option<DateTime<Utc>>,
    /// Until when it was there: when it was fetched, else when it was received.
    #[serde(skip)]
    pub seen_at: DateTime<Utc>,
}

impl Crawl {
    /// Reads what surrounds pages; `null` where the document is a page.
    pub fn read(node: Node<'_>, context: &Context) -> Option<Self> {
        let is_page = node.is_blank();
        let place = if is_page { None } else { Some(read_place(node, context)?) };
        let scraped_at = read_time(node.get("scraped_at"), context).or(context.as_of);
        Some(Self {
            place,
            scraped_at,
            stated_at: scraped_at.unwrap_or(context.received_at),
            as_of: context.as_of,
            // A page alone is no list of pages.
            is_complete: !is_page && context.lists_all("pages"),
            pages: 0,
        })
    }

    /// The stamp of the statement that these pages are all.
    pub fn stamp<'p>(&self, pages: impl Iterator<Item = &'p Page>) -> Stamp {
        let hashes: std::collections::BTreeSet<&str> =
            pages.map(|page| page.hash.as_str()).collect();
        Stamp {
            source_at: Some(self.stated_at),
            rank: 0,
            as_of: self.as_of,
            digest: digest(&hashes),
        }
    }

    /// Where the document is archived.
    pub fn path(&self, pages: &[(i32, Page)]) -> RawPath {
        let place = self.place.as_ref().or_else(|| pages.first().map(|(_, page)| &page.place));
        let version = place.map(|place| place.version.to_string()).unwrap_or_default();
        let library = place.map(|place| place.library.as_str()).unwrap_or_default();
        let pages: Vec<&Page> = pages.iter().map(|(_, page)| page).collect();
        let stem = hex::encode(&digest(&pages)[..8]);
        Folder::of(TRACKER).said(&version).said(library).file(&stem, "json")
    }
}

/// A time that decides order, unless it is missing or absurd.
fn read_time(node: Node<'_>, context: &Context) -> Option<DateTime<Utc>> {
    context.source_time(node.instant().value(), node)
}

fn read_place(node: Node<'_>, context: &Context) -> Option<Place> {
    let version = version::stated(node.get("version"), context);
    let library = read_library(node.get("library"), context);
    Some(Place { version: version?, library: library? })
}

/// The reference of a library: a text, or an object with `key` or `name`; else `library=`.
fn read_library(node: Node<'_>, context: &Context) -> Option<String> {
    let said = match node.raw() {
        Some(serde_json::Value::Object(_)) => {
            node.get("key").filled_text().or_else(|| node.get("name").filled_text())
        }
        _ => node.filled_text(),
    };
    let said = said.map(|library| library.trim().to_owned());
    let given = context.param("library");
    if let (Some(said), Some(given)) = (&said, given)
        && said != given
    {
        node.warn("context_mismatch", format!("The payload is of {said}; it wins."));
    }
    let library = said.or_else(|| given.map(str::to_owned));
    match &library {
        None => node.fault(
            "missing_context",
            "The payload does not say of which library it is: add `library=json`.",
        ),
        Some(library) if library.len() > 2_000 => {
            node.fault("too_long", "A library's name is at most 2,000 bytes.");
            return None;
        }
        Some(_) => {}
    }
    library
}

impl Page {
    /// Reads a page.
    pub fn read(node: Node<'_>, crawl: &mut Crawl, context: &Context) -> Option<Seen<Self>> {
        crawl.pages += 1;
        if node.raw().is_none_or(|value| !value.is_object()) {
            node.fault("unknown_shape", "A page is an object.");
            return None;
        }
        let place = match &crawl.place {
            Some(place) => Some(place.clone()),
            None => read_place(node, context),
        };
        let url = read_url(node.get("url"));
        let text = read_text(node.get("content"));
        let scraped_at = read_time(node.get("scraped_at"), context).or(crawl.scraped_at);
        let seen_at = scraped_at.unwrap_or(context.received_at);
        let text = text?;
        let hash = hex::encode(Sha256::digest(&text));
        let given = node.get("content_hash");
        if let Some(given_hash) = given.filled_text()
            && !given_hash.trim().eq_ignore_ascii_case(&hash)
        {
            given.fault("hash_mismatch", format!("The SHA-256 of the text is {hash}."));
            return None;
        }
        let text = text.into();
        let page = Self { place: place?, url: url?, hash, text, scraped_at, seen_at };
        crawl.stated_at = crawl.stated_at.max(seen_at);
        let stamp = Stamp {
            source_at: Some(seen_at),
            rank: 0,
            as_of: context.as_of,
            digest: digest(&(&page, page.place.version.to_string(), &page.place.library)),
        };
        Some(Seen { key: page.hash.clone(), stamp, item: page })
    }
}

fn read_text(node: Node<'_>) -> Option<String> {
    let text = node.text().value();
    match text {
        Some(text) if text.len() > TEXT => {
            node.fault("too_long", "A page's text is at most 8 MiB.");
            None
        }
        Some(text) if !text.trim().is_empty() => Some(text),
        _ => {
            node.fault("missing_field", "The page has no text.");
            None
        }
    }
}

/// An absolute address of the web, without fragment.
fn read_url(node: Node<'_>) -> Option<String> {
    let url = node.str().and_then(web_address);
    if url.is_none() {
        node.fault("invalid_url", "A page's address is absolute, http or https.");
    }
    url
}

fn web_address(text: &str) -> Option<String> {
    let text = text.trim();
    let url = text.split('#').next().unwrap_or(text);
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_clean = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && !host.is_empty() && is_clean).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_absolute_and_without_fragment() {
        let read = |text| web_address(text);
        assert_eq!(read(" https://a.b/c?d#e ").as_deref(), Some("https://a.b/c?d"));
        assert_eq!(read("HTTP://a.b").as_deref(), Some("HTTP://a.b"));
        for bad in ["", "/libs/json", "ftp://a.b/c", "https://", "https:///x", "https://a b/c"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
