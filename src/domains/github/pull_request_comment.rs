//! The table `pull_request_comment`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

resource! {
    /// A comment in the conversation of a pull request.
    pub struct PullRequestComment, table pull_request_comment,
        path "/github/pull-request-comments", time pr_comment_created_at, prose [body];
    /// Surrogate key.
    id: i64 = pull_request_comment::id, indexed;
    /// The pull request, `pull_request.id` (not GitHub's id).
    pr_id: i64 = pull_request_comment::pr_id -> pull_request, indexed;
    /// Who wrote it, `github_account.id`; GitHub's `ghost` if the account is deleted.
    account_id: i64 = pull_request_comment::account_id -> github_account, indexed;
    /// GitHub's id.
    pr_comment_id: IdText = pull_request_comment::pr_comment_id, indexed;
    /// The text, Markdown.
    body: String = pull_request_comment::body;
    /// When it was written.
    pr_comment_created_at: Option<DateTime<Utc>> =
        pull_request_comment::pr_comment_created_at, indexed;
    /// When it was last edited.
    pr_comment_updated_at: Option<DateTime<Utc>> =
        pull_request_comment::pr_comment_updated_at, indexed;
}
