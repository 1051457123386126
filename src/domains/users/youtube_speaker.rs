//! The table `youtube_speaker`.

use chrono::{DateTime, Utc};

use super::enums::ProfileType;
use crate::{
    resource,
    schema::{base_profile, youtube_speaker},
};

resource! {
    /// A speaker of talks on YouTube.
    pub struct YouTubeSpeaker, table youtube_speaker,
        path "/users/youtube-speakers", time created_at, example "84";
    /// Key, the same as `base_profile.id`.
    id: i64 = youtube_speaker::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    profile_type: ProfileType = base_profile::type_;
    /// The speaker's name.
    display_name: String = youtube_speaker::display_name, prefix_indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = youtube_speaker::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = youtube_speaker::updated_at;
    /// Stable key: the channel (without one, the video) and the name in lower case.
    external_id: String = youtube_speaker::external_id, indexed;
}

diesel::allow_tables_to_appear_in_same_query!(youtube_speaker, base_profile);
