//! Recording rules: standing queries whose steps are written back as series.
//!
//! What a rule writes is a source like a collector: what reads its series waits for its step, so a chain of rules
//! has all its values at one step. Each node records what it has itself; nothing of it crosses the bus.

use std::{mem, sync::Arc, time::Duration};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::time::Instant;

use super::{
    Origin,
    book::{Book, Due},
    engine::Engine,
    standings::Standings,
};
use crate::model::{Batch, BatchHistogram, BatchSample, Labels, STALE_NAN, Sample, SelectedSeries, Source};
use crate::rules::Record;
use crate::store::Store;
use crate::telemetry::{Counter, Registry};

/// What the names of their queries begin with in the book; nobody subscribes to them.
const CHANNELS: &str = "@record:";

/// A recording rule as it stands.
#[derive(Debug, Clone)]
pub struct RecordNow {
    /// The rule.
    pub rule: Arc<Record>,
    /// Why it records nothing.
    pub error: Option<String>,
    /// The newest step that was evaluated, ms.
    pub evaluated: Option<i64>,
    /// How long that took.
    pub took: Duration,
    /// The series of the newest step.
    pub series: usize,
}

#[derive(Debug)]
struct Recorded {
    now: RecordNow,
    /// The series that had a value at the newest step.
    made: FxHashSet<Labels>,
}

/// All recording rules.
#[derive(Debug)]
pub(super) struct Records {
    rules: FxHashMap<Arc<str>, Recorded>,
    /// The channels, those of rules that are read before those that read them.
    order: Vec<Arc<str>>,
    samples: Counter,
    /// Evaluations that failed, those of queries with viewers among them.
    failed: Counter,
}

/// What evaluating one rule gave.
#[derive(Debug)]
struct Outcome {
    due: Due,
    found: Result<Vec<SelectedSeries>, String>,
    took: Duration,
}

impl Records {
    pub(super) fn new(registry: &Registry, failed: Counter) -> Self {
        Self {
            rules: FxHashMap::default(),
            order: Vec::new(),
            samples: registry
                .counter("watchroom_recorded_samples_total", "Samples written by recording rules."),
            failed,
        }
    }

    /// Whether a query is that of a recording rule.
    pub(super) fn has(&self, channel: &str) -> bool {
        self.rules.contains_key(channel)
    }

    /// The rules as they stand, in the order in which they are evaluated.
    pub(super) fn now(&self) -> Vec<RecordNow> {
        self.order.iter().filter_map(|channel| Some(self.rules.get(channel)?.now.clone())).collect()
    }

    /// Puts other rules in place. One that stays the same goes on.
    pub(super) fn replace(&mut self, rules: Vec<Record>, book: &mut Book, now: i64) {
        let mut before = mem::take(&mut self.rules);
        self.order.clear();
        for rule in rules {
            let channel: Arc<str> = format!("{CHANNELS}{}", rule.id).into();
            let rule = Arc::new(rule);
            let same = before.remove(&channel).filter(|old| is_same(&old.now.rule, &rule));
            let recorded = same.unwrap_or_else(|| {
                book.remove(&channel);
                let error = book.open(&channel, &rule.value, rule.step, now).err();
                let error = error.map(|error| error.to_string());
                let now = RecordNow {
                    rule: Arc::clone(&rule),
                    error,
                    evaluated: None,
                    took: Duration::ZERO,
                    series: 0,
                };
                Recorded { now, made: FxHashSet::default() }
            });
            for read in &rule.reads {
                // Before its first value nobody knows its series.
                let step = self.rules.get(&*format!("{CHANNELS}{read}")).map(|one| one.now.rule.step);
                book.wait_for(&channel, &source(read, step.unwrap_or(rule.step)), now);
            }
            let recorded = Recorded { now: RecordNow { rule, ..recorded.now }, ..recorded };
            self.rules.insert(Arc::clone(&channel), recorded);
            self.order.push(channel);
        }
        for channel in before.into_keys() {
            book.remove(&channel);
        }
    }

    /// What is due, by the rules' ranks: those of one rank read nothing of each other.
    fn by_rank(&self, mut due: Vec<Due>) -> Vec<Vec<Due>> {
        let rank = |due: &Due| self.rules.get(&due.channel).map_or(0, |one| one.now.rule.rank);
        due.sort_by_key(rank);
        due.chunk_by(|a, b| rank(a) == rank(b)).map(<[Due]>::to_vec).collect()
    }

