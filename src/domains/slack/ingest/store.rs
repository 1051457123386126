//! Storing a batch of Slack items of any kind: parents first, each table once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::{QueryResult, result::Error};

use super::{
    Item, Place,
    change_log::{self, Placed},
    channels,
    members::Members,
    membership::{self, Event, List},
    messages::Message,
    moved,
    refuse::{self, Channels},
    removal, teams,
    users::{self, User},
};
use crate::{
    domains::users::ingest::email::{self, Mention},
    ingest::{
        kind::{Context, Outcome},
        register::Draft,
        statements, tombstone,
        tx::Tx,
        upsert::{Action, Done, upsert},
    },
};

/// Drafts of one statement.
const CHUNK: usize = 10_000;

/// What orders transactions that write in one channel.
const LOCK: &str = "slack channel";

/// A channel by Slack's ids of its team and itself.
type Key = (String, String);

/// Stores items; one outcome for each, in order.
pub async fn store(
    tx: &mut Tx<'_>,
    items: &[(i32, &Item)],
    _context: &Context,
) -> QueryResult<Vec<Outcome>> {
    let keys = resolve(tx, items).await?;
    lock(tx, items, &keys).await?;
    if keys != resolve(tx, items).await? {
        // A channel got another id meanwhile.
        return Err(Error::RollbackTransaction);
    }
    let mut outcomes = Outcomes(vec![None; items.len()]);
    move_channels(tx, items, &keys, &mut outcomes).await?;
    let teams = store_teams(tx, items, &keys, &mut outcomes).await?;
    let users = store_users(tx, items, &mut outcomes).await?;
    let channels = store_channels(tx, items, &keys, &teams, &users, &mut outcomes).await?;
    let batch = Batch { items, keys: &keys, users: &users, channels: &channels };
    batch.store_membership(tx, &mut outcomes).await?;
    batch.store_messages(tx, &mut outcomes).await?;
    for (slot, (_, item)) in items.iter().enumerate() {
        if matches!(item, Item::Nothing(_)) {
            outcomes.put(slot, Action::Unchanged, "", None);
        }
    }
    outcomes.0.into_iter().collect::<Option<_>>().ok_or(Error::NotFound)
}

/// The channel of each item, by the ids that it has now.
async fn resolve(tx: &mut Tx<'_>, items: &[(i32, &Item)]) -> QueryResult<Vec<Option<Key>>> {
    let known = Channels::of(tx.conn, refuse::named(items.iter().map(|(_, item)| *item))).await?;
    let key = |place: &Place| {
        // What has no team was refused; a channel that has gone since is looked for again.
        let team = known.team(place).ok_or(Error::NotFound)?;
        Ok((team.to_owned(), known.present(team, &place.channel).to_owned()))
    };
    items
        .iter()
        .map(|(_, item)| match item {
            Item::Nothing(_) => Ok(None),
            item => item.place().map(key).transpose(),
        })
        .collect()
}

/// Merges channels that got another id.
async fn move_channels(
    tx: &mut Tx<'_>,
    items: &[(i32, &Item)],
    keys: &[Option<Key>],
    outcomes: &mut Outcomes,
) -> QueryResult<()> {
    for (slot, ((index, item), key)) in items.iter().zip(keys).enumerate() {
        if let (Item::Moved(moved), Some((team, to))) = (item, key) {
            let (action, row) = moved::store(tx, team, to, moved, *index).await?;
            outcomes.put(slot, action, "slack_channel", row);
        }
    }
    Ok(())
}

/// What became of each item of the batch.
struct Outcomes(Vec<Option<Outcome>>);

impl Outcomes {
    fn put(&mut self, slot: usize, action: Action, table: &'static str, row_id: Option<i64>) {
        self.0[slot] = Some(Outcome { action, table, row_id });
    }

    fn done(&mut self, slot: usize, done: &Done, table: &'static str) {
        self.put(slot, done.action, table, Some(done.id));
    }

    /// Something that hangs on the item changed too.
    fn touch(&mut self, slot: usize) {
        if let Some(outcome) = &mut self.0[slot]
            && outcome.action != Action::Inserted
        {
            outcome.action = Action::Updated;
        }
    }
}

