//! The store's figures as own metrics.

use crate::store::StoreStats;
use crate::telemetry::{Counter, Gauge, Registry};

/// Metrics that are read from the store once a second.
#[derive(Debug)]
pub(super) struct StoreMetrics {
    series: Gauge,
    head_bytes: Gauge,
    disk_bytes: Gauge,
    pending_bytes: Gauge,
    seals: Counter,
    evictions: Counter,
    lost: Counter,
    damaged: Counter,
    commits: Counter,
    commit_errors: Counter,
    commit_seconds: Gauge,
    rows_unwritten: Counter,
}

impl StoreMetrics {
    /// Registers them.
    pub(super) fn new(registry: &Registry) -> Self {
        let bytes = "Bytes of samples, by place.";
        Self {
            series: registry.gauge("watchroom_series", "Series that have samples in memory."),
            head_bytes: registry.gauge_with("watchroom_store_bytes", bytes, &[("place", "head")]),
            disk_bytes: registry.gauge_with("watchroom_store_bytes", bytes, &[("place", "disk")]),
            pending_bytes: registry
                .gauge("watchroom_store_pending_bytes", "Bytes of samples that wait for the disk."),
            seals: registry.counter("watchroom_chunks_sealed_total", "Chunks sealed."),
            evictions: registry
                .counter("watchroom_chunks_evicted_total", "Sealed chunks that memory let go."),
            lost: registry
                .counter("watchroom_chunks_lost_total", "Chunks that memory let go and no disk has."),
            damaged: registry.counter("watchroom_chunks_damaged_total", "Chunks that could not be decoded."),
            commits: registry.counter("watchroom_store_commits_total", "Commits of the samples' file."),
            commit_errors: registry
                .counter("watchroom_store_commit_errors_total", "Commits of the samples' file that failed."),
            commit_seconds: registry
                .gauge("watchroom_store_commit_seconds", "How long the last commit took."),
            rows_unwritten: registry.counter(
                "watchroom_store_rows_unwritten_total",
                "Collected samples that found no room on the way to the disk.",
            ),
        }
    }

    /// Takes a reading.
    #[expect(clippy::cast_precision_loss, reason = "figures far below 2^53")]
    pub(super) fn read(&self, stats: &StoreStats) {
        self.series.set(stats.series as f64);
        self.head_bytes.set(stats.head_bytes as f64);
        self.disk_bytes.set(stats.disk.file_bytes as f64);
        self.pending_bytes.set(stats.disk.pending_bytes as f64);
        self.seals.reach(stats.seals);
        self.evictions.reach(stats.evictions);
        self.lost.reach(stats.lost_chunks);
        self.damaged.reach(stats.damaged_chunks);
        self.commits.reach(stats.disk.commits);
        self.commit_errors.reach(stats.disk.commit_errors);
        self.rows_unwritten.reach(stats.disk.rows_unwritten);
        self.commit_seconds.set(stats.disk.commit_ms_last as f64 / 1_000.0);
    }
}
