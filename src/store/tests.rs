//! Tests of the handle with its disk, by a clock that stands until it is set.

mod histograms;

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::model::{Batch, BatchSample, Labels, Matcher, Sample, SampleSource as _, SelectedSeries, Source};

const START: i64 = 1_700_000_000_000;

/// A store in a folder of its own, and the time.
struct Bench {
    folder: TempDir,
    clock: Clock,
    store: Option<Store>,
    now: i64,
}

impl Bench {
    fn new() -> Self {
        Self::with(StoreConfig::default())
    }

    fn with(config: StoreConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START);
        let store = Some(Store::open(folder.path(), config, &clock).unwrap());
        Self { folder, clock, store, now: START }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn reopen(&mut self) {
        self.reopen_with(StoreConfig::default());
    }

    fn reopen_with(&mut self, config: StoreConfig) {
        self.store = None;
        self.store = Some(Store::open(self.folder.path(), config, &self.clock).unwrap());
    }

    /// A second goes by, with a sample of each of `series`.
    fn second(&mut self, series: std::ops::Range<usize>) {
        self.now += 1_000;
        self.clock.set(self.now);
        let report = self.store().append(&batch(series, self.now), self.now);
        assert_eq!(report.refused, []);
        self.store().persist_lazily(&report.rows);
        self.store().tick(self.now);
        // The clock runs a thousand times as fast as the disk: without a stop it would be far behind.
        if self.now % 60_000 == 0 {
            assert!(self.store().flush());
        }
    }

    fn all(&self) -> Vec<SelectedSeries> {
        all(self.store(), i64::MIN, i64::MAX)
    }
}

fn value(n: usize, t: i64) -> f64 {
    (t / 1_000 % 1_000 * n as i64) as f64
}

fn batch(series: std::ops::Range<usize>, t: i64) -> Batch {
    let samples = series.map(|n| BatchSample {
        labels: Labels::from_pairs([("__name__", "m".to_owned()), ("n", n.to_string())]),
        sample: Sample::new(t, value(n, t)),
    });
    Batch::new(Source::Pushed, None, samples.collect())
}

fn all(store: &Store, from: i64, to: i64) -> Vec<SelectedSeries> {
    let matchers = vec![Matcher::equal("__name__", "m")];
    store.select(&[Selection { matchers, from, to }]).unwrap().remove(0)
}

#[track_caller]
fn check(found: &[SelectedSeries], series: usize, times: impl Iterator<Item = i64>) {
    let times: Vec<i64> = times.collect();
    assert_eq!(found.len(), series);
    for series in found {
        let n = series.labels.get("n").unwrap().parse().unwrap();
        let expected: Vec<Sample> = times.iter().map(|t| Sample::new(*t, value(n, *t))).collect();
        assert_eq!(series.samples.len(), expected.len(), "{}", series.labels);
        assert_eq!(series.samples, expected, "{}", series.labels);
    }
}

fn seconds(from: i64, to: i64) -> impl Iterator<Item = i64> + Clone {
    (from..=to).map(|n| START + n * 1_000)
}

#[test]
fn history_survives_a_clean_restart() {
    let mut bench = Bench::new();
    for _ in 0..2_000 {
        bench.second(0..5);
    }
    check(&bench.all(), 5, seconds(1, 2_000));
    let generation = bench.store().generation();
    bench.store().shutdown();
    bench.reopen();
    assert!(!bench.store().unclean_restart());
    assert_eq!(bench.store().generation(), generation);
    check(&bench.all(), 5, seconds(1, 2_000));
    let part = all(bench.store(), START + 100_500, START + 1_900_000);
    check(&part, 5, seconds(101, 1_900));
    // And goes on as if nothing had been.
    for _ in 0..1_000 {
        bench.second(0..5);
    }
    check(&bench.all(), 5, seconds(1, 3_000));
}

#[test]
fn what_was_acknowledged_is_there_without_a_shutdown() {
    let mut bench = Bench::new();
    let mut waiting = Vec::new();
    for n in 1..=50 {
        let now = START + n * 1_000;
        let report = bench.store().append(&batch(0..3, now), now);
        waiting.push(bench.store().persist(&report.rows).unwrap());
    }
    for durable in waiting {
        durable.blocking_wait().unwrap();
    }
    let copy = copy_of(bench.path());
    let store = Store::open(copy.path(), StoreConfig::default(), &bench.clock).unwrap();
    assert!(store.unclean_restart());
    assert_eq!(store.newest().len(), 3);
    check(&all(&store, i64::MIN, i64::MAX), 3, seconds(1, 50));
    bench.store = None;
}

