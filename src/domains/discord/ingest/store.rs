//! Storing exports: people, servers, channels, then messages in chunks, then what is derived.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::{QueryResult, result::Error};
use serde_json::Value as Json;

use super::{
    export::Export,
    listing,
    message::{Author, Message, unsigned},
};
use crate::{
    db::sql::{Json as JsonValue, SqlType, Statement, Value},
    ingest::{
        given::Given,
        kind::{Outcome, Sheet},
        sets::{self, Column, Listed, MemberKey, Mode, Set},
        stamp::Stamp,
        tx::Tx,
        upsert::{Action, Done, upsert, upsert_locking},
    },
};

/// Drafts of one statement: an export may have a million messages, and what is stored together is
/// copied several times on its way (10,000 took more than 100 MB).
pub const CHUNK: usize = 2_500;

/// The reactions of a message.
static REACTIONS: Set = Set {
    table: "discord_reaction",
    parent: "message_id",
    key: Column::new("emoji", SqlType::Text),
    values: &[Column::new("count", SqlType::Int)],
    created_at: true,
    updated_at: true,
};

/// A message of the batch, and where its outcome goes.
struct Placed<'a> {
    message: &'a Message,
    sheet: usize,
    item: i32,
    slot: usize,
}

/// Stores the messages of exports; one outcome for each, in order.
pub async fn store(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Export, Message>],
) -> QueryResult<Vec<Outcome>> {
    let authors = store_authors(tx, sheets).await?;
    let servers: Vec<_> =
        sheets.iter().map(|sheet| sheet.envelope.server_draft(first_item(sheet))).collect();
    let servers = upsert(tx, servers).await?;
    let channels: Vec<_> = sheets
        .iter()
        .zip(&servers)
        .map(|(sheet, server)| sheet.envelope.channel_draft(server.id, first_item(sheet)))
        .collect();
    // Exports of one channel are stored one after the other: which messages one of them lacks
    // depends on all the others.
    let locks = vec![true; channels.len()];
    let channels = upsert_locking(tx, channels, &locks).await?;

    let mut placed = Vec::new();
    for (sheet, Sheet { items, .. }) in sheets.iter().enumerate() {
        for (item, message) in items {
            placed.push(Placed { message, sheet, item: *item, slot: placed.len() });
        }
    }
    let mut outcomes = vec![None; placed.len()];
    placed.sort_by_key(|placed| placed.message.id);
    for chunk in placed.chunks(CHUNK) {
        let done = store_messages(tx, sheets, &channels, &authors, chunk).await?;
        for (placed, outcome) in chunk.iter().zip(done) {
            outcomes[placed.slot] = Some(outcome);
        }
    }
    listing::apply(tx, sheets, &channels).await?;
    derive_activity(tx, &channels).await?;
    outcomes.into_iter().collect::<Option<_>>().ok_or(Error::NotFound)
}

/// The item that a sheet's own rows come from; -1 where there is none.
fn first_item<E, I>(sheet: &Sheet<E, I>) -> i32 {
    sheet.items.first().map_or(-1, |(item, _)| *item)
}

/// Stores the authors of messages that are stored; gives their rows by Discord's id.
async fn store_authors(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Export, Message>],
) -> QueryResult<HashMap<i64, i64>> {
    let mut drafts = Vec::new();
    for Sheet { envelope, items } in sheets {
        let mut seen: HashSet<&Author> = HashSet::new();
        for (item, message) in items {
            if seen.insert(&message.author) {
                drafts.push(message.author.draft(envelope, *item));
            }
        }
    }
    drafts.sort_by_key(|draft| draft.discord_user_id);
    let mut rows = HashMap::with_capacity(drafts.len());
    while !drafts.is_empty() {
        let rest = drafts.split_off(CHUNK.min(drafts.len()));
        let ids: Vec<i64> = drafts.iter().map(|draft| draft.discord_user_id).collect();
        let done = upsert(tx, drafts).await?;
        rows.extend(ids.into_iter().zip(done.iter().map(|done| done.id)));
        drafts = rest;
    }
    Ok(rows)
}

/// Stores a chunk of messages, in the order of their ids, with their reactions.
async fn store_messages(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<Export, Message>],
    channels: &[Done],
    authors: &HashMap<i64, i64>,
    chunk: &[Placed<'_>],
) -> QueryResult<Vec<Outcome>> {
    let stored = stored_addresses(tx, chunk).await?;
    let mut resigned = Vec::new();
    let mut drafts = Vec::with_capacity(chunk.len());
    for Placed { message, sheet, item, .. } in chunk {
        let export = &sheets[*sheet].envelope;
        let author = authors.get(&message.author.id).copied().ok_or(Error::NotFound)?;
        let addresses: Json = message.attachments.clone().unwrap_or_default().into();
        let addresses = match stored.get(&message.id) {
            Some(stored) if *stored != addresses && same_addresses(stored, &addresses) => {
                resigned.push((message.id, message.stamp(export), addresses));
                stored.clone()
            }
            _ => addresses,
        };
        drafts.push(message.draft(export, channels[*sheet].id, author, addresses, *item));
    }
    let done = upsert(tx, drafts).await?;
    renew_signatures(tx, resigned).await?;
    let lists: Vec<Listed> = chunk
        .iter()
        .zip(&done)
        .filter(|(_, done)| done.sets[0])
        .map(|(placed, done)| Listed {
            parent: done.id,
            fresh: done.fresh,
            members: members(placed.message),
        })
        .filter(|list| !(list.fresh && list.members.is_empty()))
        .collect();
    let changed = sets::apply(tx, &REACTIONS, Mode::Replace, &lists).await?;
    Ok(done
        .into_iter()
        .map(|done| Outcome {
            action: match done.action {
                Action::Unchanged | Action::Stale if changed.contains(&done.id) && done.sets[0] => {
                    Action::Updated
                }
                action => action,
            },
            table: "discord_message",
            row_id: Some(done.id),
        })
        .collect())
}

