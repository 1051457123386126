//! Reviews and review comments: two id spaces at GitHub, one table here.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{children::Child, issues::Thread, person::Person, text_number_option};
use crate::{
    draft,
    ingest::{
        kind::Context,
        register::Cell,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a review or a review comment.
    pub struct ReviewDraft, table pull_request_review, key { pr_review_id: i64 };
    registers {
        pr_id: i64,
        account_id: i64,
        body: String,
        in_reply_to_id: Option<i64>,
        pr_review_created_at: Option<DateTime<Utc>>,
        pr_review_updated_at: Option<DateTime<Utc>>,
        kind: String,
        review_state: Option<String>,
        path: Option<String>,
    }
}

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ReviewKind {
    /// A comment on a line.
    Comment,
    /// A verdict.
    Review,
}

impl ReviewKind {
    /// The text of `pull_request_review.kind`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Review => "review",
        }
    }
}

/// A review or a review comment.
#[derive(Debug, Serialize)]
pub struct Review {
    /// GitHub's id.
    #[serde(skip)]
    pub id: i64,
    /// Which of the two.
    pub kind: ReviewKind,
    /// The author; nobody is not stated.
    pub person: Option<Person>,
    /// The text.
    pub body: String,
    /// The review comment it answers.
    #[serde(serialize_with = "text_number_option")]
    pub in_reply_to_id: Option<i64>,
    /// Creation, or submission.
    pub created_at: Option<DateTime<Utc>>,
    /// Last change.
    pub updated_at: Option<DateTime<Utc>>,
    /// The verdict.
    pub state: Option<String>,
    /// The file.
    pub path: Option<String>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Child for Review {
    /// GitHub counts reviews and review comments apart: a review's is negated.
    fn number(&self) -> i64 {
        match self.kind {
            ReviewKind::Comment => self.id,
            ReviewKind::Review => -self.id,
        }
    }

    fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

/// The most reviews of one pull request.
const REVIEWS: usize = 20_000;

/// Reads the lists `reviews` and `review_comments`; each may hold both. In a REST pull request they
/// are numbers, which is no list.
pub fn read(node: Node<'_>, thread: &Thread, context: &Context) -> Option<Vec<Review>> {
    let mut reviews = Vec::new();
    let mut listed = false;
    for list in [node.get("reviews"), node.get("review_comments")] {
        for element in list.elements().into_iter().flatten() {
            if reviews.len() == REVIEWS {
                list.fault("too_many_items", format!("An item has at most {REVIEWS} reviews."));
                break;
            }
            reviews.extend(read_one(element, thread, context));
        }
        listed |= list.is_array();
    }
    listed.then_some(reviews)
}

/// Told apart by shape: only comments have a place in a file, only reviews a verdict.
fn kind_of(node: Node<'_>) -> ReviewKind {
    let comment =
        ["path", "diff_hunk", "in_reply_to_id", "pull_request_review_id", "original_position"];
    if comment.into_iter().any(|key| node.get(key).is_stated()) {
        return ReviewKind::Comment;
    }
    let verdict = node.get("state").str().is_some_and(|state| {
        ["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(state))
    });
    if verdict || node.get("submitted_at").is_stated() {
        ReviewKind::Review
    } else {
        ReviewKind::Comment
    }
}

/// Reads a review or a review comment.
pub fn read_one(node: Node<'_>, thread: &Thread, context: &Context) -> Option<Review> {
    let kind = kind_of(node);
    let state = node.get("state").filled_text().map(|state| state.to_ascii_uppercase());
    if kind == ReviewKind::Review && state.as_deref() == Some("PENDING") {
        node.warn("ignored", "The review is not submitted yet.");
        return None;
    }
    let id = node.get("id").id()?;
    let time = |key| node.get(key).instant().value();
    let updated_at = time("updated_at");
    let (created_at, updated_at) = match kind {
        ReviewKind::Comment => (time("created_at"), updated_at),
        ReviewKind::Review => {
            let submitted = time("submitted_at");
            (submitted, updated_at.or(submitted))
        }
    };
    let comment = kind == ReviewKind::Comment;
    let reply = if comment { node.get("in_reply_to_id").maybe_id() } else { None };
    let mut review = Review {
        id,
        kind,
        person: Person::read(node.get("user")),
        body: node.get("body").text().or_default().unwrap_or_default(),
        in_reply_to_id: reply,
        created_at,
        updated_at,
        state: state.filter(|_| !comment),
        path: node.get("path").filled_text().filter(|_| comment),
        stamp: Stamp::BOTTOM,
    };
    let newest = updated_at.or(created_at);
    let source_at = context.source_time(newest, node.get("updated_at"));
    let digest = digest(&(thread.place(), &review));
    // A dismissal is the last word on a review, and does not change the time of its submission.
    let rank = i16::from(review.state.as_deref() == Some("DISMISSED"));
    review.stamp = Stamp { source_at, rank, as_of: context.as_of, digest };
    Some(review)
}

impl Review {
    /// What is written of it, once its key, its pull request and its author are settled.
    pub fn draft(&self, id: i64, pr: i64, author: Cell<i64>, item: i32) -> ReviewDraft {
        ReviewDraft {
            pr_review_id: id,
            pr_id: Cell::Stated(pr),
            account_id: author,
            body: Cell::Stated(self.body.clone()),
            in_reply_to_id: Cell::Stated(self.in_reply_to_id),
            pr_review_created_at: Cell::Stated(self.created_at),
            pr_review_updated_at: Cell::Stated(self.updated_at),
            kind: Cell::Stated(self.kind.text().to_owned()),
            review_state: Cell::Stated(self.state.clone()),
            path: Cell::Stated(self.path.clone()),
            stamp: self.stamp.clone(),
            item,
        }
    }
}
