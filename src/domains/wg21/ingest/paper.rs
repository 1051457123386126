//! One file of a paper, as a mailing's page or the collector's table lists it.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{
    KEY_LENGTH,
    author::{self, Author},
    mailing,
};
use crate::ingest::{
    kind::Context,
    stamp::{Stamp, digest},
    value::Node,
};

/// What a file says about its paper. What is `None` is not stated: blank never overwrites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The year of the paper, 0 if it has none.
    pub year: i32,
    /// Where the file is.
    pub url: String,
    /// The title, if it says more than the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The date on the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_date: Option<NaiveDate>,
    /// The mailing, unless it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailing: Option<String>,
    /// The subgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subgroup: Option<String>,
    /// Whether its text has been fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_downloaded: Option<bool>,
    /// The profile keys of its authors, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<Vec<String>>,
}

/// A file of a paper.
#[derive(Debug)]
pub struct Paper {
    /// The number with its revision, lower-case.
    pub paper_id: String,
    /// What the file says.
    pub said: Said,
    /// Its authors.
    pub authors: Vec<Author>,
    /// The statement's stamp; its rank is how good the file's format is.
    pub stamp: Stamp,
}

/// How a source names its columns.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// The authors.
    pub authors: &'static [&'static str],
    /// The date on the paper.
    pub date: &'static [&'static str],
}

impl Columns {
    /// A page of papers.
    pub const PAGE: Self =
        Self { authors: &["authors", "author"], date: &["document_date", "date"] };
    /// The collector's table.
    pub const TABLE: Self =
        Self { authors: &["author", "authors"], date: &["date", "document_date"] };
}

/// Reads a file; `mailing` is what surrounds it, or its own.
pub fn read(
    node: Node<'_>,
    mailing: Option<&str>,
    columns: Columns,
    context: &Context,
) -> Option<Paper> {
    let filename = node.get("filename").filled_text();
    let paper_id = paper_id(node, filename.as_deref());
    let url = url(node);
    let subgroup = collapsed(node.get("subgroup"));
    if subgroup.as_ref().is_some_and(|subgroup| subgroup.len() > KEY_LENGTH) {
        node.get("subgroup").fault("too_long", "A subgroup is at most 2,000 bytes.");
    }
    let authors = author::read(node.first(columns.authors));
    let document_date = document_date(node.first(columns.date));
    let (paper_id, url) = (paper_id?, url?);
    let mailing = mailing.filter(|mailing| *mailing != mailing::UNKNOWN);
    let said = Said {
        year: year(node, mailing, document_date),
        title: collapsed(node.get("title")).filter(|title| !title.eq_ignore_ascii_case(&paper_id)),
        document_date,
        mailing: mailing.map(str::to_owned),
        subgroup,
        is_downloaded: node.get("is_downloaded").boolean().value(),
        authors: authors
            .as_ref()
            .map(|authors| authors.iter().map(|author| author.key.clone()).collect()),
        url,
    };
    let stamp = Stamp {
        source_at: Some(context.stated_at()),
        rank: rank(node, filename.as_deref(), &said.url),
        as_of: context.as_of,
        digest: digest(&said),
    };
    Some(Paper { paper_id, said, authors: authors.unwrap_or_default(), stamp })
}

/// A text with white space to one blank; none if it is blank.
fn collapsed(node: Node<'_>) -> Option<String> {
    let text = node.filled_text()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn paper_id(node: Node<'_>, filename: Option<&str>) -> Option<String> {
    let stem = || {
        let name = filename?.trim();
        Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned())
    };
    let id = node.get("paper_id").filled_text().or_else(stem);
    let id = id.map(|id| id.trim().to_lowercase()).filter(|id| !id.is_empty());
    match &id {
        None => node.get("paper_id").fault("missing_field", "The paper has no number."),
        Some(id) if id.len() > KEY_LENGTH => {
            node.get("paper_id").fault("too_long", "A paper's number is at most 2,000 bytes.");
        }
        Some(_) => {}
    }
    id
}

fn url(node: Node<'_>) -> Option<String> {
    let node = node.get("url");
    let Some(url) = node.filled_text().map(|url| url.trim().to_owned()) else {
        node.fault("missing_field", "The paper has no address.");
        return None;
    };
    let scheme = url.split_once("://").filter(|(scheme, rest)| {
        let host = rest.split('/').next().unwrap_or_default();
        ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !host.is_empty()
    });
    if scheme.is_none() || url.contains(char::is_whitespace) {
        node.fault("invalid_url", "This is no http(s) address.");
        return None;
    }
    Some(url)
}

/// A date, with dashes or slashes; one that cannot be is noted and left out.
fn document_date(node: Node<'_>) -> Option<NaiveDate> {
    if node.is_blank() || node.str().is_some_and(|text| text.trim().is_empty()) {
        return None;
    }
    let read = |text: &str| {
        let text = text.trim().replace('/', "-");
        let date = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
        let is_alone = text[10..].chars().next().is_none_or(|c| c == 'T' || c == ' ');
        (is_alone && (1970..=9999).contains(&date.year())).then_some(date)
    };
    let date = node.str().and_then(read);
    if date.is_none() {
        node.warn("bad_time", "This is not a date between 1970 and 9999.");
    }
    date
}

/// The year of the mailing; else the entry's; else the date's; else, and outside 1985 to 2100, 0.
fn year(node: Node<'_>, mailing: Option<&str>, date: Option<NaiveDate>) -> i32 {
    let own = || {
        let year = node.get("year").raw()?;
        year.as_i64().or_else(|| year.as_str()?.trim().parse().ok()).filter(|year| *year != 0)
    };
    let year = mailing
        .and_then(|mailing| mailing.get(..4)?.parse::<i64>().ok())
        .or_else(own)
        .or_else(|| date.map(|date| i64::from(date.year())));
    year.filter(|year| (1985..=2100).contains(year))
        .and_then(|year| i32::try_from(year).ok())
        .unwrap_or(0)
}

/// How good a file's format is: the best one's file stands for the paper.
fn rank(node: Node<'_>, filename: Option<&str>, url: &str) -> i16 {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let extension = |name: &str| {
        let name = name.trim().rsplit('/').next()?;
        name.rsplit_once('.').map(|(_, extension)| extension.to_owned())
    };
    let format = node
        .get("type")
        .str()
        .map(|format| format.trim().trim_start_matches('.').to_owned())
        .filter(|format| !format.is_empty())
        .or_else(|| extension(filename?))
        .or_else(|| extension(path))
        .unwrap_or_default();
    match format.to_ascii_lowercase().as_str() {
        "adoc" => 4,
        "html" | "htm" => 3,
        "ps" => 2,
        "pdf" => 1,
        _ => 0,
    }
}