#[test]
fn pending_rows_go_when_their_samples_are_sealed_or_carried() {
    let mut bench = Bench::new();
    let slow = |n: i64| n % 30 == 0;
    for n in 1..=4_000_i64 {
        bench.second(0..2);
        if slow(n) {
            let report = bench.store().append(&batch(9..10, bench.now), bench.now);
            bench.store().persist_lazily(&report.rows);
        }
    }
    bench.store().shutdown();
    let file = rusqlite::Connection::open(bench.path().join(disk::FILE_NAME)).unwrap();
    let oldest: i64 = file.query_row("SELECT min(t_max) FROM pending", [], |row| row.get(0)).unwrap();
    let age = bench.now - oldest;
    assert!(age < 1_100_000, "the oldest pending row is {age} ms old");
    bench.reopen();
    let mut found = bench.all();
    let slow_series = found.remove(2);
    check(&found, 2, seconds(1, 4_000));
    check(&[slow_series], 1, seconds(1, 4_000).filter(|t| slow((t - START) / 1_000)));
}

#[test]
fn memory_lets_go_what_the_disk_has() {
    let config = StoreConfig { head_bytes_max: 20_000, ..StoreConfig::default() };
    let mut bench = Bench::with(config);
    for _ in 0..6_000 {
        bench.second(0..8);
    }
    // The last acknowledgements come with the next tick.
    wait_until(|| {
        bench.store().tick(bench.now);
        bench.store().stats().head_bytes <= 20_000
    });
    let stats = bench.store().stats();
    assert!(stats.evictions > 20 && stats.lost_chunks == 0, "{stats:?}");
    check(&bench.all(), 8, seconds(1, 6_000));
    let recent = Selection {
        matchers: vec![Matcher::equal("__name__", "m")],
        from: bench.now - 300_000,
        to: bench.now,
    };
    assert!(bench.store().select_recent(std::slice::from_ref(&recent)).is_some());
    assert!(bench.store().select_recent(&[Selection { from: 0, ..recent }]).is_none());
}

#[track_caller]
fn wait_until(mut condition: impl FnMut() -> bool) {
    let began = tokio::time::Instant::now();
    while !condition() {
        assert!(began.elapsed().as_secs() < 20, "it never came");
        std::thread::yield_now();
    }
}

#[test]
fn retention_deletes_the_oldest() {
    let config = StoreConfig { retention_ms: 3_600_000, ..StoreConfig::default() };
    let mut bench = Bench::with(config);
    bench.second(7..8);
    for _ in 0..9_000 {
        bench.second(0..2);
    }
    wait_until(|| {
        (0..10).for_each(|_| bench.store().tick(bench.now));
        bench.store().stats().disk.chunks_deleted > 15
    });
    assert_eq!(bench.store().stats().series, 2, "the one that is gone is forgotten");
    bench.store().shutdown();
    bench.reopen();
    let found = bench.all();
    let oldest = found[0].samples[0].t;
    assert!(oldest >= bench.now - 3_600_000 - 1_100_000, "{}", bench.now - oldest);
    check(&found[..1], 1, (oldest..=bench.now).step_by(1_000));
}

#[test]
fn retention_by_bytes_deletes_the_oldest_and_shrinks_the_file() {
    const BYTES: u64 = 1 << 20;
    const SERIES: usize = 24;
    let config = StoreConfig { retention_bytes: BYTES, head_bytes_max: 1 << 20, ..StoreConfig::default() };
    let mut bench = Bench::with(config);
    // Values that take their eight bytes: 160 KiB in 15 minutes.
    let noise = |n: usize, t: i64| {
        f64::from_bits(xxhash_rust::xxh3::xxh3_64_with_seed(&t.to_le_bytes(), n as u64) >> 2)
    };
    let mut largest = 0;
    for second in 1..=12_000_i64 {
        bench.now += 1_000;
        bench.clock.set(bench.now);
        let mut batch = batch(0..SERIES, bench.now);
        for (n, sample) in batch.samples.iter_mut().enumerate() {
            sample.sample.v = noise(n, bench.now);
        }
        let report = bench.store().append(&batch, bench.now);
        bench.store().persist_lazily(&report.rows);
        bench.store().tick(bench.now);
        if second % 20 == 0 {
            assert!(bench.store().flush());
            largest = largest.max(bench.store().stats().disk.file_bytes);
        }
    }
    // Between two looks ten seconds' worth comes.
    assert!(largest <= BYTES + (64 << 10), "{largest} bytes");
    assert!(bench.store().stats().disk.chunks_deleted > 100);
    bench.store().shutdown();
    let file = std::fs::metadata(bench.path().join(disk::FILE_NAME)).unwrap().len();
    assert!(file <= BYTES + (64 << 10), "{file} bytes");
    bench.reopen();
    let found = bench.all();
    assert_eq!(found.len(), SERIES);
    for series in found {
        let n: usize = series.labels.get("n").unwrap().parse().unwrap();
        // What is left is the newest, without a hole.
        let first = series.samples[0].t;
        assert!(first > START + 3_600_000 && first < bench.now - 3_000_000, "{}", bench.now - first);
        let expected = (first..=bench.now).step_by(1_000).map(|t| Sample::new(t, noise(n, t)));
        assert!(series.samples.iter().copied().eq(expected), "{}", series.labels);
    }
}

