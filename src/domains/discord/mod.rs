//! Servers, channels and messages on Discord.

pub mod channel;
pub mod ingest;
pub mod message;
pub mod reaction;
pub mod server;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("discord", "Servers, channels and messages on Discord.")
        .resource::<server::DiscordServer>()
        .resource::<channel::DiscordChannel>()
        .resource::<message::DiscordMessage>()
        .resource::<reaction::DiscordReaction>()
        .kinds(ingest::kinds::kinds())
}
