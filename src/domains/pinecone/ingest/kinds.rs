//! The kinds `pinecone/acks` and `pinecone/fail-lists`.

use super::{
    read::{self, Said},
    store,
};
use crate::ingest::{
    kind::{Context, Kind, Known, Location, Read, Spec, Storing, Watermark},
    read::AnyKind,
    tx::Tx,
    value::{Node, instant},
};

/// What the search index says of an app type.
#[derive(Debug)]
pub struct Sync {
    spec: &'static Spec,
    read: fn(Node<'_>, &Context) -> Option<Read<Said>>,
}

static ACKS: Spec = Spec {
    params: &["app_type"],
    // A cursor has its time; the list of what failed is of when it came.
    source_time: false,
    schema: include_str!("schema/acks.json"),
    example: include_str!("example/acks.json"),
    watermark: Watermark::Of(
        "select app_type as scope, final_sync_at as at, coalesce(cursor, '') as key, \
         (extract(epoch from final_sync_at) * 1000000)::bigint as position \
         from pinecone_sync_status where final_sync_at <= updated_at + interval '1 day'",
    ),
    known: Known {
        key: "{app_type}",
        stored: "u join pinecone_sync_status s on s.app_type = trim(u.app_type)",
        deleted: None,
    },
    ..Spec::new(
        "pinecone",
        "acks",
        "What the search index has taken: the cursor of a feed, and the documents that failed. The \
         old syncer gives `final_sync_at` instead of a cursor.",
    )
};

static FAIL_LISTS: Spec = Spec {
    params: &["app_type"],
    source_time: false,
    schema: include_str!("schema/fail-lists.json"),
    example: include_str!("example/fail-lists.json"),
    watermark: Watermark::None("A fail list is sent in full; there is nothing to resume from."),
    known: Known {
        key: "{app_type}",
        stored: "u join (select distinct app_type from pinecone_fail_list) f \
                 on f.app_type = trim(u.app_type)",
        deleted: None,
    },
    ..Spec::new(
        "pinecone",
        "fail-lists",
        "The documents that the search index failed to take: the list of the app type becomes this \
         one.",
    )
};

static KINDS: [Sync; 2] = [
    Sync { spec: &ACKS, read: read::read_ack },
    Sync { spec: &FAIL_LISTS, read: read::read_fail_list },
];

impl Kind for Sync {
    type Item = Said;

    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Said>> {
        (self.read)(item, context)
    }

    fn locate(&self, item: Node<'_>, context: &Context) -> Location {
        let app_type = item.get("app_type").str().or_else(|| context.param("app_type"));
        let at = item.get("final_sync_at").str().and_then(instant);
        Location {
            scope: app_type.map(|name| name.trim().to_owned()),
            position: at.map(|at| at.timestamp_micros()),
        }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Said)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store(tx, items))
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    KINDS.iter().map(|kind| kind as &dyn AnyKind).collect()
}
