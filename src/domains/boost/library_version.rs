//! The table `boost_library_version`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A library as it is in a release.
    pub struct BoostLibraryVersion, table boost_library_version,
        path "/boost/library-versions", time created_at;
    /// Surrogate key.
    id: i64 = boost_library_version::id, indexed;
    /// The library, `boost_library.id`.
    library_id: i64 = boost_library_version::library_id -> boost_library, indexed;
    /// The release, `boost_version.id`.
    version_id: i64 = boost_library_version::version_id -> boost_version, indexed;
    /// The C++ standard it needs, as its metadata says, such as `14`; empty if not stated.
    cpp_version: String = boost_library_version::cpp_version;
    /// What it is for, in a sentence.
    description: String = boost_library_version::description;
    /// Where its documentation is, relative to the library; empty for the default place.
    documentation: String = boost_library_version::documentation;
    /// Its key in the repository's metadata, such as `functional/forward`.
    key: String = boost_library_version::key;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_library_version::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = boost_library_version::updated_at;
}
