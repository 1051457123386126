//! The table `issue_assignee`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An account that an issue is assigned to.
    pub struct IssueAssignee, table issue_assignee, path "/github/issue-assignees", time created_at;
    /// Surrogate key.
    id: i64 = issue_assignee::id, indexed;
    /// The issue, `issue.id` (not GitHub's id).
    issue_id: i64 = issue_assignee::issue_id -> issue, indexed;
    /// The assignee, `github_account.id`.
    account_id: i64 = issue_assignee::account_id -> github_account, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = issue_assignee::created_at;
}
