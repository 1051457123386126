//! `clang/commits`: when each was made.

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::{content_digest, is_of_mirror, latest};
use crate::{
    domains::github::ingest::repositories::folder,
    draft,
    ingest::{
        archive::RawPath,
        kind::{Accepted, Context, Location, Outcome, Read},
        register::Cell,
        stamp::Stamp,
        tx::Tx,
        upsert::upsert,
        value::{Node, instant},
    },
};

draft! {
    /// What a payload says about a commit.
    pub struct CommitDraft, table clang_github_commit, key { sha: String };
    registers {
        github_committed_at: Option<DateTime<Utc>> [own],
        content_digest: Option<Vec<u8>>,
        raw_path: String,
    }
    dates { created_at, updated_at }
}

/// A commit.
#[derive(Debug)]
pub struct Commit {
    /// 40 lower-case hexadecimal digits.
    pub sha: String,
    /// Author date, else committer date.
    pub committed_at: Option<DateTime<Utc>>,
    /// Where the document is.
    pub path: RawPath,
    /// The statement's stamp; its digest is the document's.
    pub stamp: Stamp,
}

impl Commit {
    fn draft(&self, item: i32) -> CommitDraft {
        CommitDraft {
            sha: self.sha.clone(),
            github_committed_at: latest(self.committed_at),
            content_digest: Cell::Stated(Some(self.stamp.digest.clone())),
            raw_path: Cell::Stated(self.path.to_string()),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// Author date, else committer date, and where it stands.
fn committed_at(node: Node<'_>) -> (Option<DateTime<Utc>>, Node<'_>) {
    let date = |role| node.get("commit").get(role).get("date");
    let (author, committer) = (date("author"), date("committer"));
    match author.instant().value() {
        Some(at) => (Some(at), author),
        None => (committer.instant().value(), committer),
    }
}

/// Reads a commit as GitHub gives it.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Commit>> {
    let said = node.get("sha");
    let sha = said.str().map(|sha| sha.trim().to_ascii_lowercase());
    let sha = sha.filter(|sha| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if sha.is_none() {
        said.fault("invalid_sha", "A commit's `sha` is 40 hexadecimal digits.");
    }
    let is_of_mirror = is_of_mirror(node, context);
    let (committed_at, place) = committed_at(node);
    let sha = sha.filter(|_| is_of_mirror)?;
    let path = folder(&context.clang_mirror).fixed("commits").file(&sha, "json");
    let stamp = Stamp {
        source_at: context.source_time(committed_at, place),
        rank: 0,
        as_of: context.as_of,
        digest: content_digest(node),
    };
    let accepted = Accepted { key: sha.clone(), path: path.clone(), stamp: stamp.clone() };
    Some(Read { item: Commit { sha, committed_at, path, stamp }, accepted })
}

/// Where a rejected item stands.
pub fn locate(node: Node<'_>, context: &Context) -> Location {
    let date = |role| node.get("commit").get(role).get("date").str().and_then(instant);
    let at = date("author").or_else(|| date("committer"));
    Location {
        scope: Some(context.clang_mirror.to_string()),
        position: at.map(|at| at.timestamp_micros()),
    }
}

/// Stores commits; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, items: &[(i32, &Commit)]) -> QueryResult<Vec<Outcome>> {
    let drafts = items.iter().map(|(index, item)| item.draft(*index)).collect();
    let done = upsert(tx, drafts).await?;
    let outcome = |id, action| Outcome { action, table: "clang_github_commit", row_id: Some(id) };
    Ok(done.into_iter().map(|done| outcome(done.id, done.action)).collect())
}
