//! Replay: the archive's documents go through the pipeline again, as they were delivered.
//!
//! Documents that were delivered one after the other, as the same kind with the same parameters,
//! are stored together. Into an empty database replay makes the rows that were there; into one that
//! has them it changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use anyhow::anyhow;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::{sync::mpsc, task::JoinSet};
use uuid::Uuid;

use super::{
    archive::{Archive, ManifestEntry},
    body::{Documents, Format},
    document::{Document, Parts},
    drift::{Detector, Drift},
    job::{Job, Source},
    pipeline,
    read::AnyKind,
    receipt::Receipt,
    request,
    routes::kind_named,
};
use crate::{
    app::App,
    db::{
        Connection,
        sql::{SqlType, Statement, Value as Bound},
    },
    http::problem::Problem,
};

/// Documents of one group.
const GROUP: usize = 1_000;
/// Bytes after which a group is full.
const GROUP_BYTES: usize = 8 << 20;
/// The longest time between the first and the last delivery of a group.
const GROUP_TIME: TimeDelta = TimeDelta::hours(12);
/// Groups that are read ahead of the database.
const AHEAD: usize = 1;

/// What to replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Only what was received on this day (UTC) or later.
    pub from: Option<NaiveDate>,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
    /// How many groups of documents are stored side by side; at least one is.
    pub workers: usize,
}

/// What became of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Documents that were put through the pipeline.
    pub documents: u64,
    /// Items whose row did not exist.
    pub inserted: u64,
    /// Items that changed something.
    pub updated: u64,
    /// Items of which everything was stored already.
    pub unchanged: u64,
    /// Items older than what is stored.
    pub stale: u64,
    /// Items that are refused now, although they were accepted when they came.
    pub rejected: u64,
    /// Documents that the manifests list and the archive does not hold as listed.
    pub lost: u64,
    /// Documents of kinds, or with parameters, that this server does not know.
    pub unknown: u64,
}

impl Summary {
    fn count(&mut self, receipt: &Receipt) {
        self.inserted += u64::from(receipt.inserted);
        self.updated += u64::from(receipt.updated);
        self.unchanged += u64::from(receipt.unchanged);
        self.stale += u64::from(receipt.stale);
        self.rejected += u64::from(receipt.rejected);
    }

    fn add(&mut self, part: Self) {
        self.documents += part.documents;
        self.inserted += part.inserted;
        self.updated += part.updated;
        self.unchanged += part.unchanged;
        self.stale += part.stale;
        self.rejected += part.rejected;
        self.lost += part.lost;
        self.unknown += part.unknown;
    }

    /// Whether every document was stored.
    pub fn is_whole(&self) -> bool {
        self.rejected + self.lost + self.unknown == 0
    }
}

/// How many documents there are to replay. Blocks.
pub fn count(archive: &Archive, options: Options) -> anyhow::Result<u64> {
    let mut count = 0;
    for entry in archive.entries()? {
        count += u64::from(options.wants(&entry?));
    }
    Ok(count)
}

/// Replays the archive; `seen` is told how many documents each step has dealt with.
///
/// Workers store groups side by side: the rows that come out do not depend on the order in which
/// statements come in.
pub async fn replay(
    app: &App,
    options: Options,
    mut seen: impl FnMut(u64),
) -> anyhow::Result<Summary> {
    let (give, mut groups) = mpsc::channel(AHEAD);
    let archive = app.archive.clone();
    let reading = tokio::task::spawn_blocking(move || read(&archive, options, &give));
    let mut summary = Summary::default();
    let mut working = JoinSet::new();
    let mut is_read = false;
    while !is_read || !working.is_empty() {
        if !is_read && working.len() < options.workers.max(1) {
            match groups.recv().await {
                Some(group) => {
                    // What may name a row that must be there waits for those that make it.
                    while group.awaits()
                        && let Some(done) = working.join_next().await
                    {
                        let (dealt_with, part) = done??;
                        summary.add(part);
                        seen(dealt_with);
                    }
                    working.spawn(group.work(app.clone(), options));
                }
                None => is_read = true,
            }
            continue;
        }
        if let Some(done) = working.join_next().await {
            let (dealt_with, part) = done??;
            summary.add(part);
            seen(dealt_with);
        }
    }
    reading.await??;
    Ok(summary)
}

impl Options {
    fn wants(self, entry: &ManifestEntry) -> bool {
        self.from.is_none_or(|day| entry.received_at.date_naive() >= day)
    }
}

/// What documents of one group have in common.
#[derive(Debug, Clone, PartialEq)]
struct Common {
    domain: String,
    kind: String,
    content_type: String,
    params: Map<String, Value>,
    excerpt: bool,
}

/// A document, where it is archived, when it was received.
type Archived = (Document, String, DateTime<Utc>);

