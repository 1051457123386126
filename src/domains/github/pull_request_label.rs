//! The table `pull_request_label`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A label of a pull request.
    pub struct PullRequestLabel, table pull_request_label,
        path "/github/pull-request-labels", time created_at;
    /// Surrogate key.
    id: i64 = pull_request_label::id, indexed;
    /// The pull request, `pull_request.id` (not GitHub's id).
    pr_id: i64 = pull_request_label::pr_id -> pull_request, indexed;
    /// The label's name, case kept.
    label_name: String = pull_request_label::label_name, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = pull_request_label::created_at;
}
