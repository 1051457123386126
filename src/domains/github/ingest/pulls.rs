//! `github/pull-requests`: pull requests with labels, assignees, comments and reviews.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Item,
    children::full_list,
    issues::{Thread, is_pull, read_issue, read_thread, set_cell, source_time},
    person::too_long,
    repositories::folder,
    reviews::{self, Review},
};
use crate::{
    domains::github::enums::PullRequestState,
    draft,
    ingest::{
        kind::{Accepted, Context, Read},
        register::Cell,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a pull request.
    pub struct PullDraft, table pull_request, key { pr_id: i64 };
    registers {
        repo_id: i64,
        pr_number: i32,
        account_id: i64,
        title: String,
        body: String,
        state: PullRequestState,
        head_hash: String,
        base_hash: String,
        pr_created_at: Option<DateTime<Utc>>,
        pr_updated_at: Option<DateTime<Utc>>,
        pr_merged_at: Option<DateTime<Utc>>,
        pr_closed_at: Option<DateTime<Utc>>,
    }
    sets { labels, assignees, comments [own], reviews [own] }
    dates { created_at, updated_at }
}

/// A pull request.
#[derive(Debug, Serialize)]
pub struct Pull {
    /// GitHub's id; an item of the issue list does not know it.
    #[serde(serialize_with = "super::text_number_option")]
    pub id: Option<i64>,
    /// What it shares with issues.
    pub thread: Thread,
    /// Open, closed or merged.
    pub state: Option<PullRequestState>,
    /// Last commit of the branch.
    pub head: Option<String>,
    /// What it is based on.
    pub base: Option<String>,
    /// When it was merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_at: Option<Option<DateTime<Utc>>>,
    /// Reviews and review comments: these were made or changed.
    #[serde(skip)]
    pub reviews: Option<Vec<Review>>,
    /// When the request came, if they are all there are.
    #[serde(skip)]
    pub all_reviews: Option<DateTime<Utc>>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Pull {
    /// What is written of it, under the id that its number was settled to.
    pub fn draft(&self, pr_id: i64, repo_id: i64, author: Cell<i64>, item: i32) -> PullDraft {
        let thread = &self.thread;
        PullDraft {
            pr_id,
            repo_id: Cell::Stated(repo_id),
            pr_number: Cell::Stated(thread.number),
            account_id: author,
            title: Cell::of(thread.title.clone()),
            body: Cell::of(thread.body.clone()),
            state: self.state.map_or(Cell::Unstated(PullRequestState::Open), Cell::Stated),
            head_hash: Cell::of(self.head.clone()),
            base_hash: Cell::of(self.base.clone()),
            pr_created_at: Cell::of(thread.created_at),
            pr_updated_at: Cell::of(thread.updated_at),
            pr_merged_at: Cell::of(self.merged_at),
            pr_closed_at: Cell::of(thread.closed_at),
            labels: set_cell(thread.labels.as_ref()),
            assignees: set_cell(thread.assignees.as_ref()),
            comments: full_list(&self.stamp, thread.all_comments, thread.comments.as_ref()),
            reviews: full_list(&self.stamp, self.all_reviews, self.reviews.as_ref()),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// Reads what either endpoint takes: the shape decides whether it is an issue or a pull request.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    if !is_pull(node) && node.get("issue_info").is_stated() {
        node.warn("routed", "This is an issue; it is stored as one.");
        return read_issue(node, context);
    }
    if !is_pull(node) && node.get("number").is_stated() {
        node.warn("routed", "This is an issue; it is stored as one.");
        return read_issue(node, context);
    }
    read_pull(node, context)
}

/// Reads a pull request: nested, as REST gives it, or as an item of the issue list.
pub fn read_pull(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    let info = ["pr_info", "issue_info"]
        .into_iter()
        .map(|key| node.get(key))
        .find(|nested| nested.is_stated())
        .unwrap_or(node);
    if info.raw().is_none_or(|value| !value.is_object()) {
        info.fault("unknown_shape", "A pull request is an object.");
        return None;
    }
    // The id of an item of the issue list is the issue's, in another id space.
    let detail = info.get("head").is_stated() || info.get("base").is_stated();
    let id = if detail { Some(info.get("id").id()) } else { None };
    let thread = read_thread(info, node.get("comments"), context);
    let merged = info.first(&["merged_at"]);
    let merged =
        if merged.is_stated() { merged } else { info.get("pull_request").get("merged_at") };
    let merged_at = merged.instant().nullable();
    let hash = |side: &'static str| {
        let sha = info.get(side).get("sha");
        too_long(sha);
        sha.filled_text()
    };
    let (head, base) = (hash("head"), hash("base"));
    let (id, thread) = (id.map_or(Some(None), |id| id.map(Some))?, thread?);
    let reviews = reviews::read(node, &thread, context);
    let is_merged = merged_at.flatten().is_some()
        || info.get("merged").raw() == Some(&serde_json::Value::Bool(true));
    let word = info.get("state").text().value();
    let state = if is_merged {
        Some(PullRequestState::Merged)
    } else {
        word.map(|word| {
            PullRequestState::parse(&word).unwrap_or_else(|| {
                info.get("state").warn("unknown_value", format!("`{word}` counts as open."));
                PullRequestState::Open
            })
        })
    };
    let source_at = source_time(&thread, info, context);
    let mut pull = Pull {
        id,
        thread,
        state,
        head,
        base,
        merged_at,
        reviews,
        all_reviews: context.lists_all("reviews").then_some(context.received_at),
        stamp: Stamp::BOTTOM,
    };
    pull.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&pull) };
    let Thread { repo, number, .. } = &pull.thread;
    let accepted = Accepted {
        key: format!("{repo}:{number}"),
        path: folder(repo).fixed("prs").file(&number.to_string(), "json"),
        stamp: pull.stamp.clone(),
    };
    Some(Read { item: Item::Pull(Box::new(pull)), accepted })
}
