//! The table `discord_profile`.

use chrono::{DateTime, Utc};

use super::enums::ProfileType;
use crate::{
    query::column::IdText,
    resource,
    schema::{base_profile, discord_profile},
};

resource! {
    /// A Discord user.
    pub struct DiscordProfile, table discord_profile,
        path "/users/discord-profiles", time created_at, example "245";
    /// Key, the same as `base_profile.id`.
    id: i64 = discord_profile::id, indexed;
    /// The identity it was joined to, `identity.id`; null while unlinked. Ingest never sets it.
    identity_id: Option<i64> = base_profile::identity_id -> identity, indexed;
    /// The platform, which names the table of the row's other half.
    profile_type: ProfileType = base_profile::type_;
    /// Discord's id (snowflake); 0 for messages without an author.
    discord_user_id: IdText = discord_profile::discord_user_id, indexed;
    /// The account name.
    username: String = discord_profile::username, indexed;
    /// The nickname on the server, else the global name, else the account name.
    display_name: String = discord_profile::display_name, prefix_indexed;
    /// URL of the avatar; empty if there is none.
    avatar_url: String = discord_profile::avatar_url;
    /// Whether it is a bot.
    is_bot: bool = discord_profile::is_bot;
    /// When the row was made here.
    created_at: DateTime<Utc> = discord_profile::created_at;
    /// When a stored value last changed here.
    updated_at: DateTime<Utc> = discord_profile::updated_at;
}

diesel::allow_tables_to_appear_in_same_query!(discord_profile, base_profile);
