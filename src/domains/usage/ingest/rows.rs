//! The CSV kinds of usage: external repositories, files, usages. A cell that is blank says nothing.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::{externals::External, headers};
use crate::{
    domains::{
        boost::ingest::version::Version,
        github::ingest::{KEY_LENGTH, repositories::Repository},
    },
    ingest::{
        kind::{Context, Seen},
        repo_name::RepoName,
        stamp::{Stamp, digest},
        value::{Node, instant},
    },
};

/// A row of `usage/external-repositories`.
#[derive(Debug)]
pub struct ExternalRow {
    /// The repository's own columns.
    pub repository: Repository,
    /// Its use of Boost.
    pub external: External,
}

/// A row of `usage/files`.
#[derive(Debug)]
pub struct FileRow {
    /// The repository.
    pub repo: RepoName,
    /// The path.
    pub path: String,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// When that was so.
    pub at: DateTime<Utc>,
}

/// A row of `usage/usages`.
#[derive(Debug, Serialize)]
pub struct UsageRow {
    /// The repository.
    #[serde(skip)]
    pub repo: RepoName,
    /// The path of the file.
    #[serde(skip)]
    pub path: String,
    /// The header's text.
    #[serde(skip)]
    pub header: String,
    /// Time of the last commit that touched the file.
    pub commit_date: Option<DateTime<Utc>>,
    /// Since when it is not there any more.
    pub excepted_at: Option<NaiveDate>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

/// The text of a cell that is not blank.
fn cell<'v>(row: Node<'v>, name: &'v str) -> Option<&'v str> {
    row.get(name).str().map(str::trim).filter(|text| !text.is_empty())
}

/// A Boost version: canonical where it can be read, else as given; blank says nothing.
pub fn version(node: Node<'_>) -> Option<String> {
    let text = node.filled_text()?;
    let text = text.trim();
    Some(Version::parse(text).map_or_else(|| text.to_owned(), |version| version.to_string()))
}

fn flag(row: Node<'_>, name: &'static str) -> Option<bool> {
    cell(row, name)
        .map(|text| !matches!(text.to_lowercase().as_str(), "0" | "false" | "no" | "n" | "f"))
}

fn count(row: Node<'_>, name: &'static str) -> Option<i32> {
    cell(row, name).and_then(|_| row.get(name).count32().value())
}

fn time(row: Node<'_>, name: &'static str) -> Option<DateTime<Utc>> {
    cell(row, name).and_then(|_| row.get(name).instant_or_unix().value())
}

fn repo(row: Node<'_>) -> Option<RepoName> {
    let both = (cell(row, "owner"), cell(row, "repo_name"));
    for (name, found) in [("owner", both.0), ("repo_name", both.1)] {
        if found.is_none() {
            row.get(name).fault("missing_field", "The cell is blank.");
        }
    }
    let (owner, name) = (both.0?, both.1?);
    let repo = RepoName::parse(&format!("{owner}/{name}"));
    if repo.is_none() {
        row.get("repo_name").fault("invalid_url", "These name no repository.");
    }
    repo
}

fn path(row: Node<'_>) -> Option<String> {
    let at = row.get("file_path");
    match at.str().filter(|path| !path.trim().is_empty()) {
        None => at.fault("missing_field", "The cell is blank."),
        Some(path) if path.len() > KEY_LENGTH => {
            at.fault("too_long", "The path is longer than 2,000 bytes.");
        }
        Some(path) => return Some(path.to_owned()),
    }
    None
}

/// Reads a row of `usage/external-repositories`.
pub fn read_external(row: Node<'_>, context: &Context) -> Option<Seen<ExternalRow>> {
    let name = repo(row)?;
    let key = name.to_string();
    let pushed_at = time(row, "repo_pushed_at");
    let updated_at = time(row, "repo_updated_at");
    let created_at = time(row, "repo_created_at");
    let source_at = context.source_time(pushed_at.max(updated_at), row.get("repo_updated_at"));
    let (stars, forks) = (count(row, "stars"), count(row, "forks"));
    let description = row.get("description").filled_text();
    let says_more = description.is_some()
        || stars.or(forks).is_some()
        || pushed_at.or(updated_at).or(created_at).is_some();
    let mut repository = Repository {
        stars,
        forks,
        description,
        pushed_at: pushed_at.map(Some),
        created_at: created_at.map(Some),
        updated_at: updated_at.map(Some),
        ..Repository::named(name)
    };
    if says_more {
        repository = repository.stamped(source_at, context.as_of);
    }
    let boost_version = version(row.get("boost_version"));
    let is_boost_embedded = flag(row, "is_boost_embedded");
    let is_boost_used = flag(row, "is_boost_used");
    let stamp = Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&(&boost_version, is_boost_embedded, is_boost_used)),
    };
    let external = External {
        boost_version,
        is_boost_embedded,
        is_boost_used,
        last_scan_at: None,
        stamp: stamp.clone(),
    };
    Some(Seen { item: ExternalRow { repository, external }, key, stamp })
}

/// Reads a row of `usage/files`.
pub fn read_file(row: Node<'_>, context: &Context) -> Option<Seen<FileRow>> {
    let (repo, path) = (repo(row), path(row));
    let file = FileRow {
        repo: repo?,
        path: path?,
        is_deleted: flag(row, "is_deleted").unwrap_or(false),
        at: context.stated_at(),
    };
    let key = format!("{}:{}", file.repo, file.path);
    let stamp = Stamp { source_at: Some(file.at), as_of: context.as_of, ..Stamp::BOTTOM };
    Some(Seen { item: file, key, stamp })
}

/// Reads a row of `usage/usages`.
pub fn read_usage(row: Node<'_>, context: &Context) -> Option<Seen<UsageRow>> {
    let (repo, path) = (repo(row), path(row));
    let at = row.get("boost_header_name");
    let header = cell(row, "boost_header_name").map(headers::normalised);
    match &header {
        None => at.fault("missing_field", "The cell is blank."),
        Some(text) if text.len() > KEY_LENGTH => {
            at.fault("too_long", "The header is longer than 2,000 bytes.");
        }
        Some(_) => {}
    }
    let mut usage = UsageRow {
        repo: repo?,
        path: path?,
        header: header?,
        commit_date: time(row, "last_commit_ts"),
        excepted_at: excepted_at(row, context),
        stamp: Stamp::BOTTOM,
    };
    usage.stamp = Stamp {
        source_at: Some(context.stated_at()),
        rank: 0,
        as_of: context.as_of,
        digest: digest(&usage),
    };
    let key = format!("{}:{}:{}", usage.repo, usage.path, usage.header);
    let stamp = usage.stamp.clone();
    Some(Seen { item: usage, key, stamp })
}

/// A date; anything else that is not blank says that it is excepted, and not when.
fn excepted_at(row: Node<'_>, context: &Context) -> Option<NaiveDate> {
    let text = cell(row, "excepted_at")?;
    let date = ["%Y-%m-%d", "%Y/%m/%d"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok())
        .or_else(|| instant(text).map(|at| at.date_naive()));
    if date.is_none() {
        row.get("excepted_at")
            .warn("bad_time", "This is not a date; the day of the list is taken.");
    }
    Some(date.unwrap_or_else(|| context.stated_at().date_naive()))
}
