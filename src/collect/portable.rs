//! A machine that is not Linux, through `sysinfo`, under the names that Linux has.
//!
//! It compiles everywhere, so that the tests of a Linux machine cover it; there the host itself is
//! read by `host`.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sysinfo::{
    Disks, Networks, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind, Users,
};
use tokio::{sync::watch, time::Instant};

use super::{
    CollectError, Collector, Emit, INTERVAL_MS, SeriesBook, TopProcesses, TopRow,
    top::{Use, choose, name_and_args, rounded},
};
use crate::{model::BatchSample, telemetry::Registry};

/// Rounds between two readings of disks and users.
const SLOW_ROUNDS: u64 = 5;

/// Collects this machine through `sysinfo`.
pub struct PortableCollector {
    series: SeriesBook,
    parts: Option<Parts>,
    /// Seconds that each processor was busy and idle since the start: `sysinfo` tells percents
    /// only, which are added up over the time between readings.
    cpu_seconds: FxHashMap<String, (f64, f64)>,
    read_at: Option<Instant>,
    round: u64,
    facts: Vec<(&'static str, String)>,
    top: watch::Sender<Arc<TopProcesses>>,
}

struct Parts {
    system: System,
    disks: Disks,
    networks: Networks,
    users: Users,
}

impl std::fmt::Debug for PortableCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PortableCollector").field("series", &self.series).finish_non_exhaustive()
    }
}

impl PortableCollector {
    /// Makes a collector whose series carry `instance`; the busiest processes go to `top`.
    pub fn new(instance: &str, _registry: &Registry, top: watch::Sender<Arc<TopProcesses>>) -> Self {
        Self {
            series: SeriesBook::new(&[("job", "node"), ("instance", instance)]),
            parts: Parts::new(),
            cpu_seconds: FxHashMap::default(),
            read_at: None,
            round: 0,
            facts: facts(),
            top,
        }
    }
}

impl Collector for PortableCollector {
    fn name(&self) -> &str {
        "host"
    }

    fn interval_ms(&self) -> i64 {
        INTERVAL_MS
    }

    fn collect(&mut self, at_ms: i64, out: &mut Vec<BatchSample>) -> Result<(), CollectError> {
        let Some(parts) = &mut self.parts else {
            return Err(CollectError { reason: "this system is not supported".to_owned() });
        };
        parts.refresh(self.round.is_multiple_of(SLOW_ROUNDS));
        self.round += 1;
        let now = Instant::now();
        let seconds = self.read_at.map_or(0.0, |at| (now - at).as_secs_f64());
        self.read_at = Some(now);
        let mut emit = self.series.begin(at_ms, out);
        emit.put("up", &[], 1.0);
        emit.put("node_time_seconds", &[], at_ms as f64 / 1_000.0);
        let facts: Vec<(&str, &str)> =
            self.facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        emit.put("node_uname_info", &facts, 1.0);
        emit_cpus(&parts.system, seconds, &mut self.cpu_seconds, &mut emit);
        emit_memory(&parts.system, &mut emit);
        emit_disks(&parts.disks, &mut emit);
        emit_networks(&parts.networks, &mut emit);
        emit.put("node_processes_pids", &[], parts.system.processes().len() as f64);
        self.top.send_replace(Arc::new(parts.top(at_ms, seconds)));
        Ok(())
    }
}

impl Parts {
    fn new() -> Option<Self> {
        Some(Self {
            system: System::new().ok()?,
            disks: Disks::new().ok()?,
            networks: Networks::new().ok()?,
            users: Users::new().ok()?,
        })
    }

    fn refresh(&mut self, is_slow_round: bool) {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.networks.refresh(true);
        let what = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .with_disk_usage()
            .with_user(UpdateKind::OnlyIfNotSet)
            .with_cmd(UpdateKind::OnlyIfNotSet);
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        if is_slow_round {
            self.disks.refresh(true);
            self.users.refresh();
        }
    }

    fn top(&self, at_ms: i64, seconds: f64) -> TopProcesses {
        let processes: Vec<&sysinfo::Process> = self.system.processes().values().collect();
        let of = |(at, process): (usize, &&sysinfo::Process)| Use {
            at,
            cpu: f64::from(process.cpu_usage()),
            rss: process.memory(),
        };
        let mut uses: Vec<Use> = processes.iter().enumerate().map(of).collect();
        let rows =
            choose(&mut uses).iter().map(|entry| self.row(processes[entry.at], entry, seconds)).collect();
        TopProcesses { t: at_ms, count: processes.len(), rows }
    }

    fn row(&self, process: &sysinfo::Process, entry: &Use, seconds: f64) -> TopRow {
        let words: Vec<String> =
            process.cmd().iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let (name, args) = name_and_args(&process.name().to_string_lossy(), &words.join("\0"));
        let user = process.effective_user_id().or_else(|| process.user_id());
        let user = user.and_then(|id| self.users.get_user_by_id(id)).map(|user| user.name().to_owned());
        let disk = process.disk_usage();
        let rate = |bytes: u64| (seconds > 0.0).then(|| rounded(bytes as f64 / seconds, 1));
        TopRow {
            pid: process.pid().as_u32(),
            name,
            args,
            user: user.unwrap_or_default(),
            cpu: rounded(entry.cpu, 1),
            memory: rounded(entry.rss as f64 / self.system.total_memory().max(1) as f64, 4),
            rss: entry.rss,
            read: rate(disk.read_bytes),
            write: rate(disk.written_bytes),
            state: state_word(process.status()),
        }
    }
}

