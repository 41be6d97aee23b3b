//! `/proc/stat`: processor time, interrupts, forks.

use rustc_hash::FxHashMap;

use crate::collect::Emit;

/// Ticks per second of processor times in `/proc`: fixed by the kernel's interface (`USER_HZ`).
pub const USER_HZ: f64 = 100.0;

/// The columns of a `cpu` line, in order; `guest` and `guest_nice` follow.
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
/// The names of the `softirq` line's columns after the sum (kernel `include/linux/interrupt.h`).
const SOFTIRQS: [&str; 10] =
    ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"];
/// A fall of idle time beyond this is a processor that was taken out and put back: `node_exporter`'s
/// figure, seconds.
const RESET_SECONDS: f64 = 3.0;

/// Reads `/proc/stat`, and keeps each processor's last times.
///
/// The kernel lets idle and iowait times fall a little (it estimates them), which a rate would
/// take for a restart; a smaller value is replaced by the last, as `node_exporter` does.
///
/// Not through `procfs`: it drops interrupts, soft interrupts and the processors' numbers, so that with
/// one of them off line the next would take its label.
#[derive(Debug, Default)]
pub struct CpuTimes {
    last: FxHashMap<String, [f64; MODES.len()]>,
}

impl CpuTimes {
    /// Emits what the text says.
    pub fn read(&mut self, text: &str, emit: &mut Emit<'_>) {
        for line in text.lines() {
            let Some((key, rest)) = line.split_once(' ') else { continue };
            match key {
                // The sum of all lines that follow.
                "cpu" => {}
                "intr" => first(rest, "node_intr_total", emit),
                "ctxt" => first(rest, "node_context_switches_total", emit),
                "btime" => first(rest, "node_boot_time_seconds", emit),
                "processes" => first(rest, "node_forks_total", emit),
                "procs_running" => first(rest, "node_procs_running", emit),
                "procs_blocked" => first(rest, "node_procs_blocked", emit),
                "softirq" => softirqs(rest, emit),
                _ => match key.strip_prefix("cpu") {
                    Some(cpu) => self.cpu(cpu, rest, emit),
                    None => emit.note_malformed(),
                },
            }
        }
    }

    fn cpu(&mut self, cpu: &str, rest: &str, emit: &mut Emit<'_>) {
        let mut columns = rest.split_ascii_whitespace().map(|word| word.parse::<f64>().map(|v| v / USER_HZ));
        let mut now = [0.0; MODES.len()];
        for slot in &mut now {
            // Old kernels have fewer columns.
            let Ok(seconds) = columns.next().unwrap_or(Ok(0.0)) else {
                emit.note_malformed();
                return;
            };
            *slot = seconds;
        }
        if !self.last.contains_key(cpu) {
            self.last.insert(cpu.to_owned(), now);
        }
        let Some(last) = self.last.get_mut(cpu) else { return };
        let is_reset = last[3] - now[3] > RESET_SECONDS;
        for ((mode, last), now) in MODES.iter().zip(last).zip(now) {
            if is_reset || now > *last {
                *last = now;
            }
            emit.put("node_cpu_seconds_total", &[("cpu", cpu), ("mode", mode)], *last);
        }
        for mode in ["user", "nice"] {
            if let Some(Ok(seconds)) = columns.next() {
                emit.put("node_cpu_guest_seconds_total", &[("cpu", cpu), ("mode", mode)], seconds);
            }
        }
    }
}

fn first(rest: &str, name: &str, emit: &mut Emit<'_>) {
    match rest.split_ascii_whitespace().next().map(str::parse) {
        Some(Ok(value)) => emit.put(name, &[], value),
        _ => emit.note_malformed(),
    }
}

fn softirqs(rest: &str, emit: &mut Emit<'_>) {
    for (vector, word) in SOFTIRQS.iter().zip(rest.split_ascii_whitespace().skip(1)) {
        if let Some(value) = emit.understood(word.parse()) {
            emit.put("node_softirqs_total", &[("vector", vector)], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[test]
    fn times_are_seconds_and_do_not_fall() {
        let mut times = CpuTimes::default();
        let lines = emitted(|emit| times.read("cpu  9 9 9 9\ncpu0 100 200 300 400 500 0 0 5 6 7\n", emit));
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], r#"node_cpu_seconds_total{cpu="0", mode="user"} 1"#);
        assert_eq!(lines[3], r#"node_cpu_seconds_total{cpu="0", mode="idle"} 4"#);
        assert_eq!(lines[9], r#"node_cpu_guest_seconds_total{cpu="0", mode="nice"} 0.07"#);
        let fell = emitted(|emit| times.read("cpu0 100 200 300 390 510 0 0 5\n", emit));
        assert_eq!(fell[3], r#"node_cpu_seconds_total{cpu="0", mode="idle"} 4"#);
        assert_eq!(fell[4], r#"node_cpu_seconds_total{cpu="0", mode="iowait"} 5.1"#);
        let reset = emitted(|emit| times.read("cpu0 0 0 0 10 0 0 0 0\n", emit));
        assert_eq!(reset[3], r#"node_cpu_seconds_total{cpu="0", mode="idle"} 0.1"#);
    }

    #[test]
    fn the_other_lines_are_one_number_each() {
        let text = "intr 12 0 3\nctxt 5\nbtime 1700000000\nprocs_running 2\nsoftirq 9 1 2\nctxt x\n";
        let lines = emitted(|emit| CpuTimes::default().read(text, emit));
        assert_eq!(
            lines,
            [
                "node_intr_total 12",
                "node_context_switches_total 5",
                "node_boot_time_seconds 1700000000",
                "node_procs_running 2",
                r#"node_softirqs_total{vector="hi"} 1"#,
                r#"node_softirqs_total{vector="timer"} 2"#,
                "malformed 1",
            ]
        );
    }
}
