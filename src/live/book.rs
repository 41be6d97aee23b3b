//! Which step of which query is complete, and what corrections are due. Pure: time is an argument.

mod standing;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use rustc_hash::{FxHashMap, FxHashSet};

use standing::Standing;

use super::{QUERIES_MAX, SERIES_DRAWN_MAX, Step, error::LiveError, open::Finished};
use crate::model::limits::LATE_MS_MAX;
use crate::model::{Batch, Labels, Sample, SelectedSeries, Source, is_stale};
use crate::query::Plan;
use crate::store::SeriesId;

/// A step goes out this long after its time even if a source has not delivered, ms.
pub const WAIT_MS_MAX: i64 = 200;
/// How long a query without viewers is kept, so that a reload of the page finds it warm, ms.
const LINGER_MS: i64 = 30_000;
/// Corrections of one query wait so long for more of their kind, ms.
const GATHER_MS: i64 = 20;
/// Missed intervals after which a scheduled series is silent.
const SILENT_INTERVALS: i64 = 3;
/// The least time after which a scheduled series is silent, ms.
const SILENT_MS_MIN: i64 = 5_000;

/// A series without samples for so long is forgotten here; the store keeps it, ms.
const FORGET_MS: i64 = 3_600_000;

#[derive(Debug)]
struct KnownSource {
    source: Source,
    interval: i64,
    /// The newest step that it delivered.
    delivered: i64,
    /// When it last delivered, or was first heard of.
    heard: i64,
}

impl KnownSource {
    /// Whether nothing waits for it: it missed as much as makes its series stale. It counts again with its next step.
    fn is_silent(&self, now: i64) -> bool {
        SILENT_MS_MIN.max(SILENT_INTERVALS * self.interval) <= now - self.heard
    }
}

#[derive(Debug)]
struct KnownSeries {
    labels: Labels,
    source: Option<usize>,
    last_seen: i64,
    silent: bool,
    readers: Vec<Arc<str>>,
}

/// What is to be evaluated, from `start` to `end` by the query's step.
#[derive(Debug, Clone)]
pub struct Due {
    /// The query's channel.
    pub channel: Arc<str>,
    /// Its plan.
    pub plan: Plan,
    /// The first step, ms.
    pub start: i64,
    /// The first step that nobody has been sent yet, ms; those before it are looked at again.
    pub fresh: i64,
    /// The last step, ms.
    pub end: i64,
    /// The step, ms.
    pub step: i64,
}

/// All standing queries, and what they wait for.
#[derive(Debug, Default)]
pub struct Book {
    queries: FxHashMap<Arc<str>, Standing>,
    sources: Vec<KnownSource>,
    series: FxHashMap<SeriesId, KnownSeries>,
    /// The newest step of all queries that was sent: what is newer changes none.
    newest: i64,
    generation: String,
}

impl Book {
    /// A book whose epochs belong to one generation of the store.
    pub fn new(generation: &str) -> Self {
        Self { generation: generation.to_owned(), ..Self::default() }
    }

    /// How many queries stand.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether a query stands.
    pub fn has(&self, channel: &str) -> bool {
        self.queries.contains_key(channel)
    }

    /// Whether no query stands.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Adds a viewer, and the query if it is new; returns the newest complete step and the epoch.
    ///
    /// # Errors
    ///
    /// [`LiveError::TooMany`].
    pub fn open(
        &mut self,
        channel: &Arc<str>,
        plan: &Plan,
        step: i64,
        now: i64,
    ) -> Result<(i64, String), LiveError> {
        if let Some(query) = self.queries.get_mut(channel) {
            query.viewers += 1;
            return Ok((query.last, query.epoch.clone()));
        }
        if QUERIES_MAX <= self.queries.len() {
            return Err(LiveError::TooMany);
        }
        let mut sources = FxHashSet::default();
        for series in self.series.values_mut() {
            if reads(plan, &series.labels) {
                series.readers.push(Arc::clone(channel));
                sources.extend(series.source);
            }
        }
        // Every step up to here is past the time that it waits for.
        let last = (now - WAIT_MS_MAX).div_euclid(step) * step;
        let epoch = epoch(channel, &self.generation);
        let query = Standing {
            plan: plan.clone(),
            step,
            epoch: epoch.clone(),
            viewers: 1,
            idle_since: now,
            last,
            table: Vec::new(),
            version: 0,
            positions: FxHashMap::default(),
            announced: 0,
            sent: VecDeque::new(),
            dirty: None,
            dirty_at: 0,
            sources,
        };
        self.newest = self.newest.max(last);
        self.queries.insert(Arc::clone(channel), query);
        Ok((last, epoch))
    }

