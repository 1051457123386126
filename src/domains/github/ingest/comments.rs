//! Comments of issues and pull requests: one shape at GitHub, two tables here.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{children::Child, issues::Thread, person::Person};
use crate::{
    draft,
    ingest::{
        kind::Context,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a comment of an issue.
    pub struct IssueCommentDraft, table issue_comment, key { issue_comment_id: i64 };
    registers {
        issue_id: i64,
        account_id: i64,
        body: String,
        issue_comment_created_at: Option<DateTime<Utc>>,
        issue_comment_updated_at: Option<DateTime<Utc>>,
    }
}

draft! {
    /// What a payload says about a comment of a pull request.
    pub struct PullCommentDraft, table pull_request_comment, key { pr_comment_id: i64 };
    registers {
        pr_id: i64,
        account_id: i64,
        body: String,
        pr_comment_created_at: Option<DateTime<Utc>>,
        pr_comment_updated_at: Option<DateTime<Utc>>,
    }
}

/// A comment.
#[derive(Debug, Clone, Serialize)]
pub struct Comment {
    /// GitHub's id.
    #[serde(skip)]
    pub id: i64,
    /// Its author; nobody is not stated.
    pub person: Option<Person>,
    /// The text.
    pub body: String,
    /// Creation.
    pub created_at: Option<DateTime<Utc>>,
    /// Last change.
    pub updated_at: Option<DateTime<Utc>>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Child for Comment {
    fn number(&self) -> i64 {
        self.id
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

impl Comment {
    /// Reads a comment of an issue or pull request.
    pub fn read(node: Node<'_>, thread: &Thread, context: &Context) -> Option<Self> {
        let id = node.get("id").id()?;
        let created_at = node.get("created_at").instant().value();
        let updated_at = node.get("updated_at").instant().value();
        let mut comment = Self {
            id,
            person: Person::read(node.get("user")),
            body: node.get("body").text().or_default().unwrap_or_default(),
            created_at,
            updated_at,
            stamp: Stamp::BOTTOM,
        };
        let source_at = context.source_time(updated_at.or(created_at), node.get("updated_at"));
        let digest = digest(&(thread.place(), &comment));
        comment.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest };
        Some(comment)
    }
}

/// The most comments of one item.
const COMMENTS: usize = 20_000;

/// Reads a list of comments; anything that is no list counts as missing.
pub fn read(node: Node<'_>, thread: &Thread, context: &Context) -> Option<Vec<Comment>> {
    let mut comments = Vec::new();
    for element in node.elements()? {
        if comments.len() == COMMENTS {
            node.fault("too_many_items", format!("An item has at most {COMMENTS} comments."));
            break;
        }
        comments.extend(Comment::read(element, thread, context));
    }
    Some(comments)
}
