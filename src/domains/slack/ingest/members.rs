//! `slack/channel-members`: who is in a channel.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Envelope, Item, Place, TRACKER, maybe_id, payload_first};
use crate::ingest::{
    archive::Folder,
    kind::{Context, Seen},
    stamp::{Stamp, digest},
    value::Node,
};

/// The most members of a list.
pub const LIMIT: usize = 200_000;

/// Who is in a channel.
#[derive(Debug)]
pub struct Members {
    /// The channel.
    pub place: Place,
    /// Slack's ids of the members.
    pub users: BTreeSet<String>,
    /// Whether nobody else is.
    pub is_full: bool,
    /// When that was true.
    pub at: DateTime<Utc>,
}

/// Reads `conversations.members`, `{"channel", "members"}` or a list of ids.
pub fn read(node: Node<'_>, envelope: &mut Envelope, context: &Context) -> Option<Seen<Item>> {
    let list = if node.is_array() { node } else { node.get("members") };
    if !list.is_array() {
        node.fault("unknown_shape", "Members are a list of ids, alone or as `members`.");
        return None;
    }
    let (said, team) = (node.first(&["channel", "channel_id"]), node.first(&["team", "team_id"]));
    let channel = payload_first(maybe_id(said), said, context.param("channel"));
    let team = payload_first(maybe_id(team), team, context.param("team"));
    let Some(channel) = channel else {
        node.fault("missing_context", "Which channel this is about is said nowhere: `channel=`.");
        return None;
    };
    let cursor = node.get("response_metadata").get("next_cursor");
    let is_full = cursor.filled_text().is_none();
    if !is_full {
        cursor.warn("partial_list", "There are more pages: members are added, none are removed.");
    }
    let members = self::list(list, Place::new(team, channel), is_full, context)?;
    let source_at = Some(members.at);
    let digest = digest(&(&members.users, is_full));
    let stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest };
    let folder = Folder::of(TRACKER);
    let folder = match &members.place.team {
        Some(team) => folder.said(team),
        None => folder.fixed("_"),
    };
    let path = folder.said(&members.place.channel).file("members", "json");
    envelope.path = Some((path, stamp.clone()));
    Some(Seen { key: members.place.key(), stamp, item: Item::Members(members) })
}

/// The channel of a list that cannot be read.
pub fn said_in(node: Node<'_>, _: Option<&Envelope>, context: &Context) -> Option<Place> {
    let said = |keys, name| {
        let said = node.first(keys).str().map(str::trim).filter(|said| !said.is_empty());
        said.or_else(|| context.param(name)).map(str::to_owned)
    };
    let channel = said(&["channel", "channel_id"], "channel")?;
    Some(Place::new(said(&["team", "team_id"], "team"), channel))
}

/// Reads a list of ids.
pub fn list(node: Node<'_>, place: Place, is_full: bool, context: &Context) -> Option<Members> {
    let mut users = BTreeSet::new();
    let mut count = 0;
    for element in node.elements()? {
        count += 1;
        if count > LIMIT {
            node.fault("too_many_items", format!("A list has at most {LIMIT} members."));
            return None;
        }
        if element.is_blank() {
            element.fault("invalid_type", "This is no id.");
        }
        if let Some(user) = maybe_id(element)
            && !users.insert(user)
        {
            element.warn("duplicate_in_payload", "The member is listed twice.");
        }
    }
    Some(Members { place, users, is_full, at: context.stated_at() })
}
