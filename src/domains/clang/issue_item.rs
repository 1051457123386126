//! The table `clang_github_issue_item`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An issue or pull request of the Clang repository, as the search feed tracks it.
    pub struct ClangGithubIssueItem, table clang_github_issue_item,
        path "/clang/issue-items", time github_updated_at;
    /// Surrogate key.
    id: i64 = clang_github_issue_item::id, indexed;
    /// The number within the repository.
    number: i32 = clang_github_issue_item::number, indexed;
    /// Whether it is a pull request.
    is_pull_request: bool = clang_github_issue_item::is_pull_request;
    /// When it was opened.
    github_created_at: Option<DateTime<Utc>> = clang_github_issue_item::github_created_at;
    /// When GitHub last changed it.
    github_updated_at: Option<DateTime<Utc>> = clang_github_issue_item::github_updated_at, indexed;
    /// When its times or its text last changed here: the search feed follows this.
    updated_at: DateTime<Utc> = clang_github_issue_item::updated_at, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = clang_github_issue_item::created_at;
}
