//! The table `pinecone_sync_status`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// How far a search feed has been indexed.
    pub struct PineconeSyncStatus, table pinecone_sync_status,
        path "/pinecone/sync-status", time final_sync_at;
    /// Surrogate key.
    id: i64 = pinecone_sync_status::id, indexed;
    /// The feed, such as `mailing`.
    app_type: String = pinecone_sync_status::app_type, indexed;
    /// Everything up to this time has been handed out and acknowledged.
    final_sync_at: Option<DateTime<Utc>> = pinecone_sync_status::final_sync_at;
    /// When the row was made here.
    created_at: DateTime<Utc> = pinecone_sync_status::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = pinecone_sync_status::updated_at;
}
