//! Finding PostgreSQL's server binaries.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, anyhow, bail};

use super::account::Account;

/// The oldest PostgreSQL that will do.
const OLDEST: u32 = 14;

/// Where packages put versions side by side: parent folder, begin of the name, rest of the path.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with `initdb` and `postgres` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Installation {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
    pub(super) version: String,
}

/// Where to look; in tests, places that the machine does not have.
pub(super) struct Places {
    path: OsString,
    versioned: &'static [(&'static str, &'static str, &'static str)],
}

impl Places {
    /// `PATH` and the folders packages use.
    pub(super) fn of_this_machine() -> Self {
        Self { path: std::env::var_os("PATH").unwrap_or_default(), versioned: VERSIONED }
    }

    /// The first installation that runs: on `PATH`, by `pg_config`, then the newest of a package.
    /// An existing cluster wants the `major` version that made it.
    pub(super) fn search(
        &self,
        account: &Account,
        major: Option<u32>,
    ) -> Result<Installation, Nothing> {
        let mut tried = Vec::new();
        let mut found = Vec::new();
        self.on_path(account, &mut found, &mut tried);
        self.by_pg_config(account, &mut found, &mut tried);
        self.of_packages(account, &mut found, &mut tried);
        let suits = |one: &Installation| major.is_none_or(|major| one.major == major);
        match found.iter().position(suits) {
            Some(index) => Ok(found.swap_remove(index)),
            None => Err(Nothing { major, other: found.into_iter().next(), tried }),
        }
    }

    fn on_path(&self, account: &Account, found: &mut Vec<Installation>, tried: &mut Vec<String>) {
        let before = found.len();
        for program in std::env::split_paths(&self.path).map(|folder| folder.join("postgres")) {
            // A link in /usr/local/bin has no `initdb` beside it; what it points at has.
            let Ok(program) = fs::canonicalize(program) else { continue };
            let Some(folder) = program.parent() else { continue };
            note(installation(account, folder), "PATH", found, tried);
        }
        if found.len() == before {
            tried.push("PATH: no `postgres` with an `initdb` beside it".to_owned());
        }
    }

    fn by_pg_config(
        &self,
        account: &Account,
        found: &mut Vec<Installation>,
        tried: &mut Vec<String>,
    ) {
        let program = std::env::split_paths(&self.path)
            .map(|folder| folder.join("pg_config"))
            .find(|program| program.is_file());
        let Some(program) = program else {
            return tried.push("pg_config: not on PATH".to_owned());
        };
        let output = Command::new(program).arg("--bindir").stdin(Stdio::null()).output();
        match output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()) {
            Ok(folder) if !folder.is_empty() => {
                let folder = Path::new(&folder);
                note(installation(account, folder), "pg_config --bindir", found, tried);
            }
            _ => tried.push("pg_config --bindir: names no folder".to_owned()),
        }
    }

    fn of_packages(
        &self,
        account: &Account,
        found: &mut Vec<Installation>,
        tried: &mut Vec<String>,
    ) {
        let mut packaged = Vec::new();
        for (parent, begin, rest) in self.versioned {
            let before = packaged.len();
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                let folder = entry.path().join(rest);
                if entry.file_name().to_string_lossy().starts_with(begin) && folder.is_dir() {
                    note(installation(account, &folder), "packages", &mut packaged, tried);
                }
            }
            if packaged.len() == before {
                let pattern = Path::new(parent).join(format!("{begin}*")).join(rest);
                tried.push(format!("{}: nothing", pattern.display()));
            }
        }
        packaged.sort_by_key(|one| std::cmp::Reverse(one.major));
        found.append(&mut packaged);
    }
}

/// A search without success.
#[derive(Debug)]
pub(super) struct Nothing {
    major: Option<u32>,
    /// An installation of another version than the cluster's.
    other: Option<Installation>,
    tried: Vec<String>,
}

