//! The table `repo_license`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// The license of a repository.
    pub struct RepoLicense, table repo_license, path "/github/repo-licenses", time created_at;
    /// Surrogate key.
    id: i64 = repo_license::id, indexed;
    /// The repository, `github_repository.id`.
    repo_id: i64 = repo_license::repo_id -> github_repository, indexed;
    /// The license, `license.id`.
    license_id: i64 = repo_license::license_id -> license, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = repo_license::created_at;
}
