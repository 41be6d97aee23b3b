//! An engine with its viewers, and samples of every second.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{runtime::Runtime, sync::mpsc, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use watchroom::{
    clock::Clock,
    live::{EngineParts, Live, Made, Open, Step},
    load::process::cpu_seconds,
    model::{Batch, BatchSample, Labels, Sample, Source},
    store::Store,
    telemetry::Registry,
};

const START: i64 = 1_790_000_000_000;
/// Seconds before the queries stand: more than the longest window.
const BEFORE: i64 = 3_700;
/// How long a step may take.
const STEP_MAX: Duration = Duration::from_secs(60);
const STEP_MS: i64 = 1_000;

/// One engine.
pub(crate) struct World<'r> {
    runtime: &'r Runtime,
    live: Live,
    registry: Registry,
    clock: Clock,
    store: Store,
    steps: mpsc::Receiver<Step>,
    rest: (mpsc::Receiver<Arc<Batch>>, mpsc::Receiver<Arc<Batch>>),
    queries: usize,
    sets: Vec<Labels>,
    values: Vec<f64>,
    random: fastrand::Rng,
    now: i64,
    _end: DropGuard,
}

impl<'r> World<'r> {
    /// With these series, and a viewer of each query.
    pub(crate) fn new(runtime: &'r Runtime, sets: Vec<Labels>, queries: &[String]) -> anyhow::Result<Self> {
        let (clock, registry, store) = (Clock::manual(START), Registry::default(), Store::in_memory());
        let parts =
            EngineParts { store: store.clone(), clock: clock.clone(), generation: "bench".to_owned() };
        let Made { engine, live, steps, carried, appended } = Made::new(parts, &registry);
        let end = CancellationToken::new();
        runtime.spawn(engine.run(end.clone()));
        let values = vec![0.0; sets.len()];
        let mut world = Self {
            runtime,
            live,
            registry,
            clock,
            store,
            steps,
            rest: (carried, appended),
            queries: queries.len(),
            sets,
            values,
            random: fastrand::Rng::with_seed(7),
            now: START,
            _end: end.drop_guard(),
        };
        for _ in 0..BEFORE {
            let (batch, now) = world.second();
            world.store.append(&batch, now);
            world.store.tick(now);
        }
        runtime.block_on(world.watch(queries))?;
        // What is made at the first step is made.
        world.costs(3)?;
        Ok(world)
    }

    async fn watch(&mut self, queries: &[String]) -> anyhow::Result<()> {
        // The engine hears of the source first: its queries wait for it then.
        let (batch, now) = self.second();
        self.submit(&batch, now).await?;
        for expr in queries {
            let channel: Arc<str> = Live::channel(expr, STEP_MS).into();
            let open = Open { channel, expr: expr.clone(), step: STEP_MS, window: 60_000, since: None };
            self.live.open(open).await.with_context(|| expr.clone())?;
            self.sent()?;
        }
        Ok(())
    }

    /// The samples of the next second. Counters grow, by whole numbers as they mostly do.
    fn second(&mut self) -> (Arc<Batch>, i64) {
        self.now += STEP_MS;
        let mut samples = Vec::with_capacity(self.sets.len());
        for (labels, value) in self.sets.iter().zip(&mut self.values) {
            *value += f64::from(self.random.u32(0..50));
            samples.push(BatchSample { labels: labels.clone(), sample: Sample::new(self.now, *value) });
        }
        let source = Source::Scheduled { name: "app@bench".to_owned(), interval_ms: STEP_MS };
        (Arc::new(Batch::new(source, Some(self.now), samples)), self.now)
    }

    async fn submit(&mut self, batch: &Arc<Batch>, now: i64) -> anyhow::Result<()> {
        self.clock.set(now + 5);
        let report = self.live.submit(Arc::clone(batch)).await?;
        anyhow::ensure!(report.refused.is_empty(), "{} samples are refused", report.refused.len());
        while self.rest.0.try_recv().is_ok() {}
        while self.rest.1.try_recv().is_ok() {}
        Ok(())
    }

