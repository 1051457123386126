//! A request's documents on their way into the archive.

use std::{
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
};
use uuid::Uuid;

use super::{
    Inner, Order, RawPath, Status,
    journal::{Record, Segment},
};

/// What is recorded with every document of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeliveryInfo {
    /// The domain posted to.
    pub domain: String,
    /// The kind posted as.
    pub kind: String,
    /// The media type of a document.
    pub content_type: String,
    /// The context parameters.
    pub params: Map<String, Value>,
    /// Whether a document is an excerpt, which lists nothing in full whatever the parameters say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excerpt: bool,
    /// When the request was received; its day names the manifest.
    pub received_at: DateTime<Utc>,
    /// The receipt.
    pub receipt_id: Uuid,
    /// Lists content that is listed already again: for kinds without source time, whose receive
    /// time is a statement.
    #[serde(skip)]
    pub always_list: bool,
}

impl DeliveryInfo {
    /// What all lines of this delivery share: its members as JSON, without the braces.
    pub(super) fn common(&self) -> io::Result<String> {
        let json = serde_json::to_string(self)?;
        Ok(json[1..json.len() - 1].to_owned())
    }
}

/// A line of a manifest; see [`ManifestEntry`](super::ManifestEntry).
pub(super) fn line(common: &str, path: &str, sha256: &str, status: Status) -> io::Result<String> {
    let (path, status) = (serde_json::to_string(path)?, serde_json::to_string(&status)?);
    Ok(format!(r#"{{"path":{path},"sha256":"{sha256}",{common},"status":{status}}}"#))
}

/// A document that was handed to the archive.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The version's path, `raw/…@….…`: what receipts and provenance name.
    pub path: String,
    /// SHA-256 of the document.
    pub sha256: [u8; 32],
    plain: String,
    fingerprint: u64,
}

#[derive(Debug)]
struct Document {
    kept: Kept,
    bytes: Bytes,
}

#[derive(Debug)]
struct Line {
    text: String,
    fingerprint: u64,
}

#[derive(Debug)]
struct Link {
    plain: String,
    version: String,
    order: Order,
}

/// What the next write to the journal takes along.
#[derive(Debug, Default)]
struct Batch {
    documents: Vec<Document>,
    lines: Vec<Line>,
    links: Vec<Link>,
}

#[derive(Debug)]
struct Request {
    info: DeliveryInfo,
    common: String,
    /// Hash of what makes two deliveries of one content the same statement.
    statement: Sha256,
    /// Whether the journal has a record of this delivery.
    is_open: AtomicBool,
}

impl Request {
    /// Stands for a version and all that was said with it, in [`Listed`](super::listed::Listed).
    fn fingerprint(&self, version: &str) -> u64 {
        let hash = self.statement.clone().chain_update(version).finalize();
        // The lowest bit says that it was rejected, which is another line; 0 is an empty slot.
        (hash.iter().take(8).fold(0, |all, byte| (all << 8) | u64::from(*byte)) & !1).max(2)
    }
}

/// What a write to the journal leaves behind.
#[derive(Debug, Default)]
struct Journaled {
    segment: Option<Arc<Segment>>,
    fingerprints: Vec<u64>,
}

/// One request's documents.
///
/// For each batch: [`keep`](Self::keep) its documents, [`flush`](Self::flush), let the database
/// commit, [`settle`](Self::settle) each; [`finish`](Self::finish) before the receipt is given. A
/// delivery that is dropped unfinished keeps what was settled.
#[derive(Debug)]
pub struct Delivery {
    inner: Arc<Inner>,
    request: Arc<Request>,
    batch: Batch,
    is_finished: bool,
    /// The files of the batch flushed last, in the making.
    files: Option<JoinHandle<io::Result<()>>>,
    /// Where this delivery's records are; holding them keeps them.
    segments: Vec<Arc<Segment>>,
    /// What is to be remembered as listed once it is synced.
    fingerprints: Vec<u64>,
}

impl Delivery {
    pub(super) fn new(inner: Arc<Inner>, info: DeliveryInfo) -> anyhow::Result<Self> {
        let common = info.common()?;
        let statement = (&info.domain, &info.kind, &info.content_type, &info.params);
        let mut statement = Sha256::new_with_prefix(serde_json::to_vec(&statement)?);
        if info.excerpt {
            // The same content as a whole document is another statement.
            statement.update("excerpt");
        }
        let is_open = AtomicBool::default();
        Ok(Self {
            inner,
            request: Arc::new(Request { info, common, statement, is_open }),
            batch: Batch::default(),
            is_finished: false,
            files: None,
            segments: Vec::new(),
            fingerprints: Vec::new(),
        })
    }

    /// Takes a document: its exact bytes. Costs its hash; nothing is written yet.
    pub fn keep(&mut self, plain: &RawPath, bytes: Bytes) -> Kept {
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        self.take(plain.version(&sha256), plain.to_string(), sha256, bytes)
    }

    /// Takes a body, or a line of one, that cannot be parsed. It is settled thereby.
    pub fn reject(&mut self, bytes: Bytes, extension: &'static str) -> anyhow::Result<Kept> {
        let info = &self.request.info;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let day = info.received_at.date_naive();
        let path = RawPath::rejected((&info.domain, &info.kind), day, &sha256, extension);
        let kept = self.take(path.to_string(), path.to_string(), sha256, bytes);
        self.settle(&kept, Status::Rejected, None)?;
        Ok(kept)
    }

    fn take(&mut self, path: String, plain: String, sha256: [u8; 32], bytes: Bytes) -> Kept {
        let fingerprint = self.request.fingerprint(&path);
        let kept = Kept { path, sha256, plain, fingerprint };
        self.batch.documents.push(Document { kept: kept.clone(), bytes });
        kept
    }

    /// Hands the batch's documents to the operating system: they survive the end of this process.
    /// To be awaited before the database commits them; their files are made meanwhile.
    pub async fn flush(&mut self) -> anyhow::Result<()> {
        self.files().await?;
        self.write(false).await
    }

    /// Says what became of a document, after the database committed it. With an order, its version
    /// becomes the plain name, unless one of a greater order is: give it if the document is not
    /// stale.
    pub fn settle(
        &mut self,
        kept: &Kept,
        status: Status,
        newest: Option<Order>,
    ) -> anyhow::Result<()> {
        let text = line(&self.request.common, &kept.path, &hex::encode(kept.sha256), status)?;
        let fingerprint = kept.fingerprint | u64::from(status == Status::Rejected);
        self.batch.lines.push(Line { text, fingerprint });
        if let Some(order) = newest {
            let (plain, version) = (kept.plain.clone(), kept.path.clone());
            self.batch.links.push(Link { plain, version, order });
        }
        Ok(())
    }

    /// Makes everything durable. When this returns, the receipt may be given: all files can be
    /// read, and a crash loses none.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        self.files().await?;
        self.write(true).await?;
        self.is_finished = true;
        let (inner, segments) = (Arc::clone(&self.inner), mem::take(&mut self.segments));
        let fingerprints = mem::take(&mut self.fingerprints);
        let synced = spawn_blocking(move || {
            for segment in &segments {
                segment.sync()?;
            }
            inner.listed.insert(&fingerprints)
        });
        self.files().await?;
        synced.await?.context("syncing the archive's journal")?;
        if !self.inner.journal.done().is_empty() {
            let inner = Arc::clone(&self.inner);
            spawn_blocking(move || inner.clean());
        }
        Ok(())
    }

    /// Waits for the files of the batch before: so memory holds two batches at most.
    async fn files(&mut self) -> anyhow::Result<()> {
        if let Some(files) = &mut self.files {
            let outcome = files.await;
            self.files = None;
            outcome?.context("writing to the archive")?;
        }
        Ok(())
    }

    /// Journals the batch, then lets its files be made. One blocking task does both, so a request
    /// that is cancelled here is still archived as far as it came.
    async fn write(&mut self, is_last: bool) -> anyhow::Result<()> {
        let (inner, request) = (Arc::clone(&self.inner), Arc::clone(&self.request));
        let batch = mem::take(&mut self.batch);
        let (tell, told) = oneshot::channel();
        self.files = Some(spawn_blocking(move || {
            let (batch, journaled) = match inner.journal(&request, batch, is_last) {
                Ok((batch, journaled)) => (batch, Ok(journaled)),
                Err(error) => (Batch::default(), Err(error)),
            };
            // Held until the files are made, should the request be gone by then.
            let _segment = journaled.as_ref().ok().and_then(|done| done.segment.clone());
            let _ = tell.send(journaled);
            inner.make(&batch)
        }));
        let journaled = told.await?.context("writing the archive's journal")?;
        self.fingerprints.extend(journaled.fingerprints);
        if let Some(segment) = journaled.segment
            && self.segments.last().is_none_or(|last| !Arc::ptr_eq(last, &segment))
        {
            self.segments.push(segment);
        }
        Ok(())
    }
}