/// Takes every lock that orders transactions, before any row is locked: guests, then channels.
async fn lock(tx: &mut Tx<'_>, items: &[(i32, &Item)], keys: &[Option<Key>]) -> QueryResult<()> {
    let mut guests = Vec::new();
    let mut makes_memberships = false;
    let mut scopes = BTreeSet::new();
    for ((_, item), key) in items.iter().zip(keys) {
        match item {
            Item::User(user) => guests.extend(user.is_restricted.map(|flag| (&*user.id, flag))),
            Item::Channel(channel) if channel.members.is_none() => continue,
            Item::Channel(_) | Item::Members(_) | Item::Move(_) => makes_memberships = true,
            Item::Moved(moved) => {
                makes_memberships = true;
                scopes.extend(key.as_ref().map(|(team, _)| format!("{team}/{}", moved.from)));
            }
            _ => {}
        }
        scopes.extend(key.as_ref().map(|(team, channel)| format!("{team}/{channel}")));
    }
    let alone = membership::any_new_guest(tx, &guests).await?;
    if alone || makes_memberships {
        membership::lock_guests(tx, alone).await?;
    }
    statements::lock(tx, LOCK, scopes.iter().map(String::as_str)).await
}

/// Upserts in chunks sorted by key; the answer has the drafts' order.
async fn upsert_chunked<D: Draft, K: Ord>(
    tx: &mut Tx<'_>,
    drafts: Vec<D>,
    key: impl Fn(&D) -> K,
) -> QueryResult<Vec<Done>> {
    let mut sorted: Vec<(usize, D)> = drafts.into_iter().enumerate().collect();
    sorted.sort_by_key(|(_, draft)| key(draft));
    let mut done: Vec<Option<Done>> = vec![None; sorted.len()];
    let mut rest = sorted.into_iter().peekable();
    while rest.peek().is_some() {
        let (order, chunk): (Vec<usize>, Vec<D>) = rest.by_ref().take(CHUNK).unzip();
        for (slot, stored) in order.into_iter().zip(upsert(tx, chunk).await?) {
            done[slot] = Some(stored);
        }
    }
    done.into_iter().collect::<Option<_>>().ok_or(Error::NotFound)
}

/// Teams that are items, and those of channels; gives their rows.
async fn store_teams(
    tx: &mut Tx<'_>,
    items: &[(i32, &Item)],
    keys: &[Option<Key>],
    outcomes: &mut Outcomes,
) -> QueryResult<HashMap<String, i64>> {
    let (mut drafts, mut slots) = (Vec::new(), Vec::new());
    let mut stubs: BTreeMap<&str, i32> = BTreeMap::new();
    for (slot, ((index, item), key)) in items.iter().zip(keys).enumerate() {
        if let Item::Team(team) = item {
            slots.push(slot);
            drafts.push(team.draft(*index));
        }
        if let Some((team, _)) = key {
            stubs.entry(team).or_insert(*index);
        }
    }
    drafts.extend(stubs.iter().map(|(team, item)| teams::stub(team, *item)));
    let names: Vec<String> = drafts.iter().map(|draft| draft.team_id.clone()).collect();
    let done = upsert_chunked(tx, drafts, |draft| draft.team_id.clone()).await?;
    for (slot, done) in slots.into_iter().zip(&done) {
        outcomes.done(slot, done, "slack_team");
    }
    Ok(names.into_iter().zip(done.iter().map(|done| done.id)).collect())
}

/// Users that are items, and those that others name; gives their rows.
async fn store_users(
    tx: &mut Tx<'_>,
    items: &[(i32, &Item)],
    outcomes: &mut Outcomes,
) -> QueryResult<HashMap<String, i64>> {
    let (mut drafts, mut slots) = (Vec::new(), Vec::new());
    let mut full: Vec<&User> = Vec::new();
    let mut stubs: BTreeMap<&str, i32> = BTreeMap::new();
    for (slot, (index, item)) in items.iter().enumerate() {
        if let Item::User(user) = item {
            slots.push(slot);
            drafts.push(user.draft(*index));
            full.push(user);
        }
        for user in named(item) {
            stubs.entry(user).or_insert(*index);
        }
    }
    drafts.extend(stubs.iter().map(|(user, item)| users::stub(user, *item)));
    let names: Vec<String> = drafts.iter().map(|draft| draft.slack_user_id.clone()).collect();
    let done = upsert_chunked(tx, drafts, |draft| draft.slack_user_id.clone()).await?;
    let mentions = full.iter().zip(&done).filter_map(|(user, done)| {
        let address = user.address.clone()?;
        Some(Mention { profile: done.id, address, at: user.stamp.source_at })
    });
    let reachable = email::record(tx, mentions.collect()).await?;
    let mut guests = Vec::new();
    for ((slot, user), done) in slots.into_iter().zip(full).zip(&done) {
        outcomes.done(slot, done, "slack_user");
        if reachable.contains(&done.id) {
            outcomes.touch(slot);
        }
        if user.is_restricted.is_some() && done.action == Action::Updated {
            guests.push(done.id);
        }
    }
    membership::mark_guests(tx, guests).await?;
    Ok(names.into_iter().zip(done.iter().map(|done| done.id)).collect())
}

