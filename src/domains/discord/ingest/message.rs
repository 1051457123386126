//! A message of an export: its text, its author, its reactions.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;

use super::{EPOCH, as_text, export::Export, is_zero, maybe_as_text, maybe_snowflake, snowflake};
use crate::{
    draft,
    ingest::{
        kind::{Context, Seen},
        register::Cell,
        stamp::{Stamp, digest},
        value::{Node, Stated},
    },
};

draft! {
    /// What an export says about an author.
    pub struct ProfileDraft, table discord_profile, extends base_profile as "discord",
        key { discord_user_id: i64 };
    registers { username: String, display_name: String, avatar_url: String, is_bot: bool }
    dates { created_at, updated_at }
}

draft! {
    /// What an export says about a message.
    pub struct MessageDraft, table discord_message, key { message_id: i64 };
    registers {
        channel_id: i64,
        author_id: i64,
        content: String,
        message_type: String,
        message_created_at: DateTime<Utc>,
        message_edited_at: Option<DateTime<Utc>>,
        reply_to_message_id: Option<i64>,
        has_attachments: bool,
        attachment_urls: Json,
        is_pinned: bool [time exported_at],
        is_deleted: bool [time exported_at],
        deleted_at: Option<DateTime<Utc>> [time exported_at],
    }
    sets { reactions [time exported_at] }
    dates { created_at, updated_at }
}

/// The type of a message that the exporter does not name.
pub const ORDINARY: &str = "Default";
/// Who wrote what has no author.
const UNKNOWN: &str = "unknown";
/// The most reactions of a message.
const REACTIONS: usize = 5_000;
/// The longest emoji in bytes: it is part of a natural key.
const KEY_LENGTH: usize = 2_000;
/// Hosts whose addresses carry a signature that expires.
const CDN_HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// An author as an export shows them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Author {
    /// Discord's id; 0 for nobody.
    #[serde(serialize_with = "as_text")]
    pub id: i64,
    /// The name.
    pub username: Option<String>,
    /// The name as it is shown: in the server, else everywhere.
    pub display_name: Option<String>,
    /// URL of the picture.
    pub avatar_url: Option<String>,
    /// Whether a program writes.
    pub is_bot: Option<bool>,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Discord's id.
    pub id: i64,
    /// Who wrote it.
    pub author: Arc<Author>,
    /// The text.
    pub content: Option<String>,
    /// The type.
    pub kind: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was last edited, if that is stated.
    pub edited_at: Option<Option<DateTime<Utc>>>,
    /// What it answers, if that is stated.
    pub reply_to: Option<Option<i64>>,
    /// URLs of attachments in order, if they are stated.
    pub attachments: Option<Vec<String>>,
    /// Whether it is pinned.
    pub is_pinned: Option<bool>,
    /// Counts by emoji, if they are stated.
    pub reactions: Option<BTreeMap<String, i32>>,
    /// The time that its text has at the source.
    pub source_at: Option<DateTime<Utc>>,
    /// SHA-256 of what is stated.
    pub digest: [u8; 32],
}

/// What goes into a message's digest.
#[derive(Serialize)]
struct Statement<'a> {
    #[serde(serialize_with = "as_text")]
    id: i64,
    #[serde(serialize_with = "as_text")]
    channel: i64,
    #[serde(serialize_with = "as_text")]
    author: i64,
    content: &'a Option<String>,
    kind: &'a Option<String>,
    created_at: DateTime<Utc>,
    edited_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "maybe_as_text")]
    reply_to: Option<i64>,
    attachments: Option<Vec<&'a str>>,
    is_pinned: Option<bool>,
    reactions: &'a Option<BTreeMap<String, i32>>,
}

impl Author {
    /// Who wrote what has no author.
    pub const NOBODY: Self =
        Self { id: 0, username: None, display_name: None, avatar_url: None, is_bot: None };

    fn read(node: Node<'_>) -> Option<Self> {
        let id = node.get("id");
        if id.is_blank() || is_zero(id) {
            return Some(Self::NOBODY);
        }
        let name = node.get("name").filled_text();
        let shown = ["nickname", "global_name"];
        let display_name = shown.into_iter().find_map(|key| node.get(key).filled_text());
        Some(Self {
            id: snowflake(id)?,
            display_name: display_name.or_else(|| name.clone()),
            username: name,
            avatar_url: node.get("avatarUrl").filled_text(),
            is_bot: node.get("isBot").boolean().value(),
        })
    }

