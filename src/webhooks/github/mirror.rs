//! Events of the Clang mirror: the times that the clang kinds keep, and no rows of GitHub's.

use super::{
    events::{Part, ignored},
    push::is_of_default_branch,
};
use crate::{
    domains::{
        clang::ingest::{
            commits::Commit,
            content_digest,
            items::{self, IssueItem},
        },
        github::ingest::issues::is_pull,
    },
    ingest::{archive::RawPath, kind::Context, stamp::Stamp, value::Node},
    webhooks,
};

/// Reads an event of the mirror. Nothing in it: it makes no rows, and a warning says why. None: it is
/// faulty.
pub fn read(event: &str, node: Node<'_>, context: &Context) -> Option<Vec<Part>> {
    let gone = matches!(node.get("action").str(), Some("deleted" | "transferred"));
    match event {
        "push" if is_of_default_branch(node) => {
            let commits = node.get("commits").elements().into_iter().flatten();
            let read = commits.map(|commit| read_commit(commit, context)).collect::<Vec<_>>();
            read.into_iter().map(|commit| commit.map(Part::MirrorCommit)).collect()
        }
        "issues" if !gone => Some(vec![Part::MirrorItem(item(node.get("issue"), context)?)]),
        "pull_request" => Some(vec![Part::MirrorItem(item(node.get("pull_request"), context)?)]),
        "issue_comment" | "pull_request_review" | "pull_request_review_comment" => {
            let object = node.first(&["issue", "pull_request"]);
            let mut item = item(object, context)?;
            // What is said about it is part of its content.
            item.stamp.digest = content_digest(node);
            Some(vec![Part::MirrorItem(item)])
        }
        _ => Some(ignored(node, "The mirror has no rows for this event.")),
    }
}

/// Where the document is.
fn place(context: &Context) -> RawPath {
    webhooks::path("github", context.param("delivery").unwrap_or_default(), context)
}

fn item(object: Node<'_>, context: &Context) -> Option<IssueItem> {
    let read = items::read(object, context, is_pull(object))?;
    Some(IssueItem { path: place(context), ..read.item })
}

fn read_commit(node: Node<'_>, context: &Context) -> Option<Commit> {
    let id = node.get("id");
    let sha = id.str().map(|sha| sha.trim().to_ascii_lowercase());
    let sha = sha.filter(|sha| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if sha.is_none() {
        id.fault("invalid_sha", "A commit's `id` is 40 hexadecimal digits.");
    }
    let timestamp = node.get("timestamp");
    let committed_at = timestamp.instant().value();
    let stamp = Stamp {
        source_at: context.source_time(committed_at, timestamp),
        digest: content_digest(node),
        ..Stamp::BOTTOM
    };
    Some(Commit { sha: sha?, committed_at, path: place(context), stamp })
}
