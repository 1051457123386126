//! What surrounds the messages of an export: server, channel, and what it covers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    as_text, is_zero, maybe_snowflake,
    message::{Author, Message},
    snowflake,
};
use crate::{
    draft,
    ingest::{
        archive::{Folder, RawPath},
        kind::Context,
        register::Cell,
        stamp::{Stamp, digest},
        value::{Node, PRIVATE, Stated},
    },
};

draft! {
    /// What an export says about a server.
    pub struct ServerDraft, table discord_server, key { server_id: i64 };
    registers { server_name: String, icon_url: String }
    dates { created_at, updated_at }
}

draft! {
    /// What an export says about a channel.
    pub struct ChannelDraft, table discord_channel, key { channel_id: i64 };
    registers {
        server_id: i64,
        channel_name: String,
        channel_type: String,
        category_id: Option<i64>,
        category_name: String,
        topic: String,
        position: i32 [own],
        last_synced_at: Option<DateTime<Utc>>,
    }
    dates { created_at, updated_at }
}

/// The archive folder of the Discord collector.
const TRACKER: &str = "discord_activity_tracker";

/// The type of a channel that the exporter does not name.
const TEXT_CHANNEL: &str = "GuildTextChat";

/// A server as an export shows it.
#[derive(Debug, Serialize)]
pub struct Server {
    /// Discord's id; 0 for direct messages.
    #[serde(serialize_with = "as_text")]
    pub id: i64,
    /// The name.
    pub name: Option<String>,
    /// URL of the icon.
    pub icon_url: Option<String>,
}

/// A channel as an export shows it.
#[derive(Debug, Serialize)]
pub struct Channel {
    /// Discord's id.
    #[serde(serialize_with = "as_text")]
    pub id: i64,
    /// The name.
    pub name: Option<String>,
    /// The type.
    pub kind: Option<String>,
    /// The category's id, if that is stated.
    pub category_id: Option<Option<i64>>,
    /// The category's name.
    pub category: Option<String>,
    /// The topic.
    pub topic: Option<String>,
    /// The place in the server's list.
    pub position: Option<i32>,
}

/// The time span that an export covers; `None` is unbounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// Messages are later than this.
    pub after: Option<DateTime<Utc>>,
    /// Messages are earlier than this.
    pub before: Option<DateTime<Utc>>,
}

/// What surrounds the messages, and what is gathered from them while they are read.
#[derive(Debug)]
pub struct Export {
    /// The server.
    pub server: Server,
    /// The channel.
    pub channel: Channel,
    /// What it covers; none if that cannot be read.
    pub range: Option<Range>,
    /// When it was made: its own time, else `as_of`, else when it was received.
    pub exported_at: DateTime<Utc>,
    /// `as_of=`.
    pub as_of: Option<DateTime<Utc>>,
    /// Whether it lists the messages of its range in full.
    pub is_complete: bool,
    /// The ids of all its messages, rejected ones too.
    pub listed: HashSet<i64>,
    /// Its authors, each once.
    pub authors: HashMap<Author, Arc<Author>>,
}

/// A text that null makes empty.
fn text(node: Node<'_>) -> Option<String> {
    node.text().or_default()
}

