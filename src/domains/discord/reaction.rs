//! The table `discord_reaction`.

use chrono::{DateTime, Utc};

use crate::resource;

resource! {
    /// How often a message got a reaction.
    pub struct DiscordReaction, table discord_reaction, path "/discord/reactions", time created_at,
        public "not exists (select from discord_message \
            join discord_channel on discord_channel.id = discord_message.channel_id \
            join discord_server on discord_server.id = discord_channel.server_id \
            where discord_message.id = discord_reaction.message_id and discord_server.server_id = 0)";
    /// Surrogate key.
    id: i64 = discord_reaction::id, indexed;
    /// The message, `discord_message.id` (not Discord's id).
    message_id: i64 = discord_reaction::message_id -> discord_message, indexed;
    /// The character, or `name:id` of a custom emoji.
    emoji: String = discord_reaction::emoji, indexed;
    /// How many users reacted with it.
    count: i32 = discord_reaction::count;
    /// When the row was made here.
    created_at: DateTime<Utc> = discord_reaction::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = discord_reaction::updated_at;
}
