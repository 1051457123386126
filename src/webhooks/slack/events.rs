//! `webhooks/slack`: the events of Slack as payloads.

use chrono::{DateTime, Utc};

use crate::{
    db::Connection,
    domains::slack::ingest::{
        Envelope, Item, Place, channels, id, maybe_id,
        messages::{self, Move, timestamp},
        moved::Moved,
        refuse, store,
        teams::Team,
        users,
    },
    ingest::{
        kind::{
            Context, DocumentKind, Place as Placed, Refusing, Seen, Sheet, Spec, Storing, items_of,
        },
        stamp::{Stamp, digest},
        tx::Tx,
        value::Node,
    },
    webhooks::{path, spec},
};

/// The kind of Slack's events.
#[derive(Debug)]
pub struct SlackEvents;

static SPEC: Spec = Spec {
    params: &["delivery", "allow_private"],
    ..spec("slack", "Events of Slack, by the rules of the slack kinds.")
};

impl DocumentKind for SlackEvents {
    type Envelope = Envelope;
    type Item = Item;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, _: Node<'_>, _: &Context) -> Option<Envelope> {
        Some(Envelope::default())
    }

    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Envelope,
        context: &Context,
    ) -> Option<Seen<Item>> {
        let Some(delivery) = context.param("delivery") else {
            item.fault("missing_context", "An event has an id.");
            return None;
        };
        if item.raw().is_none_or(|value| !value.is_object()) {
            item.fault("unknown_shape", "An event is an object.");
            return None;
        }
        let stamp = Stamp { source_at: Some(context.received_at), ..Stamp::BOTTOM };
        envelope.path = Some((path("slack", delivery, context), stamp.clone()));
        let item = if item.get("type").str() == Some("event_callback") {
            event(item, context)?
        } else {
            Item::Nothing(None)
        };
        Some(Seen { item, key: delivery.to_owned(), stamp })
    }

    fn place(&self, sheet: &Sheet<Envelope, Item>, context: &Context) -> Placed {
        match &sheet.envelope.path {
            Some((path, stamp)) => Placed { path: path.clone(), stamp: stamp.clone() },
            None => Placed { path: path("slack", "_", context), stamp: Stamp::BOTTOM },
        }
    }

    fn unread(&self, item: Node<'_>, _: Option<&Envelope>, _: &Context) -> Option<Item> {
        said_in(item).map(|place| Item::Nothing(Some(place)))
    }

    fn refuse<'a>(
        &'a self,
        conn: &'a mut Connection,
        items: &'a [(i32, &'a Item)],
        context: &'a Context,
    ) -> Refusing<'a> {
        Box::pin(refuse::refuse(conn, items, context))
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Envelope, Item>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move { store::store(tx, &items_of(sheets), context).await })
    }
}

/// What an event means.
fn event(callback: Node<'_>, context: &Context) -> Option<Item> {
    let event = callback.get("event");
    let team = id(callback.get("team_id"));
    let place = place_of(event, team.clone());
    match event.get("type").str().unwrap_or_default() {
        "message" => messages::event(event, &needed(event, place)?, context),
        name @ ("member_joined_channel" | "member_left_channel") => {
            let (user, at) = (id(event.get("user")), happened(event));
            Some(Item::Move(Move {
                place: needed(event, place)?,
                user: user?,
                is_joined: name == "member_joined_channel",
                at: at?,
            }))
        }
        "channel_created" | "channel_rename" | "channel_archive" | "channel_unarchive" => {
            channel(event, needed(event, place)?, context)
        }
        "channel_id_changed" => {
            let (old, new) = (id(event.get("old_channel_id")), id(event.get("new_channel_id")));
            let at = happened(event);
            let place = Place { team, channel: new?, seen_as: None };
            Some(Item::Moved(Moved { place, from: old?, at: at? }))
        }
        "team_join" | "user_change" | "user_profile_changed" => {
            Some(Item::User(Box::new(users::user(event.get("user"), context)?)))
        }
        "team_rename" => {
            let (name, at) = (event.get("name").filled_text(), happened(event));
            let at = context.source_time(Some(at?), event.get("event_ts"));
            Some(Item::Team(Team::named(team?, name, at, context)))
        }
        name => {
            if name == "channel_deleted" {
                event.warn("ignored", "Rows of a deleted channel stay.");
            }
            team?;
            Some(Item::Nothing(place))
        }
    }
}

/// The channel of an event, and what the event says of its type.
fn place_of(event: Node<'_>, team: Option<String>) -> Option<Place> {
    Some(Place { team, channel: maybe_id(channel_of(event))?, seen_as: seen_as(event) })
}

fn channel_of(event: Node<'_>) -> Node<'_> {
    let whole = event.get("channel");
    let channel = if whole.is_filled() { whole.get("id") } else { whole };
    if channel.str().is_some() { channel } else { event.get("item").get("channel") }
}

fn seen_as(event: Node<'_>) -> Option<&'static str> {
    match event.get("channel_type").str() {
        Some("group" | "G") => Some("private_channel"),
        Some("im") => Some("im"),
        Some("mpim") => Some("mpim"),
        _ => None,
    }
}

/// The channel of an event that cannot be read. One that shows what kind of channel it is need not
/// name it.
fn said_in(callback: Node<'_>) -> Option<Place> {
    let event = callback.get("event");
    let team = callback.get("team_id").str().map(str::to_owned);
    let channel = channel_of(event).str().unwrap_or_default().trim().to_owned();
    let flagged = channels::flagged(event.get("channel"), &channel);
    let seen_as = seen_as(event).or(flagged.filter(|name| *name != channels::PUBLIC));
    (seen_as.is_some() || !channel.is_empty()).then_some(Place { team, channel, seen_as })
}

fn needed(event: Node<'_>, place: Option<Place>) -> Option<Place> {
    if place.is_none() {
        event.get("channel").fault("missing_field", "The event names no channel.");
    }
    place
}

fn happened(event: Node<'_>) -> Option<DateTime<Utc>> {
    timestamp(event.get("event_ts")).map(|(_, at)| at)
}

/// A channel that was made or renamed; an archived one is only named.
fn channel(event: Node<'_>, place: Place, context: &Context) -> Option<Item> {
    let at = happened(event);
    let object = event.get("channel");
    if !object.is_filled() {
        let mut channel = channels::Channel::named(place);
        channel.stamp.source_at = Some(at?);
        return Some(Item::Channel(Box::new(channel)));
    }
    let mut channel = channels::channel(object, context)?;
    channel.channel_type = channels::flagged(object, &place.channel);
    channel.place = place;
    channel.members = None;
    let source_at = context.source_time(Some(at?), event.get("event_ts"));
    channel.stamp = Stamp { source_at, rank: 0, as_of: context.as_of, digest: digest(&channel) };
    Some(Item::Channel(Box::new(channel)))
}
