//! The table `boost_missing_header_tmp`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A header that a file includes and that no known Boost file matches yet.
    pub struct BoostMissingHeaderTmp, table boost_missing_header_tmp,
        path "/usage/missing-headers", time created_at;
    /// Surrogate key.
    id: i64 = boost_missing_header_tmp::id, indexed;
    /// The usage that waits for it, `boost_usage.id`.
    usage_id: i64 = boost_missing_header_tmp::usage_id -> boost_usage, indexed;
    /// The header as it is included, such as `boost/asio.hpp`.
    header_name: String = boost_missing_header_tmp::header_name, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_missing_header_tmp::created_at;
}
