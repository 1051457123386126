//! The table `git_commit_file_change`.

use chrono::{DateTime, Utc};

use super::enums::FileChangeStatus;
use crate::resource;

resource! {
    /// What a commit did to a file.
    pub struct GitCommitFileChange, table git_commit_file_change,
        path "/github/commit-file-changes", time created_at;
    /// Surrogate key.
    id: i64 = git_commit_file_change::id, indexed;
    /// The commit, `git_commit.id`.
    commit_id: i64 = git_commit_file_change::commit_id -> git_commit, indexed;
    /// The file, `github_file.id`; of a rename, the new name.
    github_file_id: i64 = git_commit_file_change::github_file_id -> github_file, indexed;
    /// What was done.
    status: FileChangeStatus = git_commit_file_change::status, indexed;
    /// Lines added.
    additions: i32 = git_commit_file_change::additions;
    /// Lines deleted.
    deletions: i32 = git_commit_file_change::deletions;
    /// The diff as GitHub gives it; empty for binary and very large files.
    patch: String = git_commit_file_change::patch;
    /// When the row was made here.
    created_at: DateTime<Utc> = git_commit_file_change::created_at;
}
