//! CPU time and memory of other processes, from `/proc`.

use std::{fs, time::Duration};

/// CPU time of a process and, with `family`, of its children.
pub(crate) fn cpu(pid: u32, family: bool) -> Duration {
    let mut ticks = ticks(&pid.to_string(), None).unwrap_or(0);
    if family {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.bytes().all(|byte| byte.is_ascii_digit()) {
                ticks += self::ticks(&name, Some(pid)).unwrap_or(0);
            }
        }
    }
    Duration::from_millis(ticks * 10)
}

/// User, system and waited-for time in hundredths of a second, if the parent is the one asked for.
fn ticks(pid: &str, parent: Option<u32>) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if parent.is_some_and(|parent| fields.get(1) != Some(&parent.to_string().as_str())) {
        return None;
    }
    // A parent's own figures include the children it has waited for.
    let columns = if parent.is_some() { 11..13 } else { 11..15 };
    columns.map(|column| fields.get(column)?.parse::<u64>().ok()).sum()
}

/// The most memory a process had resident, in bytes.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}
