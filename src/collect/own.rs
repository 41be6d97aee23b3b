//! Our own metrics, collected like any other machine's.

use super::{CollectError, Collector, Emit, INTERVAL_MS, SeriesBook};
use crate::model::BatchSample;
use crate::telemetry::Registry;

/// Collects every metric of the registry, and what the system tells of this process.
#[derive(Debug)]
pub struct OwnCollector {
    series: SeriesBook,
    registry: Registry,
    process: OwnProcess,
}

impl OwnCollector {
    /// Makes a collector whose series carry `instance` and the job `watchroom`.
    pub fn new(instance: &str, registry: &Registry) -> Self {
        Self {
            series: SeriesBook::new(&[("job", "watchroom"), ("instance", instance)]),
            registry: registry.clone(),
            process: OwnProcess::new(),
        }
    }
}

impl Collector for OwnCollector {
    fn name(&self) -> &str {
        "own"
    }

    fn interval_ms(&self) -> i64 {
        INTERVAL_MS
    }

    fn collect(&mut self, at_ms: i64, out: &mut Vec<BatchSample>) -> Result<(), CollectError> {
        let mut emit = self.series.begin(at_ms, out);
        emit.put("up", &[], 1.0);
        for reading in self.registry.read() {
            let pairs: Vec<(&str, &str)> =
                reading.labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            emit.put(reading.name, &pairs, reading.value);
        }
        self.process.emit(&mut emit);
        Ok(())
    }
}

/// Reads `/proc/self`.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct OwnProcess {
    stat: super::host::file::KeptFile,
    buffer: Vec<u8>,
    boot_seconds: f64,
    max_fds: Option<f64>,
}

#[cfg(target_os = "linux")]
impl OwnProcess {
    fn new() -> Self {
        use super::host::file::KeptFile;
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = stat.lines().find_map(|line| line.strip_prefix("btime "));
        Self {
            stat: KeptFile::new("/proc/self/stat"),
            buffer: Vec::new(),
            boot_seconds: boot.and_then(|word| word.parse().ok()).unwrap_or(0.0),
            max_fds: max_fds(&std::fs::read_to_string("/proc/self/limits").unwrap_or_default()),
        }
    }

    fn emit(&mut self, emit: &mut Emit<'_>) {
        use super::{host::stat::USER_HZ, processes::stat};
        if let Ok(length) = self.stat.read(&mut self.buffer) {
            let text = String::from_utf8_lossy(&self.buffer[..length]);
            if let Some(stat) = stat::parse(std::process::id(), &text) {
                emit.put("process_cpu_seconds_total", &[], stat.ticks as f64 / USER_HZ);
                emit.put("process_resident_memory_bytes", &[], stat.rss_bytes as f64);
                emit.put("process_virtual_memory_bytes", &[], stat.virtual_bytes as f64);
                emit.put("process_threads", &[], stat.threads as f64);
                let start = self.boot_seconds + stat.start as f64 / USER_HZ;
                emit.put("process_start_time_seconds", &[], start);
            }
        }
        if let Some(count) = open_fds() {
            emit.put("process_open_fds", &[], count as f64);
        }
        if let Some(max) = self.max_fds {
            emit.put("process_max_fds", &[], max);
        }
    }
}

/// What the process has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, ms.
    pub cpu_ms: u64,
    /// Memory, bytes.
    pub rss_bytes: u64,
}

/// What the process has used up to now; nothing where the system does not tell.
#[cfg(target_os = "linux")]
pub fn usage() -> Option<Usage> {
    use super::{host::stat::USER_HZ, processes::stat};
    let stat = stat::parse(std::process::id(), &std::fs::read_to_string("/proc/self/stat").ok()?)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive count")]
    let cpu_ms = (stat.ticks as f64 * 1_000.0 / USER_HZ) as u64;
    Some(Usage { cpu_ms, rss_bytes: stat.rss_bytes })
}

/// What the process has used up to now; nothing where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn usage() -> Option<Usage> {
    let (mut system, pid) = OwnProcess::new().0?;
    system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[pid]), false);
    let process = system.process(pid)?;
    Some(Usage { cpu_ms: process.accumulated_cpu_time(), rss_bytes: process.memory() })
}

/// How many files are open. The kernel tells it as the directory's size since 6.2; before, that is
/// 0 and the entries are counted.
#[cfg(target_os = "linux")]
fn open_fds() -> Option<u64> {
    match std::fs::metadata("/proc/self/fd").ok()?.len() {
        // The directory itself is open while it is listed.
        0 => Some((std::fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1)),
        count => Some(count),
    }
}

/// `Max open files   1024   4096   files`, of which the first is the one that holds.
#[cfg(target_os = "linux")]
fn max_fds(limits: &str) -> Option<f64> {
    let rest = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// Asks `sysinfo` for this process.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct OwnProcess(Option<(sysinfo::System, sysinfo::Pid)>);

#[cfg(not(target_os = "linux"))]
impl OwnProcess {
    fn new() -> Self {
        Self(sysinfo::System::new().ok().zip(sysinfo::get_current_pid().ok()))
    }

    fn emit(&mut self, emit: &mut Emit<'_>) {
        let Some((system, pid)) = &mut self.0 else { return };
        system.refresh_processes(sysinfo::ProcessesToUpdate::Some(&[*pid]), false);
        let Some(process) = system.process(*pid) else { return };
        emit.put("process_cpu_seconds_total", &[], process.accumulated_cpu_time() as f64 / 1_000.0);
        emit.put("process_resident_memory_bytes", &[], process.memory() as f64);
        emit.put("process_virtual_memory_bytes", &[], process.virtual_memory() as f64);
        emit.put("process_start_time_seconds", &[], process.start_time() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_metrics_are_series() {
        let registry = Registry::default();
        registry.counter_with("watchroom_a_total", "A.", &[("kind", "x")]).add(3);
        let mut out = Vec::new();
        OwnCollector::new("box", &registry).collect(1_000, &mut out).unwrap();
        let lines: Vec<String> =
            out.iter().map(|entry| format!("{} {}", entry.labels, entry.sample.v)).collect();
        let expected = r#"watchroom_a_total{instance="box", job="watchroom", kind="x"} 3"#;
        assert!(lines.iter().any(|line| line == expected), "{lines:?}");
        for name in
            ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"]
        {
            assert!(lines.iter().any(|line| line.starts_with(name)), "{name} in {lines:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_soft_limit_holds() {
        let text = "Limit   Soft Limit   Hard Limit   Units\nMax open files    1024    524288    files\n";
        assert_eq!(max_fds(text), Some(1_024.0));
        assert_eq!(max_fds("Max open files unlimited unlimited"), None);
        assert!(open_fds().unwrap() > 2);
    }
}
