//! What the journal counts.

use crate::telemetry::{Counter, Gauge, Registry};

/// The counters. A clone counts into the same ones.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    /// Commits, each for all that waited.
    pub(super) commits: Counter,
    /// Commits that the disk refused.
    pub(super) commit_errors: Counter,
    /// How long the last one took.
    pub(super) commit_seconds: Gauge,
    /// Events stored.
    pub(super) events: Counter,
    /// Appends that were there already.
    pub(super) repeated: Counter,
    /// Authors who were told that nothing was stored.
    pub(super) refused: Counter,
    /// Events that retention deleted.
    pub(super) deleted: Counter,
    /// Rows that could not be read.
    pub(super) damaged: Counter,
    /// Bytes of the file.
    pub(super) file_bytes: Gauge,
    /// Bytes that wait for the disk.
    pub(super) waiting_bytes: Gauge,
}

impl Counters {
    /// Registers them.
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            commits: registry.counter("watchroom_journal_commits_total", "Commits of the events' file."),
            commit_errors: registry
                .counter("watchroom_journal_commit_errors_total", "Commits of the events' file that failed."),
            commit_seconds: registry
                .gauge("watchroom_journal_commit_seconds", "How long the last commit of events took."),
            events: registry.counter("watchroom_journal_events_total", "Events stored."),
            repeated: registry.counter(
                "watchroom_journal_repeated_total",
                "Events that were stored already, by their author's id.",
            ),
            refused: registry.counter(
                "watchroom_journal_refused_total",
                "Commits whose author was told that they failed.",
            ),
            deleted: registry.counter("watchroom_journal_deleted_total", "Events that retention deleted."),
            damaged: registry.counter("watchroom_journal_damaged_total", "Rows that could not be read."),
            file_bytes: registry.gauge("watchroom_journal_bytes", "Bytes of the events' file."),
            waiting_bytes: registry
                .gauge("watchroom_journal_waiting_bytes", "Bytes of events that wait for the disk."),
        }
    }
}
