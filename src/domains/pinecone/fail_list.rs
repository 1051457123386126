//! The table `pinecone_fail_list`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A document that the search index failed to take.
    pub struct PineconeFailList, table pinecone_fail_list,
        path "/pinecone/fail-list", time created_at;
    /// Surrogate key.
    id: i64 = pinecone_fail_list::id, indexed;
    /// The document's id in the search feed.
    failed_id: String = pinecone_fail_list::failed_id, indexed;
    /// The feed it belongs to, such as `mailing`.
    app_type: String = pinecone_fail_list::app_type, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = pinecone_fail_list::created_at;
}
