//! `slack/messages`: what is said in channels, and who comes and goes.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    Envelope, Item, Place, TRACKER, location, maybe_id, payload_first, surroundings,
    ts::{self, instant},
};
use crate::{
    draft,
    ingest::{
        archive::Folder,
        kind::{Context, Location, Place as Placed, Seen, Sheet},
        register::Cell,
        stamp::{Stamp, digest},
        value::Node,
    },
};

draft! {
    /// What a payload says about a message.
    pub struct MessageDraft, table slack_message, key { channel_id: i64, ts: String };
    registers {
        slack_user_id: Option<i64>,
        message: String,
        thread_ts: Option<String>,
        slack_message_created_at: DateTime<Utc>,
        slack_message_updated_at: Option<DateTime<Utc>>,
    }
}

/// Subtypes that are taken note of and not stored: Slack's own notices, and bots.
const IGNORED: [&str; 19] = [
    "app_conversation_join",
    "app_conversation_leave",
    "bot_add",
    "bot_message",
    "bot_remove",
    "channel_archive",
    "channel_convert_to_public",
    "channel_name",
    "channel_purpose",
    "channel_topic",
    "document_comment_root",
    "huddle_thread",
    "pinned_item",
    "reminder_add",
    "reply_broadcast",
    "sh_room_created",
    "slack_audio",
    "slack_image",
    "slack_video",
];

/// A message.
#[derive(Debug, Serialize)]
pub struct Message {
    /// Its channel.
    #[serde(skip)]
    pub place: Place,
    /// Slack's timestamp: its id in the channel.
    #[serde(skip)]
    pub ts: String,
    /// The timestamp as an instant.
    pub at: DateTime<Utc>,
    /// Slack's id of who wrote it.
    pub user: Option<String>,
    /// The text; none where only the thread is told.
    pub text: Option<String>,
    /// The timestamp of the thread's first message.
    pub thread_ts: Option<String>,
    /// When it was last edited, else when it was written.
    pub updated_at: DateTime<Utc>,
    /// The statement's stamp.
    #[serde(skip)]
    pub stamp: Stamp,
}

impl Message {
    /// What it says, as a draft. User and thread say nothing where there are none: what another
    /// version tells stays, and so does what a parent has learnt from its replies.
    pub fn draft(&self, channel_id: i64, user: Option<i64>, item: i32) -> MessageDraft {
        let is_whole = self.text.is_some();
        MessageDraft {
            channel_id,
            ts: self.ts.clone(),
            slack_user_id: match user {
                Some(_) => Cell::Stated(user),
                None => Cell::Unstated(None),
            },
            message: Cell::of(self.text.clone()),
            thread_ts: match &self.thread_ts {
                Some(_) => Cell::Stated(self.thread_ts.clone()),
                None => Cell::Unstated(None),
            },
            slack_message_created_at: if is_whole {
                Cell::Stated(self.at)
            } else {
                Cell::Unstated(self.at)
            },
            slack_message_updated_at: if is_whole {
                Cell::Stated(Some(self.updated_at))
            } else {
                Cell::Unstated(Some(self.updated_at))
            },
            stamp: self.stamp.clone(),
            item,
        }
    }
}

/// Somebody joins or leaves a channel.
#[derive(Debug)]
pub struct Move {
    /// The channel.
    pub place: Place,
    /// Slack's id of who does.
    pub user: String,
    /// Whether it is a join.
    pub is_joined: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// A message that was deleted.
#[derive(Debug)]
pub struct Deleted {
    /// Its channel.
    pub place: Place,
    /// Its timestamp.
    pub ts: String,
}

impl Deleted {
    /// Its natural key, `T1/C1:ts`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.place.key(), self.ts)
    }
}

/// Reads what surrounds messages.
pub fn open(node: Node<'_>, context: &Context) -> Envelope {
    let (channel, team) = (channel_of(node), node.first(&["team", "team_id"]));
    Envelope {
        channel: payload_first(maybe_id(channel), channel, context.param("channel")),
        team: payload_first(maybe_id(team), team, context.param("team")),
        path: None,
    }
}

