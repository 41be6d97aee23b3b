//! Runs the collectors on time and hands their batches on.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Collector, PartErrors, Schedule, Turn};
use crate::clock::Clock;
use crate::model::{Batch, Source};
use crate::telemetry::{Counter, Gauge, Registry};

/// How long one round may take before the log says that it hangs.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Why the runner ended, other than by shutdown.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nobody takes batches any more.
    #[error("the receiver of batches is gone")]
    SinkClosed,
    /// A collector panicked.
    #[error("a collector panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

type Collectors = Vec<Box<dyn Collector>>;

/// Runs collectors at whole seconds of the clock, off the runtime's threads.
///
/// The first round is at once and the second [`super::schedule::OPENING_GAP_MS`] later, both
/// stamped with their true time and without a step; all others are stamped with their whole second.
/// A second that cannot be sampled in time, because a round still ran or the sink was full, is a
/// gap and counted in `watchroom_collect_missed_total`.
pub struct Runner {
    collectors: Collectors,
    instance: String,
    clock: Clock,
    errors: PartErrors,
    failing: Vec<String>,
    missed: Counter,
    seconds: Gauge,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.collectors.iter().map(|collector| collector.name()).collect();
        f.debug_struct("Runner").field("collectors", &names).finish_non_exhaustive()
    }
}

impl Runner {
    /// Makes a runner; sources are named `<collector>@<instance>`.
    pub fn new(
        instance: &str,
        collectors: Vec<Box<dyn Collector>>,
        clock: Clock,
        registry: &Registry,
    ) -> Self {
        Self {
            collectors,
            instance: instance.to_owned(),
            clock,
            errors: PartErrors::new(registry.clone()),
            failing: Vec::new(),
            missed: registry
                .counter("watchroom_collect_missed_total", "Whole seconds that were not sampled in time."),
            seconds: registry.gauge("watchroom_collect_duration_seconds", "How long the last round took."),
        }
    }

    /// Runs until `shutdown` is cancelled; batches go to `sink`, one for each collector and round.
    ///
    /// When `sink` is full it waits, and the seconds that pass meanwhile are gaps.
    ///
    /// # Errors
    ///
    /// When the sink is closed, or a collector panicked.
    pub async fn run(
        mut self,
        sink: mpsc::Sender<Arc<Batch>>,
        shutdown: CancellationToken,
    ) -> Result<(), RunError> {
        let stop = shutdown.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            ended = self.rounds(&sink) => match ended {
                // The receiver may leave first when everything ends.
                Err(RunError::SinkClosed) if shutdown.is_cancelled() => Ok(()),
                ended => ended,
            },
        }
    }

    async fn rounds(&mut self, sink: &mpsc::Sender<Arc<Batch>>) -> Result<(), RunError> {
        let mut schedule = Schedule::new();
        loop {
            match schedule.poll(self.clock.now_ms()) {
                Turn::Wait { ms } => sleep(Duration::from_millis(ms.unsigned_abs())).await,
                Turn::Collect { at_ms, is_step, missed } => {
                    if missed > 0 {
                        self.missed.add(missed);
                        debug!(collect.missed = missed, "seconds not sampled");
                    }
                    for batch in self.round(at_ms, is_step).await? {
                        sink.send(Arc::new(batch)).await.map_err(|_| RunError::SinkClosed)?;
                    }
                }
            }
        }
    }

    /// Calls every collector that is due, on a thread for blocking work.
    async fn round(&mut self, at_ms: i64, is_step: bool) -> Result<Vec<Batch>, RunError> {
        let collectors = std::mem::take(&mut self.collectors);
        let instance = self.instance.clone();
        let began = Instant::now();
        let work = tokio::task::spawn_blocking(move || collect_due(collectors, &instance, at_ms, is_step));
        let round = wait_for(work).await.map_err(RunError::Panicked)?;
        self.seconds.set(began.elapsed().as_secs_f64());
        for (name, reason) in &round.failed {
            self.errors.count("source", 1, reason);
            // Said when it begins to fail, not once a second for as long as it does.
            if !self.failing.contains(name) {
                warn!(collect.source = name, error = reason, "source not collected");
            }
        }
        self.failing = round.failed.into_iter().map(|(name, _)| name).collect();
        self.collectors = round.collectors;
        Ok(round.batches)
    }
}

