//! The table `boost_usage`.

use chrono::{DateTime, NaiveDate, Utc};

use crate::resource;

resource! {
    /// A file that includes a Boost header, or did.
    pub struct BoostUsage, table boost_usage, path "/usage/usages", time last_commit_date;
    /// Surrogate key.
    id: i64 = boost_usage::id, indexed;
    /// The repository, `boost_external_repository.id`.
    repo_id: i64 = boost_usage::repo_id -> boost_external_repository, indexed;
    /// The header, `boost_file.id`; null while none of the file's headers is known.
    boost_header_id: Option<i64> = boost_usage::boost_header_id -> boost_file, indexed;
    /// The file, `github_file.id`.
    file_path_id: i64 = boost_usage::file_path_id -> github_file, indexed;
    /// Time of the last commit that touched the file.
    last_commit_date: Option<DateTime<Utc>> = boost_usage::last_commit_date, indexed;
    /// Day of the first scan that no longer saw the usage; null while it is active.
    excepted_at: Option<NaiveDate> = boost_usage::excepted_at;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_usage::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = boost_usage::updated_at;
}
