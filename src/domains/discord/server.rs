//! The table `discord_server`.

use chrono::{DateTime, Utc};

use crate::{query::column::IdText, resource};

resource! {
    /// A Discord server.
    pub struct DiscordServer, table discord_server, path "/discord/servers", time created_at;
    /// Surrogate key.
    id: i64 = discord_server::id, indexed;
    /// Discord's id (snowflake).
    server_id: IdText = discord_server::server_id, indexed;
    /// The name.
    server_name: String = discord_server::server_name, prefix_indexed;
    /// URL of the icon; empty if there is none.
    icon_url: String = discord_server::icon_url;
    /// When the row was made here.
    created_at: DateTime<Utc> = discord_server::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = discord_server::updated_at;
}
