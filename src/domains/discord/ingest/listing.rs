//! Exports that list a channel's messages in full, of a time span: what they lack is deleted.
//!
//! Such a listing is kept, because an older export may come after it, with messages that were gone
//! by then. A message is deleted when the newest statement about it is a listing that lacks it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use serde_json::{Value as Json, json};

use super::{
    export::{Export, Range},
    message::{Message, MessageDraft, ORDINARY},
    store::CHUNK,
};
use crate::{
    db::sql::{SqlType, Value},
    ingest::{
        given::Given,
        kind::Sheet,
        register::Cell,
        stamp::{Stamp, digest},
        statements::{self, Kept, Statement},
        tx::Tx,
        upsert::{Done, upsert},
    },
};

/// The statements' fold.
const FOLD: &str = "discord.listing";

/// What an export that lists its messages in full says about those that it lacks.
#[derive(Debug, Clone)]
struct Listing {
    /// When it was made.
    at: DateTime<Utc>,
    /// `as_of` of the request.
    as_of: Option<DateTime<Utc>>,
    /// The span that it covers.
    range: Range,
    /// Messages that it has and that could not be read: they count as present.
    unread: BTreeSet<i64>,
}

impl Listing {
    fn of(sheet: &Sheet<Export, Message>) -> Option<Self> {
        let export = &sheet.envelope;
        let range = export.range.clone().filter(|_| export.is_complete)?;
        let mut unread: BTreeSet<i64> = export.listed.iter().copied().collect();
        for (_, message) in &sheet.items {
            unread.remove(&message.id);
        }
        Some(Self { at: export.exported_at, as_of: export.as_of, range, unread })
    }

    fn statement(&self, channel: i64) -> Statement {
        let micros = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
        let (after, before) = (micros(self.range.after), micros(self.range.before));
        let unread: Vec<String> = self.unread.iter().map(i64::to_string).collect();
        let body = json!({"after": after, "before": before, "unread": unread});
        Statement {
            scope: channel.to_string(),
            key: format!("{}:{after:?}:{before:?}", self.at.timestamp_micros()),
            stamp: Stamp {
                source_at: Some(self.at),
                rank: 0,
                as_of: self.as_of,
                digest: digest(&body),
            },
            body,
            item: -1,
        }
    }

    fn from_statement(statement: &Statement) -> Option<Self> {
        let body = &statement.body;
        let time = |key: &str| body[key].as_i64().and_then(DateTime::from_timestamp_micros);
        let unread = body["unread"].as_array().into_iter().flatten();
        Some(Self {
            at: statement.stamp.source_at?,
            as_of: statement.stamp.as_of,
            range: Range { after: time("after"), before: time("before") },
            unread: unread.filter_map(|id| id.as_str()?.parse().ok()).collect(),
        })
    }

    /// Whether a message of this time would be in it.
    fn covers(&self, id: i64, created_at: DateTime<Utc>) -> bool {
        created_at < self.at
            && self.range.after.is_none_or(|after| created_at > after)
            && self.range.before.is_none_or(|before| created_at < before)
            && !self.unread.contains(&id)
    }

    /// The stamp of a deletion. Its digest is the lowest: of equal times, having been seen wins.
    fn stamp(&self) -> Stamp {
        Stamp { source_at: Some(self.at), rank: 0, as_of: self.as_of, digest: Vec::new() }
    }

    fn delete(&self, id: i64, channel: i64, created_at: DateTime<Utc>, item: i32) -> MessageDraft {
        let stamp = self.stamp();
        MessageDraft {
            message_id: id,
            channel_id: Cell::Unstated(channel),
            author_id: Cell::Unstated(0),
            content: Cell::Unstated(String::new()),
            message_type: Cell::Unstated(ORDINARY.to_owned()),
            message_created_at: Cell::Unstated(created_at),
            message_edited_at: Cell::Unstated(None),
            reply_to_message_id: Cell::Unstated(None),
            has_attachments: Cell::Unstated(false),
            attachment_urls: Cell::Unstated(Json::Array(Vec::new())),
            is_pinned: Cell::Unstated(false),
            is_deleted: Cell::StatedAt(true, stamp.clone()),
            deleted_at: Cell::StatedAt(Some(self.at), stamp.clone()),
            reactions: Cell::Unstated(()),
            stamp,
            item,
        }
    }
}

