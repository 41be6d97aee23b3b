//! Histograms by the handle, in memory and on disk.

use std::sync::Arc;

use super::*;
use crate::model::{
    BatchHistogram, CounterReset, Histogram, HistogramSample, STALE_NAN,
    histogram::Layout,
    limits::{HISTOGRAM_BOUNDS_MAX, HISTOGRAM_BUCKETS_MAX},
};

/// Series `n` has histograms if `n` is 0, both kinds in turn if it is 1, and else numbers.
fn mixed(t: i64) -> Batch {
    let labels = |n: usize| Labels::from_pairs([("__name__", "m".to_owned()), ("n", n.to_string())]);
    let is_number = t / 1_000 % 3 == 0;
    let mut whole = batch(2..3, t);
    let histogram = |n: usize| BatchHistogram { labels: labels(n), sample: sample(t) };
    whole.histograms.push(histogram(0));
    if is_number {
        whole.samples.push(BatchSample { labels: labels(1), sample: Sample::new(t, value(1, t)) });
    } else {
        whole.histograms.push(histogram(1));
    }
    whole
}

/// A counter that begins anew each 1,000 seconds.
fn sample(t: i64) -> HistogramSample {
    let second = f64::from(i32::try_from(t / 1_000 % 1_000).expect("below a thousand"));
    let positive = vec![(-3, second), (0, 2.0 * second), (4, (second / 7.0).floor())];
    let layout = Layout::Exponential { schema: 3, zero_threshold: 1e-128 };
    let count = positive.iter().map(|(_, count)| count).sum();
    let histogram = Histogram { count, sum: 0.25 * second, positive, ..Histogram::empty(layout) };
    HistogramSample::new(t, Arc::new(histogram))
}

impl Bench {
    fn mixed_second(&mut self) {
        self.now += 1_000;
        self.clock.set(self.now);
        let report = self.store().append(&mixed(self.now), self.now);
        assert_eq!((report.refused.len(), report.rows.len()), (0, 3));
        self.store().persist_lazily(&report.rows);
        self.store().tick(self.now);
        if self.now % 60_000 == 0 {
            assert!(self.store().flush());
        }
    }
}

#[track_caller]
fn check_mixed(found: &[SelectedSeries], from: i64, to: i64) {
    assert_eq!(found.len(), 3);
    let found = by_number(found);
    let is_number = |t: &i64| t / 1_000 % 3 == 0;
    let all = seconds(from, to);
    check_kinds(found[0], all.clone().filter(|_| false), all.clone());
    check_kinds(found[1], all.clone().filter(is_number), all.clone().filter(|t| !is_number(t)));
    check_kinds(found[2], all.clone(), all.filter(|_| false));
}

/// The series by the value of their label `n`.
fn by_number(found: &[SelectedSeries]) -> Vec<&SelectedSeries> {
    let mut found: Vec<&SelectedSeries> = found.iter().collect();
    found.sort_by(|a, b| a.labels.get("n").cmp(&b.labels.get("n")));
    found
}

#[track_caller]
fn check_kinds(
    found: &SelectedSeries,
    numbers: impl Iterator<Item = i64>,
    others: impl Iterator<Item = i64>,
) {
    let n = found.labels.get("n").unwrap().parse().unwrap();
    let numbers: Vec<Sample> = numbers.map(|t| Sample::new(t, value(n, t))).collect();
    assert!(found.samples == numbers, "{}", found.labels);
    let others: Vec<HistogramSample> = others.map(sample).collect();
    assert_eq!(found.histograms.len(), others.len(), "{}", found.labels);
    assert!(found.histograms == others, "{}", found.labels);
    // What is known of resets is true.
    for pair in found.histograms.windows(2) {
        let counted = Histogram { hint: CounterReset::Unknown, ..(*pair[1].histogram).clone() };
        let is_reset = counted.is_reset_after(&pair[0].histogram);
        match pair[1].histogram.hint {
            CounterReset::Reset => assert!(is_reset),
            CounterReset::NotReset => assert!(!is_reset),
            CounterReset::Unknown => {}
            CounterReset::Gauge => panic!("no gauge was sent"),
        }
    }
}

#[test]
fn histograms_survive_a_restart() {
    let mut bench = Bench::new();
    for _ in 0..2_000 {
        bench.mixed_second();
    }
    check_mixed(&bench.all(), 1, 2_000);
    // 480 histograms of three buckets, plain, are 100 KB a series.
    assert!(bench.store().head().bytes() < 60_000, "{} bytes", bench.store().head().bytes());
    bench.store().shutdown();
    bench.reopen();
    check_mixed(&bench.all(), 1, 2_000);
    check_mixed(&all(bench.store(), START + 100_500, START + 1_900_000), 101, 1_900);
    for _ in 0..1_000 {
        bench.mixed_second();
    }
    check_mixed(&bench.all(), 1, 3_000);
    let found = bench.all();
    let hints = &by_number(&found)[0].histograms;
    assert_eq!(hints.iter().filter(|one| one.histogram.hint == CounterReset::Reset).count(), 3);
    assert_eq!(bench.store().stats().damaged_chunks, 0);
    assert_eq!(bench.store().cardinality(1).series, 3);
}