    /// Takes what was sent meanwhile.
    fn sent(&mut self) -> anyhow::Result<()> {
        loop {
            match self.steps.try_recv() {
                Ok(_) => {}
                Err(mpsc::error::TryRecvError::Empty) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The processor time of a second, s: the mean of some. What fills the second is made before, and the store's upkeep,
    /// which seals what is old, comes after.
    pub(crate) fn costs(&mut self, seconds: usize) -> anyhow::Result<f64> {
        let batches: Vec<_> = (0..seconds).map(|_| self.second()).collect();
        let before = cpu_seconds(std::process::id())?;
        let runtime = self.runtime;
        runtime.block_on(async {
            for (batch, now) in &batches {
                self.submit(batch, *now).await?;
                let offset = u64::try_from(now / STEP_MS)?;
                let mut waits = self.queries;
                while 0 < waits {
                    let step = timeout(STEP_MAX, self.steps.recv()).await.context("no step came")?;
                    waits -= usize::from(step.context("the engine ended")?.offset == Some(offset));
                }
            }
            anyhow::Ok(())
        })?;
        let cost = (cpu_seconds(std::process::id())? - before) / seconds as f64;
        batches.iter().for_each(|(_, now)| self.store.tick(*now));
        Ok(cost)
    }

    /// The part of all steps that stood.
    pub(crate) fn stood(&self) -> f64 {
        let steps = |way| {
            let name = "watchroom_evaluated_steps_total";
            self.registry.counter_with(name, "", &[("way", way)]).get() as f64
        };
        steps("standing") / (steps("standing") + steps("batch"))
    }
}

/// Counters of one metric, each with four labels.
pub(crate) fn counters(count: usize) -> Vec<Labels> {
    let labels = |n: usize| {
        let (job, instance, device) = (format!("job-{}", n % 7), host(n / 10), n.to_string());
        Labels::from_pairs([
            ("__name__", "requests_total"),
            ("job", &job),
            ("host", &instance),
            ("device", &device),
        ])
    };
    (0..count).map(labels).collect()
}

/// The name of a host.
pub(crate) fn host(n: usize) -> String {
    format!("host-{n}")
}

/// The name of a metric, and the values of each label beside the host.
type Metric = (&'static str, &'static [(&'static str, &'static [&'static str])]);

/// What hosts and the programs on them say: 71 series each.
pub(crate) fn hosts(count: usize) -> Vec<Labels> {
    let metrics: [Metric; 7] = [
        (
            "cpu_seconds_total",
            &[
                ("cpu", &["0", "1", "2", "3"]),
                ("mode", &["idle", "user", "system", "iowait", "irq", "softirq", "steal", "nice"]),
            ],
        ),
        ("memory_bytes", &[("kind", &["total", "free", "cached", "buffers"])]),
        ("network_bytes_total", &[("device", &["eth0", "lo"]), ("direction", &["in", "out"])]),
        ("load", &[]),
        ("requests_total", &[("path", &["/", "/api", "/login"]), ("code", &["200", "404", "500"])]),
        (
            "latency_seconds_bucket",
            &[
                ("path", &["/", "/api"]),
                ("le", &["0.005", "0.01", "0.05", "0.1", "0.5", "1", "2.5", "5", "10", "+Inf"]),
            ],
        ),
        ("started_seconds", &[]),
    ];
    let mut sets = Vec::new();
    for host in (0..count).map(host) {
        for (metric, dimensions) in metrics {
            let mut of_metric = vec![vec![("__name__", metric), ("host", &*host)]];
            for (name, values) in dimensions {
                of_metric = of_metric
                    .iter()
                    .flat_map(|labels| {
                        values.iter().map(|value| labels.iter().copied().chain([(*name, *value)]).collect())
                    })
                    .collect();
            }
            sets.extend(of_metric.into_iter().map(Labels::from_pairs));
        }
    }
    sets
}
