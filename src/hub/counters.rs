//! What the hub counts.

use std::sync::Arc;

use super::{speaker::Speech, tally::Tally};
use crate::telemetry::{Counter, Gauge, Registry};
use crate::wire::{Close, centrifugo::ErrorCode};

/// The hub's own metrics. A clone counts into the same.
#[derive(Debug, Clone)]
pub struct Counters {
    registry: Registry,
    /// Open connections.
    pub connections: Gauge,
    /// Subscriptions of all connections.
    pub subscriptions: Gauge,
    /// Channels with subscribers, and what they have of these.
    pub tally: Arc<Tally>,
    /// Messages handed to sockets, one for each reader.
    pub deliveries: Counter,
    /// Messages published, whatever the number of readers.
    pub publications: Counter,
    /// Commands taken from clients.
    pub commands: Counter,
    /// Signals dropped because their reader was slow.
    pub signals_dropped: Counter,
    /// Steps dropped because their reader was slow.
    pub steps_dropped: Counter,
    /// Times that a reader's rate dropped.
    pub slowed: Counter,
    /// Connections refused at their limit.
    pub refused: Counter,
    /// Orders of other nodes that this one does not know.
    pub orders_unknown: Counter,
}

impl Counters {
    /// Registers them.
    pub fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            connections: registry.gauge("watchroom_connections", "Open connections."),
            subscriptions: registry.gauge("watchroom_subscriptions", "Subscriptions of all connections."),
            tally: Arc::default(),
            deliveries: registry
                .counter("watchroom_deliveries_total", "Messages handed to sockets, one for each reader."),
            publications: registry.counter("watchroom_publications_total", "Messages published."),
            commands: registry.counter("watchroom_commands_total", "Commands taken from clients."),
            signals_dropped: registry
                .counter("watchroom_signals_dropped_total", "Signals dropped for slow readers."),
            steps_dropped: registry
                .counter("watchroom_steps_dropped_total", "Steps dropped for slow readers."),
            slowed: registry.counter("watchroom_slowed_total", "Times that a reader's rate dropped."),
            refused: registry
                .counter("watchroom_connections_refused_total", "Connections refused at their limit."),
            orders_unknown: registry
                .counter("watchroom_orders_unknown_total", "Orders of newer nodes, not carried out."),
        }
    }

    /// The bytes that wait in one shard.
    pub fn waiting_bytes(&self, shard: usize) -> Gauge {
        self.registry.gauge_with(
            "watchroom_queue_bytes",
            "Bytes that wait for slow readers.",
            &[("shard", &shard.to_string())],
        )
    }

    /// Counts a call that came too often.
    pub(super) fn too_often(&self, speech: Speech) {
        self.registry
            .counter_with(
                "watchroom_calls_too_often_total",
                "Calls of people that were refused because there were too many at once.",
                &[("call", speech.name())],
            )
            .increment();
    }

    /// Counts a command of a client that is too fast.
    pub(super) fn too_fast(&self, command: &'static str) {
        self.registry
            .counter_with(
                "watchroom_commands_too_fast_total",
                "Commands of clients that were refused because there were too many at once.",
                &[("command", command)],
            )
            .increment();
    }

    /// Counts a command that was answered with an error, by code.
    pub fn refused_command(&self, code: ErrorCode) {
        self.registry
            .counter_with(
                "watchroom_commands_refused_total",
                "Commands of clients that were answered with an error, by code.",
                &[("code", &code.code().to_string())],
            )
            .increment();
    }

    /// Counts what a map did not take, by the limit that was in its way.
    pub fn refused_map(&self, limit: &str) {
        self.registry
            .counter_with(
                "watchroom_map_refused_total",
                "Keys that maps did not take, by limit: key (its length), keys, bytes, all (of all maps), disk (what waits for it), channel (its length).",
                &[("limit", limit)],
            )
            .increment();
    }

    /// Counts what lists of surveys have no room for.
    pub(super) fn left_out(&self, what: &'static str, number: usize) {
        self.registry
            .counter_with(
                "watchroom_survey_left_out_total",
                "Connections, channels and reports of nodes for which lists of the server page had no room.",
                &[("of", what)],
            )
            .add(number as u64);
    }

    /// Counts a connection that we close, by code.
    pub fn closed(&self, close: &Close) {
        self.closes(close).increment();
    }

    /// Connections that we closed with a code.
    pub fn closes(&self, close: &Close) -> Counter {
        self.registry.counter_with(
            "watchroom_closes_total",
            "Connections closed by the server, by code.",
            &[("code", &close.code().to_string())],
        )
    }
}