    /// Takes a query away at once.
    pub(super) fn remove(&mut self, channel: &str) {
        if self.queries.remove(channel).is_some() {
            for series in self.series.values_mut() {
                series.readers.retain(|reader| **reader != *channel);
            }
        }
    }

    /// Lets a query wait for a source of which it reads no series yet.
    pub(super) fn wait_for(&mut self, channel: &str, source: &Source, now: i64) {
        let Source::Scheduled { interval_ms, .. } = source else { return };
        let at = self.source(source, *interval_ms, now);
        if let Some(query) = self.queries.get_mut(channel) {
            query.sources.insert(at);
        }
    }

    /// The newest step of a query that is done.
    pub(super) fn last(&self, channel: &str) -> Option<i64> {
        self.queries.get(channel).map(|query| query.last)
    }

    /// Takes note that the steps of a query up to `last` are done and went to nobody.
    pub(super) fn passed(&mut self, channel: &str, last: i64) {
        if let Some(query) = self.queries.get_mut(channel) {
            query.last = query.last.max(last);
            self.newest = self.newest.max(last);
        }
    }

    /// One viewer less.
    pub fn close(&mut self, channel: &str, now: i64) {
        if let Some(query) = self.queries.get_mut(channel) {
            query.viewers = query.viewers.saturating_sub(1);
            query.idle_since = now;
        }
    }

    /// The table of a query with the series of a backfill in it, new ones at its end. Those that found no room have no
    /// position.
    pub(crate) fn finish(&mut self, channel: &str, found: &[Labels]) -> Finished {
        let Some(query) = self.queries.get_mut(channel) else {
            // The last viewer left meanwhile: the table is just what was found.
            let table: Vec<Labels> = found.iter().take(SERIES_DRAWN_MAX).cloned().collect();
            let positions = (0..found.len()).map(|at| (at < table.len()).then_some(at)).collect();
            return Finished { version: 0, table, positions };
        };
        query.make_room(found.iter());
        let positions = found.iter().map(|labels| query.position(labels)).collect();
        if query.viewers <= 1 {
            // Its only viewer is the one that gets the whole table now.
            query.announced = query.table.len();
        }
        Finished { version: query.version, table: query.table.clone(), positions }
    }

    /// Takes note of samples that the store accepted; `accepted` yields them.
    pub fn appended<'a>(
        &mut self,
        batch: &Batch,
        accepted: impl Iterator<Item = (SeriesId, &'a Labels, Sample)>,
        now: i64,
    ) {
        let source = match &batch.source {
            Source::Scheduled { interval_ms, .. } => Some(self.source(&batch.source, *interval_ms, now)),
            Source::Pushed => None,
        };
        for (id, labels, sample) in accepted {
            self.note((id, labels), sample, source, now);
        }
        if let (Some(source), Some(step)) = (source, batch.step) {
            let known = &mut self.sources[source];
            known.delivered = known.delivered.max(step);
            known.heard = now;
        }
    }

    fn source(&mut self, source: &Source, interval: i64, now: i64) -> usize {
        if let Some(at) = self.sources.iter().position(|known| known.source == *source) {
            return at;
        }
        self.sources.push(KnownSource { source: source.clone(), interval, delivered: i64::MIN, heard: now });
        self.sources.len() - 1
    }

    fn note(&mut self, (id, labels): (SeriesId, &Labels), sample: Sample, source: Option<usize>, now: i64) {
        let queries = &mut self.queries;
        let known = self.series.entry(id).or_insert_with(|| {
            let mut readers = Vec::new();
            for (channel, query) in queries {
                if reads(&query.plan, labels) {
                    readers.push(Arc::clone(channel));
                    query.sources.extend(source);
                }
            }
            KnownSeries { labels: labels.clone(), source, last_seen: sample.t, silent: false, readers }
        });
        if known.last_seen <= sample.t {
            known.last_seen = sample.t;
            known.silent = is_stale(sample.v);
        }
        if self.newest < sample.t {
            return;
        }
        for reader in &known.readers {
            if let Some(query) = self.queries.get_mut(reader)
                && sample.t <= query.last
            {
                let first = -(-sample.t).div_euclid(query.step) * query.step;
                if query.dirty.is_none() {
                    query.dirty_at = now + GATHER_MS;
                }
                query.dirty = Some(query.dirty.map_or(first, |dirty| dirty.min(first)));
            }
        }
    }