#[test]
fn a_clock_that_jumps_ahead_costs_no_history() {
    let mut bench = Bench::new();
    for _ in 0..1_500 {
        bench.second(0..3);
    }
    // A year ahead for ten minutes, and what is collected meanwhile has that time, too.
    let (right, year) = (bench.now, 365 * 86_400_000);
    bench.now += year;
    for _ in 0..600 {
        bench.second(2..3);
    }
    assert!(bench.store().flush());
    bench.now = right;
    bench.clock.set(right);
    for _ in 0..20 {
        bench.store().tick(right);
    }
    assert!(bench.store().flush());
    let stats = bench.store().stats();
    assert_eq!((stats.disk.chunks_deleted, stats.series), (0, 3));
    check(&all(bench.store(), i64::MIN, right), 3, seconds(1, 1_500));
}

#[test]
fn a_backup_opens_as_a_store() {
    let mut bench = Bench::new();
    for _ in 0..1_500 {
        bench.second(0..3);
    }
    let folder = tempfile::tempdir().unwrap();
    bench.store().flush();
    copy(bench.path(), &folder.path().join(disk::FILE_NAME)).unwrap();
    bench.second(0..3);
    let copy = Store::open(folder.path(), StoreConfig::default(), &bench.clock).unwrap();
    check(&all(&copy, i64::MIN, i64::MAX), 3, seconds(1, 1_500));
    assert_eq!(copy.generation(), bench.store().generation());
}

#[test]
fn one_process_at_a_time() {
    let bench = Bench::new();
    let second = Store::open(bench.path(), StoreConfig::default(), &bench.clock);
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
}

#[test]
fn an_old_file_is_upgraded_and_a_newer_one_refused() {
    let mut bench = Bench::new();
    bench.store = None;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(disk::FILE_NAME);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(include_str!("testing/version_1.sql")).unwrap();
    drop(file);
    let store = Store::open(folder.path(), StoreConfig::default(), &bench.clock).unwrap();
    assert_eq!(store.generation(), 4_711);
    check(&all(&store, i64::MIN, i64::MAX), 1, seconds(1, 6));
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 3);
    file.pragma_update(None, "user_version", 4).unwrap();
    drop(file);
    let newer = Store::open(folder.path(), StoreConfig::default(), &bench.clock);
    let said = newer.unwrap_err().to_string();
    assert_eq!(said, "the store's file has version 4, and this program knows 3 at most");
}

#[test]
fn batches_are_taken_item_by_item() {
    let store = Store::in_memory();
    let mut mixed = batch(0..4, START);
    mixed.samples[1].sample.t = START - 60_001;
    mixed.samples[2].sample.t = START + 60_001;
    let report = store.append(&mixed, START);
    assert_eq!(report.accepted, 2);
    let refused = [(1, Refused::TooOld), (2, Refused::TooNew)];
    assert_eq!(report.refused, refused.map(|(index, reason)| Refusal { index, reason }));
    assert_eq!(report.new_series.len(), 2);
    assert_eq!((report.late, report.rows.len()), (0, 2));
    let late = store.append(&batch(0..1, START - 5_000), START);
    assert_eq!((late.accepted, late.late), (1, 1));
    let again = store.append(&batch(0..1, START - 5_000), START);
    assert_eq!((again.accepted, again.late), (1, 0));
    assert_eq!(store.stats().samples, 4);
}

#[test]
fn a_crash_is_a_gap_and_not_a_flat_line() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        bench.second(0..2);
    }
    bench.reopen();
    let day_after = bench.now + 86_400_000;
    let ends: Vec<(SeriesId, i64)> = bench
        .store()
        .newest()
        .into_iter()
        .filter_map(|(id, _, newest)| Some((id, newest? + 1_000)))
        .collect();
    let report = bench.store().mark_stale(&ends);
    assert_eq!((report.accepted, report.rows.len()), (2, 2));
    bench.store().persist(&report.rows).unwrap().blocking_wait().unwrap();
    let next = bench.store().append(&batch(0..2, day_after), day_after);
    bench.store().persist(&next.rows).unwrap().blocking_wait().unwrap();
    bench.store().tick(day_after);
    bench.reopen();
    for series in bench.all() {
        assert_eq!(series.samples.len(), 102);
        assert!(crate::model::is_stale(series.samples[100].v));
        assert_eq!(series.samples[100].t, bench.now + 1_000);
    }
}

