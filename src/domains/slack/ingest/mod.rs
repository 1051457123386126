//! How Slack's payloads become rows.
//!
//! * [`kinds`]: the kinds, and what each takes. [`teams`], [`users`], [`channels`], [`members`],
//!   [`messages`]: how each reads an item.
//! * [`refuse`]: what only the database can tell to be private, or without a team.
//! * [`moved`]: channels that got another id.
//! * [`store`]: a batch of items of any kind, parents first. [`membership`]: who is a member.
//!   [`change_log`]: who came and went. [`removal`]: messages that were deleted.

pub mod change_log;
pub mod channels;
pub mod kinds;
pub mod members;
pub mod membership;
pub mod messages;
pub mod moved;
pub mod refuse;
pub mod removal;
pub mod store;
pub mod teams;
pub mod ts;
pub mod users;

use chrono::{DateTime, Utc};

use crate::ingest::{
    kind::{Context, Location},
    value::Node,
};

/// The archive's folder.
pub const TRACKER: &str = "cppa_slack_tracker";

/// The longest text of a natural key, in bytes.
pub const KEY_LENGTH: usize = 2_000;

/// A channel as a payload names it. Without a team it is the one that has the channel already.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Slack's id of the team.
    pub team: Option<String>,
    /// Slack's id of the channel.
    pub channel: String,
    /// The type that the payload shows besides: an event tells that its channel is private.
    pub seen_as: Option<&'static str>,
}

impl Place {
    /// A channel of which nothing else is said.
    pub fn new(team: Option<String>, channel: String) -> Self {
        Self { team, channel, seen_as: None }
    }

    /// The channel as natural keys have it: `T1/C1`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.team.as_deref().unwrap_or("_"), self.channel)
    }
}

/// An item of any Slack kind.
#[derive(Debug)]
pub enum Item {
    /// A team.
    Team(teams::Team),
    /// A user.
    User(Box<users::User>),
    /// A channel.
    Channel(Box<channels::Channel>),
    /// A list of members.
    Members(members::Members),
    /// A message.
    Message(Box<messages::Message>),
    /// Somebody joins or leaves.
    Move(messages::Move),
    /// A message was deleted.
    Deleted(messages::Deleted),
    /// A channel got another id.
    Moved(moved::Moved),
    /// Nothing that is kept, said in a channel.
    Nothing(Option<Place>),
}

impl Item {
    /// The channel that the item is about.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Team(_) | Self::User(_) => None,
            Self::Channel(channel) => Some(&channel.place),
            Self::Members(members) => Some(&members.place),
            Self::Message(message) => Some(&message.place),
            Self::Move(event) => Some(&event.place),
            Self::Deleted(deleted) => Some(&deleted.place),
            Self::Moved(moved) => Some(&moved.place),
            Self::Nothing(place) => place.as_ref(),
        }
    }

    /// When what it says was so, as far as it tells.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Message(message) => message.stamp.source_at,
            Self::Move(event) => Some(event.at),
            Self::Deleted(deleted) => ts::instant(&deleted.ts),
            _ => None,
        }
    }
}

/// What surrounds the messages of a document, or the item that the document is.
#[derive(Debug, Default)]
pub struct Envelope {
    /// Slack's id of the team, as the payload says.
    pub team: Option<String>,
    /// Slack's id of the channel, as the payload says.
    pub channel: Option<String>,
    /// Where the document is archived, if its one item says so.
    pub path: Option<(crate::ingest::archive::RawPath, crate::ingest::stamp::Stamp)>,
}

/// Slack's id of something; a fault where there is none, or it is no text.
pub fn id(node: Node<'_>) -> Option<String> {
    if node.is_blank() || node.str() == Some("") {
        node.fault("missing_field", "The id is missing.");
        return None;
    }
    maybe_id(node)
}

/// Slack's id of something that need not be there: blank is nothing.
pub fn maybe_id(node: Node<'_>) -> Option<String> {
    let id = node.filled_text()?.trim().to_owned();
    if id.len() > KEY_LENGTH {
        node.fault("too_long", "The id is longer than 2,000 bytes.");
        return None;
    }
    Some(id)
}

/// What the payload says, else the parameter; a warning where they differ.
pub fn payload_first(said: Option<String>, node: Node<'_>, given: Option<&str>) -> Option<String> {
    match (said, given) {
        (Some(said), Some(given)) if said != given => {
            node.warn("context_mismatch", format!("The parameter says `{given}`; this counts."));
            Some(said)
        }
        (said, given) => said.or_else(|| given.map(str::to_owned)),
    }
}

/// The watermark's scope of a channel, and a position.
pub fn location(team: Option<&str>, channel: Option<&str>, ts: Option<&str>) -> Location {
    Location {
        scope: team.zip(channel).map(|(team, channel)| format!("{team}/{channel}")),
        position: ts.and_then(ts::instant).map(|at| at.timestamp_micros()),
    }
}

/// `context.param("team")` and `context.param("channel")`, after what the envelope says.
pub fn surroundings<'c>(
    envelope: &'c Envelope,
    context: &'c Context,
) -> (Option<&'c str>, Option<&'c str>) {
    (
        envelope.team.as_deref().or_else(|| context.param("team")),
        envelope.channel.as_deref().or_else(|| context.param("channel")),
    )
}
