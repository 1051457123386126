//! The table `boost_library_role_relationship`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// An author or maintainer of a library in a release.
    pub struct BoostLibraryRoleRelationship, table boost_library_role_relationship,
        path "/boost/library-role-relationships", time created_at;
    /// Surrogate key.
    id: i64 = boost_library_role_relationship::id, indexed;
    /// The library in the release, `boost_library_version.id`.
    library_version_id: i64 =
        boost_library_role_relationship::library_version_id -> boost_library_version, indexed;
    /// The person's account, `github_account.id`.
    account_id: i64 = boost_library_role_relationship::account_id -> github_account, indexed;
    /// Whether the person maintains it.
    is_maintainer: bool = boost_library_role_relationship::is_maintainer;
    /// Whether the person wrote it.
    is_author: bool = boost_library_role_relationship::is_author;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_library_role_relationship::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = boost_library_role_relationship::updated_at;
}
