//! The table `boost_library_category_relationship`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A library's place in a category, as its newest metadata says.
    pub struct BoostLibraryCategoryRelationship, table boost_library_category_relationship,
        path "/boost/library-category-relationships", time created_at;
    /// Surrogate key.
    id: i64 = boost_library_category_relationship::id, indexed;
    /// The library, `boost_library.id`.
    library_id: i64 = boost_library_category_relationship::library_id -> boost_library, indexed;
    /// The category, `boost_library_category.id`.
    category_id: i64 =
        boost_library_category_relationship::category_id -> boost_library_category, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_library_category_relationship::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = boost_library_category_relationship::updated_at;
}
