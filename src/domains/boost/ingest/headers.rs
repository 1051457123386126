//! `boost/headers`: which library a file belongs to, where the repository's libraries do not say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::{TRACKER, catalogue::Catalogue, files};
use crate::{
    db::{
        Connection,
        sql::{SqlType, Statement, Value},
    },
    domains::github::ingest::{KEY_LENGTH, files::FileDraft},
    draft,
    ingest::{
        archive::Folder,
        given::Given,
        kind::{
            Content, Context, DocumentKind, Known, Outcome, Place, Refusing, Seen, Sheet, Spec,
            Storing, Watermark,
        },
        register::Cell,
        stamp::{Stamp, digest},
        tx::Tx,
        upsert::{Action, upsert},
        value::{Node, Note},
    },
};

draft! {
    /// What a list of headers says about a file.
    pub struct HeaderDraft, table boost_header_statement, key { id: i64 };
    registers { library_id: i64 }
}

/// How many rows are written at once.
const CHUNK: usize = 10_000;

/// A row: a library has a file.
#[derive(Debug)]
pub struct Header {
    /// The library, as the row calls it.
    library: String,
    /// The path, with or without `include/`.
    file: String,
    stamp: Stamp,
}

/// The kind.
#[derive(Debug)]
pub struct Headers;

static SPEC: Spec = Spec {
    takes: &[Content::Csv],
    complete: &["libraries"],
    limit: 2_000_000,
    columns: &["library_name", "file_name"],
    source_time: false,
    awaits: &["boost_library", "boost_library_version"],
    schema: include_str!("schema/headers.json"),
    example: include_str!("example/headers.csv"),
    watermark: Watermark::None("A list of headers has no time of its own."),
    known: Known {
        key: "{library}:{file}",
        stored: "u join boost_library l on l.name = u.library and not l.is_stub \
                 join github_file f on f.repo_id = l.repo_id \
                     and f.filename in (u.file, 'include/' || u.file) \
                 join boost_header_statement h on h.id = f.id and h.library_id = l.id",
        deleted: None,
    },
    ..Spec::new(
        "boost",
        "headers",
        "Which library a file belongs to: rows of `library_name`, `file_name`. A library that is not \
         known rejects its row.",
    )
};

impl DocumentKind for Headers {
    type Envelope = ();
    type Item = Header;

    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn open(&self, _: Node<'_>, _: &Context) -> Option<()> {
        Some(())
    }

    fn read(&self, item: Node<'_>, (): &mut (), context: &Context) -> Option<Seen<Header>> {
        let cell = |column: &'static str| {
            let cell = item.get(column);
            let text = cell.text().value().map(|text| text.trim().to_owned());
            let text = text.filter(|text| !text.is_empty());
            match &text {
                None => cell.fault("missing_field", "The cell is blank."),
                Some(text) if text.len() > KEY_LENGTH - "include/".len() => {
                    cell.fault("too_long", "A path is at most 1,992 bytes.");
                }
                Some(_) => {}
            }
            text
        };
        let (library, file) = (cell("library_name"), cell("file_name"));
        let (library, file) = (library?, file?);
        let stamp = Stamp {
            source_at: Some(context.stated_at()),
            rank: 0,
            as_of: context.as_of,
            digest: digest(&(&library, &file)),
        };
        Some(Seen {
            key: format!("{library}:{file}"),
            item: Header { library, file, stamp: stamp.clone() },
            stamp,
        })
    }

    fn place(&self, sheet: &Sheet<(), Header>, context: &Context) -> Place {
        let digest = sheet.items.first().map(|(_, item)| item.stamp.digest.clone());
        Place {
            path: Folder::of(TRACKER)
                .fixed("headers")
                .file(&context.received_at.date_naive().to_string(), "csv"),
            stamp: Stamp {
                source_at: Some(context.stated_at()),
                rank: 0,
                as_of: context.as_of,
                digest: digest.unwrap_or_default(),
            },
        }
    }

    fn refuse<'a>(
        &'a self,
        conn: &'a mut Connection,
        items: &'a [(i32, &'a Header)],
        _: &'a Context,
    ) -> Refusing<'a> {
        Box::pin(async move {
            let catalogue = Catalogue::load(conn).await?;
            Ok(items
                .iter()
                .filter(|(_, item)| catalogue.resolve(&item.library).is_none())
                .map(|(index, item)| {
                    let note = Note {
                        pointer: "/library_name".to_owned(),
                        code: "unresolved_reference".to_owned(),
                        detail: format!("`{}` is no library that is known.", item.library),
                    };
                    (*index, note)
                })
                .collect())
        })
    }

    fn store<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        sheets: &'a [Sheet<(), Header>],
        context: &'a Context,
    ) -> Storing<'a> {
        Box::pin(store(tx, sheets, context))
    }
}

/// A row whose library is known.
struct Row<'i> {
    /// Where its outcome goes.
    slot: usize,
    index: i32,
    header: &'i Header,
    library: i64,
    repo: i64,
}

