//! What the alert engine counts.

use std::time::Duration;

use crate::rules::{Change, State};
use crate::telemetry::{Counter, Gauge, Registry};

/// The states that are counted.
const STATES: [State; 3] = [State::Pending, State::Firing, State::Resolved];

/// Counters of the engine.
#[derive(Debug)]
pub(super) struct Counters {
    evaluations: Counter,
    pub(super) failed: Counter,
    microseconds: Counter,
    pub(super) dropped: Counter,
    turned: [(Change, Counter); 4],
    standing: [(State, Gauge); 3],
}

impl Counters {
    pub(super) fn new(registry: &Registry) -> Self {
        let turned = |change: Change| {
            let help = "Changes of alerts, by what they became.";
            let labels = [("state", change.name())];
            (change, registry.counter_with("watchroom_alert_transitions_total", help, &labels))
        };
        Self {
            evaluations: registry.counter("watchroom_rule_evaluations_total", "Evaluations of alert rules."),
            failed: registry.counter(
                "watchroom_rule_evaluations_failed_total",
                "Evaluations of alert rules that failed; they change no alert.",
            ),
            microseconds: registry.counter(
                "watchroom_rule_evaluation_microseconds_total",
                "Time that evaluations of alert rules took.",
            ),
            dropped: registry.counter(
                "watchroom_alert_events_dropped_total",
                "Alert transitions that no time line has: too many waited.",
            ),
            turned: [Change::Pending, Change::Fired, Change::Resolved, Change::Cleared].map(turned),
            standing: STATES.map(|state| {
                let help = "Alerts, by state.";
                (state, registry.gauge_with("watchroom_alerts", help, &[("state", state.name())]))
            }),
        }
    }

    /// One rule was evaluated.
    pub(super) fn evaluated(&self, failed: bool, took: Duration) {
        self.evaluations.increment();
        if failed {
            self.failed.increment();
        }
        self.microseconds.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// One alert turned.
    pub(super) fn turned(&self, change: Change) {
        if let Some((_, counter)) = self.turned.iter().find(|(other, _)| *other == change) {
            counter.increment();
        }
    }

    /// What stands now.
    pub(super) fn standing(&self, states: impl Iterator<Item = State>) {
        let mut counts = [0u32; 3];
        for state in states {
            if let Some(at) = STATES.iter().position(|other| *other == state) {
                counts[at] += 1;
            }
        }
        for ((_, gauge), count) in self.standing.iter().zip(counts) {
            gauge.set(f64::from(count));
        }
    }
}
