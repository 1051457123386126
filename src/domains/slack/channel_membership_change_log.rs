//! The table `slack_channel_membership_change_log`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A user who joined or left a channel.
    pub struct SlackChannelMembershipChangeLog, table slack_channel_membership_change_log,
        path "/slack/channel-membership-change-logs", time created_at,
        public "exists (select from slack_channel where slack_channel.id = slack_channel_membership_change_log.channel_id \
            and slack_channel.channel_type = 'public_channel')";
    /// Surrogate key.
    id: i64 = slack_channel_membership_change_log::id, indexed;
    /// The channel, `slack_channel.id`.
    channel_id: i64 = slack_channel_membership_change_log::channel_id -> slack_channel, indexed;
    /// The user, `slack_user.id`.
    slack_user_id: i64 = slack_channel_membership_change_log::slack_user_id -> slack_user, indexed;
    /// Whether the user joined; false if the user left.
    is_joined: bool = slack_channel_membership_change_log::is_joined;
    /// When that happened at Slack.
    created_at: DateTime<Utc> = slack_channel_membership_change_log::created_at;
}
