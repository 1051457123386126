//! The table `slack_channel`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// A Slack channel.
    pub struct SlackChannel, table slack_channel, path "/slack/channels", time created_at,
        public "slack_channel.channel_type = 'public_channel'";
    /// Surrogate key.
    id: i64 = slack_channel::id, indexed;
    /// The workspace, `slack_team.id`.
    team_id: i64 = slack_channel::team_id -> slack_team, indexed;
    /// Slack's id, `C…`.
    channel_id: String = slack_channel::channel_id, indexed;
    /// The name; the id while not known.
    channel_name: String = slack_channel::channel_name, prefix_indexed;
    /// `public_channel`, `private_channel`, `mpim` or `im`.
    channel_type: String = slack_channel::channel_type;
    /// The purpose, else the topic.
    description: Option<String> = slack_channel::description;
    /// Who made it, `slack_user.id`.
    creator_user_id: Option<i64> = slack_channel::creator_user_id -> slack_user, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = slack_channel::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = slack_channel::updated_at;
}
