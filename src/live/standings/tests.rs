//! At each step what stands has the value that a range query gives, to the bit.

use super::*;
use crate::model::{
    Batch, BatchHistogram, BatchSample, Histogram, HistogramSample, Labels, STALE_NAN, Sample,
    SelectedSeries, Source, histogram::Layout,
};

const START: i64 = 1_790_000_000_000;
/// Worlds, each with two queries over some 20 steps.
const CASES: u64 = 10_000;

/// Every function that has a form of its own, and what stands above it.
const QUERIES: [&str; 40] = [
    "rate(a[7s])",
    "increase(a[20s])",
    "delta(b[7s])",
    "irate(a[5s])",
    "idelta(b[5s])",
    "resets(a[20s])",
    "changes(b[9s])",
    "sum_over_time(b[7s])",
    "avg_over_time(b[20s])",
    "min_over_time(b[7s])",
    "max_over_time(b[9s])",
    "count_over_time(b[9s])",
    "first_over_time(b[9s])",
    "last_over_time(b[4s])",
    "present_over_time(b[4s])",
    "ts_of_first_over_time(b[9s])",
    "ts_of_last_over_time(b[9s])",
    "a",
    "timestamp(b)",
    "sum by (job) (rate(a[7s]))",
    "avg without (i) (b)",
    "min by (job) (b)",
    "max by (__name__) (b)",
    "count by (i) (rate(a[20s]))",
    "group(b)",
    "stddev by (job) (b)",
    "stdvar(increase(a[7s]))",
    "topk(2, rate(a[7s]))",
    "quantile by (job) (0.5, b)",
    "sum(rate(a[7s])) / count(b)",
    "rate(a[7s]) > 1.5",
    "a - on (job, i) b",
    "sum by (job) (a) + on (job) group_right () b",
    "absent(b) or -b",
    "histogram_quantile(0.9, sum by (le, job) (rate(a[7s])))",
    "count_values('v', b)",
    "label_replace(b, 'j', '$1', 'job', '(.*)')",
    "max_over_time(b[7s]) - min_over_time(b[7s])",
    "avg_over_time(b[7s]) / avg_over_time(b[7s] offset 5s)",
    "sum(b) + max_over_time(sum(b)[5s:1s])",
];

fn plan(text: &str) -> Plan {
    Plan::parse(text).unwrap()
}

/// Series and where their values are.
struct World {
    random: fastrand::Rng,
    store: Store,
    standings: Standings,
    series: Vec<(Labels, f64)>,
    now: i64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(1..7);
        let labels = |n: usize| {
            let (name, job) = (["a", "b"][n % 2], ["x", "y"][n / 2 % 2]);
            let pairs =
                [("__name__", name), ("job", job), ("i", &n.to_string()), ("le", ["1", "+Inf"][n / 2 % 2])];
            Labels::from_pairs(pairs)
        };
        let series = (0..count).map(|n| (labels(n), f64::from(random.u32(0..100)))).collect();
        let standings = Standings::new(&Registry::default());
        Self { random, store: Store::in_memory(), standings, series, now: START }
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.random.u32(0..n) == 0
    }

    fn value(&mut self, before: f64) -> f64 {
        match self.random.u32(0..24) {
            0 => 0.0,
            1 => STALE_NAN,
            2 if self.one_in(4) => [f64::NAN, f64::INFINITY, -1e300, 1e-90, -0.0][self.random.usize(0..5)],
            3..6 => before,
            6..10 => self.random.f64() * 1e3 - 500.0,
            _ if before.is_finite() => before + f64::from(self.random.u32(0..50)),
            _ => 1.0,
        }
    }

    /// A second goes by, and most series get a sample; some late, some ahead, some twice.
    fn second(&mut self) {
        self.now += if self.one_in(60) { 400_000 } else { 1_000 };
        if self.one_in(40) {
            let n = self.series.len().to_string();
            self.series.push((Labels::from_pairs([("__name__", "b"), ("job", "z"), ("i", &n)]), 0.0));
        }
        let mut batch = Batch::new(Source::Pushed, None, Vec::new());
        for at in 0..self.series.len() {
            if self.one_in(7) {
                continue;
            }
            let v = self.value(self.series[at].1);
            let labels = self.series[at].0.clone();
            self.series[at].1 = v;
            let jitter = match self.random.u32(0..12) {
                0 => -self.random.i64(0..20_000),
                1 => self.random.i64(0..3_000),
                2..6 => -self.random.i64(0..900),
                _ => 0,
            };
            let sample = Sample::new(self.now + jitter, v);
            for _ in 0..=u32::from(self.one_in(20)) {
                batch.samples.push(BatchSample { labels: labels.clone(), sample });
            }
            if self.one_in(300) {
                let layout = Layout::Exponential { schema: 0, zero_threshold: 1e-128 };
                let histogram =
                    Histogram { count: 3.0, sum: 4.0, positive: vec![(1, 3.0)], ..Histogram::empty(layout) };
                let sample = HistogramSample::new(self.now, std::sync::Arc::new(histogram));
                batch.histograms.push(BatchHistogram { labels, sample });
            }
        }
        let report = self.store.append(&batch, self.now);
        self.standings.appended(&report, &self.store);
    }

    fn check(&mut self, text: &str, seed: u64, (start, fresh, end): (i64, i64, i64)) {
        let due = Due { channel: text.into(), plan: plan(text), start, fresh, end, step: 1_000 };
        let live = self.standings.series(&due, &self.store).map(|found| bits(&found.series));
        let batch =
            evaluate::series(&due.plan, (start, end, 1_000), &self.store).map(|found| bits(&found.series));
        match (live, batch) {
            (Ok(live), Ok(batch)) => assert_eq!(live, batch, "seed {seed}: {text} from {start} to {end}"),
            (live, batch) => assert_eq!(
                live.map_err(|error| error.to_string()),
                batch.map_err(|error| error.to_string()),
                "seed {seed}: {text}"
            ),
        }
    }
}

