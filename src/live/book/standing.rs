//! One standing query: its table, what it sent, and how steps become messages.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::{FxHashMap, FxHashSet};

use super::Due;
use crate::live::block::{Cell, Columns, publication};
use crate::live::{SERIES_DRAWN_MAX, Step};
use crate::model::limits::LATE_MS_MAX;
use crate::model::{Labels, SelectedSeries};
use crate::query::Plan;

/// One standing query.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) plan: Plan,
    pub(super) step: i64,
    pub(super) epoch: String,
    pub(super) viewers: usize,
    pub(super) idle_since: i64,
    /// The time of the newest step that was sent.
    pub(super) last: i64,
    pub(super) table: Vec<Labels>,
    /// Counts how often positions changed their meaning.
    pub(super) version: u64,
    pub(super) positions: FxHashMap<Labels, usize>,
    /// How much of the table the viewers know.
    pub(super) announced: usize,
    /// What was sent for the last [`LATE_MS_MAX`], oldest first.
    pub(super) sent: VecDeque<(i64, Vec<Cell>)>,
    /// The oldest step whose value may have changed since it was sent.
    pub(super) dirty: Option<i64>,
    pub(super) dirty_at: i64,
    pub(super) sources: FxHashSet<usize>,
}

impl Standing {
    /// Drops series that had no value for as long as corrections come, where the table has no room for what was found:
    /// otherwise pods that come and go would fill it once and for all. The viewers are sent the whole table then.
    pub(super) fn make_room<'a>(&mut self, found: impl Iterator<Item = &'a Labels> + Clone) {
        let new = found.clone().filter(|labels| !self.positions.contains_key(*labels)).count();
        if self.table.len() + new <= SERIES_DRAWN_MAX {
            return;
        }
        let mut alive = vec![false; self.table.len()];
        for at in found.filter_map(|labels| self.positions.get(labels)) {
            alive[*at] = true;
        }
        for (_, row) in &self.sent {
            alive.iter_mut().zip(row).for_each(|(alive, cell)| *alive |= cell.is_some());
        }
        if alive.iter().all(|alive| *alive) {
            return;
        }
        let keep = |at: usize| alive.get(at).copied().unwrap_or_default();
        for (_, row) in &mut self.sent {
            *row = row.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, cell)| *cell).collect();
        }
        let table = std::mem::take(&mut self.table).into_iter().enumerate();
        self.table = table.filter(|(at, _)| keep(*at)).map(|(_, labels)| labels).collect();
        self.positions = self.table.iter().cloned().zip(0..).collect();
        self.announced = 0;
        self.version += 1;
    }

    pub(super) fn position(&mut self, labels: &Labels) -> Option<usize> {
        if let Some(at) = self.positions.get(labels) {
            return Some(*at);
        }
        if SERIES_DRAWN_MAX <= self.table.len() {
            return None;
        }
        let at = self.table.len();
        self.table.push(labels.clone());
        self.positions.insert(labels.clone(), at);
        Some(at)
    }

    /// The result by step: one row of the table's width for each step of `due`.
    pub(super) fn rows(&mut self, due: &Due, result: &[SelectedSeries]) -> Vec<(i64, Vec<Cell>)> {
        let times = (0..).map(|n| due.start + n * due.step).take_while(|time| *time <= due.end);
        let mut rows: Vec<(i64, Vec<Cell>)> = times.map(|time| (time, Vec::new())).collect();
        self.make_room(result.iter().map(|series| &series.labels));
        for series in result {
            let Some(position) = self.position(&series.labels) else { continue };
            for sample in &series.samples {
                let row = usize::try_from((sample.t - due.start) / due.step).ok();
                let Some((_, row)) = row.and_then(|row| rows.get_mut(row)) else { continue };
                if row.len() <= position {
                    row.resize(position + 1, None);
                }
                row[position] = Some(sample.v);
            }
        }
        rows
    }

    /// What viewers do not know of the table yet, in a frame of its own: unlike a step it is never left out for a slow
    /// reader's rate.
    pub(super) fn announcement(&mut self, channel: &Arc<str>, now: i64) -> Option<Step> {
        let from = std::mem::replace(&mut self.announced, self.table.len());
        let new = self.table.get(from..).filter(|new| !new.is_empty())?;
        let data = Columns::default().frame_data(self.version, Some((from, new)), now);
        Some(Step { cast: publication(channel, data, None), offset: None })
    }

    fn message(&self, channel: &Arc<str>, columns: &Columns, offset: Option<u64>, now: i64) -> Step {
        let data = columns.frame_data(self.version, None, now);
        Step { cast: publication(channel, data, offset), offset }
    }

    pub(super) fn step(&mut self, channel: &Arc<str>, time: i64, row: Vec<Cell>, now: i64) -> Step {
        let columns = columns(&[(time, row.clone())]);
        self.last = time;
        self.sent.push_back((time, row));
        while self.sent.front().is_some_and(|(sent, _)| *sent < time - LATE_MS_MAX) {
            self.sent.pop_front();
        }
        let offset = u64::try_from(time / self.step).ok();
        self.message(channel, &columns, offset, now)
    }

    /// The rows that differ from what was sent.
    pub(super) fn correction(
        &mut self,
        channel: &Arc<str>,
        rows: Vec<(i64, Vec<Cell>)>,
        now: i64,
    ) -> Option<Step> {
        let mut changed = Vec::new();
        for (time, row) in rows {
            match self.sent.binary_search_by_key(&time, |(sent, _)| *sent) {
                Ok(at) if same(&self.sent[at].1, &row) => {}
                Ok(at) => {
                    self.sent[at].1.clone_from(&row);
                    changed.push((time, row));
                }
                // Sent before this query stood, in a backfill: it cannot be compared, so it is sent.
                Err(_) => changed.push((time, row)),
            }
        }
        if changed.is_empty() {
            return None;
        }
        let columns = columns(&changed);
        Some(self.message(channel, &columns, None, now))
    }
}

/// Rows turned into columns, as wide as the widest row.
fn columns(rows: &[(i64, Vec<Cell>)]) -> Columns {
    let width = rows.iter().map(|(_, row)| row.len()).max().unwrap_or(0);
    let column = |at: usize| rows.iter().map(|(_, row)| row.get(at).copied().flatten()).collect();
    Columns { times: rows.iter().map(|(time, _)| *time).collect(), values: (0..width).map(column).collect() }
}

/// Whether two rows hold the same values, to the bit; what is missing at the end counts as none.
fn same(a: &[Cell], b: &[Cell]) -> bool {
    let cell = |row: &[Cell], at: usize| row.get(at).copied().flatten().map(f64::to_bits);
    (0..a.len().max(b.len())).all(|at| cell(a, at) == cell(b, at))
}