fn state_word(status: ProcessStatus) -> &'static str {
    match status {
        ProcessStatus::Run => "runs",
        ProcessStatus::Stop | ProcessStatus::Tracing => "stopped",
        ProcessStatus::Zombie => "zombie",
        ProcessStatus::Idle => "idle",
        ProcessStatus::Dead => "dead",
        ProcessStatus::UninterruptibleDiskSleep => "waits",
        _ => "sleeps",
    }
}

fn facts() -> Vec<(&'static str, String)> {
    vec![
        ("sysname", System::name().unwrap_or_default()),
        ("release", System::kernel_version().unwrap_or_default()),
        ("version", System::os_version().unwrap_or_default()),
        ("machine", System::cpu_arch()),
        ("nodename", System::host_name().unwrap_or_default()),
    ]
}

fn emit_cpus(system: &System, seconds: f64, totals: &mut FxHashMap<String, (f64, f64)>, emit: &mut Emit<'_>) {
    for (at, cpu) in system.cpus().iter().enumerate() {
        let number = at.to_string();
        let busy = f64::from(cpu.usage()).clamp(0.0, 100.0) / 100.0;
        let total = totals.entry(number.clone()).or_default();
        total.0 += busy * seconds;
        total.1 += (1.0 - busy) * seconds;
        emit.put("node_cpu_seconds_total", &[("cpu", &number), ("mode", "user")], total.0);
        emit.put("node_cpu_seconds_total", &[("cpu", &number), ("mode", "idle")], total.1);
    }
    if let Ok(load) = System::load_average() {
        emit.put("node_load1", &[], load.one);
        emit.put("node_load5", &[], load.five);
        emit.put("node_load15", &[], load.fifteen);
    }
    if let Ok(boot) = System::boot_time() {
        emit.put("node_boot_time_seconds", &[], boot as f64);
    }
}

fn emit_memory(system: &System, emit: &mut Emit<'_>) {
    emit.put("node_memory_MemTotal_bytes", &[], system.total_memory() as f64);
    emit.put("node_memory_MemFree_bytes", &[], system.free_memory() as f64);
    emit.put("node_memory_MemAvailable_bytes", &[], system.available_memory() as f64);
    emit.put("node_memory_SwapTotal_bytes", &[], system.total_swap() as f64);
    emit.put("node_memory_SwapFree_bytes", &[], system.free_swap() as f64);
}

fn emit_disks(disks: &Disks, emit: &mut Emit<'_>) {
    for disk in disks.iter() {
        let device = disk.name().to_string_lossy();
        let (kind, point) = (disk.file_system().to_string_lossy(), disk.mount_point().to_string_lossy());
        let labels = [("device", &*device), ("fstype", &*kind), ("mountpoint", &*point)];
        emit.put("node_filesystem_size_bytes", &labels, disk.total_space() as f64);
        emit.put("node_filesystem_avail_bytes", &labels, disk.available_space() as f64);
        emit.put("node_filesystem_free_bytes", &labels, disk.available_space() as f64);
        let readonly = if disk.is_read_only() { 1.0 } else { 0.0 };
        emit.put("node_filesystem_readonly", &labels, readonly);
        let usage = disk.usage();
        let device = [("device", labels[0].1)];
        emit.put("node_disk_read_bytes_total", &device, usage.total_read_bytes as f64);
        emit.put("node_disk_written_bytes_total", &device, usage.total_written_bytes as f64);
    }
}

fn emit_networks(networks: &Networks, emit: &mut Emit<'_>) {
    for (device, counts) in networks {
        let device = device.to_string_lossy();
        let labels = [("device", &*device)];
        emit.put("node_network_receive_bytes_total", &labels, counts.total_received() as f64);
        emit.put("node_network_receive_packets_total", &labels, counts.total_packets_received() as f64);
        emit.put("node_network_receive_errs_total", &labels, counts.total_errors_on_received() as f64);
        emit.put("node_network_transmit_bytes_total", &labels, counts.total_transmitted() as f64);
        emit.put("node_network_transmit_packets_total", &labels, counts.total_packets_transmitted() as f64);
        emit.put("node_network_transmit_errs_total", &labels, counts.total_errors_on_transmitted() as f64);
        emit.put("node_network_mtu_bytes", &labels, counts.mtu() as f64);
    }
}

#[cfg(test)]
mod tests {
    use rustc_hash::FxHashSet;

    use super::*;

    #[test]
    fn a_machine_has_the_same_names() {
        let (top, seen) = watch::channel(Arc::new(TopProcesses::default()));
        let mut collector = PortableCollector::new("box", &Registry::default(), top);
        let mut out = Vec::new();
        collector.collect(1_000, &mut out).unwrap();
        out.clear();
        collector.collect(2_000, &mut out).unwrap();
        let names: FxHashSet<&str> = out.iter().map(|entry| entry.labels.metric_name()).collect();
        for name in
            ["node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_load1", "node_uname_info"]
        {
            assert!(names.contains(name), "{name}");
        }
        assert!(seen.borrow().count >= 1 && seen.borrow().t == 2_000);
    }
}
