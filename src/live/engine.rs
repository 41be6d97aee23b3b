//! The task that owns the standing queries: appends, evaluates complete steps, sends frames.

use std::{mem, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    COMMANDS_MAX, Command, Live, Origin, Step,
    book::{Book, Due},
    evaluate,
    evaluations::Evaluations,
    open::Begun,
    records::Records,
    standings::Standings,
};
use crate::clock::Clock;
use crate::model::{Batch, BatchSample, HistogramSample, STALE_NAN, Sample, SelectedSeries, Source};
use crate::store::{AppendReport, Refused, Store};
use crate::telemetry::{Counter, Gauge, Registry};

/// Steps that wait for the hub.
const STEPS_MAX: usize = 8_192;
/// Batches that wait to be carried to other nodes.
const CARRY_MAX: usize = 256;
/// Batches that wait for the alert rules; past it rules see their samples within a second.
const APPENDED_MAX: usize = 1_024;

/// What the engine counts.
#[derive(Debug)]
struct Counters {
    samples: Counter,
    late: Counter,
    steps: Counter,
    corrections: Counter,
    failed: Counter,
    queries: Gauge,
    step_delay: Gauge,
    carry_dropped: Counter,
    appended_dropped: Counter,
    registry: Registry,
}

impl Counters {
    fn new(registry: &Registry) -> Self {
        Self {
            samples: registry.counter("watchroom_samples_total", "Samples appended."),
            late: registry.counter("watchroom_samples_late_total", "Samples appended out of order."),
            steps: registry.counter("watchroom_steps_total", "Steps of live queries sent."),
            corrections: registry.counter("watchroom_corrections_total", "Corrections of steps sent."),
            failed: registry
                .counter("watchroom_evaluations_failed_total", "Evaluations of live queries that failed."),
            queries: registry.gauge("watchroom_live_queries", "Live queries that stand."),
            step_delay: registry
                .gauge("watchroom_step_delay_seconds", "Time from a step to its frames, of the newest step."),
            carry_dropped: registry.counter(
                "watchroom_carry_dropped_total",
                "Batches not carried to other nodes: their queue was full.",
            ),
            appended_dropped: registry.counter(
                "watchroom_rule_wakes_dropped_total",
                "Batches that woke no alert rule: too many waited. The rules see the samples within a second.",
            ),
            registry: registry.clone(),
        }
    }

    fn refused(&self, reason: Refused) -> Counter {
        let reason = match reason {
            Refused::Duplicate => "duplicate",
            Refused::TooOld => "too_old",
            Refused::TooNew => "too_new",
            Refused::SeriesLimit => "series_limit",
            Refused::LabelsLimit => "labels_limit",
            Refused::NoSeries => "no_series",
            Refused::BucketsLimit => "buckets_limit",
            Refused::BoundsLimit => "bounds_limit",
            Refused::NoHistogram => "no_histogram",
        };
        self.registry.counter_with(
            "watchroom_samples_refused_total",
            "Samples refused, by reason.",
            &[("reason", reason)],
        )
    }
}

/// What the engine is made from.
#[derive(Debug)]
pub struct EngineParts {
    /// Where samples are kept.
    pub store: Store,
    /// The time of day.
    pub clock: Clock,
    /// What all nodes that share samples have in common; epochs derive from it.
    pub generation: String,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) book: Book,
    pub(super) records: Records,
    standings: Standings,
    pub(super) store: Store,
    clock: Clock,
    commands: mpsc::Receiver<Command>,
    steps: mpsc::Sender<Step>,
    carry: mpsc::Sender<Arc<Batch>>,
    appended: mpsc::Sender<Arc<Batch>>,
    counters: Counters,
}

/// The engine, and what leads to it and away from it.
#[derive(Debug)]
pub struct Made {
    /// The engine.
    pub engine: Engine,
    /// The way to it.
    pub live: Live,
    /// The steps that it sends.
    pub steps: mpsc::Receiver<Step>,
    /// The batches of this node that other nodes want.
    pub carried: mpsc::Receiver<Arc<Batch>>,
    /// The batches that the store has taken, of all nodes.
    pub appended: mpsc::Receiver<Arc<Batch>>,
}

impl Made {
    /// Makes an engine.
    pub fn new(parts: EngineParts, registry: &Registry) -> Self {
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let (steps, sent) = mpsc::channel(STEPS_MAX);
        let (carry, carried) = mpsc::channel(CARRY_MAX);
        let (appended, taken) = mpsc::channel(APPENDED_MAX);
        let evaluations = Evaluations::new(registry);
        let live =
            Live { commands: sender, store: parts.store.clone(), clock: parts.clock.clone(), evaluations };
        let counters = Counters::new(registry);
        let engine = Engine {
            book: Book::new(&parts.generation),
            records: Records::new(registry, counters.failed.clone()),
            standings: Standings::new(registry),
            store: parts.store,
            clock: parts.clock,
            commands,
            steps,
            carry,
            appended,
            counters,
        };
        Self { engine, live, steps: sent, carried, appended: taken }
    }
}