impl Export {
    /// Reads what surrounds the messages. Direct messages are private.
    pub fn read(node: Node<'_>, context: &Context) -> Option<Self> {
        let (guild, channel) = (node.get("guild"), node.get("channel"));
        if node.raw().is_none_or(|value| !value.is_object()) || !guild.is_stated() {
            node.fault(
                "unknown_shape",
                "An export is an object with `guild`, `channel` and the list `messages`.",
            );
            return None;
        }
        let id = guild.get("id");
        let is_direct = is_zero(id);
        if is_direct && !context.flag("allow_private") {
            id.fault(PRIVATE, "Direct messages are not taken without allow_private=true.");
            return None;
        }
        let server_id = if is_direct { Some(0) } else { snowflake(id) };
        let channel_id = snowflake(channel.get("id"));
        let category_id = channel.get("categoryId");
        let exported = node.get("exportedAt");
        let exported_at = context
            .source_time(exported.instant().value(), exported)
            .unwrap_or_else(|| context.stated_at());
        Some(Self {
            server: Server {
                id: server_id?,
                name: text(guild.get("name")),
                icon_url: text(guild.get("iconUrl")),
            },
            channel: Channel {
                id: channel_id?,
                name: text(channel.get("name")),
                kind: text(channel.get("type")).map(|kind| match kind.trim() {
                    "" => TEXT_CHANNEL.to_owned(),
                    _ => kind,
                }),
                category_id: category_id.is_stated().then(|| maybe_snowflake(category_id)),
                category: text(channel.get("category")),
                topic: text(channel.get("topic")),
                position: channel.get("position").integer(0..=i64::from(i32::MAX)).value(),
            },
            range: read_range(node.get("dateRange")),
            exported_at,
            as_of: context.as_of,
            is_complete: context.lists_all("messages"),
            listed: HashSet::new(),
            authors: HashMap::new(),
        })
    }

    /// The stamp of what the export says about anything that has no time of its own.
    pub fn stamp(&self, digest: Vec<u8>) -> Stamp {
        Stamp { source_at: Some(self.exported_at), rank: 0, as_of: self.as_of, digest }
    }

    /// What is written of the server.
    pub fn server_draft(&self, item: i32) -> ServerDraft {
        ServerDraft {
            server_id: self.server.id,
            server_name: Cell::of(self.server.name.clone()),
            icon_url: Cell::of(self.server.icon_url.clone()),
            stamp: self.stamp(digest(&self.server)),
            item,
        }
    }

    /// What is written of the channel.
    pub fn channel_draft(&self, server_id: i64, item: i32) -> ChannelDraft {
        let channel = &self.channel;
        let kind = channel.kind.clone();
        ChannelDraft {
            channel_id: channel.id,
            server_id: Cell::Stated(server_id),
            channel_name: Cell::of(channel.name.clone()),
            channel_type: kind
                .map_or_else(|| Cell::Unstated(TEXT_CHANNEL.to_owned()), Cell::Stated),
            category_id: Cell::of(channel.category_id),
            category_name: Cell::of(channel.category.clone()),
            topic: Cell::of(channel.topic.clone()),
            position: Cell::of(channel.position),
            last_synced_at: Cell::Stated(Some(self.exported_at)),
            stamp: self.stamp(digest(&(&self.server, channel))),
            item,
        }
    }

    /// Where the export is archived: by the days of its messages.
    pub fn path(&self, messages: &[(i32, Message)]) -> RawPath {
        let days = || messages.iter().map(|(_, message)| message.created_at.date_naive());
        let is_open = self.range.as_ref().is_some_and(|range| *range == Range::default());
        let stem = match (days().min(), days().max()) {
            (None, _) | (_, None) => "empty".to_owned(),
            _ if is_open => "full".to_owned(),
            (Some(first), Some(last)) if first == last => first.to_string(),
            (Some(first), Some(last)) => format!("{first}_{last}"),
        };
        let (server, channel) = (self.server.id.to_string(), self.channel.id.to_string());
        Folder::of(TRACKER).said(&server).said(&channel).file(&stem, "json")
    }

    /// What the export says as a whole, for the order of its versions.
    pub fn digest(&self, messages: &[(i32, Message)]) -> Vec<u8> {
        let messages: Vec<String> =
            messages.iter().map(|(_, message)| hex::encode(message.digest)).collect();
        digest(&(&self.server, &self.channel, messages))
    }
}

/// The span; a bound that cannot be read makes it unknown, not open.
fn read_range(node: Node<'_>) -> Option<Range> {
    let bound = |key| {
        let bound = node.get(key);
        match bound.instant() {
            Stated::Value(at) => Some(Some(at)),
            _ if bound.is_blank() => Some(None),
            _ => None,
        }
    };
    let (after, before) = (bound("after"), bound("before"));
    Some(Range { after: after?, before: before? })
}
