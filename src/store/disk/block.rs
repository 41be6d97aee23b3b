//! The pending block that is being filled: about a minute of samples of all series.

use super::super::{
    codec::{
        HistogramRow, Row,
        block::{BLOCK_COST_MAX, BLOCK_ROWS_MAX},
    },
    report::Accepted,
};

/// How long a block is filled, ms.
pub const BLOCK_MS: i64 = 60_000;
/// How often the block is written while it is filled, ms: what collectors brought is at most so much
/// older on disk.
pub const FLUSH_MS: i64 = 10_000;

/// A pending block in the writer's memory.
///
/// Its row is written again as it grows, and swallows the small rows that pushes made meanwhile: a
/// minute of a series costs a sixth of six times ten seconds.
#[derive(Debug, Default)]
pub struct PendingBlock {
    /// The samples, in the order in which they came: at most [`BLOCK_ROWS_MAX`].
    pub rows: Vec<Row>,
    /// The histograms, in the order in which they came: at most [`BLOCK_COST_MAX`].
    pub histograms: Vec<HistogramRow>,
    /// What they weigh, in numbers of 8 bytes.
    pub cost: usize,
    /// How many of both its row on disk has.
    pub written: usize,
    /// How many bytes that are not written were brought lazily.
    pub lazy: usize,
    /// The id of its row, once it has one.
    pub id: Option<i64>,
    /// The ids of the small rows that it swallows.
    pub loose: Vec<i64>,
    /// When it was begun, ms; `None` before the first tick.
    pub since: Option<i64>,
}

impl PendingBlock {
    /// Takes as much as there is room for, of numbers and histograms from these places on, and moves the places;
    /// tells whether that was all.
    pub fn fill(&mut self, from: &Accepted, (row, histogram): &mut (usize, usize), lazy: bool) -> bool {
        let rest = &from.rows[*row..];
        let now = &rest[..rest.len().min(BLOCK_ROWS_MAX - self.rows.len())];
        self.rows.extend_from_slice(now);
        *row += now.len();
        let mut bytes = size_of_val(now);
        for one in &from.histograms[*histogram..] {
            if BLOCK_COST_MAX < self.cost + one.cost() {
                break;
            }
            self.cost += one.cost();
            self.histograms.push(one.clone());
            *histogram += 1;
            bytes += one.bytes();
        }
        self.lazy += if lazy { bytes } else { 0 };
        *row == from.rows.len() && *histogram == from.histograms.len()
    }

    /// How many samples it has.
    pub fn len(&self) -> usize {
        self.rows.len() + self.histograms.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its row on disk lacks something.
    pub fn is_dirty(&self) -> bool {
        self.written < self.len() || !self.loose.is_empty()
    }

    /// Whether it is full or old.
    pub fn is_over(&self, now_ms: i64) -> bool {
        self.rows.len() >= BLOCK_ROWS_MAX / 2
            || self.cost >= BLOCK_COST_MAX / 2
            || self.since.is_some_and(|since| now_ms.saturating_sub(since) >= BLOCK_MS)
    }

    /// The newest time.
    pub fn t_max(&self) -> i64 {
        let histograms = self.histograms.iter().map(|row| row.sample.t);
        self.rows.iter().map(|row| row.sample.t).chain(histograms).max().unwrap_or(i64::MIN)
    }
}
