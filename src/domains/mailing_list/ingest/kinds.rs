//! `mailing-list/messages`: its name, its words, how a document of mails is taken.

use super::{
    mail::{self, Mail, Thread},
    store,
};
use crate::ingest::{
    archive::Folder,
    kind::{
        Context, DocumentKind, Items, Known, Location, Place, Seen, Sheet, Spec, Storing,
        Watermark, items_of,
    },
    read::AnyKind,
    stamp::Stamp,
    tx::Tx,
    value::Node,
};

/// The archive folder of the collector.
const TRACKER: &str = "boost_mailing_list_tracker";

/// Mails of a list.
#[derive(Debug)]
pub struct Messages;

static SPEC: Spec = Spec {
    params: &["list"],
    items: Items::Under(&["messages"]),
    limit: 50_000,
    schema: include_str!("schema/messages.json"),
    example: include_str!("example/messages.json"),
    watermark: Watermark::Of(
        "select list_name as scope, sent_at as at, msg_id as key, \
         (extract(epoch from sent_at) * 1000000)::bigint as position from mailing_list_message \
         where sent_at <= updated_at + interval '1 day'",
    ),
    known: Known {
        key: "{msg_id}",
        stored: "u join mailing_list_message m on m.msg_id = u.msg_id or m.message_id = u.msg_id",
        deleted: None,
    },
    ..Spec::new(
        "mailing-list",
        "messages",
        "Mails: HyperKitty's `GET …/email/{hash}/`, records with our columns, records of a thread, or a \
         thread document `{\"thread_info\", \"messages\"}`.",
    )
};

/// What surrounds the mails of a document.
#[derive(Debug)]
pub struct Envelope {
    thread: Thread,
    is_thread: bool,
    /// List, thread and id of the first mail.
    first: Option<(String, Option<String>, String)>,
    /// The greatest stamp of a mail.
    stamp: Stamp,
}

impl DocumentKind for Messages {
    type Envelope = Envelope;
    type Item = Mail;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, envelope: Node<'_>, _: &Context) -> Option<Envelope> {
        Some(Envelope {
            thread: Thread::read(envelope.get("thread_info")),
            is_thread: !envelope.is_blank(),
            first: None,
            stamp: Stamp::BOTTOM,
        })
    }

    fn read(
        &self,
        item: Node<'_>,
        envelope: &mut Envelope,
        context: &Context,
    ) -> Option<Seen<Mail>> {
        let mail = mail::read(item, &envelope.thread, context)?;
        envelope.first.get_or_insert_with(|| {
            (mail.list.clone(), mail.thread_id.clone(), mail.msg_id.clone())
        });
        if mail.stamp > envelope.stamp {
            envelope.stamp = mail.stamp.clone();
        }
        Some(Seen { key: mail.msg_id.clone(), stamp: mail.stamp.clone(), item: mail })
    }

    fn place(&self, sheet: &Sheet<Envelope, Mail>, context: &Context) -> Place {
        let Envelope { thread, is_thread, first, stamp } = &sheet.envelope;
        let (list, thread_id, msg_id) = match first {
            Some((list, thread_id, msg_id)) => {
                (list.as_str(), thread_id.as_deref(), msg_id.as_str())
            }
            None => (context.param("list").unwrap_or_default(), None, ""),
        };
        let folder = Folder::of(TRACKER).said(thread.list.as_deref().unwrap_or(list));
        let path = if *is_thread {
            let id = thread.id.as_deref().or(thread_id).unwrap_or_default();
            folder.fixed("threads").file(id, "json")
        } else {
            folder.file(msg_id, "json")
        };
        Place { path, stamp: stamp.clone() }
    }

    fn locate(&self, item: Node<'_>, envelope: &Envelope, context: &Context) -> Location {
        let (scope, position) = mail::locate(item, &envelope.thread, context);
        Location { scope, position }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Envelope, Mail>],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(async move { store::store(tx, &items_of(sheets)).await })
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Messages]
}
