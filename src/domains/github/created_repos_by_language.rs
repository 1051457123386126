//! The table `created_repos_by_language`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// How many repositories were created on GitHub in a language and year.
    pub struct CreatedReposByLanguage, table created_repos_by_language,
        path "/github/created-repos-by-language", time created_at;
    /// Surrogate key.
    id: i64 = created_repos_by_language::id, indexed;
    /// The language, `language.id`.
    language_id: i64 = created_repos_by_language::language_id -> language, indexed;
    /// The calendar year.
    year: i32 = created_repos_by_language::year, indexed;
    /// Repositories created in that year.
    all_repos: i64 = created_repos_by_language::all_repos;
    /// Those of them with more than 10 stars.
    significant_repos: i64 = created_repos_by_language::significant_repos;
    /// When the row was made here.
    created_at: DateTime<Utc> = created_repos_by_language::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = created_repos_by_language::updated_at;
}
