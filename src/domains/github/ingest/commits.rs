//! `github/commits`: commits and the files they change.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Item, KEY_LENGTH,
    person::{Author, Person},
    repositories::folder,
    repository_of,
};
use crate::{
    domains::github::enums::FileChangeStatus,
    draft,
    ingest::{
        kind::{Accepted, Context, Read},
        register::Cell,
        repo_name::RepoName,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a commit.
    pub struct CommitDraft, table git_commit, key { repo_id: i64, commit_hash: String };
    registers {
        account_id: i64 [rank account_rank],
        comment: String,
        commit_at: DateTime<Utc>,
        committed_at: Option<DateTime<Utc>>,
    }
    sets { files }
}

/// How complete a payload's list of files is; also the rank of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Completeness {
    /// Names only: a push event.
    Push,
    /// Cut by GitHub, or not given.
    Partial,
    /// Every file.
    Complete,
}

impl Completeness {
    /// The rank in stamps.
    pub const fn rank(self) -> i16 {
        match self {
            Self::Push => 0,
            Self::Partial => 1,
            Self::Complete => 2,
        }
    }
}

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// What happened to it.
    pub status: FileChangeStatus,
    /// Lines added.
    pub additions: i32,
    /// Lines removed.
    pub deletions: i32,
    /// The diff; `''` for binary and oversize ones.
    pub patch: String,
    /// The name before, where it was renamed.
    pub renamed_from: Option<String>,
}

