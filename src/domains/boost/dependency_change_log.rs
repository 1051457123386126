//! The table `dependency_change_log`.

use chrono::NaiveDate;

use crate::resource;

resource! {
    /// A dependency that came or went with a release.
    pub struct DependencyChangeLog, table dependency_change_log,
        path "/boost/dependency-change-logs", time created_at;
    /// Surrogate key.
    id: i64 = dependency_change_log::id, indexed;
    /// The library that depends, `boost_library.id`.
    client_library_id: i64 = dependency_change_log::client_library_id -> boost_library, indexed;
    /// The library depended on, `boost_library.id`.
    dep_library_id: i64 = dependency_change_log::dep_library_id -> boost_library, indexed;
    /// Whether the dependency was added; false if it was removed.
    is_add: bool = dependency_change_log::is_add;
    /// The release date of the version that made the change.
    created_at: NaiveDate = dependency_change_log::created_at, indexed;
    /// The release that made the change, `boost_version.id`.
    version_id: i64 = dependency_change_log::version_id -> boost_version, indexed;
}
