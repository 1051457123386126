//! The four usage kinds: their names, their words, how each reads an item.

use super::{
    TRACKER, rows,
    rows::{ExternalRow, FileRow, UsageRow},
    scans::{self, Scan},
    store, store_scans,
};
use crate::ingest::{
    archive::Folder,
    kind::{
        Content, Context, DocumentKind, Kind, Known, Location, Place, Read, Seen, Sheet, Spec,
        Storing, Watermark, items_of,
    },
    read::AnyKind,
    stamp::Stamp,
    tx::Tx,
    value::Node,
};

/// The most rows of a file.
const ROWS: usize = 5_000_000;

/// `usage/repository-scans`.
#[derive(Debug)]
pub struct Scans;

static SCANS: Spec = Spec {
    params: &["repo"],
    // A scan that does not say when it was made was made when it came.
    source_time: false,
    schema: include_str!("schema/repository-scans.json"),
    example: include_str!("example/repository-scans.json"),
    watermark: Watermark::Failing {
        rows: "select s.scope, x.last_scan_at as at, n.name as key, \
               (extract(epoch from x.last_scan_at) * 1000000)::bigint as position \
               from boost_external_repository x join github_repository r on r.id = x.id \
               join github_account a on a.id = r.owner_account_id \
               cross join lateral (select a.username || '/' || r.repo_name as name) n \
               cross join lateral (values (lower(n.name)), ('*')) s(scope) \
               where x.last_scan_at is not null",
        // A failed scan that no good one follows.
        failures: "select s.scope, (extract(epoch from f.source_at) * 1000000)::bigint as position \
                   from statement f cross join lateral (values (f.scope), ('*')) s(scope) \
                   where f.fold = 'usage.failures' and not exists (select \
                   from boost_external_repository x join github_repository r on r.id = x.id \
                   join github_account a on a.id = r.owner_account_id \
                   where lower(a.username || '/' || r.repo_name) = f.scope \
                   and x.last_scan_at >= f.source_at)",
    },
    known: Known {
        key: "{repo}:{scanned_at}",
        stored: "u join github_account a on lower(a.username) = lower(split_part(u.repo, '/', 1)) \
                 join github_repository r on r.owner_account_id = a.id \
                 and lower(r.repo_name) = lower(split_part(u.repo, '/', 2)) \
                 join statement s on s.fold = 'usage.scans' and s.scope = r.id::text \
                 and s.source_at = u.scanned_at::timestamptz",
        deleted: None,
    },
    ..Spec::new(
        "usage",
        "repository-scans",
        "Scans of repositories for Boost headers: what a scan does not find any more is excepted \
         from its day on. A record of one file alone only adds.",
    )
};

impl Kind for Scans {
    type Item = Scan;

    fn spec(&self) -> &'static Spec {
        &SCANS
    }

    fn read(&self, item: Node<'_>, context: &Context) -> Option<Read<Scan>> {
        scans::read(item, context)
    }

    fn locate(&self, item: Node<'_>, context: &Context) -> Location {
        scans::locate(item, context)
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        items: &'a [(i32, &'a Scan)],
        _: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store_scans::store(tx, items))
    }
}

/// A kind whose documents are files of rows.
#[derive(Debug)]
struct Csv<I: 'static> {
    spec: &'static Spec,
    folder: &'static str,
    read: fn(Node<'_>, &Context) -> Option<Seen<I>>,
    store: for<'a> fn(&'a mut Tx<'_>, Vec<(i32, &'a I)>) -> Storing<'a>,
}

impl<I: Send + Sync> DocumentKind for Csv<I> {
    type Envelope = ();
    type Item = I;

