//! The kind `discord/exports`.

use chrono::{DateTime, Utc};

use super::{
    export::Export,
    maybe_snowflake,
    message::{self, Message},
    store,
};
use crate::ingest::{
    kind::{
        Context, DocumentKind, Items, Known, Location, Place, Seen, Sheet, Spec, Storing, Watermark,
    },
    read::AnyKind,
    tx::Tx,
    value::Node,
};

/// `discord/exports`.
#[derive(Debug)]
struct Exports;

/// A key that is asked for as a number, if it is one.
macro_rules! message_id {
    () => {
        "case when u.message_id !~ '^[0-9]{1,19}$' then null \
         when u.message_id::numeric <= 9223372036854775807 then u.message_id::bigint end"
    };
}

static SPEC: Spec = Spec {
    params: &["allow_private"],
    complete: &["messages"],
    items: Items::Under(&["messages"]),
    limit: 1_000_000,
    // The exporter says when it ran; of a file without that only the manifest knows.
    source_time: false,
    schema: include_str!("schema/exports.json"),
    example: include_str!("example/exports.json"),
    watermark: Watermark::Private {
        rows: "select x.scope, m.message_created_at as at, m.message_id::text as key, \
               (extract(epoch from m.message_created_at) * 1000000)::bigint as position \
               from discord_message m join discord_channel c on c.id = m.channel_id \
               join discord_server s on s.id = c.server_id \
               cross join lateral (values (s.server_id::text), \
                   (s.server_id::text || '/' || c.channel_id::text)) x(scope) \
               where not m.is_deleted \
               and m.message_created_at <= m.created_at + interval '24 hours'",
        public: "s.server_id <> 0",
    },
    known: Known {
        key: "{message_id}",
        stored: concat!("u join discord_message m on m.message_id = ", message_id!()),
        deleted: None,
    },
    public_keys: Some(concat!(
        "not exists (select from discord_message m join discord_channel c on c.id = m.channel_id \
         join discord_server s on s.id = c.server_id where s.server_id = 0 and m.message_id = ",
        message_id!(),
        ")"
    )),
    ..Spec::new(
        "discord",
        "exports",
        "A channel's messages, as DiscordChatExporter writes them to a JSON file. With \
         `complete=messages` stored messages of the file's time span that it lacks are flagged as \
         deleted.",
    )
};

impl DocumentKind for Exports {
    type Envelope = Export;
    type Item = Message;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<Export> {
        Export::read(envelope, context)
    }

    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Export,
        context: &Context,
    ) -> Option<Seen<Message>> {
        Message::read(item, envelope, context)
    }

    fn place(&self, sheet: &Sheet<Export, Message>, _: &Context) -> Place {
        let Sheet { envelope, items } = sheet;
        Place { path: envelope.path(items), stamp: envelope.stamp(envelope.digest(items)) }
    }

    fn locate(&self, item: Node<'_>, envelope: &Export, _: &Context) -> Location {
        let scope = format!("{}/{}", envelope.server.id, envelope.channel.id);
        let at: Option<DateTime<Utc>> = item
            .get("timestamp")
            .instant()
            .value()
            .or_else(|| Some(message::sent_at(item, maybe_snowflake(item.get("id"))?)));
        Location { scope: Some(scope), position: at.map(|at| at.timestamp_micros()) }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Export, Message>],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store(tx, sheets))
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Exports]
}
