//! The table `slack_user`.

use chrono::{DateTime, Utc};

use super::enums::ProfileType;
use crate::{
    resource,
    schema::{base_profile, slack_user},
};

resource! {
    /// A Slack user, deleted ones and bots included.
    pub struct SlackUser, table slack_user, path "/users/slack-users", time created_at, example "142";
    /// Key, the same as `base_profile.id`.
    id: i64 = slack_user::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    profile_type: ProfileType = base_profile::type_;
    /// Slack's id, `U…` or `W…`.
    slack_user_id: String = slack_user::slack_user_id, indexed;
    /// The handle, Slack's `name`.
    username: String = slack_user::username, indexed;
    /// The real name, else the name shown in Slack, else the handle.
    display_name: String = slack_user::display_name, prefix_indexed;
    /// URL of the avatar, 72 pixels wide.
    avatar_url: String = slack_user::avatar_url;
    /// When the row was made here.
    created_at: DateTime<Utc> = slack_user::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = slack_user::updated_at;
}

diesel::allow_tables_to_appear_in_same_query!(slack_user, base_profile);
