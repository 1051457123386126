//! What a run that was killed leaves behind: a running server, or its lock files.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long a server that was asked to stop may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes way for a new server on `data`. The caller holds the data folder's lock, so that no other
/// process of ours is using what is found.
pub(super) fn clear(data: &Path, sockets: &Path) -> anyhow::Result<()> {
    let lock = data.join("postmaster.pid");
    let text = fs::read_to_string(&lock).unwrap_or_default();
    if let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()) {
        match of(pid, data) {
            // PostgreSQL clears this itself, and better: it also looks for orphaned backends.
            Process::Gone => {}
            Process::Server => stop(pid, data)?,
            Process::Other => {
                tracing::warn!(pid, "clearing the lock of a PostgreSQL that is gone");
                remove(&lock)?;
            }
        }
    }
    remove(&sockets.join(".s.PGSQL.5432.lock"))?;
    remove(&sockets.join(".s.PGSQL.5432"))
}

fn stop(pid: i32, data: &Path) -> anyhow::Result<()> {
    tracing::warn!(pid, "stopping the PostgreSQL that an earlier run left running");
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        // It may be gone by now, which is what is wanted.
        let _ = kill(Pid::from_raw(pid), signal);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if !matches!(of(pid, data), Process::Server) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    bail!("PostgreSQL still runs on {} as PID {pid}, and does not stop", data.display())
}

fn remove(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// What a process id in a lock file stands for today.
#[derive(Debug, PartialEq, Eq)]
enum Process {
    Gone,
    /// A living server on this data folder.
    Server,
    /// A zombie, or a process that got the same id later.
    Other,
}

#[cfg(target_os = "linux")]
fn of(pid: i32, data: &Path) -> Process {
    let folder = Path::new("/proc").join(pid.to_string());
    let Ok(stat) = fs::read_to_string(folder.join("stat")) else { return Process::Gone };
    // The state follows the name, which is in brackets and may hold anything.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    if matches!(state, Some('Z' | 'X') | None) {
        return Process::Other;
    }
    // A server works in its data folder, however it was started.
    let works_there = fs::read_link(folder.join("cwd")).is_ok_and(|cwd| cwd == data);
    let arguments = fs::read(folder.join("cmdline")).unwrap_or_default();
    let names_it = arguments
        .split(|byte| *byte == 0)
        .any(|argument| argument == data.as_os_str().as_encoded_bytes());
    if works_there || names_it { Process::Server } else { Process::Other }
}

#[cfg(not(target_os = "linux"))]
fn of(pid: i32, data: &Path) -> Process {
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=,command=", "-p", &pid.to_string()])
        .output();
    let line = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    match line {
        Ok(line) if line.is_empty() => Process::Gone,
        Ok(line) if line.starts_with('Z') => Process::Other,
        Ok(line) if !line.contains(&*data.to_string_lossy()) => Process::Other,
        _ => Process::Server,
    }
}
