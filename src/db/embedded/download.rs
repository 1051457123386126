//! Server binaries out of the network, where the machine has none.
//!
//! The last resort, and a thin one: `curl` or `wget` fetches a release built for this platform,
//! which is compared with its published checksum and unpacked once.

use std::{
    env::consts::{ARCH, OS},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{bail, ensure};
use sha2::{Digest as _, Sha256};

use super::archive;

/// Where the releases are.
pub(super) const RELEASES: &str =
    "https://github.com/theseus-rs/postgresql-binaries/releases/download";

/// The release of each version, the one for new clusters first.
const VERSIONS: &[(u32, &str)] =
    &[(17, "17.10.0"), (18, "18.4.0"), (16, "16.14.0"), (15, "15.18.0"), (14, "14.23.0")];

/// Fetches and unpacks what an existing cluster wants, or the version for new ones. Gives the
/// folder that holds `initdb`.
pub(super) fn fetch(releases: &str, major: Option<u32>, home: &Path) -> anyhow::Result<PathBuf> {
    let version = match major {
        None => VERSIONS.first(),
        Some(major) => VERSIONS.iter().find(|(number, _)| *number == major),
    };
    let Some((_, version)) = version else { bail!("there is no release of that version") };
    let system = match OS {
        "linux" if cfg!(target_env = "musl") => "unknown-linux-musl",
        "linux" => "unknown-linux-gnu",
        "macos" => "apple-darwin",
        other => bail!("there is no release for {other}"),
    };
    let name = format!("postgresql-{version}-{ARCH}-{system}");
    let target = home.join(&name);
    if !target.exists() {
        let url = format!("{releases}/{version}/{name}.tar.gz");
        tracing::info!(url, "no PostgreSQL is installed; downloading one");
        let file = home.join(format!("{name}.tar.gz"));
        let unpacked = get(&url, &file)
            .and_then(|()| check(&url, &file))
            .and_then(|()| archive::unpack_into(&file, &target));
        let _ = fs::remove_file(&file);
        unpacked?;
    }
    archive::binaries(&target)
}

fn check(url: &str, file: &Path) -> anyhow::Result<()> {
    let published = file.with_extension("sha256");
    get(&format!("{url}.sha256"), &published)?;
    let text = fs::read_to_string(&published)?;
    fs::remove_file(&published)?;
    let expected = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    ensure!(
        hex::encode(Sha256::digest(fs::read(file)?)) == expected,
        "{url} is not what its checksum says"
    );
    Ok(())
}

fn get(url: &str, file: &Path) -> anyhow::Result<()> {
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--silent", "--show-error", "--location"]);
    curl.args(["--connect-timeout", "10", "--max-time", "600", "--output"]).arg(file).arg(url);
    let mut wget = Command::new("wget");
    wget.args(["--no-verbose", "--timeout=10", "--tries=2", "--output-document"]);
    wget.arg(file).arg(url);
    for mut command in [curl, wget] {
        // The next one is tried only where the first is not installed.
        let Ok(output) = command.stdin(Stdio::null()).output() else { continue };
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{url}: {}", said.trim());
        return Ok(());
    }
    bail!("neither `curl` nor `wget` is installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release of the platform this runs on, with a checksum of `sum`.
    fn publish(folder: &Path, sum: impl Fn(&str) -> String) -> String {
        let version = VERSIONS[0].1;
        let system = if OS == "macos" { "apple-darwin" } else { "unknown-linux-gnu" };
        let name = format!("postgresql-{version}-{ARCH}-{system}");
        fs::create_dir_all(folder.join(&name).join("bin")).unwrap();
        fs::write(folder.join(&name).join("bin/initdb"), "").unwrap();
        fs::create_dir(folder.join(version)).unwrap();
        let archive = folder.join(version).join(format!("{name}.tar.gz"));
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(folder).arg("-czf").arg(&archive).arg(&name);
        assert!(tar.status().unwrap().success());
        let true_sum = hex::encode(Sha256::digest(fs::read(&archive).unwrap()));
        fs::write(format!("{}.sha256", archive.display()), sum(&true_sum)).unwrap();
        format!("file://{}", folder.display())
    }

    #[test]
    fn a_release_is_fetched_once() {
        if Command::new("curl").arg("--version").output().is_err() {
            return eprintln!("NOT TESTED: only `curl` fetches from a folder");
        }
        let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let releases = publish(folder.path(), |sum| format!("{sum}  archive\n"));
        let first = fetch(&releases, None, home.path()).unwrap();
        assert!(first.join("initdb").is_file());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "more is left than was wanted");
        drop(folder);
        assert_eq!(fetch(&releases, None, home.path()).unwrap(), first);
    }

    #[test]
    fn a_release_that_is_not_what_its_checksum_says_is_refused() {
        let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let releases = publish(folder.path(), |_| "0".repeat(64));
        if Command::new("curl").arg("--version").output().is_err() {
            return eprintln!("NOT TESTED: only `curl` fetches from a folder");
        }
        let error = fetch(&releases, None, home.path()).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
