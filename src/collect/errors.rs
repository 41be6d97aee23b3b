//! Counts what could not be read, part by part.

use std::fmt::Display;

use rustc_hash::FxHashMap;
use tracing::debug;

use crate::telemetry::{Counter, Registry};

/// Counts what could not be read, and says it once for each part.
///
/// A part fails for as long as its file is missing or its format unknown, which is a property of
/// the machine: one line in the log tells it, a counter how often it was met.
#[derive(Debug)]
pub struct PartErrors {
    registry: Registry,
    counters: FxHashMap<&'static str, Counter>,
}

impl PartErrors {
    /// Makes one that counts into `registry`.
    pub fn new(registry: Registry) -> Self {
        Self { registry, counters: FxHashMap::default() }
    }

    /// Counts `count` failures of `part`; the first is logged with its reason.
    pub fn count(&mut self, part: &'static str, count: u64, reason: &dyn Display) {
        let registry = &self.registry;
        let counter = self.counters.entry(part).or_insert_with(|| {
            debug!(collect.part = part, error = %reason, "part not collected");
            let help = "Reads that failed and lines that were not understood, by part.";
            registry.counter_with("watchroom_collect_errors_total", help, &[("part", part)])
        });
        counter.add(count);
    }
}