/// The users that an item names without saying more about them.
fn named<'i>(item: &'i Item) -> Vec<&'i str> {
    let of = |members: &'i Members| members.users.iter().map(String::as_str);
    match item {
        Item::Channel(channel) => {
            let creator = channel.creator.iter().flatten().map(String::as_str);
            creator.chain(channel.members.iter().flat_map(of)).collect()
        }
        Item::Members(members) => of(members).collect(),
        Item::Message(message) => message.user.as_deref().into_iter().collect(),
        Item::Move(event) => vec![&event.user],
        Item::Team(_) | Item::User(_) | Item::Deleted(_) | Item::Moved(_) | Item::Nothing(_) => {
            Vec::new()
        }
    }
}

/// Channels that are items, and those that others name; gives their rows.
async fn store_channels(
    tx: &mut Tx<'_>,
    items: &[(i32, &Item)],
    keys: &[Option<Key>],
    teams: &HashMap<String, i64>,
    users: &HashMap<String, i64>,
    outcomes: &mut Outcomes,
) -> QueryResult<HashMap<Key, i64>> {
    let (mut drafts, mut slots, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut stubs: BTreeMap<&Key, i32> = BTreeMap::new();
    let mut seen = Vec::new();
    let team = |key: &Key| teams.get(&key.0).copied().ok_or(Error::NotFound);
    for (slot, ((index, item), key)) in items.iter().zip(keys).enumerate() {
        let Some(key) = key else { continue };
        if let Item::Channel(channel) = item {
            let creator = channel.creator.iter().flatten().find_map(|user| users.get(user));
            slots.push(slot);
            names.push(key);
            drafts.push(channel.draft(team(key)?, creator.copied(), *index));
        } else {
            stubs.entry(key).or_insert(*index);
            if let Some(seen_as) = item.place().and_then(|place| place.seen_as) {
                seen.push((key, (seen_as, item.at()), *index));
            }
        }
    }
    for (key, item) in stubs {
        names.push(key);
        drafts.push(channels::stub(team(key)?, &key.1, None, item));
    }
    for (key, seen_as, item) in seen {
        names.push(key);
        drafts.push(channels::stub(team(key)?, &key.1, Some(seen_as), item));
    }
    let done =
        upsert_chunked(tx, drafts, |draft| (draft.team_id, draft.channel_id.clone())).await?;
    for (slot, done) in slots.into_iter().zip(&done) {
        outcomes.done(slot, done, "slack_channel");
    }
    Ok(names.into_iter().cloned().zip(done.iter().map(|done| done.id)).collect())
}

/// A batch whose parents are stored.
struct Batch<'b> {
    items: &'b [(i32, &'b Item)],
    keys: &'b [Option<Key>],
    users: &'b HashMap<String, i64>,
    channels: &'b HashMap<Key, i64>,
}

impl<'b> Batch<'b> {
    /// Each item with its position and the row of its channel.
    fn placed(&self) -> impl Iterator<Item = (usize, i32, &'b Item, i64)> {
        self.items.iter().zip(self.keys).enumerate().filter_map(|(slot, ((index, item), key))| {
            Some((slot, *index, *item, *self.channels.get(key.as_ref()?)?))
        })
    }

    fn user(&self, id: &str) -> QueryResult<i64> {
        self.users.get(id).copied().ok_or(Error::NotFound)
    }

