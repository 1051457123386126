//! The table `boost_dependency`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A library that another one depends on in a release.
    pub struct BoostDependency, table boost_dependency, path "/boost/dependencies", time created_at;
    /// Surrogate key.
    id: i64 = boost_dependency::id, indexed;
    /// The library that depends, `boost_library.id`.
    client_library_id: i64 = boost_dependency::client_library_id -> boost_library, indexed;
    /// The release, `boost_version.id`.
    version_id: i64 = boost_dependency::version_id -> boost_version, indexed;
    /// The library depended on, `boost_library.id`.
    dep_library_id: i64 = boost_dependency::dep_library_id -> boost_library, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_dependency::created_at;
}
