//! The kind `docs/pages`.

use super::{
    page::{Crawl, Page},
    store,
};
use crate::{
    domains::boost::ingest::version::Version,
    ingest::{
        kind::{
            Context, DocumentKind, Items, Known, Location, Place, Seen, Sheet, Spec, Storing,
            Watermark,
        },
        read::AnyKind,
        tx::Tx,
        value::Node,
    },
};

/// `docs/pages`.
#[derive(Debug)]
struct Pages;

static SPEC: Spec = Spec {
    params: &["version", "library"],
    complete: &["pages"],
    items: Items::Under(&["pages"]),
    limit: 5_000,
    // Most crawls say when they were made; of the others only the manifest knows.
    source_time: false,
    schema: include_str!("schema/pages.json"),
    example: include_str!("example/pages.json"),
    watermark: Watermark::Of(
        "select v.version as scope, c.scraped_at as at, l.name as key, \
         (extract(epoch from c.scraped_at) * 1000000)::bigint as position \
         from boost_library_documentation d \
         join boost_doc_content c on c.id = d.boost_doc_content_id \
         join boost_library_version lv on lv.id = d.boost_library_version_id \
         join boost_version v on v.id = lv.version_id \
         join boost_library l on l.id = lv.library_id",
    ),
    known: Known {
        key: "{content_hash}",
        stored: "u join boost_doc_content c on c.content_hash = lower(u.content_hash)",
        deleted: None,
    },
    ..Spec::new(
        "docs",
        "pages",
        "Documentation pages of a library in a release: a crawl with its `pages`, or one page. With \
         `complete=pages` the library's other pages in that release are unlinked.",
    )
};

impl DocumentKind for Pages {
    type Envelope = Crawl;
    type Item = Page;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, envelope: Node<'_>, context: &Context) -> Option<Crawl> {
        Crawl::read(envelope, context)
    }

    fn read(&self, item: Node<'_>, envelope: &mut Crawl, context: &Context) -> Option<Seen<Page>> {
        Page::read(item, envelope, context)
    }

    fn place(&self, sheet: &Sheet<Crawl, Page>, _: &Context) -> Place {
        let Sheet { envelope, items } = sheet;
        Place {
            path: envelope.path(items),
            stamp: envelope.stamp(items.iter().map(|(_, page)| page)),
        }
    }

    fn locate(&self, item: Node<'_>, envelope: &Crawl, context: &Context) -> Location {
        let said = item.get("version").str().or_else(|| context.param("version"));
        let version = envelope.place.as_ref().map(|place| place.version);
        let version = version.or_else(|| Version::parse(said?));
        let at = item.get("scraped_at").instant().value().or(envelope.scraped_at);
        Location {
            scope: version.map(|version| version.to_string()),
            position: at.map(|at| at.timestamp_micros()),
        }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<Crawl, Page>],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store::store(tx, sheets))
    }
}

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Pages]
}