    /// What is written of them. Nobody's names are ours, so that any statement is newer.
    pub fn draft(&self, export: &Export, item: i32) -> ProfileDraft {
        let name = |name: &Option<String>| match (name, self.id) {
            (_, 0) => Cell::Unstated(UNKNOWN.to_owned()),
            (name, _) => Cell::of(name.clone()),
        };
        ProfileDraft {
            discord_user_id: self.id,
            username: name(&self.username),
            display_name: name(&self.display_name),
            avatar_url: Cell::of(self.avatar_url.clone()),
            is_bot: Cell::of(self.is_bot),
            stamp: if self.id == 0 { Stamp::BOTTOM } else { export.stamp(digest(self)) },
            item,
        }
    }
}

impl Message {
    /// Reads a message.
    pub fn read(node: Node<'_>, export: &mut Export, context: &Context) -> Option<Seen<Self>> {
        if node.raw().is_none_or(|value| !value.is_object()) {
            node.fault("unknown_shape", "A message is an object.");
            return None;
        }
        let id = snowflake(node.get("id"))?;
        if !export.listed.insert(id) {
            node.warn("duplicate_in_payload", "The message is listed before; the newest counts.");
        }
        let author = Author::read(node.get("author"));
        let created_at = sent_at(node, id);
        let edited = node.get("timestampEdited");
        let edited_at = edited.instant().nullable();
        let source_at = context.source_time(
            edited_at.flatten().or(Some(created_at)),
            if edited_at.flatten().is_some() { edited } else { node.get("timestamp") },
        );
        let reference = node.get("reference").get("messageId");
        let reply_to = reference.is_stated().then(|| maybe_snowflake(reference));
        let mut message = Self {
            id,
            author: Arc::new(Author::NOBODY),
            content: node.get("content").text().or_default(),
            kind: read_kind(node.get("type")),
            created_at,
            edited_at,
            reply_to,
            attachments: read_attachments(node.get("attachments")),
            is_pinned: node.get("isPinned").boolean().or_default(),
            reactions: read_reactions(node.get("reactions"))?,
            source_at,
            digest: [0; 32],
        };
        message.author = shared(author?, export);
        message.digest = message.state(export.channel.id);
        Some(Seen { key: id.to_string(), stamp: message.stamp(export), item: message })
    }

    fn state(&self, channel: i64) -> [u8; 32] {
        let stated = digest(&Statement {
            id: self.id,
            channel,
            author: self.author.id,
            content: &self.content,
            kind: &self.kind,
            created_at: self.created_at,
            edited_at: self.edited_at.flatten(),
            reply_to: self.reply_to.flatten(),
            attachments: self
                .attachments
                .as_ref()
                .map(|urls| urls.iter().map(|url| unsigned(url)).collect()),
            is_pinned: self.is_pinned,
            reactions: &self.reactions,
        });
        stated.try_into().unwrap_or_else(|_| unreachable!("SHA-256 has 32 bytes"))
    }

    /// The stamp of text, type and attachments: their own time, then the export's.
    pub fn stamp(&self, export: &Export) -> Stamp {
        Stamp {
            source_at: self.source_at,
            rank: 0,
            as_of: Some(export.exported_at),
            digest: self.digest.to_vec(),
        }
    }

    /// What is written of it. An export that shows a message says that it is not deleted.
    pub fn draft(
        &self,
        export: &Export,
        channel_id: i64,
        author_id: i64,
        attachments: Json,
        item: i32,
    ) -> MessageDraft {
        let seen = export.stamp(self.digest.to_vec());
        let kind = self.kind.clone();
        MessageDraft {
            message_id: self.id,
            channel_id: Cell::Stated(channel_id),
            author_id: match self.author.id {
                0 => Cell::Unstated(author_id),
                _ => Cell::Stated(author_id),
            },
            content: Cell::of(self.content.clone()),
            message_type: kind.map_or_else(|| Cell::Unstated(ORDINARY.to_owned()), Cell::Stated),
            message_created_at: Cell::Stated(self.created_at),
            message_edited_at: Cell::of(self.edited_at),
            reply_to_message_id: Cell::of(self.reply_to),
            has_attachments: Cell::of(self.attachments.as_ref().map(|urls| !urls.is_empty())),
            attachment_urls: match self.attachments {
                Some(_) => Cell::Stated(attachments),
                None => Cell::Unstated(Json::Array(Vec::new())),
            },
            is_pinned: match self.is_pinned {
                Some(pinned) => Cell::StatedAt(pinned, seen.clone()),
                None => Cell::Unstated(false),
            },
            is_deleted: Cell::StatedAt(false, seen.clone()),
            deleted_at: Cell::StatedAt(None, seen.clone()),
            reactions: match self.reactions {
                Some(_) => Cell::StatedAt((), seen),
                None => Cell::Unstated(()),
            },
            stamp: self.stamp(export),
            item,
        }
    }
}

/// The author, kept once an export.
fn shared(author: Author, export: &mut Export) -> Arc<Author> {
    if let Some(known) = export.authors.get(&author) {
        return Arc::clone(known);
    }
    let shared = Arc::new(author.clone());
    export.authors.insert(author, Arc::clone(&shared));
    shared
}

