//! A private cluster below the data folder: its places, its lock, its making.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, File, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use super::{
    Flavour, SUPERUSER,
    account::Account,
    archive, download,
    find::{self, Installation, Places},
    leftover,
};

/// How long the lock of a data folder may be held by somebody who is about to leave.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// The longest path of a Unix socket, without its closing zero.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A cluster that is ours to run: made, locked, and with no server on it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) installation: Installation,
    pub(super) account: Account,
    /// PostgreSQL's data folder.
    pub(super) data: PathBuf,
    /// The folder of the socket.
    pub(super) sockets: PathBuf,
    /// What the server says.
    pub(super) log: PathBuf,
    /// Open, and so locked, as long as this lives.
    _lock: File,
}

impl Cluster {
    /// Takes the data folder, finds binaries, makes the cluster at the first time, and clears away
    /// what a killed run has left. Blocks.
    pub(super) fn prepare(
        data_dir: &Path,
        pg_bin: Option<&Path>,
        flavour: Flavour,
    ) -> anyhow::Result<Self> {
        make_folder(data_dir)?;
        let data_dir = fs::canonicalize(data_dir)?;
        let lock = lock(&data_dir)?;
        let hash = &hex::encode(Sha256::digest(data_dir.as_os_str().as_encoded_bytes()))[..12];

        let elsewhere = PathBuf::from(format!("/var/lib/boost-dashboard-{hash}"));
        let existing = [&data_dir, &elsewhere]
            .map(|home| home.join("postgres"))
            .into_iter()
            .find(|data| data.join("PG_VERSION").is_file());
        let account = Account::choose(existing.as_deref())?;
        let home = home(&account, existing.as_deref(), data_dir, elsewhere)?;
        let data = home.join("postgres");

        let major = major(&data)?;
        let installation = installation(pg_bin, &account, major, &home)?;
        let sockets = sockets(&account, hash)?;
        let log = home.join("postgres.log");
        let cluster = Self { installation, account, data, sockets, log, _lock: lock };
        if major.is_none() {
            cluster.make(flavour)?;
        }
        leftover::clear(&cluster.data, &cluster.sockets)?;
        Ok(cluster)
    }

    /// The URL of a database in this cluster.
    pub(super) fn url(&self, role: &str, database: &str) -> String {
        let mut host = String::new();
        for byte in self.sockets.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    host.push(char::from(*byte));
                }
                _ => {
                    // Writing to a string cannot fail.
                    let _ = write!(host, "%{byte:02X}");
                }
            }
        }
        format!("postgres://{role}@{host}/{database}")
    }

    /// Runs `initdb` into a sibling folder and renames it: a folder of the right name is whole.
    fn make(&self, flavour: Flavour) -> anyhow::Result<()> {
        tracing::info!(data = %self.data.display(), "making the embedded PostgreSQL's cluster");
        let unfinished = self.data.with_extension("new");
        let mut said = String::new();
        // Never the locale of whoever starts us: sorting would depend on it.
        for locale in ["C.UTF-8", "en_US.UTF-8", "C"] {
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
            self.account.make_private(&unfinished)?;
            let mut command = self.account.command(&self.installation.folder.join("initdb"));
            // Trust is safe because only this account can enter the socket's folder.
            command.args(["--encoding=UTF8", "--auth=trust", "--no-instructions"]);
            command.arg(format!("--locale={locale}")).arg(format!("--username={SUPERUSER}"));
            if flavour == Flavour::Test {
                command.arg("--no-sync");
            }
            let output = command.arg("-D").arg(&unfinished).output()?;
            if output.status.success() {
                fs::rename(&unfinished, &self.data)?;
                if let Some(home) = self.data.parent() {
                    File::open(home)?.sync_all()?;
                }
                return Ok(());
            }
            said = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        bail!("initdb failed: {}", said.trim())
    }
}

impl Drop for Cluster {
    /// The server has removed its socket; the folder goes as well, if nothing else is in it.
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.sockets);
    }
}

