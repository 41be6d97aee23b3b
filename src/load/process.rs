//! What the system tells of another process.

use std::fs;

use anyhow::Context as _;

/// Processor time of all threads of a process so far, in seconds.
///
/// From the scheduler's own account, in nanoseconds: the ticks of `/proc/PID/stat` are too coarse for
/// a round of a few seconds. A thread that ends takes its time along.
///
/// # Errors
///
/// When there is no such process, or the kernel keeps no account.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).context("there is no such process")?;
    let mut ns = 0.0;
    for task in tasks {
        // A thread may end between the two looks.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let on_cpu = text.split(' ').next().unwrap_or_default();
        ns += on_cpu.parse::<f64>().context("schedstat")?;
    }
    anyhow::ensure!(0.0 < ns, "this kernel keeps no schedstat");
    Ok(ns / 1e9)
}

/// Resident memory, KiB.
///
/// # Errors
///
/// When there is no such process.
pub fn resident_kib(pid: u32) -> anyhow::Result<f64> {
    status_kib(pid, "VmRSS:")
}

/// The most resident memory that a process had so far, KiB.
///
/// # Errors
///
/// When there is no such process.
pub fn most_kib(pid: u32) -> anyhow::Result<f64> {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("there is no such process")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Raises the limit of open files as far as it goes, and gives it.
pub fn raise_open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, ..limit };
    let now = if setrlimit(Resource::Nofile, most).is_ok() { limit.maximum } else { limit.current };
    now.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX)
}
