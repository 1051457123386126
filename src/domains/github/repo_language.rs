//! The table `repo_language`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// How much of a repository is in a language.
    pub struct RepoLanguage, table repo_language, path "/github/repo-languages", time created_at;
    /// Surrogate key.
    id: i64 = repo_language::id, indexed;
    /// The repository, `github_repository.id`.
    repo_id: i64 = repo_language::repo_id -> github_repository, indexed;
    /// The language, `language.id`.
    language_id: i64 = repo_language::language_id -> language, indexed;
    /// The amount in bytes, as GitHub counts it (not lines, the name notwithstanding).
    line_count: i64 = repo_language::line_count;
    /// When the row was made here.
    created_at: DateTime<Utc> = repo_language::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = repo_language::updated_at;
}