impl Engine {
    /// Works until the end.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = self.clock.now_ms();
            let wake = u64::try_from(self.book.next_wake(now) - now).unwrap_or(1);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                command = self.commands.recv() => match command {
                    Some(command) => self.apply(command),
                    None => return Ok(()),
                },
                _ = second.tick() => self.second(),
                () = sleep(Duration::from_millis(wake)) => {}
            }
            self.advance().await;
        }
    }

    fn apply(&mut self, command: Command) {
        let now = self.clock.now_ms();
        match command {
            Command::Samples { batch, origin, report } => self.append(&batch, origin, report),
            Command::Begin { channel, plan, step, begun } => {
                let result =
                    self.book.open(&channel, &plan, step, now).map(|(last, epoch)| Begun { last, epoch });
                if begun.send(result).is_err() {
                    // Who asked is gone already.
                    self.book.close(&channel, now);
                }
            }
            Command::Finish { channel, found, finished } => {
                // Who asked may be gone; its close follows.
                drop(finished.send(self.book.finish(&channel, &found)));
            }
            Command::Close { channel } => self.book.close(&channel, now),
            Command::Record(rules) => self.records.replace(rules, &mut self.book, now),
            // Who asked may be gone.
            Command::Recorded(answer) => drop(answer.send(self.records.now())),
        }
    }

    pub(super) fn append(
        &mut self,
        batch: &Arc<Batch>,
        origin: Origin,
        answer: Option<oneshot::Sender<AppendReport>>,
    ) {
        let now = self.clock.now_ms();
        let report = self.store.append(batch, now);
        self.counters.samples.add(report.accepted as u64);
        self.counters.late.add(report.late as u64);
        for refusal in &report.refused {
            self.counters.refused(refusal.reason).increment();
        }
        let mut refused = report.refused.iter().map(|refusal| refusal.index).peekable();
        let numbers = batch.samples.iter().map(|one| &one.labels);
        let labels = numbers.chain(batch.histograms.iter().map(|one| &one.labels)).enumerate();
        let labels = labels.filter_map(|(at, labels)| refused.next_if_eq(&at).is_none().then_some(labels));
        let numbers = report.rows.rows.iter().map(|row| (row.series, row.sample));
        // The book looks at times, and at markers, which no histogram is.
        let count = |one: &HistogramSample| Sample::new(one.t, one.histogram.count);
        let histograms = report.rows.histograms.iter().map(|row| (row.series, count(&row.sample)));
        let accepted = labels.zip(numbers.chain(histograms));
        self.book.appended(batch, accepted.map(|(labels, (id, sample))| (id, labels, sample)), now);
        self.standings.appended(&report, &self.store);
        if self.appended.try_send(Arc::clone(batch)).is_err() {
            self.counters.appended_dropped.increment();
        }
        match origin {
            Origin::Here => {
                if self.carry.try_send(Arc::clone(batch)).is_err() {
                    self.counters.carry_dropped.increment();
                }
            }
            // Its own node has acknowledged it, if anyone asked; here it is history only.
            Origin::Elsewhere => self.store.persist_lazily(&report.rows),
        }
        if let Some(answer) = answer {
            // A pusher that went away does not need its report.
            drop(answer.send(report));
        }
    }

    /// Marks silent series, and forgets what nobody looks at.
    fn second(&mut self) {
        let now = self.clock.now_ms();
        let silent = self.book.silent(now);
        if !silent.is_empty() {
            let marker = |(labels, time)| BatchSample { labels, sample: Sample::new(time, STALE_NAN) };
            let samples = silent.into_iter().map(marker).collect();
            self.append(&Arc::new(Batch::new(Source::Pushed, None, samples)), Origin::Elsewhere, None);
        }
        self.book.sweep(now);
        self.standings.retain(|channel| self.book.has(channel));
        #[expect(clippy::cast_precision_loss, reason = "at most QUERIES_MAX")]
        self.counters.queries.set(self.book.len() as f64);
    }

    /// Evaluates what is due: once for all viewers of a query, and once for a recording rule.
    async fn advance(&mut self) {
        let due = self.book.due(self.clock.now_ms());
        let (recorded, due): (Vec<Due>, Vec<Due>) =
            due.into_iter().partition(|due| self.records.has(&due.channel));
        if !due.is_empty() {
            self.send(due).await;
        }
        self.record(recorded).await;
    }

    /// Does work with what stands, off the runtime's threads; `None` after a panic in it, which is a defect and logged by
    /// the runtime.
    pub(super) async fn evaluate<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Standings, &Store) -> T + Send + 'static,
    ) -> Option<T> {
        // Nothing is appended meanwhile: this task does that, and it waits here.
        let emptied = self.standings.emptied();
        let mut standings = mem::replace(&mut self.standings, emptied);
        let store = self.store.clone();
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(&mut standings, &store);
            (standings, result)
        });
        let (standings, result) = worked.await.ok()?;
        self.standings = standings;
        Some(result)
    }

    /// Evaluates steps of queries with viewers, and sends them.
    async fn send(&mut self, due: Vec<Due>) {
        let evaluated = self.evaluate(move |standings, store| evaluate_all(due, standings, store)).await;
        // The step becomes a gap.
        let Some(evaluated) = evaluated else {
            self.counters.failed.increment();
            return;
        };
        let now = self.clock.now_ms();
        for (due, result) in evaluated {
            let result = result.unwrap_or_else(|error| {
                self.counters.failed.increment();
                tracing::debug!(query = due.plan.text(), error = %error, "evaluation failed");
                Vec::new()
            });
            for step in self.book.evaluated(&due, &result, now) {
                match step.offset {
                    Some(_) => self.counters.steps.increment(),
                    None => self.counters.corrections.increment(),
                }
                if self.steps.send(step).await.is_err() {
                    return;
                }
            }
            // Milliseconds of delay are small.
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of delay are small")]
            self.counters.step_delay.set((now - due.end) as f64 / 1_000.0);
        }
    }
}

type Evaluated = (Due, Result<Vec<SelectedSeries>, super::LiveError>);

fn evaluate_all(due: Vec<Due>, standings: &mut Standings, store: &Store) -> Vec<Evaluated> {
    due.into_iter()
        .map(|due| {
            let found = standings.series(&due, store);
            (due, found.map(|found| evaluate::drawn(found).series))
        })
        .collect()
}