struct Round {
    collectors: Collectors,
    batches: Vec<Batch>,
    failed: Vec<(String, String)>,
}

fn collect_due(mut collectors: Collectors, instance: &str, at_ms: i64, is_step: bool) -> Round {
    let mut batches = Vec::with_capacity(collectors.len());
    let mut failed = Vec::new();
    for collector in &mut collectors {
        let interval_ms = collector.interval_ms();
        if is_step && at_ms % interval_ms != 0 {
            continue;
        }
        let mut samples = Vec::new();
        if let Err(error) = collector.collect(at_ms, &mut samples) {
            failed.push((collector.name().to_owned(), error.to_string()));
        }
        // A batch without samples still says that the step is complete: live queries need not wait.
        let source = Source::Scheduled { name: format!("{}@{instance}", collector.name()), interval_ms };
        batches.push(Batch::new(source, is_step.then_some(at_ms), samples));
    }
    Round { collectors, batches, failed }
}

/// Waits for a round, and says so when it hangs, in a dead file system for example.
async fn wait_for(mut work: JoinHandle<Round>) -> Result<Round, tokio::task::JoinError> {
    match timeout(STUCK_AFTER, &mut work).await {
        Ok(round) => round,
        Err(_) => {
            warn!(duration_ms = 5_000, "collectors hang");
            work.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::CollectError;
    use crate::model::{BatchSample, Labels, Sample};

    struct Steady {
        interval_ms: i64,
    }

    impl Collector for Steady {
        fn name(&self) -> &str {
            "steady"
        }

        fn interval_ms(&self) -> i64 {
            self.interval_ms
        }

        fn collect(&mut self, at_ms: i64, out: &mut Vec<BatchSample>) -> Result<(), CollectError> {
            out.push(BatchSample { labels: Labels::empty(), sample: Sample::new(at_ms, 1.0) });
            Ok(())
        }
    }

    /// Runs for `span_ms` of paused time from `start_ms`; gives each batch's step and stamp.
    async fn batches(start_ms: i64, span_ms: u64, interval_ms: i64) -> Vec<(Option<i64>, i64)> {
        let clock = Clock::manual(start_ms);
        let registry = Registry::default();
        let shutdown = CancellationToken::new();
        let (sink, mut source) = mpsc::channel(64);
        let runner = Runner::new("box", vec![Box::new(Steady { interval_ms })], clock.clone(), &registry);
        let time_of_day = async {
            for _ in 0..span_ms {
                sleep(Duration::from_millis(1)).await;
                clock.set(clock.now_ms() + 1);
            }
            shutdown.cancel();
        };
        let (ended, ()) = tokio::join!(runner.run(sink, shutdown.clone()), time_of_day);
        ended.unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = source.recv().await {
            let Source::Scheduled { name, .. } = &batch.source else { panic!("pushed") };
            assert_eq!(name, "steady@box");
            seen.push((batch.step, batch.samples[0].sample.t));
        }
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn whole_seconds_follow_two_opening_samples() {
        let seen = batches(10_400, 3_000, 1_000).await;
        assert_eq!(seen.len(), 5, "{seen:?}");
        assert_eq!(seen[0], (None, 10_400));
        let (step, second) = seen[1];
        assert!(step.is_none() && (10_650..10_660).contains(&second), "{seen:?}");
        assert_eq!(seen[2..], [11_000, 12_000, 13_000].map(|t| (Some(t), t)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_comes_at_multiples_of_its_interval() {
        let seen = batches(10_400, 9_900, 5_000).await;
        assert_eq!(seen[2..], [15_000, 20_000].map(|t| (Some(t), t)));
    }

    #[tokio::test]
    async fn a_sink_that_is_gone_ends_it() {
        let (sink, source) = mpsc::channel(1);
        drop(source);
        let collectors: Collectors = vec![Box::new(Steady { interval_ms: 1_000 })];
        let runner = Runner::new("box", collectors, Clock::manual(0), &Registry::default());
        let ended = runner.run(sink, CancellationToken::new()).await;
        assert!(matches!(ended, Err(RunError::SinkClosed)));
    }
}
