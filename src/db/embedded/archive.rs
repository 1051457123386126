//! Server binaries out of an archive, where the machine has none and no package brings them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

/// Where archives of server binaries for many platforms can be had.
pub(super) const DOWNLOAD: &str = "https://github.com/theseus-rs/postgresql-binaries/releases";

/// How deep below an archive's root the binaries may be.
const DEEPEST: usize = 4;

/// Unpacks an archive below `home`, once, and gives the folder that holds `initdb`.
pub(super) fn unpack(archive: &Path, home: &Path) -> anyhow::Result<PathBuf> {
    let found = fs::metadata(archive)?;
    let mark = format!("{} {} {:?}", archive.display(), found.len(), found.modified()?);
    let name = format!("binaries-{}", &hex::encode(Sha256::digest(mark))[..12]);
    let target = home.join(name);
    if !target.exists() {
        // A folder of the right name is whole.
        let unfinished = target.with_extension("new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        tracing::info!(archive = %archive.display(), "unpacking PostgreSQL");
        let output = Command::new("tar")
            .args(["--no-same-owner", "-xf"])
            .arg(archive)
            .arg("-C")
            .arg(&unfinished)
            .stdin(Stdio::null())
            .output()
            .context("`tar` is needed to unpack PostgreSQL")?;
        ensure!(
            output.status.success(),
            "{} cannot be unpacked: {}",
            archive.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        fs::rename(&unfinished, &target)?;
    }
    match binaries(&target, DEEPEST) {
        Some(folder) => Ok(folder),
        None => bail!("{} holds no `initdb`", archive.display()),
    }
}

/// The folder below `folder` that holds `initdb`.
fn binaries(folder: &Path, deepest: usize) -> Option<PathBuf> {
    if folder.join("initdb").is_file() {
        return Some(folder.to_owned());
    }
    let next = deepest.checked_sub(1)?;
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .find_map(|entry| binaries(&entry.path(), next))
}