    /// What is to be evaluated now: complete steps, and corrections.
    pub fn due(&mut self, now: i64) -> Vec<Due> {
        let mut due = Vec::new();
        for (channel, query) in &mut self.queries {
            let complete = complete(query, &self.sources, now);
            if complete.is_none() && query.dirty.is_none_or(|_| now < query.dirty_at) {
                continue;
            }
            let end = complete.unwrap_or(query.last);
            let oldest = (now - LATE_MS_MAX).div_euclid(query.step) * query.step;
            let corrected = query.dirty.take().map(|dirty| dirty.max(oldest));
            // After a stall of the process steps older than what can be late stay a gap.
            let next = (query.last + query.step).max(oldest);
            let start = corrected.map_or(next, |corrected| corrected.min(next));
            if start <= end {
                let (channel, plan) = (Arc::clone(channel), query.plan.clone());
                due.push(Due { channel, plan, start, fresh: next, end, step: query.step });
            }
        }
        due
    }

    /// When [`Book::due`] should be asked next, ms; nothing arriving meanwhile.
    pub fn next_wake(&self, now: i64) -> i64 {
        let mut wake = now + 1_000;
        for query in self.queries.values() {
            let next = query.last + query.step;
            let waits = query.sources.iter().map(|at| &self.sources[*at]);
            let waits = waits.filter(|source| !source.is_silent(now)).any(|source| source.delivered < next);
            wake = wake.min(if waits { next + WAIT_MS_MAX } else { next });
            if query.dirty.is_some() {
                wake = wake.min(query.dirty_at);
            }
        }
        wake.max(now + 1)
    }

    /// Turns what was evaluated for one [`Due`] into messages: each new step, and one correction.
    pub fn evaluated(&mut self, due: &Due, result: &[SelectedSeries], now: i64) -> Vec<Step> {
        let Some(query) = self.queries.get_mut(&due.channel) else { return Vec::new() };
        let rows = query.rows(due, result);
        let mut messages: Vec<Step> = query.announcement(&due.channel, now).into_iter().collect();
        let (old, new): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(time, _)| *time <= query.last);
        if let Some(frame) = query.correction(&due.channel, old, now) {
            messages.push(frame);
        }
        for (time, row) in new {
            messages.push(query.step(&due.channel, time, row, now));
        }
        self.newest = self.newest.max(query.last);
        messages
    }

    /// Scheduled series that fell silent, each with the time of its staleness marker: one interval after its last
    /// sample, so that the outage is a gap from its start on.
    pub fn silent(&mut self, now: i64) -> Vec<(Labels, i64)> {
        let mut silent = Vec::new();
        for series in self.series.values_mut() {
            let Some(source) = series.source else { continue };
            let interval = self.sources[source].interval;
            let patience = (SILENT_INTERVALS * interval).max(SILENT_MS_MIN);
            if !series.silent && patience <= now - series.last_seen {
                series.silent = true;
                silent.push((series.labels.clone(), series.last_seen + interval));
            }
        }
        silent
    }

    /// Forgets queries without viewers, and series that were not heard of for long.
    pub fn sweep(&mut self, now: i64) {
        let gone: BTreeSet<Arc<str>> = self
            .queries
            .iter()
            .filter(|(_, query)| query.viewers == 0 && LINGER_MS <= now - query.idle_since)
            .map(|(channel, _)| Arc::clone(channel))
            .collect();
        if !gone.is_empty() {
            self.queries.retain(|channel, _| !gone.contains(channel));
            for series in self.series.values_mut() {
                series.readers.retain(|reader| !gone.contains(reader));
            }
        }
        // A series that comes back is found anew.
        self.series.retain(|_, series| now - series.last_seen < FORGET_MS);
    }
}

/// The newest step that may go out, if there is one.
fn complete(query: &Standing, sources: &[KnownSource], now: i64) -> Option<i64> {
    let late = (now - WAIT_MS_MAX).div_euclid(query.step) * query.step;
    let reached = now.div_euclid(query.step) * query.step;
    let waited_for = query.sources.iter().map(|at| &sources[*at]).filter(|source| !source.is_silent(now));
    let delivered = waited_for.map(|source| source.delivered).min();
    let ready = match delivered {
        None => reached,
        // A source that delivered nothing yet has the earliest time there is.
        Some(delivered) => delivered.div_euclid(query.step).saturating_mul(query.step).min(reached),
    };
    let newest = ready.max(late);
    (query.last < newest).then_some(newest)
}

fn reads(plan: &Plan, labels: &Labels) -> bool {
    plan.selectors().iter().any(|matchers| matchers.iter().all(|matcher| matcher.matches_labels(labels)))
}

/// The epoch that every node of a generation gives a channel.
pub fn epoch(channel: &str, generation: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{generation}\n{channel}").as_bytes()))
}

#[cfg(test)]
mod tests;
