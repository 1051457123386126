//! `slack/channels`: channels, and what they are called.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    Envelope, Item, Place, TRACKER, id, maybe_id,
    members::{self, Members},
};
use crate::{
    draft,
    ingest::{
        archive::Folder,
        kind::{Context, Seen},
        register::Cell,
        stamp::{Stamp, digest},
        value::{Node, Stated},
    },
};

draft! {
    /// What a payload says about a channel.
    pub struct ChannelDraft, table slack_channel, key { team_id: i64, channel_id: String };
    registers {
        channel_name: String,
        channel_type: String,
        description: Option<String>,
        creator_user_id: Option<i64>,
    }
    dates { created_at, updated_at }
}

/// The type of a channel that everybody of the team can read.
pub const PUBLIC: &str = "public_channel";

/// A channel.
#[derive(Debug, Serialize)]
pub struct Channel {
    /// Where it is.
    #[serde(skip)]
    pub place: Place,
    /// Its name.
    pub name: Option<String>,
    /// `public_channel`, `private_channel`, `mpim` or `im`, if it is said.
    pub channel_type: Option<&'static str>,
    /// The purpose, else the topic.
    pub description: Option<String>,
    /// Slack's id of who made it; `None` inside where nobody did.
    pub creator: Option<Option<String>>,
    /// Who is in it, if it is listed.
    #[serde(skip)]
    pub members: Option<Members>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Channel {
    /// A channel of which nothing else is said.
    pub fn named(place: Place) -> Self {
        let mut channel = Self {
            place,
            name: None,
            channel_type: None,
            description: None,
            creator: None,
            members: None,
            stamp: Stamp::BOTTOM,
        };
        channel.stamp.digest = digest(&channel);
        channel
    }

    /// What it says, as a draft.
    pub fn draft(&self, team_id: i64, creator: Option<i64>, item: i32) -> ChannelDraft {
        ChannelDraft {
            channel_name: match &self.name {
                Some(name) => Cell::Stated(name.clone()),
                None => Cell::Unstated(self.place.channel.clone()),
            },
            channel_type: match self.channel_type {
                Some(name) => Cell::Stated(name.to_owned()),
                None => Cell::Unstated(PUBLIC.to_owned()),
            },
            description: match &self.description {
                Some(text) => Cell::Stated(Some(text.clone())),
                None => Cell::Unstated(None),
            },
            creator_user_id: match self.creator {
                Some(_) => Cell::Stated(creator),
                None => Cell::Unstated(None),
            },
            team_id,
            channel_id: self.place.channel.clone(),
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// A channel that something names. Of its type only what its id tells is known, or an event of a time
/// has shown.
pub fn stub(
    team_id: i64,
    channel: &str,
    seen_as: Option<(&'static str, Option<DateTime<Utc>>)>,
    item: i32,
) -> ChannelDraft {
    ChannelDraft {
        team_id,
        channel_id: channel.to_owned(),
        channel_name: Cell::Unstated(channel.to_owned()),
        channel_type: match seen_as {
            Some((name, _)) => Cell::Stated(name.to_owned()),
            None => Cell::Unstated(type_of_id(channel).unwrap_or(PUBLIC).to_owned()),
        },
        description: Cell::Unstated(None),
        creator_user_id: Cell::Unstated(None),
        stamp: match seen_as {
            Some((name, at)) => Stamp { source_at: at, digest: digest(&name), ..Stamp::BOTTOM },
            None => Stamp::BOTTOM,
        },
        item,
    }
}

/// What an id tells: `D…` is a direct message, `G…` a group.
pub fn type_of_id(channel: &str) -> Option<&'static str> {
    match channel.as_bytes().first() {
        Some(b'D') => Some("im"),
        Some(b'G') => Some("private_channel"),
        _ => None,
    }
}

/// Reads a channel of `conversations.list`, or `conversations.info`.
pub fn read(node: Node<'_>, envelope: &mut Envelope, context: &Context) -> Option<Seen<Item>> {
    let inner = node.get("channel");
    let mut channel = channel(if inner.is_filled() { inner } else { node }, context)?;
    let name = channel_type(if inner.is_filled() { inner } else { node }, &channel.place.channel);
    channel.channel_type = Some(name);
    let digest = digest(&channel);
    channel.stamp.digest = digest;
    let Place { team, channel: id, .. } = &channel.place;
    let folder = Folder::of(TRACKER);
    let folder = match team {
        Some(team) => folder.said(team),
        None => folder.fixed("_"),
    };
    let path = folder.fixed("channels").file(id, "json");
    envelope.path = Some((path, channel.stamp.clone()));
    let (key, stamp) = (channel.place.key(), channel.stamp.clone());
    Some(Seen { item: Item::Channel(Box::new(channel)), key, stamp })
}

/// The channel that cannot be read, if it has an id.
pub fn said_in(node: Node<'_>, _: Option<&Envelope>, context: &Context) -> Option<Place> {
    let inner = node.get("channel");
    let node = if inner.is_filled() { inner } else { node };
    let channel = node.get("id").str()?.trim().to_owned();
    // One that says nothing of its type does not say that it is public.
    let seen_as = Some(channel_type(node, &channel)).filter(|name| *name != PUBLIC);
    Some(Place { team: context.param("team").map(str::to_owned), channel, seen_as })
}

/// Reads a channel object, but for its type.
pub fn channel(node: Node<'_>, context: &Context) -> Option<Channel> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A channel is an object.");
        return None;
    }
    let channel = id(node.get("id"));
    let own = node.first(&["context_team_id", "team_id"]);
    let said = maybe_id(own);
    // Of a channel that teams share the parameter tells whose it is here.
    let team = match context.param("team") {
        Some(given) => {
            if said.as_deref().is_some_and(|said| said != given) {
                own.warn("context_mismatch", format!("The parameter `{given}` counts."));
            }
            Some(given.to_owned())
        }
        None => said,
    };
    let updated = node.get("updated");
    let at = match updated.integer::<i64>(0..=i64::MAX) {
        Stated::Value(millis) => {
            let at = DateTime::from_timestamp_millis(millis).filter(|at| in_range(*at));
            if at.is_none() {
                updated.warn("bad_time", "This is not a time between 1970 and 9999.");
            }
            context.source_time(at, updated)
        }
        _ => Some(context.stated_at()),
    };
    let place = Place::new(team, channel?);
    let list = node.get("members");
    let mut channel = Channel {
        name: node.get("name").filled_text(),
        channel_type: None,
        description: description(node),
        creator: match node.get("creator") {
            creator if creator.is_stated() => Some(maybe_id(creator)),
            _ => None,
        },
        members: if list.is_array() {
            Some(members::list(list, place.clone(), true, context)?)
        } else {
            None
        },
        place,
        stamp: Stamp::BOTTOM,
    };
    channel.stamp =
        Stamp { source_at: at, rank: 0, as_of: context.as_of, digest: digest(&channel) };
    Some(channel)
}

fn in_range(at: DateTime<Utc>) -> bool {
    use chrono::Datelike;
    (1970..=9999).contains(&at.year())
}

fn description(node: Node<'_>) -> Option<String> {
    let (purpose, topic) = (node.get("purpose"), node.get("topic"));
    if !purpose.is_stated() && !topic.is_stated() {
        return None;
    }
    let text = |node: Node<'_>| node.get("value").filled_text();
    Some(text(purpose).or_else(|| text(topic)).unwrap_or_default())
}

const FLAGS: [&str; 5] = ["is_im", "is_mpim", "is_private", "is_group", "is_channel"];

/// The type that the flags tell, or the legacy `type`; an id that is never public overrides it.
fn channel_type(node: Node<'_>, channel: &str) -> &'static str {
    let is = |key| node.get(key).raw() == Some(&Value::Bool(true));
    let said = if is("is_im") {
        "im"
    } else if is("is_mpim") {
        "mpim"
    } else if is("is_private") || is("is_group") {
        "private_channel"
    } else if has_flags(node) {
        PUBLIC
    } else {
        legacy_type(node.get("type"))
    };
    if said == PUBLIC { type_of_id(channel).unwrap_or(PUBLIC) } else { said }
}

fn has_flags(node: Node<'_>) -> bool {
    FLAGS.iter().any(|flag| node.get(flag).is_stated())
}

/// The type that flags tell, if there are any.
pub fn flagged(node: Node<'_>, channel: &str) -> Option<&'static str> {
    has_flags(node).then(|| channel_type(node, channel))
}

fn legacy_type(node: Node<'_>) -> &'static str {
    let Some(said) = node.filled_text() else { return PUBLIC };
    match said.trim().to_ascii_lowercase().as_str() {
        "im" => "im",
        "mpim" => "mpim",
        "private_channel" | "group" => "private_channel",
        "public_channel" | "channel" => PUBLIC,
        _ => {
            node.warn("unknown_value", "This is no type of channel; it is taken for a public one.");
            PUBLIC
        }
    }
}