impl Nothing {
    /// What to say when the download did not work either.
    pub(super) fn explain(mut self, download: &anyhow::Error) -> anyhow::Error {
        self.tried.push(format!("download: {download:#}"));
        let tried = self.tried.join("\n  ");
        match (self.major, self.other) {
            (Some(major), Some(other)) => {
                anyhow!("{}\nTried:\n  {tried}", wrong_version(major, &other))
            }
            _ => anyhow!(
                "no PostgreSQL server of version {OLDEST} or newer was found. Tried:\n  {tried}\n\
                 {}\nOr set BOOST_DASHBOARD_PG_BIN to a folder with `initdb` and `postgres`, or to \
                 a tar archive of one; or set DATABASE_URL to a PostgreSQL that runs.",
                remedy()
            ),
        }
    }
}

/// The installation in a folder that is named, not searched for.
pub(super) fn named(
    account: &Account,
    folder: &Path,
    major: Option<u32>,
) -> anyhow::Result<Installation> {
    let found = installation(account, folder)?;
    match major {
        Some(major) if found.major != major => bail!(wrong_version(major, &found)),
        _ => Ok(found),
    }
}

/// Checks that a folder holds a server that this account can run.
fn installation(account: &Account, folder: &Path) -> anyhow::Result<Installation> {
    let folder = fs::canonicalize(folder)
        .with_context(|| format!("{} cannot be entered", folder.display()))?;
    for program in ["initdb", "postgres"] {
        if !folder.join(program).is_file() {
            bail!("{} holds no `{program}`", folder.display());
        }
    }
    let output = account
        .command(&folder.join("postgres"))
        .arg("--version")
        .output()
        .with_context(|| format!("{}/postgres cannot be run", folder.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_numeric()));
    let major = version.and_then(|version| {
        version.split(|c: char| !c.is_numeric()).next().and_then(|digits| digits.parse().ok())
    });
    let (Some(version), Some(major)) = (version, major) else {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{}/postgres does not run: {}", folder.display(), error.trim());
    };
    if major < OLDEST {
        bail!("{} is version {version}, older than {OLDEST}", folder.display());
    }
    let version = version.to_owned();
    Ok(Installation { folder, major, version })
}

fn note(
    result: anyhow::Result<Installation>,
    place: &str,
    found: &mut Vec<Installation>,
    tried: &mut Vec<String>,
) {
    match result {
        Ok(installation) => found.push(installation),
        Err(error) => tried.push(format!("{place}: {error:#}")),
    }
}

fn wrong_version(major: u32, found: &Installation) -> String {
    format!(
        "the data folder's database was made by PostgreSQL {major}, and only {} was found, in {}. \
         Install version {major} beside it, or move the database over with pg_dump or pg_upgrade.",
        found.version,
        found.folder.display()
    )
}

/// The one command that helps on this platform.
fn remedy() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let like = |names: &[&str]| {
        release
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
            .flat_map(|ids| ids.trim_matches('"').split(' '))
            .any(|id| names.contains(&id))
    };
    let command = if cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else if like(&["debian", "ubuntu"]) {
        "apt-get install postgresql"
    } else if like(&["fedora", "rhel", "centos"]) {
        "dnf install postgresql-server"
    } else if like(&["arch"]) {
        "pacman -S postgresql"
    } else if like(&["alpine"]) {
        "apk add postgresql"
    } else if like(&["suse", "opensuse"]) {
        "zypper install postgresql-server"
    } else {
        return format!("Install PostgreSQL {OLDEST} or newer with its server binaries.");
    };
    let sudo = cfg!(target_os = "linux") && !nix::unistd::geteuid().is_root();
    format!("Install it:\n  {}{command}", if sudo { "sudo " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_names_what_was_tried_and_what_helps() {
        let empty = tempfile::tempdir().unwrap();
        let places = Places {
            path: empty.path().as_os_str().to_owned(),
            versioned: &[("/nowhere/postgresql", "", "bin")],
        };
        let nothing = places.search(&Account::choose(None).unwrap(), None).unwrap_err();
        let error = nothing.explain(&anyhow!("no network")).to_string();
        for part in [
            "PATH",
            "pg_config",
            "/nowhere/postgresql/*/bin",
            "no network",
            "nstall",
            "DATABASE_URL",
        ] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }

    #[test]
    fn a_folder_without_a_server_is_refused_by_name() {
        let empty = tempfile::tempdir().unwrap();
        let error = named(&Account::choose(None).unwrap(), empty.path(), None).unwrap_err();
        assert!(format!("{error:#}").contains("holds no `initdb`"), "{error:#}");
    }
}
