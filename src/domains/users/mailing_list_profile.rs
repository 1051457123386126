//! The table `mailing_list_profile`.

use chrono::{DateTime, Utc};

use super::enums::ProfileType;
use crate::{
    resource,
    schema::{base_profile, mailing_list_profile},
};

resource! {
    /// A sender on the mailing lists, known by address, else by name within one list.
    pub struct MailingListProfile, table mailing_list_profile,
        path "/users/mailing-list-profiles", time created_at, example "139";
    /// Key, the same as `base_profile.id`.
    id: i64 = mailing_list_profile::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    profile_type: ProfileType = base_profile::type_;
    /// The sender name of the newest mail, else the address before its `@`.
    display_name: String = mailing_list_profile::display_name, prefix_indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = mailing_list_profile::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = mailing_list_profile::updated_at;
}

diesel::allow_tables_to_appear_in_same_query!(mailing_list_profile, base_profile);
