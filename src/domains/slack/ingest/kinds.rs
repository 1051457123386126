//! The five Slack kinds: their names, their words, how each reads an item.

use super::{
    Envelope, Item, Place as ChannelPlace, channels, members, messages, refuse, store, teams, users,
};
use crate::{
    db::Connection,
    ingest::{
        archive::Folder,
        kind::{
            Context, DocumentKind, Items, Known, Location, Place, Refusing, Seen, Sheet, Spec,
            Storing, Watermark, items_of,
        },
        read::AnyKind,
        stamp::Stamp,
        tx::Tx,
        value::Node,
    },
};

/// A Slack kind: all share how their items are refused and stored.
#[derive(Debug)]
pub struct SlackKind {
    spec: Spec,
    read: fn(Node<'_>, &mut Envelope, &Context) -> Option<Seen<Item>>,
    /// The channel of an item that cannot be read.
    said_in: fn(Node<'_>, Option<&Envelope>, &Context) -> Option<ChannelPlace>,
}

/// What is said in no channel.
fn nowhere(_: Node<'_>, _: Option<&Envelope>, _: &Context) -> Option<ChannelPlace> {
    None
}

impl SlackKind {
    fn is_messages(&self) -> bool {
        self.spec.name == "messages"
    }
}

impl DocumentKind for SlackKind {
    type Envelope = Envelope;
    type Item = Item;

    fn spec(&self) -> &'static Spec {
        KINDS
            .iter()
            .map(|kind| &kind.spec)
            .find(|spec| spec.name == self.spec.name)
            .unwrap_or(&KINDS[0].spec)
    }

    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<Envelope> {
        Some(if self.is_messages() {
            messages::open(envelope, context)
        } else {
            Envelope::default()
        })
    }

    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Envelope,
        context: &Context,
    ) -> Option<Seen<Item>> {
        (self.read)(item, envelope, context)
    }

    fn place(&self, sheet: &Sheet<Envelope, Item>, context: &Context) -> Place {
        match &sheet.envelope.path {
            Some((path, stamp)) => Place { path: path.clone(), stamp: stamp.clone() },
            None if self.is_messages() => messages::place(sheet, context),
            // A document without items, which only a list can be.
            None => Place {
                path: Folder::of(super::TRACKER).fixed("_").file("empty", "json"),
                stamp: Stamp::BOTTOM,
            },
        }
    }

    fn locate(&self, item: Node<'_>, envelope: &Envelope, context: &Context) -> Location {
        if self.is_messages() {
            messages::locate(item, envelope, context)
        } else {
            Location::default()
        }
    }

