//! The leaves of standing queries: fed with what is appended, asked at each step, shared by the queries that have them in
//! common.
//!
//! A leaf is filled from the store when a query first wants it, and from then on gets each sample that the store takes.
//! Where it cannot have the value that reading the store would give (a histogram is in a window, the step is behind
//! that of another query), the store is read for that step.

mod partial;
mod tended;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    book::Due,
    error::LiveError,
    evaluate::{self, Found, merged},
};
use crate::model::{Matcher, limits::LOOKBACK_MS};
use crate::query::{
    EvalLimits, EvalRange, Plan,
    standing::{Memory, Shape, Standing},
};
use crate::store::{AppendReport, SeriesId, Store};
use crate::telemetry::{Counter, Gauge, Registry};
use partial::Partial;
use tended::{Reader, Tended, key};

/// Memory of all leaves. A counter's sample takes some 4 bytes: an hour of 10,000 series by the second is 150 MB.
const STANDING_BYTES_MAX: usize = 256 << 20;
/// The longest step of a query whose leaves are kept: samples wait for the next step as they came, 24 bytes each.
const STEP_MS_MAX: i64 = 60_000;
/// How often what is kept is measured and what is empty goes, ms.
const SWEEP_MS: i64 = 10_000;
/// How long a leaf that had no room is read from the store instead, ms.
const REFUSED_MS: i64 = 600_000;
/// Series with nothing in any window go when they are one in so many.
const SWEPT_PART: usize = 8;

/// What one query keeps.
#[derive(Debug)]
struct Query {
    plan: Plan,
    /// Its leaves, by the numbers of its selectors.
    wanted: Vec<Option<Wanted>>,
    memory: Memory,
}

/// A leaf that a query wants.
#[derive(Debug)]
struct Wanted {
    key: Arc<str>,
    matchers: Vec<Matcher>,
    shape: Shape,
}

/// What it counts.
#[derive(Debug, Clone)]
struct Counters {
    standing: Counter,
    batch: Counter,
    given_up: Counter,
    bytes: Gauge,
}

/// All leaves, and which query has which.
#[derive(Debug)]
pub(super) struct Standings {
    queries: FxHashMap<Arc<str>, Query>,
    leaves: FxHashMap<Arc<str>, u32>,
    tended: Vec<Option<Tended>>,
    readers: FxHashMap<SeriesId, Vec<Reader>>,
    /// Leaves that had no room, and until when.
    refused: FxHashMap<Arc<str>, i64>,
    /// Of all leaves, as of the last sweep, and of those that came since.
    bytes: usize,
    bytes_max: usize,
    swept: i64,
    counters: Counters,
}

impl Standings {
    /// Nothing stands yet.
    pub(super) fn new(registry: &Registry) -> Self {
        let way = |way| {
            registry.counter_with(
                "watchroom_evaluated_steps_total",
                "Steps of live queries evaluated: standing, from what is kept from step to step, or batch, from the store.",
                &[("way", way)],
            )
        };
        Self::with(
            Counters {
                standing: way("standing"),
                batch: way("batch"),
                given_up: registry.counter(
                    "watchroom_standing_given_up_total",
                    "Selectors of live queries that are read from the store because what they keep had no room.",
                ),
                bytes: registry
                    .gauge("watchroom_standing_bytes", "Memory of what live queries keep from step to step."),
            },
            STANDING_BYTES_MAX,
        )
    }

    fn with(counters: Counters, bytes_max: usize) -> Self {
        Self {
            queries: FxHashMap::default(),
            leaves: FxHashMap::default(),
            tended: Vec::new(),
            readers: FxHashMap::default(),
            refused: FxHashMap::default(),
            bytes: 0,
            bytes_max,
            swept: i64::MIN,
            counters,
        }
    }

    /// Nothing stands, but it counts on.
    pub(super) fn emptied(&self) -> Self {
        Self::with(self.counters.clone(), self.bytes_max)
    }

    /// Gives the leaves what the store has taken.
    pub(super) fn appended(&mut self, report: &AppendReport, store: &Store) {
        if self.leaves.is_empty() {
            return;
        }
        for (id, labels) in &report.new_series {
            for (at, tended) in (0..).zip(&mut self.tended) {
                if let Some(tended) = tended
                    && tended.reads(labels)
                {
                    let place = tended.add(*id, labels.clone());
                    self.readers.entry(*id).or_default().push(Reader { leaf: at, place: Some(place) });
                }
            }
        }
        for row in &*report.rows.rows {
            let Some(readers) = self.readers.get_mut(&row.series) else { continue };
            for reader in readers {
                let Some(Some(tended)) = self.tended.get_mut(reader.leaf as usize) else { continue };
                let place = reader.place.or_else(|| Some(tended.add(row.series, store.labels(row.series)?)));
                reader.place = place;
                place.into_iter().for_each(|place| tended.leaf.arrived(place, row.sample));
            }
        }
        for row in &*report.rows.histograms {
            for reader in self.readers.get(&row.series).into_iter().flatten() {
                if let Some(Some(tended)) = self.tended.get_mut(reader.leaf as usize) {
                    tended.leaf.histogram_arrived(row.sample.t);
                }
            }
        }
    }

