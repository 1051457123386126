//! How far the search index has followed.

pub mod cursor;
pub mod fail_list;
pub mod ingest;
pub mod sync_status;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("pinecone", "How far the search index has followed.")
        .resource::<fail_list::PineconeFailList>()
        .resource::<sync_status::PineconeSyncStatus>()
        .kinds(ingest::kinds::kinds())
}