/// The binaries to run: those a setting names, else those of the machine, else a download.
fn installation(
    pg_bin: Option<&Path>,
    account: &Account,
    major: Option<u32>,
    home: &Path,
) -> anyhow::Result<Installation> {
    if let Some(named) = pg_bin {
        let folder = if named.is_file() { archive::unpack(named, home)? } else { named.to_owned() };
        return find::named(account, &folder, major)
            .with_context(|| format!("BOOST_DASHBOARD_PG_BIN is {}", named.display()));
    }
    Places::of_this_machine().search(account, major).or_else(|nothing| {
        download::fetch(download::RELEASES, major, home)
            .and_then(|folder| find::named(account, &folder, major))
            .map_err(|error| nothing.explain(&error))
    })
}

/// Makes the data folder. Others may pass through it, as the database's account must, but not list
/// it.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))
}

/// Where the cluster lives: where it is, else in the data folder, else, where its account cannot
/// get there, in a folder of its own.
fn home(
    account: &Account,
    existing: Option<&Path>,
    data_dir: PathBuf,
    elsewhere: PathBuf,
) -> anyhow::Result<PathBuf> {
    if let Some(home) = existing.and_then(Path::parent) {
        ensure!(account.reaches(home), "the database's account cannot enter {}", home.display());
        return Ok(home.to_owned());
    }
    if account.reaches(&data_dir) {
        return Ok(data_dir);
    }
    make_folder(&elsewhere)?;
    ensure!(
        account.reaches(&elsewhere),
        "the database's account can enter neither {} nor {}: set BOOST_DASHBOARD_DATA_DIR to a \
         folder that other users may pass through",
        data_dir.display(),
        elsewhere.display()
    );
    tracing::info!(
        data_dir = %data_dir.display(),
        instead = %elsewhere.display(),
        "the database's account cannot enter the data folder; its cluster is kept elsewhere"
    );
    Ok(elsewhere)
}

/// The version that made an existing cluster.
fn major(data: &Path) -> anyhow::Result<Option<u32>> {
    match fs::read_to_string(data.join("PG_VERSION")) {
        Ok(text) => Ok(Some(text.trim().parse().context("PG_VERSION holds no version")?)),
        Err(_) if !data.exists() => Ok(None),
        Err(_) => bail!("{} is in the way: it is not a PostgreSQL cluster", data.display()),
    }
}

/// Locks the data folder for this process, as long as the file is open.
fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join("postgres.lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    let asked = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(error.into()),
            // A process in its last throes; or one of ours that was forked off while the file was
            // open, and has it until it becomes another program.
            Err(TryLockError::WouldBlock) if asked.elapsed() < LOCK_PATIENCE => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid)?;
                bail!(
                    "already running as PID {} on this data folder, {}",
                    if pid.trim().is_empty() { "unknown" } else { pid.trim() },
                    data_dir.display()
                )
            }
        }
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

/// The private folder of the socket: short, because the path of a socket must be, and the same at
/// every start.
fn sockets(account: &Account, hash: &str) -> anyhow::Result<PathBuf> {
    let mut parents = Vec::new();
    if nix::unistd::geteuid().is_root() {
        parents.push(PathBuf::from("/run"));
    } else if let Some(folder) = std::env::var_os("XDG_RUNTIME_DIR") {
        parents.push(PathBuf::from(folder));
    }
    parents.push(PathBuf::from("/tmp"));
    let mut refusals = Vec::new();
    for parent in parents {
        let folder = parent.join(format!("boost-dashboard-{hash}"));
        let length = folder.join(".s.PGSQL.5432").as_os_str().len();
        if length > LONGEST_SOCKET_PATH {
            refusals.push(format!("{} is too long for a socket", folder.display()));
            continue;
        }
        match account.make_private(&folder) {
            Ok(()) if account.reaches(&folder) => return Ok(folder),
            Ok(()) => refusals.push(format!("{} cannot be entered", folder.display())),
            Err(error) => refusals.push(format!("{error:#}")),
        }
    }
    bail!("there is no place for the database's socket: {}", refusals.join("; "))
}
