//! The store against what disks and processes do: killed at any instant, slow, full.
//!
//! A child is this very binary, run for one test that does nothing unless the parent set
//! `WATCHROOM_STORE`, the folder of its store.

#![expect(clippy::print_stdout, reason = "a child tells its parent by it")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "it_store/kill.rs"]
mod kill;
#[path = "it_store/slow.rs"]
mod slow;
#[path = "shim/slowdisk.rs"]
mod slowdisk;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use watchroom::clock::Clock;
use watchroom::model::{Batch, BatchSample, Labels, Matcher, Sample, SelectedSeries, Source};
use watchroom::store::{Selection, Store, StoreConfig};

const START: i64 = 1_700_000_000_000;
const FOLDER: &str = "WATCHROOM_STORE";

/// The folder that the parent named, in a child.
fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// A child that runs one test of this binary.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdout(Stdio::piped());
    command
}

fn value(series: usize, t: i64) -> f64 {
    // Every seventh series has values that no codec finds short.
    let v = (t / 1_000 % 100_000 * (series as i64 + 1)) as f64;
    if series.is_multiple_of(7) { v.sqrt() } else { v }
}

/// A sample of each of `series` at `t`.
fn batch(series: std::ops::Range<usize>, t: i64) -> Batch {
    let samples = series.map(|n| BatchSample { labels: labels(n), sample: Sample::new(t, value(n, t)) });
    Batch::new(Source::Pushed, None, samples.collect())
}

fn labels(n: usize) -> Labels {
    Labels::from_pairs([("__name__", "m".to_owned()), ("n", n.to_string())])
}

fn open(folder: &Path, config: StoreConfig) -> Store {
    Store::open(folder, config, &Clock::System).unwrap()
}

fn everything(store: &Store) -> Vec<SelectedSeries> {
    let matchers = vec![Matcher::equal("__name__", "m")];
    store.select(&[Selection { matchers, from: i64::MIN, to: i64::MAX }]).unwrap().remove(0)
}

/// Every value is the one that its time says, and every acknowledged time is there.
#[track_caller]
fn check(store: &Store, series: usize, acknowledged: &[i64]) {
    assert_eq!(store.restored().damaged, 0);
    let found = everything(store);
    assert_eq!(store.stats().damaged_chunks, 0);
    assert_eq!(found.len(), series);
    for one in found {
        let n = one.labels.get("n").unwrap().parse().unwrap();
        assert!(one.samples.is_sorted_by_key(|sample| sample.t));
        let times: std::collections::HashSet<i64> = one.samples.iter().map(|s| s.t).collect();
        assert_eq!(times.len(), one.samples.len());
        for sample in &one.samples {
            assert_eq!(sample.v.to_bits(), value(n, sample.t).to_bits(), "at {}", sample.t);
        }
        let lost: Vec<i64> = acknowledged.iter().copied().filter(|t| !times.contains(t)).collect();
        assert_eq!(lost, [0; 0], "{} lost acknowledged samples", one.labels);
    }
}

/// A copy of a store's files as they are, with what its process left.
fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

#[track_caller]
fn integrity(folder: &Path) {
    let file = rusqlite::Connection::open(folder.join("samples.sqlite")).unwrap();
    let said: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
}
