//! The table `boost_library_category`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A category that Boost sorts its libraries by.
    pub struct BoostLibraryCategory, table boost_library_category,
        path "/boost/library-categories", time created_at;
    /// Surrogate key.
    id: i64 = boost_library_category::id, indexed;
    /// The name, such as `Miscellaneous`.
    name: String = boost_library_category::name, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_library_category::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = boost_library_category::updated_at;
}
