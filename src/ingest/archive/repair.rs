//! After a crash: what a journal holds is made into files and lines, and synced.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{
    DeliveryInfo, ManifestEntry, Status, delivery, journal,
    journal::Record,
    manifest::{self, Manifests},
    path,
    store::Store,
    try_lock,
};

/// Repairs from every journal whose server is gone; `own` is locked by the caller.
pub(super) fn all(raw: &Path, journals: &Path, own: &str) -> anyhow::Result<()> {
    for entry in fs::read_dir(journals)? {
        let entry = entry?;
        let (folder, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let lock = if name == own { None } else { try_lock(&folder)? };
        if (name == own || lock.is_some()) && !journal::segments(&folder)?.is_empty() {
            one(raw, &folder, &name).with_context(|| format!("repairing {}", folder.display()))?;
        }
    }
    Ok(())
}

/// What a journal says, besides documents.
#[derive(Default)]
struct Found {
    opened: HashMap<Uuid, DeliveryInfo>,
    closed: HashSet<Uuid>,
    /// Documents that have a line, by receipt and path.
    listed: HashSet<u64>,
    /// Lines, by day and hash; in the end those that the manifests lack.
    missing: HashMap<NaiveDate, HashSet<u64>>,
    failures: usize,
}

fn one(raw: &Path, folder: &Path, server: &str) -> anyhow::Result<()> {
    let store = Store::open(raw.to_owned(), folder.join("tmp"))?;
    let manifests = Manifests::open(raw.join("_manifest"), server.to_owned())?;
    let segments = journal::segments(folder)?;
    let mut found = Found::default();
    for segment in &segments {
        journal::read(segment, |record, bytes| found.take(&store, record, bytes))?;
    }
    for (day, missing) in &mut found.missing {
        let manifest = manifests.path(*day);
        if manifest.exists() {
            manifest::cut_torn_line(&manifest)?;
            for line in BufReader::new(File::open(&manifest)?).split(b'\n') {
                missing.remove(&hash(line?.as_slice()));
            }
        }
    }
    for segment in &segments {
        journal::read(segment, |record, _| found.complete(&store, &manifests, record))?;
    }
    sync(&store, &manifests, &segments)?;
    for segment in &segments {
        if found.failures == 0 {
            fs::remove_file(segment)?;
        } else {
            fs::rename(segment, segment.with_extension(format!("failed-{}", Uuid::now_v7())))?;
        }
    }
    let (journal, failures) = (folder.display(), found.failures);
    tracing::info!(%journal, segments = segments.len(), failures, "archive repaired");
    Ok(())
}

impl Found {
    fn take(&mut self, store: &Store, record: Record, bytes: &[u8]) -> anyhow::Result<()> {
        match record {
            Record::Opened(info) => drop(self.opened.insert(info.receipt_id, info)),
            Record::Closed { receipt } => drop(self.closed.insert(receipt)),
            Record::Document { path, .. } => {
                let is_whole = store.has(&path, bytes.len())
                    && fs::read(store.locate(&path)).is_ok_and(|kept| kept == bytes);
                if !is_whole && let Err(error) = store.write(&path, bytes) {
                    tracing::error!(%error, path, "a document cannot be repaired");
                    self.failures += 1;
                }
            }
            Record::Listed { line } => {
                let entry: ManifestEntry = serde_json::from_str(&line)?;
                let day = entry.received_at.date_naive();
                self.missing.entry(day).or_default().insert(hash(line.as_bytes()));
                self.listed.insert(hash(&(entry.receipt_id, entry.path.as_str())));
            }
            Record::Link { .. } => {}
        }
        Ok(())
    }

    fn complete(
        &mut self,
        store: &Store,
        manifests: &Manifests,
        record: Record,
    ) -> anyhow::Result<()> {
        match record {
            Record::Listed { line } => {
                let entry: ManifestEntry = serde_json::from_str(&line)?;
                let day = entry.received_at.date_naive();
                let is_missing = self.missing.get_mut(&day);
                if is_missing.is_some_and(|missing| missing.remove(&hash(line.as_bytes()))) {
                    manifests.append(day, format!("{line}\n").as_bytes())?;
                }
            }
            Record::Document { receipt, path, sha256, .. } => {
                // The server ended before it said what became of this: the database may have it.
                if let Some(info) = self.opened.get(&receipt)
                    && !self.closed.contains(&receipt)
                    && self.listed.insert(hash(&(receipt, path.as_str())))
                {
                    let common = info.common()?;
                    let line = delivery::line(&common, &path, &sha256, Status::Interrupted)?;
                    let day = info.received_at.date_naive();
                    manifests.append(day, format!("{line}\n").as_bytes())?;
                    if let Some(plain) = path::plain(&path)
                        && !store.locate(&plain).exists()
                    {
                        store.link(&plain, &path, None)?;
                    }
                }
            }
            Record::Link { plain, version } => {
                if !store.is_linked(&plain, &version) {
                    self.failures += usize::from(store.link(&plain, &version, None).is_err());
                }
            }
            Record::Opened(_) | Record::Closed { .. } => {}
        }
        Ok(())
    }
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// Makes durable all files that were made from these segments.
pub(super) fn sync(
    store: &Store,
    manifests: &Manifests,
    segments: &[PathBuf],
) -> anyhow::Result<()> {
    if sync_file_system(&store.locate(""))? {
        Ok(())
    } else {
        sync_each(store, manifests, segments)
    }
}

/// One call for all of them, where there is such a call.
#[cfg(target_os = "linux")]
fn sync_file_system(raw: &Path) -> io::Result<bool> {
    nix::unistd::syncfs(File::open(raw)?)?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "Linux has something to report")]
fn sync_file_system(_: &Path) -> io::Result<bool> {
    Ok(false)
}

fn sync_each(store: &Store, manifests: &Manifests, segments: &[PathBuf]) -> anyhow::Result<()> {
    let top = store.locate("");
    for segment in segments {
        let mut places = HashSet::new();
        journal::read(segment, |record, _| {
            let file = match record {
                Record::Document { path, .. } => store.locate(&path),
                Record::Link { plain, .. } => store.locate(&plain),
                Record::Listed { line } => {
                    let entry: ManifestEntry = serde_json::from_str(&line)?;
                    manifests.path(entry.received_at.date_naive())
                }
                Record::Opened(_) | Record::Closed { .. } => return Ok(()),
            };
            places.extend(file.ancestors().take_while(|p| p.starts_with(&top)).map(PathBuf::from));
            Ok(())
        })?;
        for place in places {
            match File::open(&place) {
                Ok(file) => file.sync_all()?,
                // A link that a greater version won, or that someone removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;

    use super::{super::*, *};

    /// What other systems do, so that Linux tests it too.
    #[tokio::test]
    async fn each_file_can_be_synced_alone() -> anyhow::Result<()> {
        let workspace = tempfile::tempdir()?;
        let archive = Archive::open(workspace.path(), "one")?;
        let mut delivery = archive.delivery(DeliveryInfo {
            domain: "github".to_owned(),
            kind: "accounts".to_owned(),
            content_type: "application/json".to_owned(),
            params: serde_json::Map::new(),
            excerpt: false,
            received_at: DateTime::UNIX_EPOCH,
            receipt_id: Uuid::nil(),
            always_list: false,
        })?;
        let path = Folder::of("github_activity_tracker").fixed("_accounts").file("1", "json");
        let kept = delivery.keep(&path, Bytes::from_static(b"{}"));
        delivery.flush().await?;
        delivery.settle(&kept, Status::Done, Some((None, 0, None, Vec::new())))?;
        delivery.finish().await?;
        let segments = journal::segments(&archive.0.raw.join(JOURNALS).join("one"))?;
        assert_eq!(segments.len(), 1);
        sync_each(&archive.0.store, &archive.0.manifests, &segments)
    }
}
