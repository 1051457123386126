//! The table `language`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A programming language, as GitHub names it.
    pub struct Language, table language, path "/github/languages", time created_at;
    /// Surrogate key.
    id: i64 = language::id, indexed;
    /// The name, exact.
    name: String = language::name, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = language::created_at;
}
