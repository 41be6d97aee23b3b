//! `/proc/diskstats`: block devices.

use procfs_core::DiskStat;

use self::Unit::{Count, Milliseconds, Sectors};
use crate::collect::Emit;

/// Bytes of a sector in `/proc/diskstats`, whatever the device's own are.
const SECTOR_BYTES: f64 = 512.0;

/// What a column counts.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Count,
    Sectors,
    Milliseconds,
}

/// A column; kernels before 4.18 have 11, before 5.5 15.
type Column = (&'static str, Unit, fn(&DiskStat) -> Option<u64>);

const COLUMNS: [Column; 17] = [
    ("node_disk_reads_completed_total", Count, |disk| Some(disk.reads)),
    ("node_disk_reads_merged_total", Count, |disk| Some(disk.merged)),
    ("node_disk_read_bytes_total", Sectors, |disk| Some(disk.sectors_read)),
    ("node_disk_read_time_seconds_total", Milliseconds, |disk| Some(disk.time_reading)),
    ("node_disk_writes_completed_total", Count, |disk| Some(disk.writes)),
    ("node_disk_writes_merged_total", Count, |disk| Some(disk.writes_merged)),
    ("node_disk_written_bytes_total", Sectors, |disk| Some(disk.sectors_written)),
    ("node_disk_write_time_seconds_total", Milliseconds, |disk| Some(disk.time_writing)),
    ("node_disk_io_now", Count, |disk| Some(disk.in_progress)),
    ("node_disk_io_time_seconds_total", Milliseconds, |disk| Some(disk.time_in_progress)),
    ("node_disk_io_time_weighted_seconds_total", Milliseconds, |disk| Some(disk.weighted_time_in_progress)),
    ("node_disk_discards_completed_total", Count, |disk| disk.discards),
    ("node_disk_discards_merged_total", Count, |disk| disk.discards_merged),
    ("node_disk_discarded_sectors_total", Count, |disk| disk.sectors_discarded),
    ("node_disk_discard_time_seconds_total", Milliseconds, |disk| disk.time_discarding),
    ("node_disk_flush_requests_total", Count, |disk| disk.flushes),
    ("node_disk_flush_requests_time_seconds_total", Milliseconds, |disk| disk.time_flushing),
];

impl Unit {
    /// In bytes and seconds. Divided rather than multiplied by a thousandth, so that the decimal
    /// stays as short as the kernel's.
    fn converted(self, value: f64) -> f64 {
        match self {
            Self::Count => value,
            Self::Sectors => value * SECTOR_BYTES,
            Self::Milliseconds => value / 1_000.0,
        }
    }
}

/// Emits every device but those that [`is_left_out`] names.
pub fn read_diskstats(text: &str, emit: &mut Emit<'_>) {
    for line in text.lines() {
        let disk = emit.understood(DiskStat::from_line(line));
        let Some(disk) = disk.filter(|disk| !is_left_out(&disk.name)) else { continue };
        for (name, unit, column) in COLUMNS {
            if let Some(value) = column(&disk) {
                emit.put(name, &[("device", &disk.name)], unit.converted(value as f64));
            }
        }
    }
}

/// Tells whether `device` is a partition, a loop, a RAM disk or a floppy: `node_exporter`'s default,
/// `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`.
pub fn is_left_out(device: &str) -> bool {
    let stem = device.trim_end_matches(|char: char| char.is_ascii_digit());
    if stem.len() == device.len() {
        return false;
    }
    if matches!(stem, "ram" | "zram" | "loop" | "fd") {
        return true;
    }
    let is_lettered = ["hd", "sd", "vd", "xvd"]
        .iter()
        .any(|kind| stem.strip_prefix(kind).is_some_and(|rest| matches!(rest.as_bytes(), [b'a'..=b'z'])));
    is_lettered || (stem.starts_with("nvme") && stem.ends_with('p') && stem.contains('n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[test]
    fn a_device_has_a_metric_for_each_column() {
        let text = " 254  0 vda 10 1 4 2000 5 6 8 70 1 500 900 11 12 13 14 15 16\n\
                     7  0 loop0 1 1 1 1 1 1 1 1 1 1 1\n 8 0 sda 3 x\n 8 16 sdb 3 1 1 1 1 1 1 1 1 1 1\n";
        let lines = emitted(|emit| read_diskstats(text, emit));
        assert_eq!(lines[0], r#"node_disk_reads_completed_total{device="vda"} 10"#);
        assert_eq!(lines[2], r#"node_disk_read_bytes_total{device="vda"} 2048"#);
        assert_eq!(lines[3], r#"node_disk_read_time_seconds_total{device="vda"} 2"#);
        assert_eq!(lines[16], r#"node_disk_flush_requests_time_seconds_total{device="vda"} 0.016"#);
        assert_eq!(lines[17], r#"node_disk_reads_completed_total{device="sdb"} 3"#);
        assert_eq!((lines.len(), lines[28].as_str()), (17 + 11 + 1, "malformed 1"));
    }

    #[track_caller]
    fn check(device: &str, expected: bool) {
        assert_eq!(is_left_out(device), expected, "{device}");
    }

    #[test]
    fn partitions_and_loops_are_left_out() {
        for device in ["ram0", "zram0", "loop12", "fd0", "sda1", "vdb3", "xvda2", "nvme0n1p2"] {
            check(device, true);
        }
        for device in ["sda", "vda", "nvme0n1", "md0", "dm-3", "sr0", "mmcblk0", "sdaa1"] {
            check(device, false);
        }
    }
}
