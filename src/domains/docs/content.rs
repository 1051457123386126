//! The table `boost_doc_content`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// The text of a documentation page. One text is one row, at however many URLs and versions it
    /// stands.
    pub struct BoostDocContent, table boost_doc_content, path "/docs/contents", time scraped_at;
    /// Surrogate key.
    id: i64 = boost_doc_content::id, indexed;
    /// The URL of the newest version that has the text, without fragment.
    url: String = boost_doc_content::url, prefix_indexed;
    /// SHA-256 of the text, hex.
    content_hash: String = boost_doc_content::content_hash, indexed;
    /// The oldest release seen with the text, `boost_version.id`.
    first_version_id: Option<i64> = boost_doc_content::first_version_id -> boost_version, indexed;
    /// The newest release seen with the text, `boost_version.id`.
    last_version_id: Option<i64> = boost_doc_content::last_version_id -> boost_version, indexed;
    /// Whether the search index has it.
    is_upserted: bool = boost_doc_content::is_upserted;
    /// When it was last fetched; while no crawl says that, when it first came.
    scraped_at: DateTime<Utc> = boost_doc_content::scraped_at;
    /// When the row was made here.
    created_at: DateTime<Utc> = boost_doc_content::created_at;
    /// The text's size in bytes; null if it is missing.
    text_bytes: Option<i64> = boost_doc_content::text_bytes;
}
