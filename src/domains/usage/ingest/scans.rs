//! `usage/repository-scans`: what a scan of a repository found, or what is known of one of its files.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{TRACKER, externals::External, headers, rows::version};
use crate::{
    domains::github::ingest::{
        KEY_LENGTH, folded_name,
        repositories::{Repository, read_repository},
    },
    ingest::{
        archive::Folder,
        kind::{Accepted, Context, Location, Read},
        repo_name::RepoName,
        stamp::{Stamp, digest},
        value::Node,
    },
};

/// The most files of a scan.
const FILES: usize = 200_000;
/// The most headers of a file.
const HEADERS: usize = 5_000;

/// What is said of a file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ScannedFile {
    /// The headers it includes; none if it was not read.
    pub headers: Option<BTreeSet<String>>,
    /// Time of the last commit that touched it.
    pub commit_date: Option<DateTime<Utc>>,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Form {
    /// A scan that found all there is to find.
    Scan,
    /// A scan that failed: nothing is known by it.
    Failure,
    /// Some of the files: what is not among them is not said to be gone.
    Addition,
}

/// A scan, or a record of a file.
#[derive(Debug, Serialize)]
pub struct Scan {
    /// The repository.
    #[serde(serialize_with = "folded_name")]
    pub repo: RepoName,
    /// What it is.
    pub form: Form,
    /// The repository's own payload, if it is in it.
    #[serde(skip)]
    pub repository: Option<Box<Repository>>,
    /// The Boost version that the repository names.
    pub boost_version: Option<String>,
    /// Whether it carries a copy of Boost.
    pub is_boost_embedded: Option<bool>,
    /// Whether it uses Boost, if the scan tells.
    pub is_boost_used: Option<bool>,
    /// The files by path.
    pub files: BTreeMap<String, ScannedFile>,
    /// When it was true.
    #[serde(skip)]
    pub at: DateTime<Utc>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Scan {
    /// What tells it from other scans of the repository.
    pub fn key(&self) -> String {
        format!("{:020}:{}", self.at.timestamp_micros(), hex::encode(&self.stamp.digest))
    }

    /// What it says about the repository's use of Boost.
    pub fn external(&self) -> External {
        match self.form {
            Form::Scan => External {
                boost_version: self.boost_version.clone(),
                is_boost_embedded: self.is_boost_embedded,
                is_boost_used: self.is_boost_used,
                last_scan_at: Some(self.at),
                stamp: self.stamp.clone(),
            },
            Form::Failure | Form::Addition => External::default(),
        }
    }

    /// The files that it names and did not read.
    pub fn unread(&self) -> Vec<&str> {
        let unread = self.files.iter().filter(|(_, file)| file.headers.is_none());
        unread.map(|(path, _)| path.as_str()).collect()
    }
}

/// Reads a scan or a file record.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Scan>> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A scan is an object.");
        return None;
    }
    let repo = repo_of(node, context)?;
    let is_record = !node.get("file_path").is_blank() && !node.get("files").is_stated();
    let mut scan = Scan {
        form: Form::Addition,
        repository: read_embedded(node, &repo, context),
        repo,
        boost_version: version(node.get("boost_version")),
        is_boost_embedded: node.get("is_boost_embedded").boolean().value(),
        is_boost_used: node.get("is_boost_used").boolean().value(),
        files: BTreeMap::new(),
        at: at(node, context),
        stamp: Stamp::BOTTOM,
    };
    if is_record {
        read_file(node, &mut scan.files);
    } else {
        read_files(node.get("files"), &mut scan.files);
        scan.form = form(node, scan.files.is_empty())?;
        conclude(&mut scan);
    }
    scan.stamp =
        Stamp { source_at: Some(scan.at), rank: 0, as_of: context.as_of, digest: digest(&scan) };
    let day = scan.at.format("%Y-%m-%d").to_string();
    let folder = Folder::of(TRACKER).fixed("scans").said(&scan.repo.owner).said(&scan.repo.name);
    let path = match scan.files.keys().next() {
        Some(file) if is_record => folder.said(&day).file(file, "json"),
        _ => folder.file(&day, "json"),
    };
    let accepted = Accepted {
        key: format!(
            "{}:{}",
            scan.repo,
            scan.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        ),
        path,
        stamp: scan.stamp.clone(),
    };
    Some(Read { item: scan, accepted })
}

/// Where a rejected scan stands.
pub fn locate(node: Node<'_>, context: &Context) -> Location {
    let name = [node.get("repo_full_name"), node.get("repository").get("full_name")]
        .into_iter()
        .find_map(|name| RepoName::parse(name.str()?))
        .or_else(|| context.repo.clone());
    let at = node.get("scanned_at").str().and_then(crate::ingest::value::instant);
    Location {
        scope: name.map(|name| name.folded().to_string()),
        position: at.or(context.as_of).map(|at| at.timestamp_micros()),
    }
}

