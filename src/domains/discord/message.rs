//! The table `discord_message`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

/// Which messages are public: those of servers. Server 0 stands for direct messages.
pub const PUBLIC: &str = "not exists (select from discord_channel \
    join discord_server on discord_server.id = discord_channel.server_id \
    where discord_channel.id = discord_message.channel_id and discord_server.server_id = 0)";

resource! {
    /// A message in a Discord channel.
    pub struct DiscordMessage, table discord_message,
        path "/discord/messages", time message_created_at, prose [content],
        public PUBLIC;
    /// Surrogate key.
    id: i64 = discord_message::id, indexed;
    /// The channel, `discord_channel.id` (not Discord's id).
    channel_id: i64 = discord_message::channel_id -> discord_channel, indexed;
    /// Who wrote it, `discord_profile.id`.
    author_id: i64 = discord_message::author_id -> discord_profile, indexed;
    /// Discord's id (snowflake).
    message_id: IdText = discord_message::message_id, indexed;
    /// The text, Markdown.
    content: String = discord_message::content;
    /// The type as the exporter names it, such as `Default` or `Reply`.
    message_type: String = discord_message::message_type, indexed;
    /// Whether it is pinned.
    is_pinned: bool = discord_message::is_pinned, indexed;
    /// When it was written.
    message_created_at: DateTime<Utc> = discord_message::message_created_at, indexed;
    /// When it was last edited; null if never.
    message_edited_at: Option<DateTime<Utc>> = discord_message::message_edited_at;
    /// Whether it is gone from the channel.
    is_deleted: bool = discord_message::is_deleted, indexed;
    /// Time of the export that no longer had it.
    deleted_at: Option<DateTime<Utc>> = discord_message::deleted_at;
    /// Discord's id of the message it answers, which may be absent.
    reply_to_message_id: Option<IdText> = discord_message::reply_to_message_id, indexed;
    /// Whether it has attachments.
    has_attachments: bool = discord_message::has_attachments;
    /// The attachments' URLs, an array of strings in order.
    attachment_urls: serde_json::Value = discord_message::attachment_urls;
    /// When the row was made here.
    created_at: DateTime<Utc> = discord_message::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = discord_message::updated_at;
}