type Bits = Vec<(String, Vec<(i64, u64)>, String)>;

/// What was found, so that numbers are compared to the bit; of no number only that it is none.
fn bits(found: &[SelectedSeries]) -> Bits {
    let v = |v: f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
    let one = |one: &SelectedSeries| {
        let numbers = one.samples.iter().map(|sample| (sample.t, v(sample.v))).collect();
        (one.labels.to_string(), numbers, format!("{:?}", one.histograms))
    };
    found.iter().map(one).collect()
}

#[test]
fn what_stands_is_what_a_range_gives() {
    let (mut standing, mut all) = (0, 0);
    for seed in 0..CASES {
        let mut world = World::new(seed);
        let texts = [(); 2].map(|()| QUERIES[world.random.usize(0..QUERIES.len())]);
        (0..world.random.u32(0..10)).for_each(|_| world.second());
        let mut last = world.now;
        for _ in 0..20 {
            world.second();
            if world.one_in(6) || world.now - last > 100_000 {
                // A stall: several steps at once, and sometimes old ones again.
                last = last.max(world.now - 5_000);
                continue;
            }
            let again = if world.one_in(8) { 3_000 } else { 0 };
            let steps = (last + 1_000 - again, last + 1_000, world.now);
            world.check(texts[0], seed, steps);
            // The other query lags a step behind now and then.
            let lag = if world.one_in(10) { 1_000 } else { 0 };
            world.check(texts[1], seed, (world.now - lag, world.now - lag, world.now - lag));
            last = world.now;
        }
        standing += world.standings.counters.standing.get();
        all += world.standings.counters.standing.get() + world.standings.counters.batch.get();
    }
    assert!(all * 7 < standing * 10, "{standing} of {all} steps stood");
}

#[test]
fn queries_with_a_selector_in_common_share_its_leaf() {
    let mut world = World::new(1);
    for _ in 0..5 {
        world.second();
        for text in ["rate(a[7s])", "sum(rate(a[7s]))", "rate(a[7s]) * 8 + on () group_left () sum(b)"] {
            world.check(text, 1, (world.now, world.now, world.now));
        }
    }
    assert_eq!(world.standings.leaves.len(), 2);
    world.standings.retain(|channel| channel == "sum(rate(a[7s]))");
    assert_eq!(world.standings.leaves.len(), 1);
    world.standings.retain(|_| false);
    assert!(world.standings.leaves.is_empty() && world.standings.readers.is_empty());
}

#[test]
fn what_has_no_room_is_read_from_the_store() {
    let mut world = World::new(2);
    world.standings.bytes_max = 400;
    for _ in 0..60 {
        world.second();
        world.check("rate(a[1m])", 2, (world.now, world.now, world.now));
        world.check("avg_over_time(b[1m])", 2, (world.now, world.now, world.now));
    }
    let Counters { given_up, batch, bytes, .. } = &world.standings.counters;
    assert_eq!(given_up.get(), 2);
    assert!(100 < batch.get(), "{}", batch.get());
    assert_eq!(bytes.get(), 0.0);
}

#[test]
fn series_without_samples_go_and_come_back() {
    let mut world = World::new(3);
    let text = "count_over_time(b[5s])";
    let append = |world: &mut World, at: usize| {
        let sample = Sample::new(world.now, 1.0);
        let labels = Labels::from_pairs([("__name__", "b"), ("i", &at.to_string())]);
        let batch = Batch::new(Source::Pushed, None, vec![BatchSample { labels, sample }]);
        let report = world.store.append(&batch, world.now);
        world.standings.appended(&report, &world.store);
    };
    let places = |world: &World| world.standings.tended[0].as_ref().map(|tended| tended.leaf.len());
    for (at, expected) in [(4, 4), (2, 2), (4, 4)] {
        for second in 0..30 {
            world.now += 1_000;
            (0..at).for_each(|at| append(&mut world, at));
            world.check(text, 3, (world.now, world.now, world.now));
            assert!(second < 29 || places(&world) == Some(expected), "{:?}", places(&world));
        }
    }
}