fn repo_of(node: Node<'_>, context: &Context) -> Option<RepoName> {
    let places = [node.get("repo_full_name"), node.get("repository").get("full_name")];
    let mut stated: Option<RepoName> = None;
    for place in places {
        let Some(text) = place.str().filter(|text| !text.trim().is_empty()) else { continue };
        let Some(name) = RepoName::parse(text) else {
            place.fault("invalid_url", "This names no repository.");
            return None;
        };
        match &stated {
            Some(first) if !first.same(&name) => {
                place.warn("context_mismatch", format!("The scan is of {first}."));
            }
            Some(_) => {}
            None => stated = Some(name),
        }
    }
    match (stated, &context.repo) {
        (Some(stated), Some(given)) => {
            if !stated.same(given) {
                node.warn("context_mismatch", format!("The payload is of {stated}; it wins."));
            }
            Some(stated)
        }
        (None, None) => {
            places[0].fault(
                "missing_context",
                "The payload does not say of which repository it is: add `repo=owner/name`.",
            );
            None
        }
        (stated, given) => stated.or_else(|| given.clone()),
    }
}

/// The repository's own payload, read by the rules of its own kind.
fn read_embedded(node: Node<'_>, repo: &RepoName, context: &Context) -> Option<Box<Repository>> {
    let embedded = node.get("repository");
    if !embedded.is_filled() {
        return None;
    }
    // It is of the scan's repository where it does not say.
    let own = embedded.get("full_name").str().and_then(RepoName::parse);
    let named = Context { repo: Some(own.unwrap_or_else(|| repo.clone())), ..context.clone() };
    read_repository(embedded, &named).map(Box::new)
}

fn at(node: Node<'_>, context: &Context) -> DateTime<Utc> {
    let stated = node.get("scanned_at");
    context
        .source_time(stated.instant_or_unix().value(), stated)
        .unwrap_or_else(|| context.stated_at())
}

fn form(node: Node<'_>, is_empty: bool) -> Option<Form> {
    let status = node.get("scan_status");
    match status.filled_text().map(|text| text.trim().to_lowercase()).as_deref() {
        Some("ok") => Some(Form::Scan),
        Some("failed") => Some(Form::Failure),
        Some(_) => {
            status.fault("missing_scan_status", "`scan_status` is `ok` or `failed`.");
            None
        }
        None if is_empty => {
            status.fault(
                "missing_scan_status",
                "A scan without files says nothing unless `scan_status` is `ok` or `failed`.",
            );
            None
        }
        None => Some(Form::Scan),
    }
}

/// What a scan says without saying it.
fn conclude(scan: &mut Scan) {
    if scan.form != Form::Scan {
        return;
    }
    let has_found =
        scan.files.values().flat_map(|file| &file.headers).any(|headers| !headers.is_empty());
    let has_read_all = scan.files.values().all(|file| file.headers.is_some());
    if scan.is_boost_used.is_none() && (has_found || has_read_all) {
        scan.is_boost_used = Some(has_found);
    }
    if scan.files.is_empty() {
        // Nothing found is a finding.
        scan.is_boost_used = Some(false);
        scan.is_boost_embedded.get_or_insert(false);
    }
}

fn read_files(list: Node<'_>, files: &mut BTreeMap<String, ScannedFile>) {
    if list.is_blank() {
        return;
    }
    let Some(elements) = list.elements() else {
        list.fault("invalid_type", "The files are no list.");
        return;
    };
    for (nth, element) in elements.enumerate() {
        if nth == FILES {
            list.fault("too_many_items", format!("A scan has at most {FILES} files."));
            return;
        }
        read_file(element, files);
    }
}

fn read_file(node: Node<'_>, files: &mut BTreeMap<String, ScannedFile>) {
    let at = node.get("file_path");
    let Some(path) = at.text().value().filter(|path| !path.trim().is_empty()) else {
        at.fault("missing_field", "The file has no path.");
        return;
    };
    if path.len() > KEY_LENGTH {
        at.fault("too_long", "The path is longer than 2,000 bytes.");
        return;
    }
    let content = node.get("content").text().value().filter(|content| !content.is_empty());
    let headers = match content {
        Some(content) => {
            let mut found = headers::of(&content);
            // No text of a header is that long: this is no include.
            found.retain(|header| header.len() <= KEY_LENGTH);
            Some(found)
        }
        None => read_headers(node.get("boost_headers")),
    };
    if headers.as_ref().is_some_and(|headers| headers.len() > HEADERS) {
        node.fault("too_many_items", format!("A file has at most {HEADERS} headers."));
    }
    let commit_date = node.get("commit_date").instant_or_unix().value();
    // Twice in one scan: what either found counts.
    let file = files.entry(path).or_default();
    if let Some(headers) = headers {
        file.headers.get_or_insert_default().extend(headers);
    }
    file.commit_date = file.commit_date.max(commit_date);
}

fn read_headers(list: Node<'_>) -> Option<BTreeSet<String>> {
    if list.is_blank() {
        return None;
    }
    let Some(elements) = list.elements() else {
        list.fault("invalid_type", "The headers are no list.");
        return None;
    };
    let mut headers = BTreeSet::new();
    for element in elements {
        let Some(header) = element.text().value() else { continue };
        let header = headers::normalised(&header);
        if header.len() > KEY_LENGTH {
            element.fault("too_long", "The header is longer than 2,000 bytes.");
        } else if !header.is_empty() {
            headers.insert(header);
        }
    }
    Some(headers)
}
