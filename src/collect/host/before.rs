//! What was read before `procfs` did the parsing: the series and values that must not change.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::watch;

use super::{Collector, HostCollector, TEXT_PARTS, disk::is_left_out, memory::VMSTAT_PREFIXES};
use crate::collect::series::emitted;
use crate::telemetry::Registry;

const DISK: [(&str, f64); 17] = [
    ("reads_completed_total", 1.0),
    ("reads_merged_total", 1.0),
    ("read_bytes_total", 1.0 / 512.0),
    ("read_time_seconds_total", 1e3),
    ("writes_completed_total", 1.0),
    ("writes_merged_total", 1.0),
    ("written_bytes_total", 1.0 / 512.0),
    ("write_time_seconds_total", 1e3),
    ("io_now", 1.0),
    ("io_time_seconds_total", 1e3),
    ("io_time_weighted_seconds_total", 1e3),
    ("discards_completed_total", 1.0),
    ("discards_merged_total", 1.0),
    ("discarded_sectors_total", 1.0),
    ("discard_time_seconds_total", 1e3),
    ("flush_requests_total", 1.0),
    ("flush_requests_time_seconds_total", 1e3),
];
const RECEIVE: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast"];
const TRANSMIT: [&str; 8] = ["bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed"];

fn number(word: &str) -> f64 {
    word.parse().unwrap()
}

fn loadavg(text: &str) -> Vec<String> {
    let names = ["node_load1", "node_load5", "node_load15"];
    names.iter().zip(text.split(' ')).map(|(name, word)| format!("{name} {}", number(word))).collect()
}

fn vmstat(text: &str) -> Vec<String> {
    let is_kept = |key: &str| {
        (key.starts_with("pg") && key.contains("fault"))
            || VMSTAT_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
    };
    let fields = text.lines().filter_map(|line| line.split_once(' ')).filter(|(key, _)| is_kept(key));
    fields.map(|(key, value)| format!("node_vmstat_{key} {}", number(value))).collect()
}

fn diskstats(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().skip(2);
        let device = words.next().unwrap();
        for ((name, divisor), word) in DISK.iter().zip(words).filter(|_| !is_left_out(device)) {
            lines.push(format!("node_disk_{name}{{device=\"{device}\"}} {}", number(word) / divisor));
        }
    }
    lines
}

fn netdev(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines().skip(2) {
        let (device, rest) = line.trim().split_once(':').unwrap();
        let receive = RECEIVE.map(|column| format!("receive_{column}"));
        let transmit = TRANSMIT.map(|column| format!("transmit_{column}"));
        for (column, word) in receive.iter().chain(&transmit).zip(rest.split_ascii_whitespace()) {
            lines.push(format!("node_network_{column}_total{{device=\"{device}\"}} {}", number(word)));
        }
    }
    lines
}

/// Of the lines of a file of `/proc/pressure`, the series that each becomes.
fn pressure(text: &str, names: &[(&str, &str)]) -> Vec<String> {
    let of = |(kind, name): &(&str, &str)| {
        let line = text.lines().find(|line| line.starts_with(kind)).unwrap();
        format!("node_pressure_{name}_seconds_total {}", number(line.rsplit_once('=').unwrap().1) / 1e6)
    };
    names.iter().map(of).collect()
}

/// The lines that a part gave, or `None` for one that `procfs` does not read.
fn before(part: &str, text: &str) -> Option<Vec<String>> {
    Some(match part {
        "loadavg" => loadavg(text),
        "vmstat" => vmstat(text),
        "diskstats" => diskstats(text),
        "netdev" => netdev(text),
        "pressure_cpu" => pressure(text, &[("some", "cpu_waiting")]),
        "pressure_io" => pressure(text, &[("some", "io_waiting"), ("full", "io_stalled")]),
        "pressure_memory" => pressure(text, &[("some", "memory_waiting"), ("full", "memory_stalled")]),
        "pressure_irq" => pressure(text, &[("full", "irq_stalled")]),
        _ => return None,
    })
}

#[test]
fn procfs_gives_the_same_series_and_values() {
    let mut names = BTreeSet::new();
    for part in TEXT_PARTS {
        let Ok(text) = std::fs::read_to_string(part.path) else { continue };
        let Some(before) = before(part.name, &text) else { continue };
        let before = BTreeSet::from_iter(before);
        let now = BTreeSet::from_iter(emitted(|emit| (part.read)(&text, emit)));
        assert_eq!(now, before, "{}", part.name);
        names.extend(now.iter().filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned()));
    }
    assert!(names.len() >= 100, "{} series", names.len());

    let mut round = Vec::new();
    let (top, _seen) = watch::channel(Arc::default());
    HostCollector::new("box", &Registry::default(), top).collect(1_000, &mut round).unwrap();
    let round: BTreeSet<String> = round
        .iter()
        .map(|entry| entry.labels.to_string())
        .map(|name| name.replace(r#"{instance="box", job="node"}"#, ""))
        .map(|name| name.replace(r#", instance="box", job="node""#, ""))
        .collect();
    assert!(round.len() >= 400, "{} series", round.len());
    let missing: Vec<_> = names.difference(&round).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
