//! One leaf and the series of the store that it reads.

use std::sync::Arc;

use crate::live::error::{LiveError, Unread};
use crate::model::{Labels, MatchOp, Matcher, SampleSource, Selection};
use crate::query::standing::{Leaf, Shape};
use crate::store::{SeriesId, Store};

/// Series between two looks at the memory that a leaf takes.
const LOOK_SERIES: usize = 256;

/// A leaf that reads a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    /// Which leaf.
    pub(super) leaf: u32,
    /// Where in it; `None` while nothing of the series counts.
    pub(super) place: Option<u32>,
}

/// A leaf, and which series of the store it has at its places.
#[derive(Debug)]
pub(super) struct Tended {
    pub(super) leaf: Leaf,
    pub(super) ids: Vec<SeriesId>,
    matchers: Vec<Matcher>,
}

/// What two queries have in common whose leaves are the same.
pub(super) fn key(matchers: &[Matcher], shape: Shape) -> Arc<str> {
    let mut conditions: Vec<String> = matchers.iter().map(condition).collect();
    conditions.sort_unstable();
    format!("{:?} {} {}", shape.kept, shape.range, conditions.join(",")).into()
}

fn condition(Matcher { name, op, value, .. }: &Matcher) -> String {
    let op = match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    };
    format!("{name}{op}{value:?}")
}

impl Tended {
    pub(super) fn new(matchers: Vec<Matcher>, shape: Shape) -> Self {
        Self { leaf: Leaf::new(shape), ids: Vec::new(), matchers }
    }

    /// Whether it reads a series with these labels.
    pub(super) fn reads(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }

    /// Adds a series, and gives its place.
    pub(super) fn add(&mut self, id: SeriesId, labels: Labels) -> u32 {
        self.ids.push(id);
        self.leaf.add(labels)
    }

    /// Whether its series are in the order of the store.
    pub(super) fn is_sorted(&self) -> bool {
        self.ids.is_sorted()
    }

    /// Fills it with what the store has, for values from `step` on; gives the series that have nothing that counts, or
    /// `None` when it is larger than `room`.
    ///
    /// # Errors
    ///
    /// [`LiveError::Store`].
    pub(super) fn fill(
        &mut self,
        step: i64,
        store: &Store,
        room: usize,
    ) -> Result<Option<Vec<SeriesId>>, LiveError> {
        let selection =
            Selection { matchers: self.matchers.clone(), from: self.leaf.start(step), to: i64::MAX };
        let reading = store.read(&[selection]).map_err(Unread::Store)?;
        let mut silent = Vec::new();
        for nth in 0..reading.count(0) {
            let Some(id) = reading.id(0, nth) else { continue };
            let series = reading.series(0, nth);
            if let Some(newest) = series.histograms.last() {
                self.leaf.histogram_arrived(newest.t);
            }
            if series.samples.is_empty() {
                silent.push(id);
                continue;
            }
            let place = self.add(id, series.labels.clone());
            self.leaf.fill(place, &series.samples, step);
            if nth % LOOK_SERIES == 0 && room < self.leaf.bytes() {
                return Ok(None);
            }
        }
        Ok((self.leaf.bytes() <= room).then_some(silent))
    }

    /// Brings it to a step; gives whether it has the values of it.
    ///
    /// # Errors
    ///
    /// [`LiveError::Store`].
    pub(super) fn advance(&mut self, step: i64, store: &Store) -> Result<bool, LiveError> {
        if step < self.leaf.end() {
            return Ok(false);
        }
        if !self.leaf.is_at(step) {
            for at in self.leaf.absorb(step) {
                let id = self.ids[at as usize];
                let series = store.read_one(id, self.leaf.start(step), step).map_err(Unread::Store)?;
                self.leaf.fill(at, &series.map(|series| series.samples).unwrap_or_default(), step);
            }
            self.leaf.slide();
        }
        Ok(self.leaf.has_values())
    }

    /// Keeps the series at some places, in the order of the store; gives the others.
    pub(super) fn arrange(&mut self, keep: impl Fn(usize) -> bool) -> Vec<SeriesId> {
        let mut order: Vec<u32> = (0..).take(self.ids.len()).filter(|at: &u32| keep(*at as usize)).collect();
        order.sort_by_key(|at| self.ids[*at as usize]);
        let gone = self.ids.iter().enumerate().filter(|(at, _)| !keep(*at)).map(|(_, id)| *id).collect();
        self.leaf.arrange(&order);
        self.ids = order.into_iter().map(|at| self.ids[at as usize]).collect();
        gone
    }
}
