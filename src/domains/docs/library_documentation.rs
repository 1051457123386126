//! The table `boost_library_documentation`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A documentation page of a library in a release.
    pub struct BoostLibraryDocumentation, table boost_library_documentation,
        path "/docs/library-documentation", time created_at;
    /// Surrogate key.
    id: i64 = boost_library_documentation::id, indexed;
    /// The library in the release, `boost_library_version.id`.
    boost_library_version_id: i64 =
        boost_library_documentation::boost_library_version_id -> boost_library_version, indexed;
    /// The text, `boost_doc_content.id`.
    boost_doc_content_id: i64 =
        boost_library_documentation::boost_doc_content_id -> boost_doc_content, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_library_documentation::created_at;
}
