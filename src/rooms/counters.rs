//! What rooms count.

use crate::telemetry::{Counter, Registry};

/// The counters.
#[derive(Debug)]
pub(super) struct Counters {
    /// Comments that were stored, or had been already.
    pub(super) said: Counter,
    /// Comments that were wrong.
    pub(super) refused: Counter,
    /// Comments that could not be stored.
    pub(super) failed: Counter,
}

impl Counters {
    /// Registers them.
    pub(super) fn new(registry: &Registry) -> Self {
        let count = |result| {
            let help = "Comments, by what came of them.";
            registry.counter_with("watchroom_comments_total", help, &[("result", result)])
        };
        Self { said: count("stored"), refused: count("refused"), failed: count("failed") }
    }
}
