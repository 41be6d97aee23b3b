//! What a node tells of itself.

use serde::{Deserialize, Serialize};

use super::super::Hub;
use crate::collect::own::usage;
use crate::wire::Close;

/// One node. Totals count from its start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Its name.
    pub node: String,
    /// Of watchroom.
    pub version: String,
    /// Seconds since its start.
    pub uptime_s: u64,
    /// Connections that have said `connect`.
    pub connections: usize,
    /// Their users.
    pub users: usize,
    /// Channels with subscribers.
    pub channels: usize,
    /// Those of the configuration alone.
    pub configured_channels: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Subscriptions to channels of the configuration.
    pub configured_subscriptions: usize,
    /// Messages published, total.
    pub publications: u64,
    /// Messages handed to sockets, total.
    pub deliveries: u64,
    /// Bytes that wait for slow readers.
    pub queue_bytes: u64,
    /// Connections closed because they read too slowly, total.
    pub closed_slow: u64,
    /// Steps left out for slow readers, total.
    pub steps_dropped: u64,
    /// Signals left out for slow readers, total.
    pub signals_dropped: u64,
    /// Times that a reader's rate dropped, total.
    pub slowed: u64,
    /// Connections refused at a limit, total.
    pub refused: u64,
    /// Memory that the process has, bytes; 0 where the system does not tell.
    pub rss_bytes: u64,
    /// Processor time that it used, ms, total; 0 where the system does not tell.
    pub cpu_ms: u64,
    /// When this was so, ms since the epoch, by the node's clock.
    pub seen: i64,
}

impl Hub {
    /// This node, now.
    pub(super) fn own_report(&self) -> Report {
        let (connections, users) = self.totals();
        let counters = &self.0.counters;
        let (configured, own) = (counters.tally.configured(), counters.tally.own());
        let mut report = Report {
            node: self.0.parts.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.uptime_s(),
            connections,
            users,
            channels: configured.channels + own.channels,
            configured_channels: configured.channels,
            subscriptions: configured.subscriptions + own.subscriptions,
            configured_subscriptions: configured.subscriptions,
            publications: counters.publications.get(),
            deliveries: counters.deliveries.get(),
            queue_bytes: self.0.ledgers.iter().map(|ledger| ledger.waiting_bytes() as u64).sum(),
            closed_slow: counters.closes(&Close::Slow).get(),
            steps_dropped: counters.steps_dropped.get(),
            signals_dropped: counters.signals_dropped.get(),
            slowed: counters.slowed.get(),
            refused: counters.refused.get(),
            seen: self.0.parts.clock.now_ms(),
            ..Report::default()
        };
        if let Some(usage) = usage() {
            (report.rss_bytes, report.cpu_ms) = (usage.rss_bytes, usage.cpu_ms);
        }
        report
    }
}