/// A commit.
#[derive(Debug, Serialize)]
pub struct Commit {
    /// The repository.
    #[serde(skip)]
    pub repo: RepoName,
    /// Lower-case hex.
    #[serde(skip)]
    pub sha: String,
    /// The full message.
    pub message: String,
    /// Author date, else committer date.
    pub commit_at: DateTime<Utc>,
    /// Committer date, else author date.
    pub committed_at: DateTime<Utc>,
    /// The time that decides between commits; none if a wrong clock made it.
    #[serde(skip)]
    pub source_at: Option<DateTime<Utc>>,
    /// Whose commit it is.
    pub person: Person,
    /// Whether that is a real account.
    pub real: bool,
    /// The address recorded for it.
    #[serde(skip)]
    pub address: Option<String>,
    /// The files by name, if the payload lists any.
    pub files: Option<BTreeMap<String, FileChange>>,
    /// How complete the list is.
    pub completeness: Completeness,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Commit {
    /// Whether its list of files is all of them.
    pub fn lists_all_files(&self) -> bool {
        self.completeness == Completeness::Complete
    }

    /// What is written of it. Between accounts a real one wins; then the later statement does.
    pub fn draft(&self, repo_id: i64, account_id: i64, item: i32) -> CommitDraft {
        CommitDraft {
            repo_id,
            commit_hash: self.sha.clone(),
            account_id: Cell::StatedAt(account_id, self.stamp.ranked(i16::from(self.real))),
            comment: Cell::Stated(self.message.clone()),
            commit_at: Cell::Stated(self.commit_at),
            committed_at: Cell::Stated(Some(self.committed_at)),
            files: if self.files.is_some() { Cell::Stated(()) } else { Cell::Unstated(()) },
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// How many entries GitHub's list of a commit's files has when it is cut.
const CUT_AT: [usize; 2] = [300, 3_000];
/// The most files of one commit.
const FILES: usize = 100_000;
/// The longest diff of one file, in bytes.
const PATCH: usize = 8 << 20;

/// Reads `GET /repos/{o}/{r}/commits/{sha}`, or an item of the list.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    let sha = read_sha(node.get("sha"))?;
    let repo = repository_of(node, context);
    let commit = node.get("commit");
    let date = |role| commit.get(role).get("date").instant().value();
    let (author, committer) = (date("author"), date("committer"));
    let Some(commit_at) = author.or(committer) else {
        commit.get("author").get("date").fault("missing_time", "Neither date can be read.");
        return None;
    };
    let (files, completeness) = read_files(node.get("files"), context);
    let chosen = Author::read(node);
    let mut commit = Commit {
        repo: repo?,
        sha,
        message: commit.get("message").text().or_default().unwrap_or_default(),
        commit_at,
        committed_at: committer.unwrap_or(commit_at),
        source_at: context.source_time(Some(commit_at), commit.get("author").get("date")),
        person: chosen.person,
        real: chosen.real,
        address: chosen.address,
        files,
        completeness,
        stamp: Stamp::BOTTOM,
    };
    commit.stamp = Stamp {
        source_at: None,
        rank: completeness.rank(),
        as_of: context.as_of,
        digest: digest(&commit),
    };
    let accepted = Accepted {
        key: format!("{}:{}", commit.repo, commit.sha),
        path: folder(&commit.repo).fixed("commits").file(&commit.sha, "json"),
        stamp: commit.stamp.clone(),
    };
    Some(Read { item: Item::Commit(Box::new(commit)), accepted })
}

/// A commit's SHA, in lower case.
pub fn read_sha(node: Node<'_>) -> Option<String> {
    let sha = node.str().map(|sha| sha.trim().to_ascii_lowercase());
    let Some(sha) = sha.filter(|sha| {
        (7..=64).contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
    }) else {
        node.fault("invalid_sha", "A commit's `sha` is 7 to 64 hexadecimal digits.");
        return None;
    };
    if sha.len() != 40 && sha.len() != 64 {
        node.warn("short_sha", "This is an abbreviated SHA.");
    }
    Some(sha)
}

/// The files by name. A missing or empty list says nothing, unless it is said to be complete.
fn read_files(
    node: Node<'_>,
    context: &Context,
) -> (Option<BTreeMap<String, FileChange>>, Completeness) {
    let complete = context.lists_all("files");
    let Some(entries) = node.elements() else {
        if !node.is_blank() {
            node.fault("invalid_type", "`files` is a list.");
        }
        return (None, Completeness::Partial);
    };
    let mut files = BTreeMap::new();
    let mut listed = 0;
    for entry in entries {
        listed += 1;
        if listed > FILES {
            node.fault("too_many_items", format!("A commit has at most {FILES} files."));
            break;
        }
        if let Some((name, change)) = read_file(entry)
            && files.insert(name, change).is_some()
        {
            entry.warn("duplicate_in_payload", "The file is listed before; the last counts.");
        }
    }
    if listed == 0 && !complete {
        return (None, Completeness::Partial);
    }
    if !complete && (listed == CUT_AT[0] || listed >= CUT_AT[1]) {
        node.warn("truncated", "The list may be cut; it adds to what is known of this commit.");
        return (Some(files), Completeness::Partial);
    }
    (Some(files), Completeness::Complete)
}

fn read_file(node: Node<'_>) -> Option<(String, FileChange)> {
    let text = |key| node.get(key).text().value();
    let previous = text("previous_filename").filter(|name| !name.trim().is_empty());
    let name = text("filename").filter(|name| !name.trim().is_empty()).or_else(|| previous.clone());
    let Some(name) = name else {
        node.warn("ignored", "The file has no name.");
        return None;
    };
    for name in [Some(&name), previous.as_ref()].into_iter().flatten() {
        if name.len() > KEY_LENGTH {
            node.get("filename").fault("too_long", "A file's name is at most 2,000 bytes.");
            return None;
        }
    }
    let status = match text("status") {
        None => FileChangeStatus::Modified,
        Some(word) => FileChangeStatus::parse(&word).unwrap_or_else(|| {
            node.get("status").warn("unknown_value", format!("`{word}` counts as `changed`."));
            FileChangeStatus::Changed
        }),
    };
    let patch = text("patch").unwrap_or_default();
    if patch.len() > PATCH {
        node.get("patch").fault("too_long", "A diff is at most 8 MiB.");
        return None;
    }
    let renamed = status == FileChangeStatus::Renamed;
    let change = FileChange {
        status,
        additions: node.get("additions").count32().or_default().unwrap_or_default(),
        deletions: node.get("deletions").count32().or_default().unwrap_or_default(),
        patch,
        renamed_from: previous.filter(|previous| renamed && *previous != name),
    };
    Some((name, change))
}