    fn spec(&self) -> &'static Spec {
        self.spec
    }

    fn open(&self, _: Node<'_>, _: &Context) -> Option<()> {
        Some(())
    }

    fn read(&self, row: Node<'_>, (): &mut (), context: &Context) -> Option<Seen<I>> {
        (self.read)(row, context)
    }

    fn place(&self, _: &Sheet<(), I>, context: &Context) -> Place {
        let day = context.received_at.format("%Y-%m-%d").to_string();
        Place {
            path: Folder::of(TRACKER).fixed("csv").fixed(self.folder).file(&day, "csv"),
            stamp: Stamp {
                source_at: Some(context.stated_at()),
                as_of: context.as_of,
                ..Stamp::BOTTOM
            },
        }
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<(), I>],
        _: &'a Context,
    ) -> Storing<'a> {
        (self.store)(tx, items_of(sheets))
    }
}

const fn csv(name: &'static str, doc: &'static str) -> Spec {
    Spec {
        takes: &[Content::Csv],
        source_time: false,
        limit: ROWS,
        watermark: Watermark::None("The file is the whole list; there is nothing to resume."),
        ..Spec::new("usage", name, doc)
    }
}

static EXTERNALS: Spec = Spec {
    columns: &["owner", "repo_name"],
    schema: include_str!("schema/external-repositories.json"),
    example: include_str!("example/external-repositories.csv"),
    known: Known {
        key: "{repo}",
        stored: "u join github_account a on lower(a.username) = lower(split_part(u.repo, '/', 1)) \
                 join github_repository r on r.owner_account_id = a.id \
                 and lower(r.repo_name) = lower(split_part(u.repo, '/', 2)) \
                 join boost_external_repository x on x.id = r.id \
                 and (x.source_digest <> '' or x.column_stamps is not null)",
        deleted: None,
    },
    ..csv(
        "external-repositories",
        "Repositories outside Boost: their GitHub columns, the Boost version they name, whether they \
         carry a copy of Boost and whether they use it.",
    )
};

static FILES: Spec = Spec {
    columns: &["owner", "repo_name", "file_path"],
    schema: include_str!("schema/files.json"),
    example: include_str!("example/files.csv"),
    known: Known {
        key: "{repo}:{path}",
        stored: "u join github_account a on lower(a.username) = lower(split_part(u.repo, '/', 1)) \
                 join github_repository r on r.owner_account_id = a.id \
                 and lower(r.repo_name) = lower(split_part(u.repo, '/', 2)) \
                 join github_file f on f.repo_id = r.id and f.filename = u.path",
        deleted: None,
    },
    ..csv("files", "Files of repositories, and whether they are deleted.")
};

static USAGES: Spec = Spec {
    columns: &["owner", "repo_name", "file_path", "boost_header_name"],
    schema: include_str!("schema/usages.json"),
    example: include_str!("example/usages.csv"),
    known: Known {
        key: "{repo}:{path}:{header}",
        stored: "u join github_account a on lower(a.username) = lower(split_part(u.repo, '/', 1)) \
                 join github_repository r on r.owner_account_id = a.id \
                 and lower(r.repo_name) = lower(split_part(u.repo, '/', 2)) \
                 join github_file f on f.repo_id = r.id and f.filename = u.path \
                 join boost_include i on i.file_path_id = f.id and i.header_name = u.header",
        deleted: None,
    },
    ..csv(
        "usages",
        "Which files include which Boost headers, and since when they do not any more. Only adds: what \
         is not listed stays.",
    )
};

static EXTERNAL_REPOSITORIES: Csv<ExternalRow> = Csv {
    spec: &EXTERNALS,
    folder: "external-repositories",
    read: rows::read_external,
    store: |tx, items| Box::pin(async move { store::store_externals(tx, &items).await }),
};

static FILE_LISTS: Csv<FileRow> = Csv {
    spec: &FILES,
    folder: "files",
    read: rows::read_file,
    store: |tx, items| Box::pin(async move { store::store_files(tx, &items).await }),
};

static USAGE_LISTS: Csv<UsageRow> = Csv {
    spec: &USAGES,
    folder: "usages",
    read: rows::read_usage,
    store: |tx, items| Box::pin(async move { store::store_usages(tx, &items).await }),
};

/// The kinds, as the pipeline takes them.
pub fn kinds() -> Vec<&'static dyn AnyKind> {
    vec![&Scans, &EXTERNAL_REPOSITORIES, &FILE_LISTS, &USAGE_LISTS]
}