    fn unread(
        &self,
        item: Node<'_>,
        envelope: Option<&Envelope>,
        context: &Context,
    ) -> Option<Item> {
        (self.said_in)(item, envelope, context).map(|place| Item::Nothing(Some(place)))
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

const fn spec(name: &'static str, doc: &'static str) -> Spec {
    Spec::new("slack", name, doc)
}

/// A row that is no stub: something was stated about it.
const MESSAGES_AT: &str = "select t.team_id || '/' || c.channel_id as scope, \
     greatest(m.slack_message_created_at, m.slack_message_updated_at) as at, m.ts as key, \
     (extract(epoch from greatest(m.slack_message_created_at, m.slack_message_updated_at)) \
      * 1000000)::bigint as position \
     from slack_message m join slack_channel c on c.id = m.channel_id \
     join slack_team t on t.id = c.team_id \
     where m.source_at is not null and (m.column_stamps -> 'message') is distinct from 'null'";

/// Keys of channels that everybody may read.
const OF_PUBLIC_CHANNELS: Option<&str> = Some(
    "exists (select from slack_channel c join slack_team t on t.id = c.team_id \
     where t.team_id = u.team and c.channel_id = u.channel \
     and c.channel_type = 'public_channel')",
);

/// Every Slack kind. A new one is a line here and a file beside this one.
static KINDS: [SlackKind; 5] = [
    SlackKind {
        spec: Spec {
            source_time: false,
            schema: include_str!("schema/teams.json"),
            example: include_str!("example/teams.json"),
            watermark: Watermark::None("Teams have no time of their own."),
            known: Known {
                key: "{team}",
                stored: "u join slack_team t on t.team_id = u.team and t.source_digest <> ''",
                deleted: None,
            },
            ..spec("teams", "Workspaces: `team.info`, or `{\"team_id\", \"team_name\"}`.")
        },
        read: teams::read,
        said_in: nowhere,
    },
    SlackKind {
        spec: Spec {
            params: &["team"],
            wrappers: &["members"],
            schema: include_str!("schema/users.json"),
            example: include_str!("example/users.json"),
            watermark: Watermark::None("`users.list` is read whole each time."),
            known: Known {
                key: "{user}",
                stored: "u join slack_user t on t.slack_user_id = u.user and t.source_digest <> ''",
                deleted: None,
            },
            ..spec("users", "People and bots: `users.list`, `users.info`, or arrays of users.")
        },
        read: users::read,
        said_in: nowhere,
    },
    SlackKind {
        spec: Spec {
            params: &["team", "allow_private"],
            wrappers: &["channels"],
            source_time: false,
            schema: include_str!("schema/channels.json"),
            example: include_str!("example/channels.json"),
            watermark: Watermark::None("`conversations.list` is read whole each time."),
            known: Known {
                key: "{team}/{channel}",
                stored: "u join slack_team t on t.team_id = u.team join slack_channel c \
                         on c.team_id = t.id and c.channel_id = u.channel \
                         and c.source_digest <> ''",
                deleted: None,
            },
            public_keys: OF_PUBLIC_CHANNELS,
            ..spec(
                "channels",
                "Channels: `conversations.list`, `conversations.info`, or arrays of channels. \
                 Channels that are not public are refused without `allow_private=true`.",
            )
        },
        read: channels::read,
        said_in: channels::said_in,
    },
    SlackKind {
        spec: Spec {
            params: &["team", "channel", "allow_private"],
            array_is_one: true,
            source_time: false,
            schema: include_str!("schema/channel-members.json"),
            example: include_str!("example/channel-members.json"),
            watermark: Watermark::None("A list of members is read whole each time."),
            known: Known {
                key: "{team}/{channel}",
                stored: "u join slack_team t on t.team_id = u.team join slack_channel c \
                         on c.team_id = t.id and c.channel_id = u.channel \
                         and c.members_at is not null",
                deleted: None,
            },
            public_keys: OF_PUBLIC_CHANNELS,
            ..spec(
                "channel-members",
                "Who is in a channel: `conversations.members`, `{\"channel\", \"members\"}`, or \
                 an array of ids. Who is not listed has left, unless the list has more pages.",
            )
        },
        read: members::read,
        said_in: members::said_in,
    },
    SlackKind {
        spec: Spec {
            params: &["team", "channel", "allow_private"],
            items: Items::Under(&["messages"]),
            array_is_one: true,
            limit: 200_000,
            schema: include_str!("schema/messages.json"),
            example: include_str!("example/messages.json"),
            watermark: Watermark::Private {
                rows: MESSAGES_AT,
                public: "c.channel_type = 'public_channel'",
            },
            known: Known {
                key: "{team}/{channel}:{ts}",
                stored: "u join slack_team t on t.team_id = u.team join slack_channel c \
                         on c.team_id = t.id and c.channel_id = u.channel \
                         join slack_message m on m.channel_id = c.id and m.ts = u.ts \
                         and (m.column_stamps -> 'message') is distinct from 'null'",
                deleted: Some(("slack_message", "u.team || '/' || u.channel || ':' || u.ts")),
            },
            public_keys: OF_PUBLIC_CHANNELS,
            ..spec(
                "messages",
                "Messages, joins and leaves of a channel: a page of `conversations.history` or \
                 `conversations.replies`, a day of an export, `{\"team\", \"channel\", \
                 \"messages\"}`, or one message with its `channel`.",
            )
        },
        read: messages::read,
        said_in: messages::said_in,
    },
];

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    KINDS.iter().map(|kind| kind as &dyn AnyKind).collect()
}
