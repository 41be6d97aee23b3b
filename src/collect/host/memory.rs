//! `/proc/meminfo`, `/proc/vmstat`, `/proc/loadavg`.

use procfs_core::{FromBufRead, FromRead, LoadAverage, VmStat};

use crate::collect::{Emit, top::rounded};

/// Beginnings of the fields of `/proc/vmstat` that are kept.
///
/// The first row is `node_exporter`'s default, `^(oom_kill|pgpg|pswp|pg.*fault).*`. The others say
/// whether memory is short and what reclaim, compaction and write-back do about it; their number
/// does not grow with the machine.
#[rustfmt::skip]
pub const VMSTAT_PREFIXES: &[&str] = &[
    "oom_kill", "pgpg", "pswp",
    "allocstall", "balloon_", "compact_", "drop_", "kswapd_", "nr_dirt", "nr_unstable", "nr_writeback", "nr_written",
    "numa_", "pageoutrun", "pgactivate", "pgalloc", "pgdeactivate", "pgfree", "pginodesteal", "pglazyfree", "pgmigrate",
    "pgrefill", "pgreuse", "pgrotated", "pgscan", "pgsteal", "pgdemote", "pgpromote", "slabs_scanned", "swap_ra",
    "thp_", "workingset_", "zone_reclaim", "zswp", "nr_free", "nr_slab", "nr_mapped", "nr_anon", "nr_shmem",
    "nr_kernel_stack", "nr_page_table",
];

/// `/proc/loadavg`: `0.07 0.56 0.75 1/87 31351`.
pub fn read_loadavg(text: &str, emit: &mut Emit<'_>) {
    let Some(load) = emit.understood(LoadAverage::from_read(text.as_bytes())) else { return };
    for (name, value) in [("node_load1", load.one), ("node_load5", load.five), ("node_load15", load.fifteen)]
    {
        // Single precision there: rounded, it is the kernel's two decimals again, up to a load of 131,072.
        emit.put(name, &[], rounded(f64::from(value), 2));
    }
}

/// `/proc/meminfo`: `Active(anon):  1524 kB` becomes `node_memory_Active_anon_bytes`.
///
/// Not through `procfs`: it drops lines that it has no field for, such as `Balloon`.
pub fn read_meminfo(text: &str, emit: &mut Emit<'_>) {
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(key), Some(Ok(value))) = (words.next(), words.next().map(str::parse::<f64>)) else {
            emit.note_malformed();
            continue;
        };
        let key = key.trim_end_matches(':');
        let (head, inner) = key.split_once('(').unwrap_or((key, ""));
        let joint = if inner.is_empty() { "" } else { "_" };
        // A field without a unit counts huge pages.
        let (suffix, scale) = if words.next() == Some("kB") { ("_bytes", 1_024.0) } else { ("", 1.0) };
        let pieces = ["node_memory_", head, joint, inner.trim_end_matches(')'), suffix];
        emit.put_joined(&pieces, &[], value * scale);
    }
}

/// `/proc/vmstat`, as far as [`VMSTAT_PREFIXES`] goes.
pub fn read_vmstat(text: &str, emit: &mut Emit<'_>) {
    let Some(VmStat(fields)) = emit.understood(VmStat::from_buf_read(text.as_bytes())) else { return };
    for (key, value) in &fields {
        let is_fault = key.starts_with("pg") && key.contains("fault");
        if is_fault || VMSTAT_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
            emit.put_joined(&["node_vmstat_", key], &[], *value as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::series::emitted;

    #[test]
    fn memory_is_bytes() {
        let text =
            "MemTotal:       24684084 kB\nActive(anon):       1524 kB\nHugePages_Total:       3\nodd\n";
        assert_eq!(
            emitted(|emit| read_meminfo(text, emit)),
            [
                "node_memory_MemTotal_bytes 25276502016",
                "node_memory_Active_anon_bytes 1560576",
                "node_memory_HugePages_Total 3",
                "malformed 1",
            ]
        );
    }

    #[test]
    fn vmstat_is_chosen_from() {
        let text = "nr_inactive_anon 5\npgpgin 7\npgmajfault 8\noom_kill 0\nhtlb_buddy_alloc 1\n";
        let mut lines = emitted(|emit| read_vmstat(text, emit));
        lines.sort();
        assert_eq!(lines, ["node_vmstat_oom_kill 0", "node_vmstat_pgmajfault 8", "node_vmstat_pgpgin 7"]);
        assert_eq!(emitted(|emit| read_vmstat("pgpgin 7\npgfault x\n", emit)), ["malformed 1"]);
    }

    #[test]
    fn load_has_three_spans() {
        let lines = emitted(|emit| read_loadavg("0.07 0.56 0.75 1/87 31351\n", emit));
        assert_eq!(lines, ["node_load1 0.07", "node_load5 0.56", "node_load15 0.75"]);
        let lines = emitted(|emit| read_loadavg("100000.01 1234.56 0.00 1/87 31351\n", emit));
        assert_eq!(lines, ["node_load1 100000.01", "node_load5 1234.56", "node_load15 0"]);
        assert_eq!(emitted(|emit| read_loadavg("", emit)), ["malformed 1"]);
    }
}
