//! The table `slack_channel_membership`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A user's membership of a channel, present or past.
    pub struct SlackChannelMembership, table slack_channel_membership,
        path "/slack/channel-memberships", time created_at,
        public "exists (select from slack_channel where slack_channel.id = slack_channel_membership.channel_id \
            and slack_channel.channel_type = 'public_channel')";
    /// Surrogate key.
    id: i64 = slack_channel_membership::id, indexed;
    /// The channel, `slack_channel.id`.
    channel_id: i64 = slack_channel_membership::channel_id -> slack_channel, indexed;
    /// The user, `slack_user.id`.
    slack_user_id: i64 = slack_channel_membership::slack_user_id -> slack_user, indexed;
    /// Whether the user is a guest.
    is_restricted: bool = slack_channel_membership::is_restricted;
    /// Whether the user has left.
    is_deleted: bool = slack_channel_membership::is_deleted;
    /// When the row was made here.
    created_at: DateTime<Utc> = slack_channel_membership::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = slack_channel_membership::updated_at;
}