/// The channel that an object names: an id, or an object that has one.
fn channel_of(node: Node<'_>) -> Node<'_> {
    let channel = node.first(&["channel", "channel_id"]);
    if channel.is_filled() { channel.get("id") } else { channel }
}

/// Reads a message.
pub fn read(node: Node<'_>, envelope: &mut Envelope, context: &Context) -> Option<Seen<Item>> {
    if node.raw().is_none_or(|value| !value.is_object()) {
        node.fault("unknown_shape", "A message is an object.");
        return None;
    }
    let (team, channel) = surroundings(envelope, context);
    let own = channel_of(node);
    let Some(channel) = payload_first(maybe_id(own), own, channel) else {
        node.fault("missing_context", "Which channel this is about is said nowhere: `channel=`.");
        return None;
    };
    let place = Place::new(team.map(str::to_owned), channel);
    let item = event(node, &place, context)?;
    let (key, stamp) = match &item {
        Item::Message(message) => {
            (format!("{}:{}", place.key(), message.ts), message.stamp.clone())
        }
        Item::Deleted(deleted) => (deleted.key(), Stamp::BOTTOM),
        Item::Move(event) => {
            let stamp = Stamp { source_at: Some(event.at), ..Stamp::BOTTOM };
            (format!("{}:{}", place.key(), text_of(node.get("ts"))), stamp)
        }
        _ => (format!("{}:{}", place.key(), text_of(node.get("ts"))), Stamp::BOTTOM),
    };
    Some(Seen { item, key, stamp })
}

fn text_of(node: Node<'_>) -> &str {
    node.str().unwrap_or_default()
}

/// What a message of any subtype means.
pub fn event(node: Node<'_>, place: &Place, context: &Context) -> Option<Item> {
    let subtype = node.get("subtype").filled_text();
    match subtype.as_deref() {
        Some("message_changed") => {
            let inner = node.get("message");
            if !inner.is_filled() {
                inner.fault("missing_field", "The changed message is missing.");
                return None;
            }
            match inner.get("subtype").str() {
                // What was changed is a message; Slack nests no deeper.
                Some("message_changed" | "message_replied" | "message_deleted") => {
                    plain(inner, None, place, context)
                }
                _ => event(inner, place, context),
            }
        }
        Some("message_deleted") => deleted(node.get("deleted_ts"), place),
        Some("tombstone") => deleted(node.get("ts"), place),
        Some("message_replied") => {
            let inner = node.get("message");
            thread_of(if inner.is_filled() { inner } else { node }, place, context)
        }
        Some("channel_join" | "group_join") => moved(node, true, place),
        Some("channel_leave" | "group_leave") => moved(node, false, place),
        Some(subtype) if IGNORED.contains(&subtype) => Some(ignored(node, subtype, place)),
        None if text_of(node.get("user")).is_empty() && !node.get("bot_id").is_blank() => {
            Some(ignored(node, "bot_message", place))
        }
        subtype => plain(node, subtype, place, context),
    }
}

fn ignored(node: Node<'_>, subtype: &str, place: &Place) -> Item {
    node.warn("ignored", format!("Messages of subtype `{subtype}` are not stored."));
    Item::Nothing(Some(place.clone()))
}

/// A timestamp that must be there.
pub fn timestamp(node: Node<'_>) -> Option<(String, DateTime<Utc>)> {
    let Some(text) = node.str().filter(|text| ts::is_valid(text)) else {
        node.fault("invalid_id", "This is no timestamp of Slack's: seconds and six decimals.");
        return None;
    };
    let Some(at) = instant(text) else {
        node.fault("missing_time", "The timestamp is after 9999.");
        return None;
    };
    Some((text.to_owned(), at))
}

fn deleted(node: Node<'_>, place: &Place) -> Option<Item> {
    let (ts, _) = timestamp(node)?;
    Some(Item::Deleted(Deleted { place: place.clone(), ts }))
}

fn moved(node: Node<'_>, is_joined: bool, place: &Place) -> Option<Item> {
    let at = timestamp(node.get("ts"));
    let user = super::id(node.get("user"))?;
    Some(Item::Move(Move { place: place.clone(), user, is_joined, at: at?.1 }))
}

/// Of a parent that got a reply only the thread is told.
fn thread_of(node: Node<'_>, place: &Place, context: &Context) -> Option<Item> {
    let (ts, at) = timestamp(node.get("ts"))?;
    let thread_ts = thread(node).unwrap_or_else(|| ts.clone());
    let source_at = context.source_time(Some(at), node.get("ts"));
    let mut message = Message {
        place: place.clone(),
        ts,
        at,
        user: None,
        text: None,
        thread_ts: Some(thread_ts),
        updated_at: at,
        stamp: Stamp::BOTTOM,
    };
    message.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&message) };
    Some(Item::Message(Box::new(message)))
}

