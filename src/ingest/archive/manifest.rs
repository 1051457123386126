//! Manifests: what was delivered, when and how, one line a document; what `replay` reads.
//!
//! `raw/_manifest/<day>.<server>.ndjson`, where the day is that of the receive time: so all
//! entries of a day come before all of the next, and only one day's order is ever in memory.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
    vec,
};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::lock;

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All its items were accepted.
    Done,
    /// Some of its items were rejected.
    Partial,
    /// Nothing of it was stored; `replay` skips it.
    Rejected,
    /// The server ended before it was known whether the database has it; `replay` reads it.
    Interrupted,
}

/// A line of a manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// The version's path, `raw/…@….…`.
    pub path: String,
    /// SHA-256 of the document, hexadecimal.
    pub sha256: String,
    /// The domain it was posted to.
    pub domain: String,
    /// The kind it was posted as.
    pub kind: String,
    /// Its media type.
    pub content_type: String,
    /// The context parameters it was posted with.
    pub params: Map<String, Value>,
    /// Whether it is an excerpt: a rejected item that was stored later, without those beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excerpt: bool,
    /// When its request was received.
    pub received_at: DateTime<Utc>,
    /// The receipt of its request.
    pub receipt_id: Uuid,
    /// What became of it.
    pub status: Status,
}

/// The manifests that this server appends to.
#[derive(Debug)]
pub(super) struct Manifests {
    folder: PathBuf,
    server: String,
    open: Mutex<Option<(NaiveDate, File)>>,
}

impl Manifests {
    pub(super) fn open(folder: PathBuf, server: String) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, server, open: Mutex::default() })
    }

    pub(super) fn path(&self, day: NaiveDate) -> PathBuf {
        self.folder.join(format!("{day}.{}.ndjson", self.server))
    }

    /// Appends whole lines, all or none.
    pub(super) fn append(&self, day: NaiveDate, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut open = lock(&self.open);
        let file = match &mut *open {
            Some((opened, file)) if *opened == day => file,
            _ => {
                let file = OpenOptions::new().append(true).create(true).open(self.path(day))?;
                &mut open.insert((day, file)).1
            }
        };
        let end = file.metadata()?.len();
        file.write_all(lines).inspect_err(|_| {
            // A torn line would swallow the one appended next.
            let _ = file.set_len(end);
        })
    }
}

/// Cuts a line that was not written to its end.
pub(super) fn cut_torn_line(manifest: &Path) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(manifest)?);
    let (mut whole, mut line) = (0, Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.last() != Some(&b'\n') {
            return OpenOptions::new().write(true).open(manifest)?.set_len(whole);
        }
        whole += line.len() as u64;
        line.clear();
    }
    Ok(())
}

/// What orders two requests; lines of one request follow each other in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Request {
    received_at: DateTime<Utc>,
    receipt_id: Uuid,
}

/// Consecutive lines of one request: few are held, however many the lines.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    request: Request,
    file: usize,
    start: u64,
    end: u64,
}

/// The entries of all servers in order of receipt, without the rejected. Reads files as it goes:
/// for threads that may block.
#[derive(Debug)]
pub struct Entries {
    days: vec::IntoIter<(String, Vec<PathBuf>)>,
    files: Vec<PathBuf>,
    runs: vec::IntoIter<Run>,
    reader: Option<(BufReader<File>, u64)>,
    line: String,
}

impl Entries {
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let mut days: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(".ndjson")) else {
                continue;
            };
            if let Some((day, _)) = name.split_once('.') {
                days.entry(day.to_owned()).or_default().push(entry.path());
            }
        }
        Ok(Self {
            days: days.into_iter().collect::<Vec<_>>().into_iter(),
            files: Vec::new(),
            runs: Vec::new().into_iter(),
            reader: None,
            line: String::new(),
        })
    }

    fn advance(&mut self) -> anyhow::Result<Option<ManifestEntry>> {
        loop {
            if let Some((reader, left)) = &mut self.reader
                && *left > 0
            {
                self.line.clear();
                let read = reader.read_line(&mut self.line)?;
                *left = if read == 0 { 0 } else { left.saturating_sub(read as u64) };
                if let Ok(entry) = serde_json::from_str::<ManifestEntry>(&self.line)
                    && entry.status != Status::Rejected
                {
                    return Ok(Some(entry));
                }
            } else if let Some(run) = self.runs.next() {
                let mut file = File::open(&self.files[run.file])?;
                file.seek(SeekFrom::Start(run.start))?;
                self.reader = Some((BufReader::new(file), run.end - run.start));
            } else if let Some((_, files)) = self.days.next() {
                let mut runs = Vec::new();
                for (file, path) in files.iter().enumerate() {
                    find_runs(file, path, &mut runs)
                        .with_context(|| format!("reading {}", path.display()))?;
                }
                runs.sort_unstable();
                self.files = files;
                self.runs = runs.into_iter();
            } else {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Entries {
    type Item = anyhow::Result<ManifestEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

fn find_runs(file: usize, path: &Path, runs: &mut Vec<Run>) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut start, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let end = start + reader.read_until(b'\n', &mut line)? as u64;
        if line.last() != Some(&b'\n') {
            // The end, or a line that another server has not finished.
            return Ok(());
        }
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => match runs.last_mut() {
                Some(run) if run.file == file && run.request == request && run.end == start => {
                    run.end = end;
                }
                _ => runs.push(Run { request, file, start, end }),
            },
            Err(error) => tracing::warn!(%error, path = %path.display(), start, "manifest line"),
        }
        start = end;
    }
}
