//! Server binaries out of an archive.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

/// How deep below an archive's root the binaries may be.
const DEEPEST: usize = 4;

/// Unpacks an archive below `home`, once, and gives the folder that holds `initdb`.
pub(super) fn unpack(archive: &Path, home: &Path) -> anyhow::Result<PathBuf> {
    let found = fs::metadata(archive)?;
    let mark = format!("{} {} {:?}", archive.display(), found.len(), found.modified()?);
    let target = home.join(format!("binaries-{}", &hex::encode(Sha256::digest(mark))[..12]));
    if !target.exists() {
        unpack_into(archive, &target)?;
    }
    binaries(&target)
}

/// Unpacks an archive into a folder that is then whole, or not there.
pub(super) fn unpack_into(archive: &Path, target: &Path) -> anyhow::Result<()> {
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    // Whatever our umask: the database's account has to enter.
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o755))?;
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
    fs::rename(&unfinished, target)?;
    Ok(())
}

/// The folder below `folder` that holds `initdb`.
pub(super) fn binaries(folder: &Path) -> anyhow::Result<PathBuf> {
    within(folder, DEEPEST).with_context(|| format!("{} holds no `initdb`", folder.display()))
}

fn within(folder: &Path, deepest: usize) -> Option<PathBuf> {
    if folder.join("initdb").is_file() {
        return Some(folder.to_owned());
    }
    let next = deepest.checked_sub(1)?;
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .find_map(|entry| within(&entry.path(), next))
}
