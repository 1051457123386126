//! The table `github_file`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A file of a repository, present or deleted.
    pub struct GitHubFile, table github_file, path "/github/files", time created_at;
    /// Surrogate key.
    id: i64 = github_file::id, indexed;
    /// The repository, `github_repository.id`.
    repo_id: i64 = github_file::repo_id -> github_repository, indexed;
    /// The path inside the repository, exact.
    filename: String = github_file::filename, indexed;
    /// Whether the newest commit that touches it removed it or renamed it away.
    is_deleted: bool = github_file::is_deleted;
    /// When the row was made here.
    created_at: DateTime<Utc> = github_file::created_at;
    /// The file it was renamed from, `github_file.id`. Chains may be cyclic.
    previous_filename_id: Option<i64> = github_file::previous_filename_id -> github_file, indexed;
}
