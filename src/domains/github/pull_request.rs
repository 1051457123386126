//! The table `pull_request`.

use chrono::{DateTime, Utc};

use super::enums::PullRequestState;
use crate::{query::column::IdText, resource};

resource! {
    /// A pull request of a repository.
    pub struct PullRequest, table pull_request,
        path "/github/pull-requests", time pr_created_at, prose [title, body];
    /// Surrogate key.
    id: i64 = pull_request::id, indexed;
    /// The repository, `github_repository.id`.
    repo_id: i64 = pull_request::repo_id -> github_repository, indexed;
    /// Who opened it, `github_account.id`; GitHub's `ghost` if the account is deleted.
    account_id: i64 = pull_request::account_id -> github_account, indexed;
    /// The number within the repository.
    pr_number: i32 = pull_request::pr_number, indexed;
    /// GitHub's id. Negative while the pull request was seen in issue lists only.
    pr_id: IdText = pull_request::pr_id, indexed;
    /// The title.
    title: String = pull_request::title;
    /// The text, Markdown; empty if there is none.
    body: String = pull_request::body;
    /// Open, closed without a merge, or merged.
    state: PullRequestState = pull_request::state, indexed;
    /// SHA of the head commit; empty while not known.
    head_hash: String = pull_request::head_hash, indexed;
    /// SHA of the base commit; empty while not known.
    base_hash: String = pull_request::base_hash, indexed;
    /// When it was opened.
    pr_created_at: Option<DateTime<Utc>> = pull_request::pr_created_at, indexed;
    /// When GitHub last changed it.
    pr_updated_at: Option<DateTime<Utc>> = pull_request::pr_updated_at, indexed;
    /// When it was merged; null if it was not.
    pr_merged_at: Option<DateTime<Utc>> = pull_request::pr_merged_at, indexed;
    /// When it was closed or merged; null while open.
    pr_closed_at: Option<DateTime<Utc>> = pull_request::pr_closed_at, indexed;
}
