//! `push`: the commits of the default branch, as far as a push tells of them.

use std::collections::BTreeMap;

use super::events::{Part, ignored, part, repository};
use crate::{
    domains::{
        github::{
            enums::FileChangeStatus,
            ingest::{
                Item, KEY_LENGTH,
                commits::{Commit, Completeness, FileChange, read_sha},
                person::{self, Author, Person, Who, too_long},
            },
        },
        users::ingest::email,
    },
    ingest::{
        kind::Context,
        repo_name::RepoName,
        stamp::{Stamp, digest},
        value::Node,
    },
};

/// Reads a push: its commits and the repository. One to another branch, or of a tag, says nothing.
pub fn read(node: Node<'_>, context: &Context) -> Option<Vec<Part>> {
    if !is_of_default_branch(node) {
        return Some(ignored(node.get("ref"), "This is not the default branch."));
    }
    let pushed = repository(node.get("repository"), context)?;
    let mut parts = Vec::new();
    let mut is_good = true;
    for commit in node.get("commits").elements().into_iter().flatten() {
        match read_commit(commit, &pushed.name, context) {
            Some(commit) => parts.push(part(Item::Commit(Box::new(commit)))),
            None => is_good = false,
        }
    }
    parts.push(part(Item::Repository(Box::new(pushed))));
    is_good.then_some(parts)
}

/// Whether a push is to the repository's default branch.
pub fn is_of_default_branch(node: Node<'_>) -> bool {
    let branch = node.get("ref").str().unwrap_or_default().strip_prefix("refs/heads/");
    let default = node.get("repository").first(&["default_branch", "master_branch"]).str();
    branch.is_some() && branch == default
}

fn read_commit(node: Node<'_>, repo: &RepoName, context: &Context) -> Option<Commit> {
    let sha = read_sha(node.get("id"));
    let timestamp = node.get("timestamp");
    let Some(at) = timestamp.instant().value() else {
        timestamp.fault("missing_time", "The commit's time cannot be read.");
        return None;
    };
    let Author { person, real, address } = author(node.get("author"));
    let mut commit = Commit {
        repo: repo.clone(),
        sha: sha?,
        message: node.get("message").text().or_default().unwrap_or_default(),
        commit_at: at,
        committed_at: at,
        source_at: context.source_time(Some(at), timestamp),
        person,
        real,
        address,
        files: read_files(node)?,
        completeness: Completeness::Push,
        stamp: Stamp::BOTTOM,
    };
    let rank = Completeness::Push.rank();
    commit.stamp = Stamp { rank, digest: digest(&commit), ..Stamp::BOTTOM };
    Some(commit)
}

/// Whose it is: the login's, else the account's that the address proves, else somebody's without an
/// account.
fn author(node: Node<'_>) -> Author {
    let address = person::address(node.get("email"));
    let login = node.get("username");
    too_long(login);
    if let Some(login) = login.filled_text() {
        return Author { person: Person::of_login(login.trim()), real: true, address };
    }
    if let Some((id, login)) = address.as_deref().and_then(email::noreply_account) {
        let person = Person { who: Who::Id(id), ..Person::of_login(login) };
        return Author { person, real: true, address };
    }
    if address.is_none() {
        too_long(node.get("name"));
    }
    let person = Person::unknown(address.as_deref(), node.get("name").str());
    Author { person, real: false, address }
}

/// The files by name; a push gives no counts and no diffs.
#[expect(clippy::option_option, reason = "faulty, not stated, or stated")]
fn read_files(node: Node<'_>) -> Option<Option<BTreeMap<String, FileChange>>> {
    let mut files = BTreeMap::new();
    for (key, status) in [
        ("added", FileChangeStatus::Added),
        ("modified", FileChangeStatus::Modified),
        ("removed", FileChangeStatus::Removed),
    ] {
        for entry in node.get(key).elements().into_iter().flatten() {
            let name = entry.str().unwrap_or_default();
            if name.trim().is_empty() {
                entry.warn("ignored", "The file has no name.");
                continue;
            }
            if name.len() > KEY_LENGTH {
                entry.fault("too_long", "A file's name is at most 2,000 bytes.");
                return None;
            }
            let change = FileChange {
                status,
                additions: 0,
                deletions: 0,
                patch: String::new(),
                renamed_from: None,
            };
            files.insert(name.to_owned(), change);
        }
    }
    Some(Some(files).filter(|files| !files.is_empty()))
}
