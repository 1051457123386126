//! The table `wg21_paper_author_profile`.

use chrono::{DateTime, Utc};

use super::enums::ProfileType;
use crate::{
    resource,
    schema::{base_profile, wg21_paper_author_profile},
};

resource! {
    /// An author of WG21 papers.
    pub struct WG21PaperAuthorProfile, table wg21_paper_author_profile,
        path "/users/wg21-paper-author-profiles", time created_at, example "162";
    /// Key, the same as `base_profile.id`.
    id: i64 = wg21_paper_author_profile::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    profile_type: ProfileType = base_profile::type_;
    /// The name as the newest payload spells it.
    display_name: String = wg21_paper_author_profile::display_name, prefix_indexed;
    /// Another spelling of the name, where a payload gave one.
    author_alias: String = wg21_paper_author_profile::author_alias, prefix_indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = wg21_paper_author_profile::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = wg21_paper_author_profile::updated_at;
}

diesel::allow_tables_to_appear_in_same_query!(wg21_paper_author_profile, base_profile);
