//! The table `boost_version`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A release of Boost.
    pub struct BoostVersion, table boost_version, path "/boost/versions", time version_created_at;
    /// Surrogate key.
    id: i64 = boost_version::id, indexed;
    /// The version, `boost-X.Y.Z`.
    version: String = boost_version::version, sorted_by_version_key;
    /// The release date; null while not known.
    version_created_at: Option<DateTime<Utc>> = boost_version::version_created_at;
    /// The number of the macro `BOOST_VERSION` (`major*100000 + minor*100 + patch`): sort by this.
    version_key: i32 = boost_version::version_key, indexed;
}
