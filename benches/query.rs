//! What queries cost: to parse, to read an hour of samples, to evaluate it at every second.
//!
//! `cargo bench --bench query` runs all, `cargo bench --bench query -- histogram` those whose text
//! has the word.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::hint::black_box;

use watchroom::{
    model::{Batch, BatchSample, Labels, Sample, SampleSource, SelectedSeries, Source, limits::LOOKBACK_MS},
    query::{EvalLimits, EvalRange, Plan, Value},
    store::Store,
};

#[path = "shared/rounds.rs"]
mod rounds;
#[path = "shared/table.rs"]
mod table;
#[path = "shared/timed.rs"]
mod timed;

use rounds::{each, pairs, rounds};
use table::{show, title};
use timed::seconds;
use watchroom::load::table::ratios;

/// Each metric's series.
const SERIES: usize = 500;
/// Seconds of the range that is asked for.
const HOUR: i64 = 3_600;
/// Seconds before it, for windows.
const BEFORE: i64 = 600;
const START: i64 = 1_700_000_000_000;
const END: i64 = START + (BEFORE + HOUR) * 1_000;
const ROUNDS: usize = 7;

const QUERIES: [&str; 4] = [
    "rate(requests_total[1m])",
    "sum by (job) (rate(requests_total[5m]))",
    "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "memory_bytes / 1024",
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let wanted = |text: &str| words.is_empty() || words.iter().any(|word| text.contains(word.as_str()));
    let store = Store::in_memory();
    let mut app = App::new();
    while app.now < END {
        app.second(&store);
    }
    for text in QUERIES.into_iter().filter(|text| wanted(text)) {
        title(&format!("{text} over {SERIES} series, every second of an hour, {ROUNDS} rounds"));
        show("parse", &rounds(101, || seconds(|| drop(black_box(Plan::parse(text)))) * 1e6), "µs", ..);
        range(&Plan::parse(text).expect("a query"), &store);
    }
}

/// A program with three metrics of [`SERIES`] series each.
struct App {
    sets: Vec<[Labels; 3]>,
    values: Vec<[f64; 3]>,
    random: fastrand::Rng,
    now: i64,
}

impl App {
    fn new() -> Self {
        const LES: [&str; 10] = ["0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10", "+Inf"];
        let labels = |metric: &str, n: usize, more: (&str, &str)| {
            let (job, instance) = (format!("job-{}", n % 7), format!("host-{}", n / 10));
            Labels::from_pairs([("__name__", metric), ("job", &job), ("instance", &instance), more])
        };
        let three = |n: usize| {
            let device = n.to_string();
            [
                labels("requests_total", n, ("device", &device)),
                labels("latency_seconds_bucket", n, ("le", LES[n % 10])),
                labels("memory_bytes", n, ("device", &device)),
            ]
        };
        let sets = (0..SERIES).map(three).collect();
        Self { sets, values: vec![[0.0; 3]; SERIES], random: fastrand::Rng::with_seed(7), now: START }
    }

    /// Goes on by a second, into the store.
    fn second(&mut self, store: &Store) {
        self.now += 1_000;
        let mut samples = Vec::with_capacity(3 * SERIES);
        for (n, (labels, values)) in self.sets.iter().zip(&mut self.values).enumerate() {
            values[0] += f64::from(self.random.u32(0..50));
            // Buckets are cumulative: the wider one counts faster.
            values[1] += (n % 10 + 1) as f64 + f64::from(self.random.u32(0..2));
            values[2] = f64::from(self.random.u32(1 << 20..1 << 21)) * 4_096.0;
            for (labels, v) in labels.iter().zip(values.iter()) {
                samples.push(BatchSample { labels: labels.clone(), sample: Sample::new(self.now, *v) });
            }
        }
        let source = Source::Scheduled { name: "app@bench".to_owned(), interval_ms: 1_000 };
        store.append(&Batch::new(source, Some(self.now), samples), self.now);
        store.tick(self.now);
    }
}

fn read(plan: &Plan, range: EvalRange, store: &Store) -> Vec<Vec<SelectedSeries>> {
    store.select(&plan.selections(range)).expect("it is in memory")
}

fn evaluate(plan: &Plan, range: EvalRange, data: &dyn SampleSource) -> Vec<SelectedSeries> {
    match plan.eval(range, data, &EvalLimits::default()).map(|answer| answer.value) {
        Ok(Value::Matrix(series)) => series,
        other => panic!("a range gives a matrix, not {other:?}"),
    }
}

/// The whole hour at once.
fn range(plan: &Plan, store: &Store) {
    let range = EvalRange { start: END - HOUR * 1_000, end: END, step: 1_000, lookback: LOOKBACK_MS };
    let data = read(plan, range, store);
    let samples: usize = data.iter().flatten().map(|series| series.samples.len()).sum();
    assert!(0 < samples && !evaluate(plan, range, &data).is_empty(), "the query finds nothing");
    let reading = || seconds(|| drop(black_box(read(plan, range, store))));
    let evaluating = || seconds(|| drop(black_box(evaluate(plan, range, &data))));
    let (reading, evaluating) = pairs(ROUNDS, reading, evaluating);
    let ms = |took: &[f64]| each(took, |took| took * 1e3);
    let of_one = |took: &[f64]| each(took, |took| took * 1e9 / (SERIES as i64 * HOUR) as f64);
    show("the hour: read the samples", &ms(&reading), "ms", ..);
    show("the hour: evaluate", &ms(&evaluating), "ms", ..);
    show("the hour: evaluate, for each series and step", &of_one(&evaluating), "ns", ..);
    show("the hour: evaluate / read", &ratios(&evaluating, &reading), "x", ..);
}
