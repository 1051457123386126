//! Files that are derived from payloads and served: documentation texts.
//!
//! They are named by their content, written before their rows commit, and not synced one by one: one
//! that a crash loses is made again from the archive when it is read.

use std::{collections::BTreeMap, fs, io, path::Path};

use bytes::Bytes;
use tokio::task::spawn_blocking;

/// Writes files below the workspace, each under a temporary name first, so that no reader sees half
/// of one. A file that is there with the same length stays.
///
/// # Errors
/// If a folder or file cannot be written.
pub async fn write(workspace: &Path, files: BTreeMap<String, Bytes>) -> anyhow::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let workspace = workspace.to_owned();
    spawn_blocking(move || {
        for (path, bytes) in files {
            write_one(&workspace.join(path), &bytes)?;
        }
        anyhow::Ok(())
    })
    .await?
}

fn write_one(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() == bytes.len() as u64) {
        return Ok(());
    }
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile(folder)?;
    io::Write::write_all(&mut file.0, bytes)?;
    fs::rename(&file.1, path)
}

/// A new file in a folder, and its path.
fn tempfile(folder: &Path) -> io::Result<(fs::File, std::path::PathBuf)> {
    let path = folder.join(format!(".{}", uuid::Uuid::now_v7()));
    Ok((fs::File::create_new(&path)?, path))
}