    /// Forgets queries that stand no more, and the leaves that were theirs alone.
    pub(super) fn retain(&mut self, stands: impl Fn(&str) -> bool) {
        self.queries.retain(|channel, _| stands(channel));
        let used: FxHashSet<&Arc<str>> = self
            .queries
            .values()
            .flat_map(|query| query.wanted.iter().flatten().map(|wanted| &wanted.key))
            .collect();
        let gone: Vec<Arc<str>> = self.leaves.keys().filter(|key| !used.contains(key)).cloned().collect();
        gone.iter().for_each(|key| self.drop_leaf(key));
    }

    fn drop_leaf(&mut self, key: &str) {
        let Some(at) = self.leaves.remove(key) else { return };
        self.tended[at as usize] = None;
        self.readers.retain(|_, readers| {
            readers.retain(|reader| reader.leaf != at);
            !readers.is_empty()
        });
    }

    /// Evaluates what is due: steps that went out already and may have changed from the store, new ones from the leaves.
    ///
    /// # Errors
    ///
    /// [`LiveError::Query`] and [`LiveError::Store`].
    pub(super) fn series(&mut self, due: &Due, store: &Store) -> Result<Found, LiveError> {
        let mut parts = Vec::new();
        if due.start < due.fresh {
            let end = due.end.min(due.fresh - due.step);
            parts.push(evaluate::series(&due.plan, (due.start, end, due.step), store)?);
            self.counters.batch.add(steps((due.start, end), due.step));
        }
        let mut step = due.start.max(due.fresh);
        while step <= due.end {
            if due.step <= STEP_MS_MAX {
                parts.push(self.step(due, step, store)?);
                step += due.step;
            } else {
                parts.push(evaluate::series(&due.plan, (step, due.end, due.step), store)?);
                self.counters.batch.add(steps((step, due.end), due.step));
                break;
            }
        }
        Ok(merged(parts))
    }

    /// Evaluates one step.
    fn step(&mut self, due: &Due, step: i64, store: &Store) -> Result<Found, LiveError> {
        self.sweep(step, store);
        let query = match self.queries.remove(&due.channel) {
            Some(query) if query.plan.text() == due.plan.text() => query,
            _ => Self::query(&due.plan, store),
        };
        let found = self.evaluated(&query, due, step, store);
        self.queries.insert(Arc::clone(&due.channel), query);
        found
    }

    fn query(plan: &Plan, store: &Store) -> Query {
        let retention = store.retention_ms();
        let wanted = plan.leaves().into_iter().zip(plan.selectors());
        let wanted = wanted.map(|(shape, matchers)| {
            let shape = shape.filter(|shape| shape.range <= retention)?;
            Some(Wanted { key: key(matchers, shape), matchers: matchers.to_vec(), shape })
        });
        Query { plan: plan.clone(), wanted: wanted.collect(), memory: Memory::default() }
    }

    fn evaluated(&mut self, query: &Query, due: &Due, step: i64, store: &Store) -> Result<Found, LiveError> {
        let mut at_hand = Vec::with_capacity(query.wanted.len());
        for wanted in &query.wanted {
            at_hand.push(match wanted {
                Some(wanted) => self.advance(wanted, step, store)?,
                None => None,
            });
        }
        let tended = |at: Option<u32>| self.tended.get(at? as usize)?.as_ref();
        let dense: Vec<_> = at_hand.into_iter().map(|at| Some(tended(at)?.leaf.dense())).collect();
        let range = EvalRange { start: step, end: step, step: due.step, lookback: LOOKBACK_MS };
        let rest = Partial::read(&query.plan, range, &dense, store)?;
        let way = if rest.is_empty() { &self.counters.standing } else { &self.counters.batch };
        way.increment();
        let standing = Standing { leaves: &dense, memory: &query.memory };
        let answer = query.plan.eval_standing(range, &rest, standing, &EvalLimits::default())?;
        Ok(evaluate::found(answer, &query.plan))
    }

