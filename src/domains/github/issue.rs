//! The table `issue`.

use chrono::{DateTime, Utc};

use super::enums::{IssueState, IssueStateReason};
use crate::{query::column::IdText, resource};

resource! {
    /// An issue of a repository. Pull requests are not among them.
    pub struct Issue, table issue,
        path "/github/issues", time issue_created_at, prose [title, body];
    /// Surrogate key.
    id: i64 = issue::id, indexed;
    /// The repository, `github_repository.id`.
    repo_id: i64 = issue::repo_id -> github_repository, indexed;
    /// Who opened it, `github_account.id`; GitHub's `ghost` if the account is deleted.
    account_id: i64 = issue::account_id -> github_account, indexed;
    /// The number within the repository.
    issue_number: i32 = issue::issue_number, indexed;
    /// GitHub's id.
    issue_id: IdText = issue::issue_id, indexed;
    /// The title.
    title: String = issue::title;
    /// The text, Markdown; empty if there is none.
    body: String = issue::body;
    /// Whether it is open.
    state: IssueState = issue::state, indexed;
    /// Why it is in that state, where GitHub says so.
    state_reason: Option<IssueStateReason> = issue::state_reason;
    /// When it was opened.
    issue_created_at: Option<DateTime<Utc>> = issue::issue_created_at, indexed;
    /// When GitHub last changed it.
    issue_updated_at: Option<DateTime<Utc>> = issue::issue_updated_at, indexed;
    /// When it was closed; null while open.
    issue_closed_at: Option<DateTime<Utc>> = issue::issue_closed_at, indexed;
}
