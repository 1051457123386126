//! The database server as a child process: started, watched, stopped.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::watch;
use tokio_postgres::NoTls;

use super::{Flavour, cluster::Cluster};

/// How long recovery from a crash may take before a start is given up.
const START_PATIENCE: Duration = Duration::from_mins(10);
/// How long a stop may take before it is asked for more firmly.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// The size from which the log begins anew at a start.
const LONGEST_LOG: u64 = 10 << 20;

const SERVE: &[&str] = &["fsync=on", "max_wal_size=4GB"];
const TEST: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=4GB",
    "max_connections=400",
];

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    pid: u32,
    /// Turns true when the process is gone and reaped.
    gone: watch::Receiver<bool>,
    log: PathBuf,
}

impl Server {
    /// Starts the server; it may take a while until it answers.
    pub(super) fn spawn(cluster: &Cluster, flavour: Flavour) -> anyhow::Result<Self> {
        let mut command = command(cluster, flavour)?;
        let (tell_pid, pid) = mpsc::channel();
        let (tell_gone, gone) = watch::channel(false);
        // The parent-death signal follows the thread that spawned, not the process, and a child
        // that nobody waits for stays as a zombie. So one thread does both, and lives as long as
        // the server does.
        thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            match command.spawn() {
                Ok(mut child) => {
                    let _ = tell_pid.send(Ok(child.id()));
                    let status = child.wait();
                    tracing::info!(?status, "embedded PostgreSQL stopped");
                }
                Err(error) => {
                    let _ = tell_pid.send(Err(error));
                }
            }
            tell_gone.send_replace(true);
        })?;
        let pid = pid.recv()?.context("postgres cannot be started")?;
        Ok(Self { pid, gone, log: cluster.log.clone() })
    }

    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the server answers.
    pub(super) async fn ready(&mut self, url: &str) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match tokio_postgres::connect(url, NoTls).await {
                Ok(_) => return Ok(()),
                Err(_) if *self.gone.borrow() => bail!(
                    "PostgreSQL did not start. The end of {}:\n{}",
                    self.log.display(),
                    self.last_words()
                ),
                Err(error) if started.elapsed() > START_PATIENCE => {
                    return Err(error).context("PostgreSQL does not answer");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Waits until the server is gone.
    pub(super) async fn exited(&mut self) {
        // An error means that the watching thread is gone, and it outlives the server.
        let _ = self.gone.wait_for(|gone| *gone).await;
    }

    /// Stops the server and waits for it.
    pub(super) async fn stop(&mut self) {
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
            self.signal(signal);
            if tokio::time::timeout(STOP_PATIENCE, self.exited()).await.is_ok() {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        // Asked before, because the id of a process that was reaped may be another's.
        if let (false, Ok(pid)) = (*self.gone.borrow(), self.pid.try_into()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for signal in [Signal::SIGINT, Signal::SIGQUIT] {
            self.signal(signal);
            let asked = Instant::now();
            while asked.elapsed() < STOP_PATIENCE {
                if *self.gone.borrow() {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

fn command(cluster: &Cluster, flavour: Flavour) -> anyhow::Result<Command> {
    if fs::metadata(&cluster.log).is_ok_and(|log| log.len() > LONGEST_LOG) {
        fs::remove_file(&cluster.log)?;
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(&cluster.log)
        .with_context(|| format!("{} cannot be written", cluster.log.display()))?;
    let mut command = cluster.account.command(&cluster.installation.folder.join("postgres"));
    command.stdout(log.try_clone()?).stderr(log);
    command.arg("-D").arg(&cluster.data).arg("-k").arg(&cluster.sockets).args(["-p", "5432"]);
    let shared = ["listen_addresses=", "unix_socket_permissions=0700", "jit=off"];
    let own = match flavour {
        Flavour::Serve => SERVE,
        Flavour::Test => TEST,
    };
    for setting in shared.iter().chain(own) {
        command.args(["-c", setting]);
    }
    // Its own group: Ctrl-C must not stop the database under running requests.
    command.process_group(0);
    #[cfg(target_os = "linux")]
    stop_with_us(&mut command);
    Ok(command)
}

/// Has the kernel stop the server when we are killed.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the parent-death signal can be asked for only between fork and exec"
)]
fn stop_with_us(command: &mut Command) {
    let parent = nix::unistd::getpid();
    let ask = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGINT)?;
        // Killed in between: there is nobody left to die.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(nix::Error::ESRCH.into()) }
    };
    // SAFETY: `ask` makes two system calls and allocates nothing, so it may run after a fork.
    unsafe { command.pre_exec(ask) };
}
