//! What the manifests list already: a set of 64-bit fingerprints in a file.
//!
//! It only saves repeated lines. A fingerprint goes in after its line is synced, so one that is
//! missing (a crash, another server's listing) costs a line more, which `replay` does not mind.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Mutex,
};

use super::lock;

const SLOT: u64 = 8;
const FIRST_SLOTS: u64 = 4096;

/// An open-addressing table of 8-byte slots, 0 being empty, at most half full.
#[derive(Debug)]
pub(super) struct Listed {
    path: PathBuf,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    file: File,
    slots: u64,
    used: u64,
}

impl Listed {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        let slots = file.metadata()?.len() / SLOT;
        let table = if slots.is_power_of_two() {
            let bytes = fs::read(&path)?;
            let used = fingerprints(&bytes).count() as u64;
            Table { file, slots, used }
        } else {
            file.set_len(0)?;
            file.set_len(FIRST_SLOTS * SLOT)?;
            Table { file, slots: FIRST_SLOTS, used: 0 }
        };
        Ok(Self { path, table: Mutex::new(table) })
    }

    /// Whether this was listed; a failing disk says no.
    pub(super) fn contains(&self, fingerprint: u64) -> bool {
        matches!(lock(&self.table).find(fingerprint), Ok((true, _)))
    }

    pub(super) fn insert(&self, fingerprints: &[u64]) -> io::Result<()> {
        let mut table = lock(&self.table);
        for fingerprint in fingerprints {
            if table.used * 2 >= table.slots {
                *table = table.grown(&self.path)?;
            }
            table.insert(*fingerprint)?;
        }
        Ok(())
    }
}

impl Table {
    /// Whether the fingerprint is here, and the slot where it is or would be.
    fn find(&self, fingerprint: u64) -> io::Result<(bool, u64)> {
        let mut slot = fingerprint & (self.slots - 1);
        loop {
            let mut found = [0; 8];
            self.file.read_exact_at(&mut found, slot * SLOT)?;
            match u64::from_le_bytes(found) {
                0 => return Ok((false, slot)),
                other if other == fingerprint => return Ok((true, slot)),
                _ => slot = (slot + 1) & (self.slots - 1),
            }
        }
    }

    fn insert(&mut self, fingerprint: u64) -> io::Result<()> {
        let (is_there, slot) = self.find(fingerprint)?;
        if !is_there {
            self.file.write_all_at(&fingerprint.to_le_bytes(), slot * SLOT)?;
            self.used += 1;
        }
        Ok(())
    }

    fn grown(&self, path: &PathBuf) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        let slots = self.slots * 2;
        let mut grown = vec![0_u64; usize::try_from(slots).map_err(io::Error::other)?];
        let mask = grown.len() - 1;
        for fingerprint in fingerprints(&bytes) {
            let mut slot = usize::try_from(fingerprint & (slots - 1)).map_err(io::Error::other)?;
            while grown[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            grown[slot] = fingerprint;
        }
        let temporary = path.with_extension("new");
        fs::write(&temporary, grown.iter().flat_map(|f| f.to_le_bytes()).collect::<Vec<u8>>())?;
        fs::rename(&temporary, path)?;
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file, slots, used: self.used })
    }
}

fn fingerprints(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks::<8>().0.iter().map(|slot| u64::from_le_bytes(*slot)).filter(|f| *f != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_grows_and_survives() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("listed");
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let all: Vec<u64> = (1..=10_000).map(spread).collect();
        let listed = Listed::open(path.clone())?;
        listed.insert(&all)?;
        listed.insert(&all)?;
        for reopened in [listed, Listed::open(path)?] {
            assert!(all.iter().all(|fingerprint| reopened.contains(*fingerprint)));
            assert!((1..1000).all(|n| !reopened.contains(n * 2)));
        }
        Ok(())
    }
}
