//! `github/issues`: issues with their labels, assignees and comments.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Item, KEY_LENGTH,
    children::full_list,
    comments::{self, Comment},
    person::Person,
    pulls,
    repositories::folder,
    repository_of,
};
use crate::{
    domains::github::enums::{IssueState, IssueStateReason},
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
    /// What a payload says about an issue.
    pub struct IssueDraft, table issue, key { issue_id: i64 };
    registers {
        repo_id: i64,
        issue_number: i32,
        account_id: i64,
        title: String,
        body: String,
        state: IssueState,
        state_reason: Option<IssueStateReason>,
        issue_created_at: Option<DateTime<Utc>>,
        issue_updated_at: Option<DateTime<Utc>>,
        issue_closed_at: Option<DateTime<Utc>>,
    }
    sets { labels, assignees, comments [own] }
    dates { created_at, updated_at }
}

/// What issues and pull requests have in common. What is `None` is not stated.
#[derive(Debug, Clone, Serialize)]
pub struct Thread {
    /// The repository.
    #[serde(serialize_with = "super::folded_name")]
    pub repo: RepoName,
    /// The number in the repository.
    pub number: i32,
    /// The author; nobody is not stated.
    pub person: Option<Person>,
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// Creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Option<DateTime<Utc>>>,
    /// Last change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Option<DateTime<Utc>>>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Option<DateTime<Utc>>>,
    /// Every label, where the payload lists them.
    pub labels: Option<BTreeSet<String>>,
    /// Every assignee, where the payload lists them.
    pub assignees: Option<BTreeSet<Person>>,
    /// Comments: these were made or changed.
    #[serde(skip)]
    pub comments: Option<Vec<Comment>>,
    /// When the request came, if the comments are all there are.
    #[serde(skip)]
    pub all_comments: Option<DateTime<Utc>>,
}

