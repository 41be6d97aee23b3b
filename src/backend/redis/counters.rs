//! What the Redis backend counts.

use crate::telemetry::{Counter, Registry};

/// The counters. A clone counts into the same ones.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    /// Connections made after one was lost.
    pub(super) reconnects: Counter,
    /// Publications and batches that Redis did not take.
    pub(super) publish_errors: Counter,
    /// Batches missing on their way between nodes.
    pub(super) samples_gap: Counter,
    /// Times that slots were found with another server.
    pub(super) moves: Counter,
    registry: Registry,
}

/// Why something that Redis delivered was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// A newer node wrote it.
    Version,
    /// It cannot be read.
    Damaged,
    /// Another node has our name.
    Namesake,
}

impl Counters {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = Self {
            reconnects: registry.counter(
                "watchroom_redis_reconnects_total",
                "Connections to Redis made after one was lost.",
            ),
            publish_errors: registry.counter(
                "watchroom_redis_publish_errors_total",
                "Publications and batches of samples that Redis did not take.",
            ),
            samples_gap: registry.counter(
                "watchroom_redis_samples_gap_total",
                "Batches of samples missing on their way between nodes: not carried by this one, or by another.",
            ),
            moves: registry.counter(
                "watchroom_redis_slots_moved_total",
                "Times that slots of a Redis cluster were found with another server.",
            ),
            registry: registry.clone(),
        };
        // Listed from the start, so that a rule can tell 0 from nothing.
        for reason in [Skipped::Version, Skipped::Damaged, Skipped::Namesake] {
            counters.skipped(reason).add(0);
        }
        counters
    }

    /// The counter of what was skipped for a reason.
    pub(super) fn skipped(&self, reason: Skipped) -> Counter {
        let reason = match reason {
            Skipped::Version => "version",
            Skipped::Damaged => "damaged",
            Skipped::Namesake => "namesake",
        };
        self.registry.counter_with(
            "watchroom_redis_skipped_total",
            "Messages from Redis that were skipped, by reason.",
            &[("reason", reason)],
        )
    }
}
