//! The table `clang_github_commit`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A commit of the Clang repository, as the search feed tracks it.
    pub struct ClangGithubCommit, table clang_github_commit,
        path "/clang/commits", time github_committed_at;
    /// Surrogate key.
    id: i64 = clang_github_commit::id, indexed;
    /// The SHA, 40 hex digits, lower-case.
    sha: String = clang_github_commit::sha, indexed;
    /// Author date, else committer date, UTC.
    github_committed_at: Option<DateTime<Utc>> = clang_github_commit::github_committed_at, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = clang_github_commit::created_at;
    /// When it last changed here: the search feed follows this.
    updated_at: DateTime<Utc> = clang_github_commit::updated_at;
}
