//! The table `pull_request_review`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

resource! {
    /// A review of a pull request, or a comment on a line of its diff: `kind` says which.
    pub struct PullRequestReview, table pull_request_review,
        path "/github/pull-request-reviews", time pr_review_created_at, prose [body];
    /// Surrogate key.
    id: i64 = pull_request_review::id, indexed;
    /// The pull request, `pull_request.id` (not GitHub's id).
    pr_id: i64 = pull_request_review::pr_id -> pull_request, indexed;
    /// Who wrote it, `github_account.id`; GitHub's `ghost` if the account is deleted.
    account_id: i64 = pull_request_review::account_id -> github_account, indexed;
    /// GitHub's id; negated for a review whose number a review comment has too.
    pr_review_id: IdText = pull_request_review::pr_review_id, indexed;
    /// The text, Markdown; often empty for a review.
    body: String = pull_request_review::body;
    /// GitHub's id of the review comment it replies to; null for reviews and for first comments.
    in_reply_to_id: Option<IdText> = pull_request_review::in_reply_to_id;
    /// When it was written; of a review, submitted.
    pr_review_created_at: Option<DateTime<Utc>> =
        pull_request_review::pr_review_created_at, indexed;
    /// When it was last edited; of a review, submitted.
    pr_review_updated_at: Option<DateTime<Utc>> =
        pull_request_review::pr_review_updated_at, indexed;
    /// `comment` for a review comment, `review` for a review.
    kind: String = pull_request_review::kind;
    /// The review's verdict as GitHub words it, such as `APPROVED`; null for comments.
    review_state: Option<String> = pull_request_review::review_state;
    /// The file a review comment is about; null for reviews.
    path: Option<String> = pull_request_review::path;
}