fn thread(node: Node<'_>) -> Option<String> {
    let node = node.get("thread_ts");
    let thread = node.filled_text()?;
    if !ts::is_valid(&thread) {
        node.warn("unknown_value", "This is no timestamp of Slack's; it is dropped.");
        return None;
    }
    Some(thread)
}

fn plain(node: Node<'_>, subtype: Option<&str>, place: &Place, context: &Context) -> Option<Item> {
    let stamped = timestamp(node.get("ts"));
    let mut user = maybe_id(node.get("user"));
    let mut text = node.get("text").text().value().unwrap_or_default();
    match subtype {
        Some("me_message") => {
            if let Some(user) = &user {
                text = format!("<@{user}> {text}");
            }
        }
        Some("file_comment") => {
            let comment = node.get("comment");
            user = user.or_else(|| maybe_id(comment.get("user")));
            text = format!("{text}\nComment: {}", text_of(comment.get("comment")));
        }
        _ => {}
    }
    let (ts, at) = stamped?;
    let edited = node.get("edited").get("ts");
    let edited_at = edited.str().filter(|text| !text.is_empty()).and_then(|text| {
        let at = instant(text);
        if at.is_none() {
            edited.warn("bad_time", "This is no timestamp of Slack's.");
        }
        at
    });
    let updated_at = edited_at.unwrap_or(at);
    let source_at = context.source_time(Some(at.max(updated_at)), node.get("ts"));
    let mut message = Message {
        place: place.clone(),
        ts,
        at,
        user,
        text: Some(text),
        thread_ts: thread(node),
        updated_at,
        stamp: Stamp::BOTTOM,
    };
    message.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&message) };
    Some(Item::Message(Box::new(message)))
}

/// Where a document of messages is archived: by channel, and the days that its messages are of.
pub fn place(sheet: &Sheet<Envelope, Item>, context: &Context) -> Placed {
    let mut days: Option<(DateTime<Utc>, DateTime<Utc>)> = None;
    let mut stamp = Stamp::BOTTOM;
    let (team, mut channel) = surroundings(&sheet.envelope, context);
    for (_, item) in &sheet.items {
        let at = match item {
            Item::Message(message) => {
                stamp = stamp.max(message.stamp.clone());
                Some(message.at)
            }
            Item::Move(event) => Some(event.at),
            Item::Deleted(deleted) => instant(&deleted.ts),
            _ => None,
        };
        channel = channel.or(item.place().map(|place| place.channel.as_str()));
        if let Some(at) = at {
            let (first, last) = days.unwrap_or((at, at));
            days = Some((first.min(at), last.max(at)));
        }
    }
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    let stem = match days.map(|(first, last)| (day(first), day(last))) {
        None => "empty".to_owned(),
        Some((first, last)) if first == last => first,
        Some((first, last)) => format!("{first}_{last}"),
    };
    let folder = Folder::of(TRACKER).said(team.unwrap_or("_")).said(channel.unwrap_or("_"));
    Placed { path: folder.file(&stem, "json"), stamp }
}

/// The channel of a message that cannot be read.
pub fn said_in(node: Node<'_>, envelope: Option<&Envelope>, context: &Context) -> Option<Place> {
    let nothing = Envelope::default();
    let (team, channel) = surroundings(envelope.unwrap_or(&nothing), context);
    let own = channel_of(node).str().map(str::trim).filter(|own| !own.is_empty());
    Some(Place::new(team.map(str::to_owned), own.or(channel)?.to_owned()))
}

/// Where a message stands that is rejected.
pub fn locate(node: Node<'_>, envelope: &Envelope, context: &Context) -> Location {
    let (team, channel) = surroundings(envelope, context);
    let own = channel_of(node).str();
    location(team, own.or(channel), node.get("ts").str())
}
