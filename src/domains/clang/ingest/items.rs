//! `clang/issues` and `clang/pull-requests`: when each was opened and last changed.

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::{content_digest, earliest, is_of_mirror, latest, sticky};
use crate::{
    domains::github::ingest::{issues::is_pull, repositories::folder},
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
    /// What a payload says about an issue or pull request.
    pub struct ItemDraft, table clang_github_issue_item, key { number: i32 };
    registers {
        is_pull_request: bool [own],
        github_created_at: Option<DateTime<Utc>> [own],
        github_updated_at: Option<DateTime<Utc>> [own],
        content_digest: Option<Vec<u8>>,
        raw_path: String,
    }
    dates { created_at, updated_at }
}

/// An issue or pull request.
#[derive(Debug)]
pub struct IssueItem {
    /// The number within the repository.
    pub number: i32,
    /// Whether it is a pull request.
    pub is_pull: bool,
    /// When it was opened.
    pub created_at: Option<DateTime<Utc>>,
    /// When GitHub last changed it.
    pub updated_at: Option<DateTime<Utc>>,
    /// Where the document is.
    pub path: RawPath,
    /// The statement's stamp; its digest is the document's.
    pub stamp: Stamp,
}

impl IssueItem {
    fn draft(&self, item: i32) -> ItemDraft {
        ItemDraft {
            number: self.number,
            is_pull_request: sticky(self.is_pull),
            github_created_at: earliest(self.created_at),
            github_updated_at: latest(self.updated_at),
            content_digest: Cell::Stated(Some(self.stamp.digest.clone())),
            raw_path: Cell::Stated(self.path.to_string()),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// The issue or pull request itself, without what is beside it.
fn inner(node: Node<'_>) -> Node<'_> {
    ["pr_info", "issue_info"]
        .into_iter()
        .map(|key| node.get(key))
        .find(|nested| nested.is_stated())
        .unwrap_or(node)
}

/// Reads what either endpoint takes: the shape decides whether it is an issue or a pull request.
pub fn read(node: Node<'_>, context: &Context, pulls: bool) -> Option<Read<IssueItem>> {
    let info = inner(node);
    if info.raw().is_none_or(|value| !value.is_object()) {
        info.fault("unknown_shape", "An issue or pull request is an object.");
        return None;
    }
    let is_pull = is_pull(node);
    if is_pull != pulls {
        let found = if is_pull { "a pull request" } else { "an issue" };
        node.warn("routed", format!("This is {found}; it is stored as one."));
    }
    let number = info.get("number");
    let valid = number.maybe_id().and_then(|number| i32::try_from(number).ok());
    if valid.is_none() {
        number.fault("invalid_id", "The number is not a positive 32-bit integer.");
    }
    let is_of_mirror = is_of_mirror(info, context);
    let time = |key| info.get(key).instant().value();
    let (created_at, updated_at) = (time("created_at"), time("updated_at"));
    let number = valid.filter(|_| is_of_mirror)?;
    let list = if is_pull { "prs" } else { "issues" };
    let path = folder(&context.clang_mirror).fixed(list).file(&number.to_string(), "json");
    let stamp = Stamp {
        source_at: context.source_time(updated_at, info.get("updated_at")),
        rank: 0,
        as_of: context.as_of,
        digest: content_digest(node),
    };
    let item = IssueItem { number, is_pull, created_at, updated_at, path, stamp };
    let accepted =
        Accepted { key: number.to_string(), path: item.path.clone(), stamp: item.stamp.clone() };
    Some(Read { item, accepted })
}

/// Where a rejected item stands.
pub fn locate(node: Node<'_>, context: &Context) -> Location {
    let at = inner(node).get("updated_at").str().and_then(instant);
    Location {
        scope: Some(context.clang_mirror.to_string()),
        position: at.map(|at| at.timestamp_micros()),
    }
}

/// Stores items; one outcome for each, in order.
pub async fn store(tx: &mut Tx<'_>, items: &[(i32, &IssueItem)]) -> QueryResult<Vec<Outcome>> {
    let drafts = items.iter().map(|(index, item)| item.draft(*index)).collect();
    let done = upsert(tx, drafts).await?;
    let outcome =
        |id, action| Outcome { action, table: "clang_github_issue_item", row_id: Some(id) };
    Ok(done.into_iter().map(|done| outcome(done.id, done.action)).collect())
}
