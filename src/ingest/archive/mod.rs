//! The archive: every document that was sent, byte for byte, in `workspace/raw`.
//!
//! A request is a [`Delivery`]. Before the database commits a batch, [`Delivery::flush`] has put
//! its documents into the journal; afterwards [`Delivery::settle`] says what became of each, and
//! [`Delivery::finish`] makes all of it durable, for one sync a request. The files of the layout
//! are made from memory while the database works; a crash before they are on disk is repaired
//! from the journal when the archive is opened next.
//!
//! * `path`: names that cannot escape or collide. * `store`: the files. * `journal`: durability.
//! * `manifest`: what `replay` reads. * `listed`: saves repeated lines. * `repair`: after a crash.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

mod delivery;
mod journal;
mod listed;
mod manifest;
mod path;
mod repair;
mod store;

pub use delivery::{Delivery, DeliveryInfo, Kept};
pub use manifest::{Entries, ManifestEntry, Status};
pub use path::{Folder, RawPath};

use journal::Journal;
use listed::Listed;
use manifest::Manifests;
use store::Store;

/// A stamp, ordered as stamps are: source time, rank, `as_of`, digest.
pub type Order = (Option<DateTime<Utc>>, i16, Option<DateTime<Utc>>, Vec<u8>);

/// Where the journals are; no path of the layout has a segment that begins with a dot.
const JOURNALS: &str = ".journal";

/// The archive of a workspace; cheap to clone.
#[derive(Debug, Clone)]
pub struct Archive(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    journal: Journal,
    manifests: Manifests,
    listed: Listed,
    cleaning: AtomicBool,
    raw: PathBuf,
    /// Held while this server lives: its journal is nobody else's to repair.
    _lock: File,
}

/// A file of the archive, opened.
#[derive(Debug)]
pub struct RawFile {
    /// The file.
    pub file: tokio::fs::File,
    /// Its length in bytes.
    pub length: u64,
    /// Its media type, by its extension.
    pub content_type: &'static str,
}

impl Archive {
    /// Opens the archive of a workspace and repairs what crashed servers left. Blocks.
    ///
    /// A second process under the same server name gets a name of its own, `<server>-2`.
    pub fn open(workspace: &Path, server: &str) -> anyhow::Result<Self> {
        let raw = workspace.join("raw");
        let journals = raw.join(JOURNALS);
        fs::create_dir_all(&journals).with_context(|| format!("making {}", journals.display()))?;
        let raw = raw.canonicalize()?;
        let journals = raw.join(JOURNALS);
        let (server, lock) = claim(&journals, &path::name(server))?;
        let folder = journals.join(&server);
        repair::all(&raw, &journals, &server)?;
        Ok(Self(Arc::new(Inner {
            store: Store::open(raw.clone(), folder.join("tmp"))?,
            journal: Journal::new(folder.clone()),
            manifests: Manifests::open(raw.join("_manifest"), server)?,
            listed: Listed::open(folder.join("listed"))?,
            cleaning: AtomicBool::default(),
            raw,
            _lock: lock,
        })))
    }

    /// Begins to take the documents of one request.
    pub fn delivery(&self, info: DeliveryInfo) -> anyhow::Result<Delivery> {
        Delivery::new(Arc::clone(&self.0), info)
    }

    /// All that was delivered, in order of receipt, without what was rejected. Blocks.
    pub fn entries(&self) -> anyhow::Result<Entries> {
        Ok(Entries::of(&self.0.raw.join("_manifest"))?)
    }

    /// Reads a document whole, by plain or version path, with or without `raw/`. Blocks.
    pub fn load(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(mut file) = self.0.store.open_file(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Opens a document, by plain or version path, with or without `raw/`; none if the path leads
    /// to no file of the archive.
    pub async fn read(&self, path: &str) -> io::Result<Option<RawFile>> {
        let (inner, name) = (Arc::clone(&self.0), path.to_owned());
        let Some(file) = spawn_blocking(move || inner.store.open_file(&name)).await?? else {
            return Ok(None);
        };
        let length = file.metadata()?.len();
        let content_type = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("json") => "application/json",
            Some("ndjson") => "application/x-ndjson",
            Some("csv") => "text/csv",
            Some("txt") => "text/plain",
            Some("vtt") => "text/vtt",
            _ => "application/octet-stream",
        };
        Ok(Some(RawFile { file: file.into(), length, content_type }))
    }
}

impl Inner {
    /// Drops the segments of the journal that are done with, once all files made so far are
    /// synced. Blocks; one at a time.
    fn clean(&self) {
        if self.cleaning.swap(true, Ordering::AcqRel) {
            return;
        }
        let done = self.journal.done();
        let outcome = if done.is_empty() {
            Ok(())
        } else {
            repair::sync(&self.store, &self.manifests, &done)
                .and_then(|()| Ok(self.journal.discard(&done)?))
        };
        self.cleaning.store(false, Ordering::Release);
        if let Err(error) = outcome {
            // The journal stays: the next delivery tries again, or the next start.
            tracing::warn!(%error, "the archive's journal could not be cleaned");
        }
    }
}

/// Takes the first free of `server`, `server-2`, …
fn claim(journals: &Path, server: &str) -> anyhow::Result<(String, File)> {
    for number in 1..=999 {
        let name = if number == 1 { server.to_owned() } else { format!("{server}-{number}") };
        fs::create_dir_all(journals.join(&name))?;
        if let Some(lock) = try_lock(&journals.join(&name))? {
            return Ok((name, lock));
        }
    }
    anyhow::bail!("999 servers called {server} hold a journal in {}", journals.display())
}

/// The lock of a server's journal, unless a living server holds it.
fn try_lock(journal: &Path) -> io::Result<Option<File>> {
    let lock = File::create(journal.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Locks a mutex; what it guards is whole at every step, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
