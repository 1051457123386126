//! pgbench on a SELECT.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, bail};

use crate::rate::Load;

fn binary() -> anyhow::Result<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/pgbench"))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().or_else(|| Some(PathBuf::from("pgbench"))).context("pgbench")
}

/// How pgbench sends a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// As text each time: what it does unless told otherwise.
    Simple,
    /// Prepared once a connection, which is what the server does, too.
    Prepared,
}

/// Transactions a second.
pub(crate) fn rate(
    url: &str,
    sql: &str,
    mode: Mode,
    load: Load,
    seconds: u32,
) -> anyhow::Result<f64> {
    let mode = match mode {
        Mode::Simple => "simple",
        Mode::Prepared => "prepared",
    };
    let script = tempfile::NamedTempFile::new()?;
    fs::write(script.path(), format!("{sql};\n"))?;
    let output = Command::new(binary()?)
        .args(["-n", "-M", mode, "-c", &load.connections.to_string()])
        .args(["-j", &load.threads.to_string()])
        .args(["-T", &seconds.to_string(), "-f"])
        .arg(script.path())
        .arg(url)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("tps = "));
    match line.and_then(|line| line.split_whitespace().nth(2)).map(str::parse) {
        Some(Ok(rate)) => Ok(rate),
        _ => bail!("pgbench: {text} {}", String::from_utf8_lossy(&output.stderr)),
    }
}