impl Drop for Delivery {
    /// What was settled is in the database, so it is listed although no receipt is given.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let (inner, request) = (Arc::clone(&self.inner), Arc::clone(&self.request));
        let mut batch = mem::take(&mut self.batch);
        if batch.lines.is_empty() {
            batch.documents.clear();
        }
        let write = move || {
            let outcome =
                inner.journal(&request, batch, true).and_then(|(batch, _)| inner.make(&batch));
            if let Err(error) = outcome {
                tracing::error!(%error, receipt = %request.info.receipt_id, "archive");
            }
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(write)),
            Err(_) => write(),
        }
    }
}

impl Inner {
    /// Writes a batch to the journal and its lines to the manifest; returns what is left to make.
    fn journal(
        &self,
        request: &Request,
        mut batch: Batch,
        is_last: bool,
    ) -> io::Result<(Batch, Journaled)> {
        let info = &request.info;
        // What is listed was synced before: it needs neither journal nor file, if it is there.
        batch.documents.retain(|Document { kept, bytes }| {
            !self.listed.contains(kept.fingerprint) || !self.store.has(&kept.path, bytes.len())
        });
        batch.lines.retain(|line| info.always_list || !self.listed.contains(line.fingerprint));
        batch.links.retain(|link| !self.store.is_linked(&link.plain, &link.version));
        let is_empty =
            batch.documents.is_empty() && batch.lines.is_empty() && batch.links.is_empty();
        let is_open = request.is_open.fetch_or(!is_empty, Ordering::AcqRel);
        if is_empty && !(is_open && is_last) {
            return Ok((batch, Journaled::default()));
        }
        let receipt = info.receipt_id;
        let mut lines = Vec::new();
        let mut fingerprints = Vec::with_capacity(batch.lines.len());
        let segment = self.journal.append(|to| {
            if !is_open {
                Record::Opened(info.clone()).write(to)?;
            }
            for Document { kept, bytes } in &batch.documents {
                let (path, sha256) = (kept.path.clone(), hex::encode(kept.sha256));
                Record::Document { receipt, path, sha256, length: bytes.len() as u64 }.write(to)?;
                to.write_all(bytes)?;
            }
            for line in mem::take(&mut batch.lines) {
                lines.extend_from_slice(line.text.as_bytes());
                lines.push(b'\n');
                fingerprints.push(line.fingerprint);
                Record::Listed { line: line.text }.write(to)?;
            }
            for Link { plain, version, .. } in &batch.links {
                Record::Link { plain: plain.clone(), version: version.clone() }.write(to)?;
            }
            if is_last { Record::Closed { receipt }.write(to) } else { Ok(()) }
        })?;
        self.manifests.append(info.received_at.date_naive(), &lines)?;
        Ok((batch, Journaled { segment: Some(segment), fingerprints }))
    }

    /// Makes the files and links of a batch that is journaled.
    fn make(&self, batch: &Batch) -> io::Result<()> {
        for Document { kept, bytes } in &batch.documents {
            self.store.keep(&kept.path, bytes)?;
        }
        for Link { plain, version, order } in &batch.links {
            self.store.link(plain, version, Some(order))?;
        }
        Ok(())
    }
}
