//! Workspaces, channels, members and messages on Slack.

pub mod channel;
pub mod channel_membership;
pub mod channel_membership_change_log;
pub mod ingest;
pub mod message;
pub mod team;
pub mod thread;

use super::domain::Domain;

/// The domain's table of contents.
pub fn domain() -> Domain {
    Domain::new("slack", "Workspaces, channels, members and messages on Slack.")
        .resource::<team::SlackTeam>()
        .resource::<channel::SlackChannel>()
        .resource::<channel_membership_change_log::SlackChannelMembershipChangeLog>()
        .resource::<channel_membership::SlackChannelMembership>()
        .resource::<message::SlackMessage>()
        .kinds(ingest::kinds::kinds())
        .routes(thread::routes)
}
