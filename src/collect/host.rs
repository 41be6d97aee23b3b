//! This machine, under `node_exporter`'s names, from `/proc` and `/sys`.
//!
//! The parts that read one text file stand in [`TEXT_PARTS`]; each of their readers is a pure function
//! of the text. `procfs` parses where it gives the same series; where it does not, the reader says why
//! (decision 2). The others hold something from round to round and have a type each.

#[cfg(test)]
mod before;
pub mod disk;
pub mod file;
pub mod filesystem;
pub mod identity;
pub mod kernel;
pub mod memory;
pub mod network;
pub mod protocols;
pub mod sensors;
pub mod stat;

use std::sync::Arc;

use tokio::sync::watch;

use self::{
    file::{KeptFile, Missing},
    filesystem::Filesystems,
    identity::Identity,
    network::Interfaces,
    sensors::Sensors,
    stat::CpuTimes,
};
use super::{
    CollectError, Collector, Emit, INTERVAL_MS, PartErrors, SeriesBook, TopProcesses, processes::ProcessTable,
};
use crate::model::BatchSample;
use crate::telemetry::{Counter, Registry};

/// Rounds between two readings of what is slow to read and slow to change: link speeds, sensors,
/// frequencies. Their last values are repeated in between.
pub const SLOW_ROUNDS: u64 = 5;