#[test]
fn a_selection_has_a_limit() {
    let config = StoreConfig { select_samples_max: 150, ..StoreConfig::default() };
    let mut bench = Bench::with(config);
    for _ in 0..100 {
        bench.second(0..2);
    }
    let matchers = vec![Matcher::equal("__name__", "m")];
    let selection = |from| Selection { matchers: matchers.clone(), from, to: i64::MAX };
    let all = bench.store().select(&[selection(0)]);
    assert!(matches!(all, Err(StoreError::TooMany(150))), "{all:?}");
    assert!(bench.store().select(&[selection(bench.now - 50_000)]).is_ok());
}

#[test]
fn a_reading_decodes_what_a_selection_has() {
    let config = StoreConfig { head_bytes_max: 0, read_bytes_max: 600, ..StoreConfig::default() };
    let mut bench = Bench::new();
    for _ in 0..1_500 {
        bench.second(0..3);
    }
    bench.reopen_with(config);
    let selection = |from| Selection { matchers: vec![Matcher::equal("__name__", "m")], from, to: i64::MAX };
    let part = [selection(bench.now - 700_000), selection(bench.now - 10_000)];
    let (selected, reading) = (bench.store().select(&part).unwrap(), bench.store().read(&part).unwrap());
    for (nth, series) in selected.iter().enumerate() {
        assert_eq!(reading.count(nth), 3);
        for (at, one) in series.iter().enumerate() {
            let read = reading.series(nth, at);
            assert_eq!((&read.labels, &read.samples), (&one.labels, &one.samples));
        }
    }
    assert_eq!(selected[0][0].samples.len(), 700);
    let all = bench.store().read(&[selection(0), selection(0)]);
    assert!(all.is_err_and(|error| matches!(error, StoreError::TooMuch(600))));
}

/// A copy of the files as they are: what a crash leaves.
fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

/// Series of every pace, late samples, pushes among lazy batches, seals, carries, trims and
/// evictions: whatever was flushed is there after a crash, and nothing else.
#[test]
fn a_crash_at_any_time_leaves_all_that_was_flushed() {
    let mut random = fastrand::Rng::with_seed(42);
    let config = StoreConfig { head_bytes_max: 12_000, ..StoreConfig::default() };
    let bench = Bench::with(config);
    let paces: [i64; 6] = [1, 1, 2, 7, 60, 1_300];
    let mut model: Vec<std::collections::BTreeMap<i64, f64>> = vec![Default::default(); 6];
    let mut delayed: Vec<(i64, usize, i64)> = Vec::new();
    let mut now = START;
    for second in 1..=14_000_i64 {
        now += 1_000;
        bench.clock.set(now);
        let mut coming: Vec<(usize, i64)> = Vec::new();
        for (n, pace) in paces.iter().enumerate() {
            // One is silent for a while.
            if second % pace == 0 && !(n == 1 && (3_000..8_000).contains(&second)) {
                if random.u32(0..40) == 0 {
                    delayed.push((second + random.i64(1..55), n, now));
                } else {
                    coming.push((n, now));
                }
            }
        }
        delayed.retain(|(at, n, t)| {
            if *at == second {
                coming.push((*n, *t));
            }
            *at != second
        });
        random.shuffle(&mut coming);
        let samples = coming.iter().map(|(n, t)| batch(*n..*n + 1, *t).samples.remove(0));
        let whole = Batch::new(Source::Pushed, None, samples.collect());
        let report = bench.store().append(&whole, now);
        for (index, (n, t)) in coming.iter().enumerate() {
            // Behind a sealed chunk, as after a silence, late is too late.
            if report.refused.iter().all(|refusal| refusal.index != index) {
                model[*n].insert(*t, value(*n, *t));
            }
        }
        if random.bool() {
            bench.store().persist_lazily(&report.rows);
        } else {
            bench.store().persist(&report.rows).unwrap();
        }
        bench.store().tick(now);
        if second % 100 == 0 {
            assert!(bench.store().flush());
        }
        if second > 500 && random.u32(0..900) == 0 {
            assert!(bench.store().flush());
            let copy = copy_of(bench.path());
            let crashed = Store::open(copy.path(), StoreConfig::default(), &bench.clock).unwrap();
            check_model(&crashed, &model);
            check_model(bench.store(), &model);
        }
    }
    assert!(bench.store().stats().evictions > 0);
}

#[track_caller]
fn check_model(store: &Store, model: &[std::collections::BTreeMap<i64, f64>]) {
    for found in all(store, i64::MIN, i64::MAX) {
        let n: usize = found.labels.get("n").unwrap().parse().unwrap();
        let expected: Vec<Sample> = model[n].iter().map(|(t, v)| Sample::new(*t, *v)).collect();
        assert_eq!(found.samples.len(), expected.len(), "{}", found.labels);
        assert!(found.samples == expected, "{}", found.labels);
    }
}
