//! The table `pull_request_assignee`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An account that a pull request is assigned to.
    pub struct PullRequestAssignee, table pull_request_assignee,
        path "/github/pull-request-assignees", time created_at;
    /// Surrogate key.
    id: i64 = pull_request_assignee::id, indexed;
    /// The pull request, `pull_request.id` (not GitHub's id).
    pr_id: i64 = pull_request_assignee::pr_id -> pull_request, indexed;
    /// The assignee, `github_account.id`.
    account_id: i64 = pull_request_assignee::account_id -> github_account, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = pull_request_assignee::created_at;
}
