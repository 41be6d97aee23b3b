//! The store's figures as own metrics.

use crate::store::StoreStats;
use crate::telemetry::{Gauge, Registry};

/// Gauges that are read from the store once a second.
#[derive(Debug)]
pub(super) struct StoreMetrics {
    series: Gauge,
    head_bytes: Gauge,
    disk_bytes: Gauge,
    pending_bytes: Gauge,
    seals: Gauge,
    evictions: Gauge,
    lost: Gauge,
    damaged: Gauge,
    commits: Gauge,
    commit_errors: Gauge,
    commit_seconds: Gauge,
    rows_unwritten: Gauge,
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
            seals: registry.gauge("watchroom_chunks_sealed", "Chunks sealed since the start."),
            evictions: registry
                .gauge("watchroom_chunks_evicted", "Sealed chunks that memory let go since the start."),
            lost: registry.gauge("watchroom_chunks_lost", "Chunks that memory let go and no disk has."),
            damaged: registry.gauge("watchroom_chunks_damaged", "Chunks that could not be decoded."),
            commits: registry.gauge("watchroom_store_commits", "Commits since the start."),
            commit_errors: registry
                .gauge("watchroom_store_commit_errors", "Commits that failed since the start."),
            commit_seconds: registry
                .gauge("watchroom_store_commit_seconds", "How long the last commit took."),
            rows_unwritten: registry.gauge(
                "watchroom_store_rows_unwritten",
                "Collected samples since the start that found no room on the way to the disk.",
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
        self.seals.set(stats.seals as f64);
        self.evictions.set(stats.evictions as f64);
        self.lost.set(stats.lost_chunks as f64);
        self.damaged.set(stats.damaged_chunks as f64);
        self.commits.set(stats.disk.commits as f64);
        self.commit_errors.set(stats.disk.commit_errors as f64);
        self.rows_unwritten.set(stats.disk.rows_unwritten as f64);
        self.commit_seconds.set(stats.disk.commit_ms_last as f64 / 1_000.0);
    }
}
