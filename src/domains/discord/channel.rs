//! The table `discord_channel`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

resource! {
    /// A channel of a Discord server.
    pub struct DiscordChannel, table discord_channel, path "/discord/channels", time created_at,
        public "not exists (select from discord_server \
            where discord_server.id = discord_channel.server_id and discord_server.server_id = 0)";
    /// Surrogate key.
    id: i64 = discord_channel::id, indexed;
    /// The server, `discord_server.id` (not Discord's id).
    server_id: i64 = discord_channel::server_id -> discord_server, indexed;
    /// Discord's id (snowflake).
    channel_id: IdText = discord_channel::channel_id, indexed;
    /// The name.
    channel_name: String = discord_channel::channel_name, prefix_indexed;
    /// The type as the exporter names it, such as `GuildTextChat`.
    channel_type: String = discord_channel::channel_type;
    /// Discord's id of the category it stands under; null if none.
    category_id: Option<IdText> = discord_channel::category_id, indexed;
    /// The category's name; empty if none.
    category_name: String = discord_channel::category_name;
    /// The topic; empty if none.
    topic: String = discord_channel::topic;
    /// The place in the server's list, where stated.
    position: i32 = discord_channel::position;
    /// Time of the newest export.
    last_synced_at: Option<DateTime<Utc>> = discord_channel::last_synced_at, indexed;
    /// Time of the newest message that is not deleted.
    last_activity_at: Option<DateTime<Utc>> = discord_channel::last_activity_at, indexed;
    /// When the row was made here.
    created_at: DateTime<Utc> = discord_channel::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = discord_channel::updated_at;
}