    /// Lists of members, joins and leaves.
    async fn store_membership(&self, tx: &mut Tx<'_>, outcomes: &mut Outcomes) -> QueryResult<()> {
        let (mut events, mut lists, mut moves) = (Vec::new(), Vec::new(), Vec::new());
        let (mut listings, mut move_slots) = (Vec::new(), Vec::new());
        for (slot, index, item, channel) in self.placed() {
            let members = match item {
                Item::Members(members) => members,
                Item::Channel(named) => match &named.members {
                    Some(members) => members,
                    None => continue,
                },
                Item::Move(event) => {
                    let user = self.user(&event.user)?;
                    let (at, is_joined) = (event.at, event.is_joined);
                    events.push(Event { channel, user, at, is_member: is_joined, item: index });
                    let at = at.timestamp_micros();
                    moves.push(Placed { channel, user, at, is_joined, item: index });
                    move_slots.push(slot);
                    continue;
                }
                _ => continue,
            };
            let mut users = Vec::with_capacity(members.users.len());
            for id in &members.users {
                let (user, at) = (self.user(id)?, members.at);
                events.push(Event { channel, user, at, is_member: true, item: index });
                users.push(user);
            }
            if members.is_full {
                lists.push(List { channel, at: members.at, item: index });
            }
            listings.push((slot, (index, channel, members.is_full, users)));
        }
        let changes = membership::store(tx, &events, &lists).await?;
        let idle: Vec<(i32, i64, bool, Vec<i64>)> = listings
            .iter()
            .map(|(_, listing)| listing)
            .filter(|(item, ..)| !changes.made.contains(item) && !changes.changed.contains(item))
            .cloned()
            .collect();
        let outdated = membership::outdated(tx, &idle).await?;
        for (slot, (item, channel, ..)) in listings {
            let has_effect = changes.made.contains(&item) || changes.changed.contains(&item);
            if matches!(self.items[slot].1, Item::Channel(_)) {
                if has_effect {
                    outcomes.touch(slot);
                }
                continue;
            }
            let action = match has_effect {
                true if !changes.peopled.contains(&channel) => Action::Inserted,
                true => Action::Updated,
                false if outdated.contains(&item) => Action::Stale,
                false => Action::Unchanged,
            };
            outcomes.put(slot, action, "slack_channel", Some(channel));
        }
        let done = change_log::store(tx, &moves).await?;
        for ((slot, event), done) in move_slots.into_iter().zip(&moves).zip(done) {
            outcomes.put(slot, done.action, change_log::TABLE, done.id);
            if changes.made.contains(&event.item) || changes.changed.contains(&event.item) {
                outcomes.touch(slot);
            }
        }
        Ok(())
    }

    /// Messages that were deleted, then those that were not.
    async fn store_messages(&self, tx: &mut Tx<'_>, outcomes: &mut Outcomes) -> QueryResult<()> {
        let key = |slot: usize, ts: &str| match &self.keys[slot] {
            Some((team, channel)) => format!("{team}/{channel}:{ts}"),
            None => String::new(),
        };
        let mut gone: BTreeMap<String, (i64, String)> = BTreeMap::new();
        let mut said: Vec<(usize, i32, &Message, i64, String)> = Vec::new();
        for (slot, index, item, channel) in self.placed() {
            match item {
                Item::Deleted(deleted) => {
                    gone.insert(key(slot, &deleted.ts), (channel, deleted.ts.clone()));
                }
                Item::Message(message) => {
                    said.push((slot, index, message, channel, key(slot, &message.ts)));
                }
                _ => {}
            }
        }
        let mut removed = removal::remove(tx, &gone).await?;
        for (slot, _, item, _) in self.placed() {
            if let Item::Deleted(deleted) = item {
                let was_there = removed.remove(&key(slot, &deleted.ts));
                let action = if was_there { Action::Updated } else { Action::Unchanged };
                outcomes.put(slot, action, removal::TABLE, None);
            }
        }
        let mut blocked = HashSet::new();
        let keys: Vec<String> = said.iter().map(|(.., key)| key.clone()).collect();
        for chunk in keys.chunks(CHUNK) {
            blocked.extend(tombstone::blocked(tx, removal::TABLE, chunk).await?);
        }
        let (mut drafts, mut slots) = (Vec::new(), Vec::new());
        for (slot, index, message, channel, key) in &said {
            if blocked.contains(key) {
                outcomes.put(*slot, Action::Stale, removal::TABLE, None);
                continue;
            }
            let user = match &message.user {
                Some(user) => Some(self.user(user)?),
                None => None,
            };
            slots.push(*slot);
            drafts.push(message.draft(*channel, user, *index));
        }
        let done = upsert_chunked(tx, drafts, |draft| (draft.channel_id, draft.ts.clone())).await?;
        for (slot, done) in slots.into_iter().zip(&done) {
            outcomes.done(slot, done, removal::TABLE);
        }
        Ok(())
    }
}