#[test]
fn acknowledged_histograms_are_there_without_a_shutdown() {
    let mut bench = Bench::new();
    let mut waiting = Vec::new();
    for n in 1..=150 {
        let now = START + n * 1_000;
        let report = bench.store().append(&mixed(now), now);
        waiting.push(bench.store().persist(&report.rows).unwrap());
    }
    for durable in waiting {
        durable.blocking_wait().unwrap();
    }
    let copy = copy_of(bench.path());
    let store = Store::open(copy.path(), StoreConfig::default(), &bench.clock).unwrap();
    check_mixed(&all(&store, i64::MIN, i64::MAX), 1, 150);
    assert_eq!(store.restored().samples, 450);
    bench.store = None;
}

#[test]
fn memory_lets_histograms_go_that_the_disk_has() {
    let config = StoreConfig { head_bytes_max: 25_000, ..StoreConfig::default() };
    let mut bench = Bench::with(config);
    for _ in 0..6_000 {
        bench.mixed_second();
    }
    wait_until(|| {
        bench.store().tick(bench.now);
        bench.store().stats().evictions > 5
    });
    assert_eq!(bench.store().stats().lost_chunks, 0);
    check_mixed(&bench.all(), 1, 6_000);
}

#[test]
fn slow_histograms_are_carried() {
    let mut bench = Bench::new();
    let slow = |n: i64| n % 30 == 0;
    let labels = Labels::from_pairs([("__name__", "m"), ("n", "0")]);
    for n in 1..=4_000_i64 {
        bench.second(5..6);
        if slow(n) {
            let one = BatchHistogram { labels: labels.clone(), sample: sample(bench.now) };
            let batch = Batch { histograms: vec![one], ..Batch::new(Source::Pushed, None, Vec::new()) };
            let report = bench.store().append(&batch, bench.now);
            bench.store().persist_lazily(&report.rows);
        }
    }
    bench.store().shutdown();
    let file = rusqlite::Connection::open(bench.path().join(disk::FILE_NAME)).unwrap();
    let carried: i64 = file.query_row("SELECT count(*) FROM carried", [], |row| row.get(0)).unwrap();
    assert_eq!(carried, 1);
    bench.reopen();
    let found = bench.all();
    let slow_series = found.iter().find(|one| one.labels.get("n") == Some("0")).unwrap();
    let times = seconds(1, 4_000).filter(|t| slow((t - START) / 1_000));
    check_kinds(slow_series, std::iter::empty(), times);
}

#[test]
fn histograms_are_refused_one_by_one() {
    let store = Store::in_memory();
    let mut whole = mixed(START);
    let wrong = |change: &dyn Fn(&mut Histogram)| {
        let mut histogram = (*sample(START).histogram).clone();
        change(&mut histogram);
        let labels = Labels::from_pairs([("__name__", "wrong")]);
        BatchHistogram { labels, sample: HistogramSample::new(START, Arc::new(histogram)) }
    };
    let many = i32::try_from(HISTOGRAM_BUCKETS_MAX).unwrap() + 1;
    let bounds: Arc<[f64]> =
        std::iter::successors(Some(0.0), |bound| Some(bound + 1.0)).take(HISTOGRAM_BOUNDS_MAX + 1).collect();
    whole.histograms.extend([
        wrong(&|one| one.positive = (0..many).map(|index| (index, 1.0)).collect()),
        wrong(&|one| one.layout = Layout::Custom { bounds: Arc::clone(&bounds) }),
        wrong(&|one| one.positive.reverse()),
    ]);
    let numbers = whole.samples.len();
    let late = BatchHistogram { sample: sample(START - 61_000), ..whole.histograms[0].clone() };
    let ahead = BatchHistogram { sample: sample(START + 61_000), ..whole.histograms[0].clone() };
    whole.histograms.extend([late, ahead]);
    let report = store.append(&whole, START);
    let refused: Vec<(usize, Refused)> = report.refused.iter().map(|one| (one.index, one.reason)).collect();
    let first = numbers + whole.histograms.len() - 5;
    let reasons =
        [Refused::BucketsLimit, Refused::BoundsLimit, Refused::NoHistogram, Refused::TooOld, Refused::TooNew];
    assert_eq!(refused, (first..).zip(reasons).collect::<Vec<_>>());
    assert_eq!(store.stats().refused.histograms, 3);
    assert_eq!(store.stats().series, 3, "what is refused makes no series");
}

#[test]
fn a_marker_ends_a_series_of_histograms() {
    let store = Store::in_memory();
    store.append(&mixed(START), START);
    let ids = store.newest();
    let id = ids.iter().find(|(_, labels, _)| labels.get("n") == Some("0")).unwrap().0;
    let report = store.mark_stale(&[(id, START + 1)]);
    assert_eq!(report.accepted, 1);
    let found = all(&store, i64::MIN, i64::MAX);
    let ended = by_number(&found)[0];
    assert_eq!((ended.samples[0], ended.histograms.len()), (Sample::new(START + 1, STALE_NAN), 1));
}

#[test]
fn a_selection_counts_histograms_by_what_they_take() {
    let config = StoreConfig { select_samples_max: 300, ..StoreConfig::default() };
    let bench = Bench::with(config);
    for n in 0..40 {
        bench.store().append(&mixed(START + n * 1_000), START);
    }
    let matchers = vec![Matcher::equal("__name__", "m")];
    let selection = Selection { matchers, from: i64::MIN, to: i64::MAX };
    // 40 + 13 numbers, and 67 histograms of 9 numbers' memory each.
    let found = bench.store().select(std::slice::from_ref(&selection));
    assert!(matches!(found, Err(StoreError::TooMany(300))), "{found:?}");
    let part = Selection { to: START + 10_000, ..selection };
    assert_eq!(bench.store().select(&[part]).unwrap()[0].len(), 3);
}
