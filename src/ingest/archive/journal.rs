//! The journal: what makes a request durable for one sync, however many files it becomes.
//!
//! A segment is lines of JSON, one a record; a document's bytes follow its line. Requests append
//! to one segment together and share its syncs. A segment is dropped when no open request has
//! written to it and the files made from it are synced.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{DeliveryInfo, lock};

/// A segment of this size takes no more records.
const SEGMENT_SIZE: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(super) enum Record {
    /// A delivery wrote its first record.
    Opened(DeliveryInfo),
    /// A version; `length` bytes follow the line.
    Document { receipt: Uuid, path: String, sha256: String, length: u64 },
    /// A plain name became this version.
    Link { plain: String, version: String },
    /// A line of a manifest.
    Listed { line: String },
    /// Everything of a delivery that is to be listed is listed.
    Closed { receipt: Uuid },
}

impl Record {
    pub(super) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *to, self)?;
        to.write_all(b"\n")
    }
}

/// One file of the journal.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    file: File,
    written: AtomicU64,
    synced: Mutex<u64>,
    broken: AtomicBool,
}

impl Segment {
    fn create(folder: &Path, number: u64) -> io::Result<Self> {
        let path = folder.join(format!("{number:010}.journal"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        File::open(folder)?.sync_all()?;
        Ok(Self {
            path,
            file,
            written: AtomicU64::default(),
            synced: Mutex::default(),
            broken: AtomicBool::default(),
        })
    }

    /// Makes durable what is written. Whoever waits for a sync that covers its records needs none
    /// of its own.
    pub(super) fn sync(&self) -> io::Result<()> {
        let wanted = self.written.load(Ordering::Acquire);
        let mut synced = lock(&self.synced);
        if self.broken.load(Ordering::Acquire) {
            return Err(io::Error::other("the journal could not be synced"));
        }
        if *synced < wanted {
            let end = self.written.load(Ordering::Acquire);
            // After a failed sync the kernel may report success for bytes that it dropped.
            self.file.sync_data().inspect_err(|_| self.broken.store(true, Ordering::Release))?;
            *synced = end;
        }
        Ok(())
    }

    fn takes_more(&self) -> bool {
        self.written.load(Ordering::Acquire) < SEGMENT_SIZE && !self.broken.load(Ordering::Acquire)
    }
}

/// This server's journal: the segment that takes records, and older ones not yet dropped.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    segments: Mutex<Vec<Arc<Segment>>>,
    next: AtomicU64,
}

impl Journal {
    /// A journal in a folder that holds no segments.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, segments: Mutex::default(), next: AtomicU64::new(1) }
    }

    /// Appends what `write` writes, whole or not at all; returns the segment it is in.
    pub(super) fn append(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Arc<Segment>> {
        let mut segments = lock(&self.segments);
        let segment = match segments.last() {
            Some(last) if last.takes_more() => Arc::clone(last),
            _ => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                segments.push(Arc::new(Segment::create(&self.folder, number)?));
                Arc::clone(&segments[segments.len() - 1])
            }
        };
        let start = segment.written.load(Ordering::Acquire);
        let mut file = &segment.file;
        let mut writer = BufWriter::with_capacity(1 << 17, file);
        let outcome = write(&mut writer).and_then(|()| writer.flush());
        drop(writer.into_parts());
        match outcome.and_then(|()| file.stream_position()) {
            Ok(end) => segment.written.store(end, Ordering::Release),
            Err(error) => {
                // Records behind a torn one could not be read, so the torn one goes.
                if file.set_len(start).and_then(|()| file.seek(SeekFrom::Start(start))).is_err() {
                    segment.broken.store(true, Ordering::Release);
                }
                return Err(error);
            }
        }
        Ok(segment)
    }

    /// The oldest segments that no open delivery holds, up to the first that is held or still
    /// takes records: in order, so that a delivery's end is never dropped before its documents.
    pub(super) fn done(&self) -> Vec<PathBuf> {
        let segments = lock(&self.segments);
        segments
            .iter()
            .take_while(|segment| Arc::strong_count(segment) == 1 && !segment.takes_more())
            .map(|segment| segment.path.clone())
            .collect()
    }

    /// Drops segments whose files are synced.
    pub(super) fn discard(&self, done: &[PathBuf]) -> io::Result<()> {
        for path in done {
            fs::remove_file(path)?;
            lock(&self.segments).retain(|segment| segment.path != *path);
        }
        Ok(())
    }
}

/// The segments in a folder, oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "journal") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Visits a segment's records, a document with its bytes, up to the first that is torn.
pub(super) fn read(
    segment: &Path,
    mut visit: impl FnMut(Record, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = File::open(segment)?;
    let mut left = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 17, file);
    let (mut line, mut bytes) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        bytes.clear();
        left -= reader.read_until(b'\n', &mut line)? as u64;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let Ok(record) = serde_json::from_slice::<Record>(&line) else { return Ok(()) };
        if let Record::Document { sha256, length, .. } = &record {
            if *length > left {
                return Ok(());
            }
            left -= reader.by_ref().take(*length).read_to_end(&mut bytes)? as u64;
            if hex::encode(Sha256::digest(&bytes)) != *sha256 {
                return Ok(());
            }
        }
        visit(record, &bytes)?;
    }
}