fn members(message: &Message) -> BTreeMap<MemberKey, Vec<Value>> {
    let reactions = message.reactions.iter().flatten();
    reactions
        .map(|(emoji, count)| (MemberKey::Text(emoji.clone()), vec![Value::Int(*count)]))
        .collect()
}

/// The stored addresses of messages whose own have a signature that expires.
async fn stored_addresses(
    tx: &mut Tx<'_>,
    chunk: &[Placed<'_>],
) -> QueryResult<HashMap<i64, Json>> {
    let signed = |message: &Message| {
        message.attachments.iter().flatten().any(|url| unsigned(url).len() < url.len())
    };
    let ids: Vec<i64> = chunk
        .iter()
        .filter(|placed| signed(placed.message))
        .map(|placed| placed.message.id)
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let select = Given::default().ids("message_id", ids).statement(
        "select m.message_id, m.attachment_urls from",
        "join discord_message m on m.message_id = u.message_id",
    );
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match <[Value; 2]>::try_from(row.0) {
            Ok([Value::BigInt(id), Value::Jsonb(JsonValue(urls))]) => Some((id, urls)),
            _ => None,
        })
        .collect())
}

/// Whether two lists differ in signatures only.
fn same_addresses(left: &Json, right: &Json) -> bool {
    let bare = |urls: &Json| -> Option<Vec<String>> {
        urls.as_array()?
            .iter()
            .map(|url| url.as_str().map(|url| unsigned(url).to_owned()))
            .collect()
    };
    bare(left) == bare(right)
}

/// Keeps the signatures of the newest statement. That alone is no change of the message.
async fn renew_signatures(tx: &mut Tx<'_>, resigned: Vec<(i64, Stamp, Json)>) -> QueryResult<()> {
    if resigned.is_empty() {
        return Ok(());
    }
    let time = |at: Option<_>| at.map_or(Value::Null, Value::Timestamptz);
    let stamps = || resigned.iter().map(|(_, stamp, _)| stamp);
    let mut update =
        Statement::new("update discord_message m set attachment_urls = u.attachment_urls from ");
    Given::default()
        .ids("message_id", resigned.iter().map(|(id, ..)| *id))
        .with("source_at", SqlType::Timestamptz, stamps().map(|stamp| time(stamp.source_at)))
        .with("as_of", SqlType::Timestamptz, stamps().map(|stamp| time(stamp.as_of)))
        .with("digest", SqlType::Bytea, stamps().map(|stamp| Value::Bytea(stamp.digest.clone())))
        .with(
            "attachment_urls",
            SqlType::Jsonb,
            resigned.iter().map(|(.., urls)| Value::Jsonb(JsonValue(urls.clone()))),
        )
        .append(&mut update);
    update.push(
        " where m.message_id = u.message_id and m.source_digest = u.digest \
         and m.source_at is not distinct from u.source_at \
         and m.source_as_of is not distinct from u.as_of \
         and not coalesce(m.column_stamps ? 'attachment_urls', false)",
    );
    tx.execute(update).await?;
    Ok(())
}

/// A channel's time of its newest message that is not deleted.
async fn derive_activity(tx: &mut Tx<'_>, channels: &[Done]) -> QueryResult<()> {
    let actions: BTreeMap<i64, Action> =
        channels.iter().map(|done| (done.id, done.action)).collect();
    let mut update =
        Statement::new("update discord_channel c set last_activity_at = l.at, updated_at = ");
    update.bind(SqlType::Timestamptz, Value::Timestamptz(tx.now));
    update.push(
        " from (select u.id, (select max(m.message_created_at) from discord_message m \
         where m.channel_id = u.id and not m.is_deleted) as at from ",
    );
    Given::default().ids("id", actions.keys().copied()).append(&mut update);
    update
        .push(") l where c.id = l.id and c.last_activity_at is distinct from l.at returning c.id");
    let rows = tx.query(update).await?;
    let count = tx.count("discord_channel");
    for row in rows {
        let [Value::BigInt(id)] = row.0.as_slice() else { continue };
        // What was made or changed before is counted already.
        if matches!(actions.get(id), Some(Action::Unchanged | Action::Stale)) {
            count.unchanged = count.unchanged.saturating_sub(1);
            count.updated += 1;
        }
    }
    Ok(())
}