    /// Brings a leaf to a step; `None` where the store must be read instead.
    fn advance(&mut self, wanted: &Wanted, step: i64, store: &Store) -> Result<Option<u32>, LiveError> {
        let Wanted { key, matchers, shape } = wanted;
        if self.refused.get(key).is_some_and(|until| step < *until) {
            return Ok(None);
        }
        let at = self.place(key);
        // Out of its place, so that its readers can be written.
        let taken = self.tended[at as usize].take();
        let is_new = taken.is_none();
        let mut tended = taken.unwrap_or_else(|| Tended::new(matchers.clone(), *shape));
        if is_new {
            let room = self.bytes_max.saturating_sub(self.bytes);
            let silent = match tended.fill(step, store, room) {
                Ok(Some(silent)) => silent,
                Ok(None) => {
                    self.refuse(key, step);
                    return Ok(None);
                }
                // Its place is another's from now on.
                Err(error) => {
                    self.drop_leaf(key);
                    return Err(error);
                }
            };
            let silent = silent.into_iter().map(|id| (id, Reader { leaf: at, place: None }));
            silent.for_each(|(id, reader)| self.readers.entry(id).or_default().push(reader));
            let placed = (0..).zip(&tended.ids);
            placed.for_each(|(place, id)| {
                self.readers.entry(*id).or_default().push(Reader { leaf: at, place: Some(place) });
            });
            self.bytes += tended.leaf.bytes();
        } else if !tended.is_sorted() {
            self.arrange(at, &mut tended, |_| true);
        }
        let has_values = tended.advance(step, store);
        self.tended[at as usize] = Some(tended);
        Ok(has_values?.then_some(at))
    }

    /// The place of a leaf, which may be empty yet.
    fn place(&mut self, key: &Arc<str>) -> u32 {
        if let Some(at) = self.leaves.get(key) {
            return *at;
        }
        let free = self.tended.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.tended.push(None);
            self.tended.len() - 1
        });
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.leaves.insert(Arc::clone(key), at);
        at
    }

    /// Keeps some series of a leaf, in the order of the store.
    fn arrange(&mut self, at: u32, tended: &mut Tended, keep: impl Fn(usize) -> bool) {
        let gone = tended.arrange(keep);
        let gone = gone.into_iter().map(|id| (id, None));
        for (id, place) in gone.chain(tended.ids.iter().copied().zip((0..).map(Some))) {
            let readers = self.readers.entry(id).or_default();
            if let Some(reader) = readers.iter_mut().find(|reader| reader.leaf == at) {
                reader.place = place;
            }
        }
    }

    /// Reads a leaf from the store for a while, and keeps nothing of it.
    fn refuse(&mut self, key: &Arc<str>, now: i64) {
        self.counters.given_up.increment();
        tracing::info!(selector = &**key, "too much to keep from step to step: it is read from the store");
        self.drop_leaf(key);
        self.refused.insert(Arc::clone(key), now + REFUSED_MS);
    }

    /// Measures what is kept, and lets go what is empty or has no room.
    fn sweep(&mut self, now: i64, store: &Store) {
        if now < self.swept.saturating_add(SWEEP_MS) {
            return;
        }
        self.swept = now;
        self.refused.retain(|_, until| now < *until);
        for at in 0..self.tended.len() {
            let Some(mut tended) = self.tended[at].take() else { continue };
            let empty = tended.leaf.empty();
            // Not for each one that goes: what depends on places is made anew.
            if tended.leaf.len() < SWEPT_PART * empty.iter().filter(|empty| **empty).count() {
                self.arrange(u32::try_from(at).unwrap_or(u32::MAX), &mut tended, |place| !empty[place]);
            }
            self.tended[at] = Some(tended);
        }
        let forgotten = |id: SeriesId, readers: &[Reader]| {
            readers.iter().all(|reader| reader.place.is_none()) && store.labels(id).is_none()
        };
        self.readers.retain(|id, readers| !forgotten(*id, readers));
        loop {
            let sizes = self
                .leaves
                .iter()
                .filter_map(|(key, at)| Some((self.tended.get(*at as usize)?.as_ref()?.leaf.bytes(), key)));
            let (mut sum, mut largest) = (0, None);
            for (bytes, key) in sizes {
                sum += bytes;
                largest = largest.max(Some((bytes, key)));
            }
            self.bytes = sum;
            match largest.map(|(_, key)| Arc::clone(key)) {
                Some(key) if self.bytes_max < sum => self.refuse(&key, now),
                _ => break,
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        self.counters.bytes.set(self.bytes as f64);
    }
}

/// How many steps there are from one time to another.
fn steps((start, end): (i64, i64), step: i64) -> u64 {
    u64::try_from((end - start) / step + 1).unwrap_or_default()
}

#[cfg(test)]
mod tests;
