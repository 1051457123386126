//! The table `issue_comment`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

resource! {
    /// A comment on an issue.
    pub struct IssueComment, table issue_comment,
        path "/github/issue-comments", time issue_comment_created_at, prose [body];
    /// Surrogate key.
    id: i64 = issue_comment::id, indexed;
    /// The issue, `issue.id` (not GitHub's id).
    issue_id: i64 = issue_comment::issue_id -> issue, indexed;
    /// Who wrote it, `github_account.id`; GitHub's `ghost` if the account is deleted.
    account_id: i64 = issue_comment::account_id -> github_account, indexed;
    /// GitHub's id.
    issue_comment_id: IdText = issue_comment::issue_comment_id, indexed;
    /// The text, Markdown.
    body: String = issue_comment::body;
    /// When it was written.
    issue_comment_created_at: Option<DateTime<Utc>> = issue_comment::issue_comment_created_at, indexed;
    /// When it was last edited.
    issue_comment_updated_at: Option<DateTime<Utc>> = issue_comment::issue_comment_updated_at;
}