/// An issue.
#[derive(Debug, Clone, Serialize)]
pub struct Issue {
    /// GitHub's id.
    #[serde(serialize_with = "super::text_number")]
    pub id: i64,
    /// What it shares with pull requests.
    pub thread: Thread,
    /// Open or closed.
    pub state: Option<IssueState>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<Option<IssueStateReason>>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Thread {
    /// Where what hangs on it belongs: part of what a comment states.
    pub fn place(&self) -> (String, i32) {
        (self.repo.folded().to_string(), self.number)
    }
}

/// A set that is stated, or not.
pub fn set_cell<T>(set: Option<&T>) -> Cell<()> {
    if set.is_some() { Cell::Stated(()) } else { Cell::Unstated(()) }
}

/// An author that is stated, or the ghost for a new row.
pub fn author_cell(account: Option<i64>, ghost: i64) -> Cell<i64> {
    account.map_or(Cell::Unstated(ghost), Cell::Stated)
}

impl Issue {
    /// What is written of it, under the id that its number was settled to.
    pub fn draft(&self, issue_id: i64, repo_id: i64, author: Cell<i64>, item: i32) -> IssueDraft {
        let thread = &self.thread;
        IssueDraft {
            issue_id,
            repo_id: Cell::Stated(repo_id),
            issue_number: Cell::Stated(thread.number),
            account_id: author,
            title: Cell::of(thread.title.clone()),
            body: Cell::of(thread.body.clone()),
            state: self.state.map_or(Cell::Unstated(IssueState::Open), Cell::Stated),
            state_reason: Cell::of(self.state_reason),
            issue_created_at: Cell::of(thread.created_at),
            issue_updated_at: Cell::of(thread.updated_at),
            issue_closed_at: Cell::of(thread.closed_at),
            labels: set_cell(thread.labels.as_ref()),
            assignees: set_cell(thread.assignees.as_ref()),
            comments: full_list(&self.stamp, thread.all_comments, thread.comments.as_ref()),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// Reads what either endpoint takes: the shape decides whether it is an issue or a pull request.
pub fn read(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    if is_pull(node) {
        node.warn("routed", "This is a pull request; it is stored as one.");
        return pulls::read_pull(node, context);
    }
    read_issue(node, context)
}

/// Whether a payload is a pull request: wrapped as one, marked as one, or with its branches.
pub fn is_pull(node: Node<'_>) -> bool {
    let inner = node.get("issue_info");
    node.get("pr_info").is_stated()
        || node.get("pull_request").is_filled()
        || inner.get("pull_request").is_filled()
        || (node.get("head").is_stated() && node.get("base").is_stated())
}

/// Reads an issue: nested, or as REST gives it.
pub fn read_issue(node: Node<'_>, context: &Context) -> Option<Read<Item>> {
    let nested = node.get("issue_info");
    let (info, comments) = if nested.is_stated() {
        (nested, node.get("comments"))
    } else {
        (node, node.get("comments"))
    };
    if info.raw().is_none_or(|value| !value.is_object()) {
        info.fault("unknown_shape", "An issue is an object.");
        return None;
    }
    let id = info.get("id").id();
    let thread = read_thread(info, comments, context);
    let state = info.get("state").text().value().map(|word| {
        IssueState::parse(&word).unwrap_or_else(|| {
            info.get("state").warn("unknown_value", format!("`{word}` counts as open."));
            IssueState::Open
        })
    });
    let state_reason = info.get("state_reason").text().nullable().map(|word| {
        word.and_then(|word| {
            let reason = IssueStateReason::parse(&word);
            if reason.is_none() {
                info.get("state_reason").warn("unknown_value", format!("`{word}` is not known."));
            }
            reason
        })
    });
    let (id, thread) = (id?, thread?);
    let source_at = source_time(&thread, info, context);
    let mut issue = Issue { id, thread, state, state_reason, stamp: Stamp::BOTTOM };
    issue.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&issue) };
    let Thread { repo, number, .. } = &issue.thread;
    let accepted = Accepted {
        key: format!("{repo}:{number}"),
        path: folder(repo).fixed("issues").file(&number.to_string(), "json"),
        stamp: issue.stamp.clone(),
    };
    Some(Read { item: Item::Issue(Box::new(issue)), accepted })
}

/// The stamp's time of an issue or pull request.
pub fn source_time(thread: &Thread, info: Node<'_>, context: &Context) -> Option<DateTime<Utc>> {
    context.source_time(thread.updated_at.flatten(), info.get("updated_at"))
}

/// The most labels, and the most assignees, of one item.
const LABELS: usize = 1_000;

/// Reads what issues and pull requests have in common.
pub fn read_thread(info: Node<'_>, comments: Node<'_>, context: &Context) -> Option<Thread> {
    let number = info.get("number");
    let number =
        if let Some(number) = number.maybe_id().and_then(|number| i32::try_from(number).ok()) {
            Some(number)
        } else {
            number.fault("invalid_id", "The number is not a positive 32-bit integer.");
            None
        };
    let repo = repository_of(info, context);
    let thread = Thread {
        repo: repo?,
        number: number?,
        person: Person::read(info.get("user")),
        title: info.get("title").text().or_default(),
        body: info.get("body").text().or_default(),
        created_at: info.get("created_at").instant().nullable(),
        updated_at: info.get("updated_at").instant().nullable(),
        closed_at: info.get("closed_at").instant().nullable(),
        labels: read_labels(info.get("labels")),
        assignees: read_assignees(info),
        comments: None,
        all_comments: context.lists_all("comments").then_some(context.received_at),
    };
    Some(Thread { comments: comments::read(comments, &thread, context), ..thread })
}

fn read_labels(node: Node<'_>) -> Option<BTreeSet<String>> {
    let mut labels = BTreeSet::new();
    for label in node.elements()? {
        let named = if label.str().is_some() { label } else { label.get("name") };
        let name = named.str().map(str::trim).unwrap_or_default();
        if name.is_empty() {
            label.warn("ignored", "The label has no name.");
        } else if name.len() > KEY_LENGTH {
            named.fault("too_long", "A label's name is at most 2,000 bytes.");
        } else if labels.len() == LABELS {
            node.fault("too_many_items", format!("An item has at most {LABELS} labels."));
            break;
        } else {
            labels.insert(name.to_owned());
        }
    }
    Some(labels)
}

/// The list of assignees, else the single one; null entries are nobody.
fn read_assignees(info: Node<'_>) -> Option<BTreeSet<Person>> {
    let list = info.get("assignees");
    let Some(elements) = list.elements() else {
        return Person::read(info.get("assignee")).map(|person| BTreeSet::from([person]));
    };
    let people: BTreeSet<Person> = elements.filter_map(Person::read).collect();
    if people.len() > LABELS {
        list.fault("too_many_items", format!("An item has at most {LABELS} assignees."));
    }
    Some(people)
}
