//! The table `boost_file`.

use chrono::{DateTime, Utc};

use crate::{
    resource,
    schema::{boost_file, github_file},
};

resource! {
    /// A repository file that belongs to a Boost library.
    pub struct BoostFile, table boost_file, path "/boost/files", time created_at;
    /// Key, the same as `github_file.id`.
    id: i64 = boost_file::id, indexed;
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
    /// The library, `boost_library.id`.
    library_id: i64 = boost_file::library_id -> boost_library, indexed;
}

diesel::allow_tables_to_appear_in_same_query!(boost_file, github_file);
