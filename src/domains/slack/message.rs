//! The table `slack_message`.

use chrono::{DateTime, Utc};

use crate::resource;

/// Which messages are public: those of public channels.
pub const PUBLIC: &str = "exists (select from slack_channel \
    where slack_channel.id = slack_message.channel_id \
    and slack_channel.channel_type = 'public_channel')";

resource! {
    /// A message in a Slack channel.
    pub struct SlackMessage, table slack_message,
        path "/slack/messages", time slack_message_created_at, prose [message],
        public PUBLIC;
    /// Surrogate key.
    id: i64 = slack_message::id, indexed;
    /// The channel, `slack_channel.id`.
    channel_id: i64 = slack_message::channel_id -> slack_channel, indexed;
    /// Slack's timestamp, which is the message's id within its channel.
    ts: String = slack_message::ts, indexed;
    /// Who wrote it, `slack_user.id`; null if Slack names nobody.
    slack_user_id: Option<i64> = slack_message::slack_user_id -> slack_user, indexed;
    /// The text in Slack's markup.
    message: String = slack_message::message;
    /// The `ts` of the thread's first message; null outside threads.
    thread_ts: Option<String> = slack_message::thread_ts, indexed;
    /// When it was written: `ts` as an instant.
    slack_message_created_at: DateTime<Utc> = slack_message::slack_message_created_at, indexed;
    /// When it was last edited, else when it was written.
    slack_message_updated_at: Option<DateTime<Utc>> =
        slack_message::slack_message_updated_at, indexed;
}