/// When a message was written: its time, else the one in its id.
pub fn sent_at(node: Node<'_>, id: i64) -> DateTime<Utc> {
    let timestamp = node.get("timestamp");
    if let Stated::Value(at) = timestamp.instant() {
        return at;
    }
    if timestamp.is_blank() {
        timestamp.warn("bad_time", "There is no time; the one in the id is taken.");
    }
    DateTime::from_timestamp_millis((id >> 22) + EPOCH)
        .unwrap_or_else(|| unreachable!("41 bits of milliseconds end in 2084"))
}

fn read_kind(node: Node<'_>) -> Option<String> {
    let kind = match node.raw() {
        Some(Json::Number(number)) => Some(number.to_string()),
        _ => node.text().or_default(),
    };
    kind.map(|kind| if kind.trim().is_empty() { ORDINARY.to_owned() } else { kind })
}

fn read_attachments(node: Node<'_>) -> Option<Vec<String>> {
    if node.is_blank() {
        return node.is_stated().then(Vec::new);
    }
    let Some(entries) = node.elements() else {
        node.fault("invalid_type", "`attachments` is a list.");
        return None;
    };
    let url = |entry: Node<'_>| match entry.str() {
        Some(url) => Some(url.to_owned()),
        None => entry.get("url").text().value(),
    };
    Some(entries.filter_map(url).filter(|url| !url.trim().is_empty()).collect())
}

/// The reactions, if they are stated; `None` outside if they break a limit.
#[expect(clippy::option_option, reason = "not stated is another thing than faulty")]
fn read_reactions(node: Node<'_>) -> Option<Option<BTreeMap<String, i32>>> {
    if node.is_blank() {
        return Some(node.is_stated().then(BTreeMap::new));
    }
    let Some(entries) = node.elements() else {
        node.fault("invalid_type", "`reactions` is a list.");
        return None;
    };
    let mut reactions = BTreeMap::new();
    for (nth, entry) in entries.enumerate() {
        if nth == REACTIONS {
            node.fault("too_many_items", format!("A message has at most {REACTIONS} reactions."));
            return None;
        }
        let Some(emoji) = read_emoji(entry.get("emoji")) else { continue };
        if emoji.len() > KEY_LENGTH {
            entry.get("emoji").fault("too_long", "An emoji's name is at most 2,000 bytes.");
            return None;
        }
        reactions.insert(emoji, read_count(entry.get("count")));
    }
    Some(Some(reactions))
}

/// A count; a bad one is 0.
fn read_count(node: Node<'_>) -> i32 {
    let digits = node.str().and_then(|text| text.trim().parse::<i64>().ok());
    let number = node.raw().and_then(Json::as_i64).or(digits);
    let float = node.raw().and_then(Json::as_f64).filter(|float| float.fract() == 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is out of range saturates, and fails"
    )]
    let number = number.or(float.map(|float| float as i64));
    number.and_then(|number| i32::try_from(number).ok()).filter(|count| *count >= 0).unwrap_or_else(
        || {
            node.warn("bad_count", "This is not a count; it is taken as 0.");
            0
        },
    )
}

/// The character, or `name:id` of a custom emoji.
fn read_emoji(node: Node<'_>) -> Option<String> {
    if let Some(emoji) = node.str() {
        return Some(emoji.to_owned()).filter(|emoji| !emoji.trim().is_empty());
    }
    let name = node.get("name").str().filter(|name| !name.trim().is_empty())?;
    Some(match node.get("id").maybe_id() {
        Some(id) => format!("{name}:{id}"),
        None => name.to_owned(),
    })
}

/// The address without the signature that Discord's CDN adds to it, which expires.
pub fn unsigned(url: &str) -> &str {
    let host = url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next());
    let is_signed = host
        .flatten()
        .is_some_and(|host| CDN_HOSTS.iter().any(|cdn| host.eq_ignore_ascii_case(cdn)));
    if is_signed { url.split('?').next().unwrap_or(url) } else { url }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_no_part_of_an_address() {
        for (url, bare) in [
            ("https://cdn.discordapp.com/a/b.png?ex=1&hm=2", "https://cdn.discordapp.com/a/b.png"),
            ("https://Media.DiscordApp.net/b.png?x", "https://Media.DiscordApp.net/b.png"),
            ("https://example.org/b.png?x=1", "https://example.org/b.png?x=1"),
            (
                "https://example.org/cdn.discordapp.com?x",
                "https://example.org/cdn.discordapp.com?x",
            ),
            ("local.zip_Files/a.png?x", "local.zip_Files/a.png?x"),
        ] {
            assert_eq!(unsigned(url), bare);
        }
    }
}
