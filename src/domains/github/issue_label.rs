//! The table `issue_label`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A label of an issue.
    pub struct IssueLabel, table issue_label, path "/github/issue-labels", time created_at;
    /// Surrogate key.
    id: i64 = issue_label::id, indexed;
    /// The issue, `issue.id` (not GitHub's id).
    issue_id: i64 = issue_label::issue_id -> issue, indexed;
    /// The label's name, case kept.
    label_name: String = issue_label::label_name, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = issue_label::created_at;
}