/// Documents that are stored together.
#[derive(Debug)]
struct Group {
    common: Common,
    documents: Vec<Archived>,
    bytes: usize,
    /// Lines of the manifest that it stands for.
    entries: u64,
    /// Those whose document is not to be had.
    lost: u64,
}

/// Reads the manifests and the documents, group by group, until nobody wants more.
fn read(archive: &Archive, options: Options, give: &mpsc::Sender<Group>) -> anyhow::Result<()> {
    let mut group: Option<Group> = None;
    for entry in archive.entries()? {
        let entry = entry?;
        if !options.wants(&entry) {
            continue;
        }
        let common = Common {
            domain: entry.domain.clone(),
            kind: entry.kind.clone(),
            content_type: entry.content_type.clone(),
            params: entry.params.clone(),
            excerpt: entry.excerpt,
        };
        if let Some(full) = group.take_if(|group| !group.takes(&common, &entry))
            && give.blocking_send(full).is_err()
        {
            return Ok(());
        }
        let format = Format::of_document(&common.content_type);
        let kind = kind_named(&format!("{}/{}", common.domain, common.kind));
        let group = group.get_or_insert_with(|| Group {
            common,
            documents: Vec::new(),
            bytes: 0,
            entries: 0,
            lost: 0,
        });
        group.entries += 1;
        match load(archive, &entry) {
            ControlFlow::Continue(bytes) => {
                group.bytes += bytes.len();
                let index = items(&group.documents);
                let document = match (format, kind) {
                    (Format::Json | Format::Ndjson, Some(kind)) => {
                        Document::json(bytes, index, kind.spec())
                    }
                    _ => Document { index, bytes, parts: Ok(Parts::default()), continues: false },
                };
                group.documents.push((document, entry.path, entry.received_at));
            }
            ControlFlow::Break(why) => {
                tracing::error!(path = entry.path, why, "a document cannot be replayed");
                group.lost += 1;
            }
        }
    }
    if let Some(last) = group {
        let _ = give.blocking_send(last);
    }
    Ok(())
}

/// The bytes of a document, if they are what was delivered; else why not.
fn load(archive: &Archive, entry: &ManifestEntry) -> ControlFlow<String, Bytes> {
    match archive.load(&entry.path) {
        Ok(Some(bytes)) if hex::encode(Sha256::digest(&bytes)) == entry.sha256 => {
            ControlFlow::Continue(bytes.into())
        }
        Ok(Some(_)) => ControlFlow::Break("it was changed".to_owned()),
        Ok(None) => ControlFlow::Break("it is not there".to_owned()),
        Err(error) => ControlFlow::Break(error.to_string()),
    }
}

/// How many items documents have: the index of the next.
fn items(documents: &[Archived]) -> i32 {
    documents.last().map_or(0, |(last, ..)| {
        last.index.saturating_add(i32::try_from(last.len()).unwrap_or(i32::MAX))
    })
}

impl Group {
    /// Whether its kind waits for what others make.
    fn awaits(&self) -> bool {
        kind_named(&format!("{}/{}", self.common.domain, self.common.kind))
            .is_some_and(|kind| !kind.spec().awaits.is_empty())
    }

    /// Stores the group; gives how many lines of the manifest it stood for, and what became of them.
    async fn work(self, app: App, options: Options) -> anyhow::Result<(u64, Summary)> {
        let dealt_with = self.entries;
        let mut summary = Summary { lost: self.lost, ..Summary::default() };
        match self.prepare(&app) {
            Ok(prepared) => {
                let mut conn = app.pool.get().await?;
                for (group, kind) in prepared {
                    summary.documents += group.documents.len() as u64;
                    let receipt = group.store(&app, kind, options, &mut conn).await?;
                    summary.count(&receipt);
                }
            }
            Err(unknown) => summary.unknown += unknown,
        }
        Ok((dealt_with, summary))
    }

    fn takes(&self, common: &Common, entry: &ManifestEntry) -> bool {
        let is_near = self.documents.first().is_none_or(|(_, _, first)| {
            let source_time = kind_named(&format!("{}/{}", common.domain, common.kind))
                .is_some_and(|kind| kind.spec().source_time);
            // Where nothing else says which of two statements is newer, the receive time does.
            entry.received_at == *first || (source_time && entry.received_at - *first < GROUP_TIME)
        });
        is_near
            && !self.is_file()
            && self.common == *common
            && self.documents.len() < GROUP
            && self.bytes < GROUP_BYTES
    }

    /// Whether it is one file, which is taken apart when it is stored.
    fn is_file(&self) -> bool {
        !matches!(Format::of_document(&self.common.content_type), Format::Json | Format::Ndjson)
            && !self.documents.is_empty()
    }

