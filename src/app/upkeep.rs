//! What happens once a second: seals, retention, figures, and metrics that other nodes' pushes made.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::own::StoreMetrics;
use crate::backend::Backend;
use crate::clock::Clock;
use crate::dashboards::Pushed;
use crate::hub::notice;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::Gauge;

/// What is looked after.
#[derive(Debug)]
pub(super) struct Upkeep {
    pub(super) backend: Backend,
    pub(super) clock: Clock,
    pub(super) metrics: StoreMetrics,
    pub(super) store: Store,
    pub(super) pushed: Pushed,
    pub(super) supervisor: Supervisor,
    /// Tasks that run.
    pub(super) tasks: Gauge,
}

impl Upkeep {
    /// Works until the end.
    ///
    /// # Errors
    ///
    /// When a seal panicked.
    pub(super) async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known_version = 0;
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                _ = second.tick() => {}
            }
            self.backend.sweep();
            self.tasks.set(self.supervisor.task_count() as f64);
            let (store, now) = (self.store.clone(), self.clock.now_ms());
            // Seals cost milliseconds of a core: not on a thread of the runtime.
            let stats = tokio::task::spawn_blocking(move || {
                store.tick(now);
                store.stats()
            });
            self.metrics.read(&stats.await?);
            let version = self.store.version();
            if version != known_version {
                known_version = version;
                self.find_pushed().await;
            }
        }
    }

    /// Finds metrics that came by way of another node, and tells the pages.
    async fn find_pushed(&self) {
        let series = self.store.series(&[]);
        // Every series must be noted, so no short circuit.
        let new = series.iter().filter(|labels| self.pushed.note(labels)).count();
        if 0 < new {
            notice::tell_pushed(&self.backend).await;
        }
    }
}
