//! `/proc/diskstats`: block devices.

use crate::collect::Emit;

/// Bytes of a sector in `/proc/diskstats`, whatever the device's own are.
const SECTOR: f64 = 512.0;
/// Seconds in a millisecond.
const MS: f64 = 0.001;

/// The columns after the device's name, with the factor to the metric's unit.
const COLUMNS: [(&str, f64); 17] = [
    ("node_disk_reads_completed_total", 1.0),
    ("node_disk_reads_merged_total", 1.0),
    ("node_disk_read_bytes_total", SECTOR),
    ("node_disk_read_time_seconds_total", MS),
    ("node_disk_writes_completed_total", 1.0),
    ("node_disk_writes_merged_total", 1.0),
    ("node_disk_written_bytes_total", SECTOR),
    ("node_disk_write_time_seconds_total", MS),
    ("node_disk_io_now", 1.0),
    ("node_disk_io_time_seconds_total", MS),
    ("node_disk_io_time_weighted_seconds_total", MS),
    ("node_disk_discards_completed_total", 1.0),
    ("node_disk_discards_merged_total", 1.0),
    ("node_disk_discarded_sectors_total", 1.0),
    ("node_disk_discard_time_seconds_total", MS),
    ("node_disk_flush_requests_total", 1.0),
    ("node_disk_flush_requests_time_seconds_total", MS),
];

/// Emits every device but those that [`is_left_out`] names.
pub fn read_diskstats(text: &str, emit: &mut Emit<'_>) {
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().skip(2);
        let Some(device) = words.next() else {
            emit.note_malformed();
            continue;
        };
        if is_left_out(device) {
            continue;
        }
        // Kernels before 4.18 have 11 columns, before 5.5 15, and a later one may have more.
        for ((name, scale), word) in COLUMNS.iter().zip(words) {
            match word.parse::<f64>() {
                Ok(value) => emit.put(name, &[("device", device)], value * scale),
                Err(_) => emit.note_malformed(),
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
                     7  0 loop0 1 1 1 1 1 1 1 1 1 1 1\n 8 0 sda 3 x\n";
        let lines = emitted(|emit| read_diskstats(text, emit));
        assert_eq!(lines[0], r#"node_disk_reads_completed_total{device="vda"} 10"#);
        assert_eq!(lines[2], r#"node_disk_read_bytes_total{device="vda"} 2048"#);
        assert_eq!(lines[3], r#"node_disk_read_time_seconds_total{device="vda"} 2"#);
        assert_eq!(lines[16], r#"node_disk_flush_requests_time_seconds_total{device="vda"} 0.016"#);
        assert_eq!(lines[17..], [r#"node_disk_reads_completed_total{device="sda"} 3"#, "malformed 1"]);
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