    /// Makes it ready to store, in as many parts as it needs; or says how many documents it has
    /// that this server does not know what to do with.
    fn prepare(self, app: &App) -> Result<Vec<(Self, &'static dyn AnyKind)>, u64> {
        if self.documents.is_empty() {
            return Ok(Vec::new());
        }
        let documents = self.documents.len() as u64;
        let Common { domain, kind, .. } = &self.common;
        let Some(known) = kind_named(&format!("{domain}/{kind}")) else {
            tracing::warn!(domain, kind, documents, "an unknown kind is not replayed");
            return Err(documents);
        };
        if let Err(problem) = self.asked(app, known) {
            let why = problem.to_string();
            tracing::warn!(domain, kind, why, documents, "unknown parameters are not replayed");
            return Err(documents);
        }
        let parts = if self.depends_on_time(app, known) { self.by_time() } else { vec![self] };
        Ok(parts.into_iter().map(|part| (part, known)).collect())
    }

    /// The parameters as they were read when the first document came.
    fn asked(&self, app: &App, kind: &dyn AnyKind) -> Result<request::Asked, Problem> {
        let pairs = self.common.params.iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        });
        let received_at = self.documents.first().map_or_else(|| app.clock.now(), |first| first.2);
        let pairs: Vec<_> = pairs.collect();
        let mut asked = request::parameters(kind.spec(), &pairs, &app.settings, received_at)?;
        asked.context.excerpt = self.common.excerpt;
        Ok(asked)
    }

    /// Whether its documents read otherwise when they are received together. Source times that are
    /// a day ahead of the receive time do not count; so with none that is a day ahead of the first
    /// receive time, nothing depends on any of them.
    fn depends_on_time(&self, app: &App, kind: &dyn AnyKind) -> bool {
        let times = self.documents.iter().map(|(.., received_at)| received_at);
        if times.collect::<BTreeSet<_>>().len() < 2 {
            return false;
        }
        let Ok(asked) = self.asked(app, kind) else { return true };
        let is_ahead = |(document, ..): &Archived| {
            let (detector, mut drift) = (Detector::of(kind.spec()), Drift::default());
            let document = std::slice::from_ref(document);
            let batch = kind.read(document, &asked.context, &detector, &mut drift);
            let mut warnings = batch.entries().iter().flat_map(|entry| &entry.warnings);
            warnings.any(|warning| warning.code == "future_time")
        };
        tokio::task::block_in_place(|| self.documents.iter().any(is_ahead))
    }

    /// Its documents by receive time.
    fn by_time(self) -> Vec<Self> {
        let mut times: BTreeMap<DateTime<Utc>, Vec<Archived>> = BTreeMap::new();
        for (mut document, path, received_at) in self.documents {
            let documents = times.entry(received_at).or_default();
            document.index = items(documents);
            documents.push((document, path, received_at));
        }
        let common = &self.common;
        let part =
            |documents| Self { common: common.clone(), documents, bytes: 0, entries: 0, lost: 0 };
        times.into_values().map(part).collect()
    }

    async fn store(
        self,
        app: &App,
        kind: &'static dyn AnyKind,
        options: Options,
        conn: &mut Connection,
    ) -> anyhow::Result<Receipt> {
        let mut asked = self.asked(app, kind)?;
        asked.context.dry_run = options.dry_run;
        let is_file = self.is_file();
        let job = Job {
            kind,
            context: asked.context,
            content_type: self.common.content_type,
            mode: asked.mode,
            is_retry: false,
            subject: "replay".to_owned(),
            request_id: Uuid::now_v7().to_string(),
            receipt_id: Uuid::now_v7(),
            idempotency: None,
            archive: None,
        };
        let mut documents = self.documents.into_iter().map(|(document, path, _)| (document, path));
        let mut source = if is_file {
            let Some((file, path)) = documents.next() else { return Err(anyhow!("no file")) };
            let (bytes, spec) = (std::io::Cursor::new(file.bytes), kind.spec());
            let format = Format::of_document(&job.content_type);
            let limits = request::limits(&app.settings);
            Source::File(Box::new(Documents::new(Box::pin(bytes), format, limits, spec)), path)
        } else {
            Source::Archived(Some(documents.collect()))
        };
        let (receipt, _) = pipeline::run(app, &job, conn, &mut source).await?;
        if receipt.rejected > 0 && !options.dry_run {
            forget_repeated(conn, &receipt).await?;
        }
        Ok(receipt)
    }
}

/// Drops the dead letters of a receipt that were dead letters before it.
async fn forget_repeated(conn: &mut Connection, receipt: &Receipt) -> anyhow::Result<()> {
    let mut statement = Statement::new(
        "delete from dead_letter d using receipt r where r.number = d.receipt_number and r.id = ",
    );
    statement.bind(SqlType::Text, Bound::Text(receipt.id.clone()));
    statement.push(
        " and exists (select from dead_letter e where e.id < d.id and e.domain = d.domain \
         and e.kind = d.kind and e.params = d.params and e.body = d.body)",
    );
    diesel_async::RunQueryDsl::execute(statement, conn).await?;
    Ok(())
}