/// A part that is one text file and one function.
#[derive(Debug, Clone, Copy)]
pub struct TextPart {
    /// Its name in logs and counters.
    pub name: &'static str,
    /// The file.
    pub path: &'static str,
    /// Emits what the text says.
    pub read: fn(&str, &mut Emit<'_>),
}

const fn part(name: &'static str, path: &'static str, read: fn(&str, &mut Emit<'_>)) -> TextPart {
    TextPart { name, path, read }
}

/// Every part that is one text file, in the order in which they are read.
pub const TEXT_PARTS: &[TextPart] = &[
    part("loadavg", "/proc/loadavg", memory::read_loadavg),
    part("meminfo", "/proc/meminfo", memory::read_meminfo),
    part("vmstat", "/proc/vmstat", memory::read_vmstat),
    part("diskstats", "/proc/diskstats", disk::read_diskstats),
    part("netdev", "/proc/net/dev", network::read_netdev),
    part("netstat", "/proc/net/netstat", protocols::read_netstat),
    part("snmp", "/proc/net/snmp", protocols::read_netstat),
    part("snmp6", "/proc/net/snmp6", protocols::read_snmp6),
    part("sockstat", "/proc/net/sockstat", protocols::read_sockstat),
    part("sockstat6", "/proc/net/sockstat6", protocols::read_sockstat),
    part("softnet", "/proc/net/softnet_stat", protocols::read_softnet),
    part("arp", "/proc/net/arp", protocols::read_arp),
    part("pressure_cpu", "/proc/pressure/cpu", kernel::read_pressure_cpu),
    part("pressure_io", "/proc/pressure/io", kernel::read_pressure_io),
    part("pressure_memory", "/proc/pressure/memory", kernel::read_pressure_memory),
    part("pressure_irq", "/proc/pressure/irq", kernel::read_pressure_irq),
    part("schedstat", "/proc/schedstat", kernel::read_schedstat),
    part("filefd", "/proc/sys/fs/file-nr", kernel::read_file_nr),
    part("entropy", "/proc/sys/kernel/random/entropy_avail", kernel::read_entropy_available),
    part("entropy_pool", "/proc/sys/kernel/random/poolsize", kernel::read_entropy_pool),
    part("conntrack", "/proc/sys/net/netfilter/nf_conntrack_count", kernel::read_conntrack),
    part("conntrack_limit", "/proc/sys/net/netfilter/nf_conntrack_max", kernel::read_conntrack_limit),
    part("threads_limit", "/proc/sys/kernel/threads-max", kernel::read_threads_max),
    part("pids_limit", "/proc/sys/kernel/pid_max", kernel::read_pid_max),
];

/// Collects this machine.
///
/// About 450 series on a small one. Cost: some 2.4 ms of processor a round with 86 processes (decision 2).
#[derive(Debug)]
pub struct HostCollector {
    series: SeriesBook,
    errors: PartErrors,
    refused: Counter,
    buffer: Vec<u8>,
    round: u64,
    files: Vec<(TextPart, KeptFile)>,
    stat: (KeptFile, CpuTimes),
    mounts: (KeptFile, Filesystems),
    interfaces: Interfaces,
    sensors: Sensors,
    identity: Identity,
    processes: ProcessTable,
    top: watch::Sender<Arc<TopProcesses>>,
}

impl HostCollector {
    /// Makes a collector whose series carry `instance`; the busiest processes go to `top`.
    pub fn new(instance: &str, registry: &Registry, top: watch::Sender<Arc<TopProcesses>>) -> Self {
        let refused = registry
            .counter("watchroom_collect_refused_total", "Samples left out: a collector had too many series.");
        Self {
            series: SeriesBook::new(&[("job", "node"), ("instance", instance)]),
            errors: PartErrors::new(registry.clone()),
            refused,
            buffer: vec![0; 16 * 1024],
            round: 0,
            files: TEXT_PARTS.iter().map(|part| (*part, KeptFile::new(part.path))).collect(),
            stat: (KeptFile::new("/proc/stat"), CpuTimes::default()),
            mounts: (KeptFile::new("/proc/self/mounts"), Filesystems::default()),
            interfaces: Interfaces::default(),
            sensors: Sensors::default(),
            identity: Identity::read(),
            processes: ProcessTable::new(),
            top,
        }
    }
}

impl Collector for HostCollector {
    fn name(&self) -> &str {
        "host"
    }

    fn interval_ms(&self) -> i64 {
        INTERVAL_MS
    }

    fn collect(&mut self, at_ms: i64, out: &mut Vec<BatchSample>) -> Result<(), CollectError> {
        let is_slow_round = self.round.is_multiple_of(SLOW_ROUNDS);
        self.round += 1;
        out.reserve(self.series.len());
        let mut emit = self.series.begin(at_ms, out);
        emit.put("up", &[], 1.0);
        let mut reader = Reader { buffer: &mut self.buffer, errors: &mut self.errors };

        let (file, times) = &mut self.stat;
        reader.read("stat", file, &mut emit, |text, emit| times.read(text, emit));
        for (part, file) in &mut self.files {
            reader.read(part.name, file, &mut emit, part.read);
        }
        let (file, filesystems) = &mut self.mounts;
        reader.read("mounts", file, &mut emit, |text, emit| filesystems.read(text, emit));
        if is_slow_round {
            self.interfaces.refresh();
            self.sensors.refresh();
        }
        self.interfaces.emit(&mut emit);
        self.sensors.emit(&mut emit);
        self.identity.emit(&mut emit);
        match self.processes.collect(is_slow_round, &mut emit) {
            Ok(Some(top)) => {
                self.top.send_replace(Arc::new(top));
            }
            Ok(None) => {}
            Err(error) => self.errors.count("processes", 1, &error),
        }
        self.refused.add(emit.refused());
        Ok(())
    }
}

/// Reads files into one buffer and counts what fails.
struct Reader<'a> {
    buffer: &'a mut Vec<u8>,
    errors: &'a mut PartErrors,
}

impl Reader<'_> {
    fn read(
        &mut self,
        part: &'static str,
        file: &mut KeptFile,
        emit: &mut Emit<'_>,
        read: impl FnOnce(&str, &mut Emit<'_>),
    ) {
        match file.read(self.buffer) {
            Ok(length) => {
                read(&String::from_utf8_lossy(&self.buffer[..length]), emit);
                let malformed = emit.take_malformed();
                if malformed > 0 {
                    self.errors.count(part, malformed, &"lines not understood");
                }
            }
            Err(Missing::Absent) => {}
            Err(Missing::Failed(error)) => self.errors.count(part, 1, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::*,
        sample::{Index, select},
    };
    use rustc_hash::{FxHashMap, FxHashSet};

    use super::*;
    use crate::collect::series::emitted;
    use crate::model::Labels;

    fn collect(collector: &mut HostCollector, at_ms: i64) -> FxHashMap<Labels, f64> {
        let mut out = Vec::new();
        collector.collect(at_ms, &mut out).unwrap();
        let unique: FxHashSet<&Labels> = out.iter().map(|entry| &entry.labels).collect();
        assert_eq!(unique.len(), out.len(), "a series came twice");
        assert!(out.iter().all(|entry| entry.sample.t == at_ms));
        out.into_iter().map(|entry| (entry.labels, entry.sample.v)).collect()
    }

    proptest! {
        #[test]
        fn an_odd_file_does_not_panic(part in select(TEXT_PARTS), cut in any::<Index>(), odd in ".{0,6}") {
            let file = std::fs::read(part.path).unwrap_or_default();
            let text = String::from_utf8_lossy(&file);
            let (head, tail) = text.split_at(text.floor_char_boundary(cut.index(text.len() + 1)));
            emitted(|emit| (part.read)(&format!("{head}{odd}"), emit));
            emitted(|emit| (part.read)(&format!("{head}{odd}{tail}"), emit));
        }
    }

    #[test]
    fn this_machine_has_400_series_and_its_counters_rise() {
        let (top, seen) = watch::channel(Arc::new(TopProcesses::default()));
        let registry = Registry::default();
        let mut collector = HostCollector::new("box", &registry, top);
        let first = collect(&mut collector, 1_000);
        let second = collect(&mut collector, 2_000);
        assert!(second.len() >= 400, "{} series", second.len());
        let mut counters = 0;
        for (labels, value) in &first {
            assert_eq!(labels.get("instance"), Some("box"));
            assert_eq!(labels.get("job"), Some("node"));
            if labels.metric_name().ends_with("_total") {
                counters += 1;
                assert!(second.get(labels).is_none_or(|later| later >= value), "{labels} fell");
            }
        }
        assert!(counters > 100, "{counters} counters");
        let top = seen.borrow();
        assert!(!top.rows.is_empty() && top.rows.len() <= 20 && top.count >= top.rows.len());
    }
}
