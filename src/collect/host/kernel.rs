//! Small files of the kernel: pressure, the scheduler, limits.
//!
//! Pressure is read through `procfs`. It does not know the machine's `schedstat` and `nf_conntrack_*`; the
//! other files of one number it would open anew at each reading.

use procfs_core::parse_pressure_record;

use crate::collect::Emit;

/// Microseconds, and nanoseconds, of a second. Divided by, so that decimals stay short.
const MICROSECONDS: f64 = 1e6;
const NANOSECONDS: f64 = 1e9;

/// `/proc/pressure/cpu`.
pub fn read_pressure_cpu(text: &str, emit: &mut Emit<'_>) {
    // The kernel's line `full` of the processor is always zero.
    pressure(text, Some("node_pressure_cpu_waiting_seconds_total"), None, emit);
}

/// `/proc/pressure/io`.
pub fn read_pressure_io(text: &str, emit: &mut Emit<'_>) {
    let (some, full) = ("node_pressure_io_waiting_seconds_total", "node_pressure_io_stalled_seconds_total");
    pressure(text, Some(some), Some(full), emit);
}

/// `/proc/pressure/memory`.
pub fn read_pressure_memory(text: &str, emit: &mut Emit<'_>) {
    let some = "node_pressure_memory_waiting_seconds_total";
    pressure(text, Some(some), Some("node_pressure_memory_stalled_seconds_total"), emit);
}

/// `/proc/pressure/irq`.
pub fn read_pressure_irq(text: &str, emit: &mut Emit<'_>) {
    pressure(text, None, Some("node_pressure_irq_stalled_seconds_total"), emit);
}

/// `some avg10=0.00 avg60=0.49 avg300=1.66 total=78730628`, in microseconds.
///
/// A line at a time: `procfs` refuses a file of one line, such as that of `irq`, or of `cpu` before Linux 5.13.
fn pressure(text: &str, some: Option<&str>, full: Option<&str>, emit: &mut Emit<'_>) {
    for line in text.lines() {
        // The blank is looked for here, because `procfs` panics without it.
        let name = match line.split_once(' ') {
            Some(("some", _)) => some,
            Some(("full", _)) => full,
            _ => {
                emit.note_malformed();
                continue;
            }
        };
        let Some(name) = name else { continue };
        if let Some(record) = emit.understood(parse_pressure_record(line)) {
            emit.put(name, &[], record.total as f64 / MICROSECONDS);
        }
    }
}

/// `/proc/schedstat`: `cpu0 0 0 0 0 0 0 <ns run> <ns waited> <slices>`.
pub fn read_schedstat(text: &str, emit: &mut Emit<'_>) {
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(cpu) = words.next().and_then(|key| key.strip_prefix("cpu")) else { continue };
        let columns = [
            ("node_schedstat_running_seconds_total", NANOSECONDS),
            ("node_schedstat_waiting_seconds_total", NANOSECONDS),
            ("node_schedstat_timeslices_total", 1.0),
        ];
        let mut words = words.skip(6);
        for (name, scale) in columns {
            match words.next().map(str::parse::<f64>) {
                Some(Ok(value)) => emit.put(name, &[("cpu", cpu)], value / scale),
                _ => emit.note_malformed(),
            }
        }
    }
}

/// `/proc/sys/fs/file-nr`: `<allocated> 0 <maximum>`.
pub fn read_file_nr(text: &str, emit: &mut Emit<'_>) {
    let mut words = text.split_ascii_whitespace();
    number("node_filefd_allocated", words.next().unwrap_or_default(), emit);
    number("node_filefd_maximum", words.nth(1).unwrap_or_default(), emit);
}

/// `/proc/sys/kernel/random/entropy_avail`.
pub fn read_entropy_available(text: &str, emit: &mut Emit<'_>) {
    number("node_entropy_available_bits", text, emit);
}

/// `/proc/sys/kernel/random/poolsize`.
pub fn read_entropy_pool(text: &str, emit: &mut Emit<'_>) {
    number("node_entropy_pool_size_bits", text, emit);
}

/// `/proc/sys/net/netfilter/nf_conntrack_count`.
pub fn read_conntrack(text: &str, emit: &mut Emit<'_>) {
    number("node_nf_conntrack_entries", text, emit);
}

/// `/proc/sys/net/netfilter/nf_conntrack_max`.
pub fn read_conntrack_limit(text: &str, emit: &mut Emit<'_>) {
    number("node_nf_conntrack_entries_limit", text, emit);
}

/// `/proc/sys/kernel/threads-max`.
pub fn read_threads_max(text: &str, emit: &mut Emit<'_>) {
    number("node_processes_max_threads", text, emit);
}

/// `/proc/sys/kernel/pid_max`.
pub fn read_pid_max(text: &str, emit: &mut Emit<'_>) {
    number("node_processes_max_processes", text, emit);
}

fn number(name: &str, text: &str, emit: &mut Emit<'_>) {
    if let Some(value) = emit.understood(text.trim().parse()) {
        emit.put(name, &[], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[track_caller]
    fn check(read: fn(&str, &mut Emit<'_>), text: &str, expected: &[&str]) {
        assert_eq!(emitted(|emit| read(text, emit)), expected, "{text:?}");
    }

    #[test]
    fn pressure_is_seconds() {
        let text = "some avg10=0.00 avg60=0.49 avg300=1.66 total=2500000\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n";
        check(read_pressure_cpu, text, &["node_pressure_cpu_waiting_seconds_total 2.5"]);
        let io = ["node_pressure_io_waiting_seconds_total 2.5", "node_pressure_io_stalled_seconds_total 0.5"];
        check(read_pressure_io, text, &io);
        check(read_pressure_irq, text, &["node_pressure_irq_stalled_seconds_total 0.5"]);
        check(read_pressure_memory, "some avg10=0.00\nodd\n", &["malformed 2"]);
        check(read_pressure_memory, "some\n", &["malformed 1"]);
    }

    #[test]
    fn the_scheduler_tells_each_processor() {
        let text = "version 15\ntimestamp 4\ncpu0 0 0 0 0 0 0 2000000000 500000000 7\ndomain0 3 0\ncpu1 0\n";
        check(
            read_schedstat,
            text,
            &[
                r#"node_schedstat_running_seconds_total{cpu="0"} 2"#,
                r#"node_schedstat_waiting_seconds_total{cpu="0"} 0.5"#,
                r#"node_schedstat_timeslices_total{cpu="0"} 7"#,
                "malformed 3",
            ],
        );
    }

    #[test]
    fn limits_are_one_number() {
        check(
            read_file_nr,
            "449\t0\t2466170\n",
            &["node_filefd_allocated 449", "node_filefd_maximum 2466170"],
        );
        check(read_entropy_available, "256\n", &["node_entropy_available_bits 256"]);
        check(read_conntrack, "", &["malformed 1"]);
    }
}