/// Flags messages that the sheets lack, and messages of the sheets that a newer listing lacks. The
/// sheets' messages are stored, and their channels locked.
pub async fn apply(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Export, Message>],
    channels: &[Done],
) -> QueryResult<()> {
    let mut deletions = late(tx, sheets, channels).await?;
    deletions.extend(lacking(tx, sheets, channels).await?);
    deletions.sort_by_key(|draft| draft.message_id);
    while !deletions.is_empty() {
        let rest = deletions.split_off(CHUNK.min(deletions.len()));
        upsert(tx, deletions).await?;
        deletions = rest;
    }
    Ok(())
}

/// Messages of the sheets that were gone when a newer listing was made, which came before.
async fn late(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Export, Message>],
    channels: &[Done],
) -> QueryResult<Vec<MessageDraft>> {
    let scopes: BTreeSet<String> =
        sheets.iter().map(|sheet| sheet.envelope.channel.id.to_string()).collect();
    let kept = statements::of(tx, FOLD, scopes.iter().map(String::as_str)).await?;
    let mut deletions = Vec::new();
    for (sheet, channel) in sheets.iter().zip(channels) {
        let scope = sheet.envelope.channel.id.to_string();
        let newer: Vec<Listing> = kept
            .get(&scope)
            .into_iter()
            .flatten()
            .filter_map(Listing::from_statement)
            .filter(|listing| listing.at > sheet.envelope.exported_at)
            .collect();
        if newer.is_empty() {
            continue;
        }
        for (item, message) in &sheet.items {
            let last = newer.iter().rev().find(|l| l.covers(message.id, message.created_at));
            deletions
                .extend(last.map(|l| l.delete(message.id, channel.id, message.created_at, *item)));
        }
    }
    Ok(deletions)
}

/// Stored messages that the sheets' own listings lack.
async fn lacking(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Export, Message>],
    channels: &[Done],
) -> QueryResult<Vec<MessageDraft>> {
    let mut listings = Vec::new();
    let mut stated = Vec::new();
    for (sheet, channel) in sheets.iter().zip(channels) {
        if let Some(listing) = Listing::of(sheet) {
            stated.push(listing.statement(sheet.envelope.channel.id));
            let item = sheet.items.first().map_or(-1, |(item, _)| *item);
            listings.push((listing, channel.id, item));
        }
    }
    // What was said before is applied already.
    let fates = statements::keep(tx, FOLD, &stated).await?;
    let news: BTreeMap<i64, &(Listing, i64, i32)> = (0..)
        .zip(listings.iter().zip(fates))
        .filter(|(_, (_, fate))| *fate != Kept::Same)
        .map(|(nth, (listing, _))| (nth, listing))
        .collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let time = |at: Option<_>| at.map_or(Value::Null, Value::Timestamptz);
    let select = Given::default()
        .ids("listing", news.keys().copied())
        .ids("channel_id", news.values().map(|(_, channel, _)| *channel))
        .with(
            "at",
            SqlType::Timestamptz,
            news.values().map(|(listing, ..)| Value::Timestamptz(listing.at)),
        )
        .with("after", SqlType::Timestamptz, news.values().map(|(l, ..)| time(l.range.after)))
        .with("before", SqlType::Timestamptz, news.values().map(|(l, ..)| time(l.range.before)))
        .statement(
            "select u.listing, m.message_id, m.message_created_at from",
            "join discord_message m on m.channel_id = u.channel_id \
             and m.message_created_at < u.at \
             and (u.after is null or m.message_created_at > u.after) \
             and (u.before is null or m.message_created_at < u.before) \
             and (m.exported_at is null or m.exported_at < u.at)",
        );
    let mut deletions = Vec::new();
    for row in tx.query(select).await? {
        if let [Value::BigInt(nth), Value::BigInt(id), Value::Timestamptz(created_at)] =
            row.0.as_slice()
            && let Some((listing, channel, item)) = news.get(nth)
            && listing.covers(*id, *created_at)
        {
            deletions.push(listing.delete(*id, *channel, *created_at, *item));
        }
    }
    Ok(deletions)
}