    /// The batch of what an evaluation gave: of each step its values, and markers where series ended.
    fn batch(&mut self, outcome: Outcome) -> Option<Batch> {
        let Outcome { due, found, took } = outcome;
        let recorded = self.rules.get_mut(&due.channel)?;
        let rule = Arc::clone(&recorded.now.rule);
        let named = found.and_then(|found| rule.series(found).map_err(|error| error.to_string()));
        let (found, error) = match named {
            Ok(found) => (found, None),
            Err(error) => {
                self.failed.increment();
                if recorded.now.error.as_ref() != Some(&error) {
                    tracing::warn!(rule = rule.id, error, "a recording rule failed");
                }
                (Vec::new(), Some(error))
            }
        };
        if error.is_none() && recorded.now.error.is_some() {
            tracing::info!(rule = rule.id, "a recording rule works again");
        }
        let mut batch = Batch::new(source(&rule.id, rule.step), Some(due.end), Vec::new());
        if error.is_none() {
            let mut time = due.start;
            while time <= due.end {
                step(&mut batch, &found, time, &mut recorded.made);
                time += due.step;
            }
        }
        recorded.now = RecordNow { rule, error, evaluated: Some(due.end), took, series: recorded.made.len() };
        self.samples.add((batch.samples.len() + batch.histograms.len()) as u64);
        Some(batch)
    }
}

/// Adds one step of all series to a batch, and a marker for each that has no value any more.
fn step(batch: &mut Batch, found: &[SelectedSeries], time: i64, made: &mut FxHashSet<Labels>) {
    let mut ended = mem::take(made);
    for series in found {
        let labels = &series.labels;
        if let Ok(at) = series.samples.binary_search_by_key(&time, |sample| sample.t) {
            batch.samples.push(BatchSample { labels: labels.clone(), sample: series.samples[at] });
        } else if let Ok(at) = series.histograms.binary_search_by_key(&time, |sample| sample.t) {
            let sample = series.histograms[at].clone();
            batch.histograms.push(BatchHistogram { labels: labels.clone(), sample });
        } else {
            continue;
        }
        ended.remove(labels);
        made.insert(labels.clone());
    }
    let marker = |labels| BatchSample { labels, sample: Sample::new(time, STALE_NAN) };
    batch.samples.extend(ended.into_iter().map(marker));
}

/// What is recorded comes from its rule.
fn source(id: &str, interval_ms: i64) -> Source {
    Source::Scheduled { name: format!("{CHANNELS}{id}"), interval_ms }
}

fn is_same(a: &Record, b: &Record) -> bool {
    a.id == b.id && a.step == b.step && a.labels == b.labels && a.value.text() == b.value.text()
}

impl Engine {
    /// Evaluates recording rules that are due and appends what they give, before the rules that read it.
    pub(super) async fn record(&mut self, due: Vec<Due>) {
        for mut rank in self.records.by_rank(due) {
            // What came late changes no step that is written already.
            rank.retain_mut(|due| {
                due.start =
                    due.start.max(self.book.last(&due.channel).map_or(i64::MAX, |last| last + due.step));
                due.start <= due.end
            });
            let all = |standings: &mut Standings, store: &Store| -> Vec<Outcome> {
                rank.into_iter().map(|due| evaluated(due, standings, store)).collect()
            };
            let Some(evaluated) = self.evaluate(all).await else {
                // The next step is another try.
                self.records.failed.increment();
                return;
            };
            for outcome in evaluated {
                self.book.passed(&outcome.due.channel, outcome.due.end);
                if let Some(batch) = self.records.batch(outcome) {
                    self.append(&Arc::new(batch), Origin::Elsewhere, None);
                }
            }
        }
    }
}

fn evaluated(due: Due, standings: &mut Standings, store: &Store) -> Outcome {
    let began = Instant::now();
    let found = standings.series(&due, store);
    let found = found.map(|found| found.series).map_err(|error| error.to_string());
    Outcome { due, found, took: began.elapsed() }
}

#[cfg(test)]
mod tests;