async fn store(
    tx: &mut Tx<'_>,
    sheets: &[Sheet<(), Header>],
    context: &Context,
) -> QueryResult<Vec<Outcome>> {
    super::lock(tx).await?;
    let catalogue = Catalogue::load(tx.conn).await?;
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (slot, (index, header)) in sheets.iter().flat_map(|sheet| &sheet.items).enumerate() {
        // It was there a moment ago, when the items were asked about.
        let library = catalogue.resolve(&header.library).ok_or(diesel::result::Error::NotFound)?;
        let (library, repo) = (library.id, library.repo_id);
        rows.push(Row { slot, index: *index, header, library, repo });
    }
    let stale = Outcome { action: Action::Stale, table: "boost_file", row_id: None };
    let mut outcomes = vec![stale; rows.len()];
    let libraries: BTreeSet<i64> = rows.iter().map(|row| row.library).collect();
    let mut repositories: BTreeSet<i64> = rows.iter().map(|row| row.repo).collect();
    let mut touched = BTreeSet::new();
    if context.lists_all("libraries") {
        let left = list_in_full(tx, &libraries, context.stated_at()).await?;
        repositories.extend(left.values());
        touched.extend(left.into_keys());
    }
    let listed = listed_at(tx, &libraries).await?;
    // Of files that were listed in full since, it says nothing new.
    rows.retain(|row| {
        listed.get(&row.library).is_none_or(|at| row.header.stamp.source_at >= Some(*at))
    });
    rows.sort_by(|a, b| (a.repo, &a.header.file).cmp(&(b.repo, &b.header.file)));
    for chunk in rows.chunks(CHUNK) {
        let files = file_ids(tx, chunk).await?;
        let drafts = chunk
            .iter()
            .zip(&files)
            .map(|(row, file)| HeaderDraft {
                id: *file,
                library_id: Cell::Stated(row.library),
                stamp: row.header.stamp.clone(),
                item: row.index,
            })
            .collect();
        let done = upsert(tx, drafts).await?;
        for (row, done) in chunk.iter().zip(done) {
            if done.action != Action::Unchanged {
                touched.insert(done.id);
            }
            outcomes[row.slot] =
                Outcome { action: done.action, table: "boost_file", row_id: Some(done.id) };
        }
    }
    files::follow_files(tx, &catalogue, &repositories, &touched).await?;
    Ok(outcomes)
}

/// The file of each row: the exact path, else below `include/`; one that is not known is made.
async fn file_ids(tx: &mut Tx<'_>, rows: &[Row<'_>]) -> QueryResult<Vec<i64>> {
    let statement = Given::default()
        .ids("repo", rows.iter().map(|row| row.repo))
        .texts("file", rows.iter().map(|row| row.header.file.as_str()))
        .statement(
            "select u.ord, coalesce(f.id, i.id) from",
            "left join github_file f on f.repo_id = u.repo and f.filename = u.file \
             left join github_file i on i.repo_id = u.repo and i.filename = 'include/' || u.file \
             order by u.ord",
        );
    let mut known: Vec<Option<i64>> = vec![None; rows.len()];
    for row in tx.query(statement).await? {
        if let [Value::BigInt(ord), Value::BigInt(id)] = row.0.as_slice()
            && let Some(slot) = usize::try_from(ord - 1).ok().and_then(|n| known.get_mut(n))
        {
            *slot = Some(*id);
        }
    }
    let missing: Vec<usize> = (0..rows.len()).filter(|n| known[*n].is_none()).collect();
    let drafts = missing
        .iter()
        .map(|n| {
            let Row { header: Header { file, .. }, repo, index, .. } = &rows[*n];
            let below = if file.starts_with("boost/") { "include/" } else { "" };
            FileDraft {
                repo_id: *repo,
                filename: format!("{below}{file}"),
                is_deleted: Cell::Unstated(false),
                previous_filename_id: Cell::Unstated(None),
                stamp: Stamp::BOTTOM,
                item: *index,
            }
        })
        .collect();
    for (n, done) in missing.into_iter().zip(upsert(tx, drafts).await?) {
        known[n] = Some(done.id);
    }
    known.into_iter().collect::<Option<_>>().ok_or(diesel::result::Error::NotFound)
}

/// When libraries were last listed in full.
async fn listed_at(
    tx: &mut Tx<'_>,
    libraries: &BTreeSet<i64>,
) -> QueryResult<HashMap<i64, DateTime<Utc>>> {
    let mut select =
        Statement::new("select id, headers_listed_at from boost_library where id = any(");
    select.bind_all(SqlType::BigInt, libraries.iter().copied().map(Value::BigInt)).push(")");
    let rows = tx.query(select).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(id), Value::Timestamptz(at)] => Some((*id, *at)),
            _ => None,
        })
        .collect())
}

/// Notes that libraries are listed in full, and forgets what was said of their files before. Gives
/// the files so left, with their repositories.
async fn list_in_full(
    tx: &mut Tx<'_>,
    libraries: &BTreeSet<i64>,
    at: DateTime<Utc>,
) -> QueryResult<BTreeMap<i64, i64>> {
    let given = || libraries.iter().copied().map(Value::BigInt);
    let mut update = Statement::new("update boost_library set headers_listed_at = ");
    update.bind(SqlType::Timestamptz, Value::Timestamptz(at)).push(" where id = any(");
    update.bind_all(SqlType::BigInt, given());
    update.push(") and (headers_listed_at is null or headers_listed_at < ");
    update.bind(SqlType::Timestamptz, Value::Timestamptz(at)).push(")");
    tx.execute(update).await?;
    let mut delete = Statement::new(
        "delete from boost_header_statement h using boost_library l, github_file f \
         where l.id = h.library_id and f.id = h.id and h.source_at < l.headers_listed_at \
         and l.id = any(",
    );
    delete.bind_all(SqlType::BigInt, given()).push(") returning f.repo_id, h.id");
    let rows = tx.query(delete).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.0.as_slice() {
            [Value::BigInt(repo), Value::BigInt(file)] => Some((*file, *repo)),
            _ => None,
        })
        .collect())
}
