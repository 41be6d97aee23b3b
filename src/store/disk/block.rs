//! The pending block that is being filled: about a minute of samples of all series.

use super::super::codec::{Row, block::BLOCK_ROWS_MAX};

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
    /// How many of them its row on disk has.
    pub written: usize,
    /// How many that are not written were brought lazily.
    pub lazy: usize,
    /// The id of its row, once it has one.
    pub id: Option<i64>,
    /// The ids of the small rows that it swallows.
    pub loose: Vec<i64>,
    /// When it was begun, ms; `None` before the first tick.
    pub since: Option<i64>,
}

impl PendingBlock {
    /// How many rows it can still take.
    pub fn room(&self) -> usize {
        BLOCK_ROWS_MAX - self.rows.len()
    }

    /// Whether its row on disk lacks something.
    pub fn is_dirty(&self) -> bool {
        self.written < self.rows.len() || !self.loose.is_empty()
    }

    /// Whether it is full or old.
    pub fn is_over(&self, now_ms: i64) -> bool {
        self.rows.len() >= BLOCK_ROWS_MAX / 2
            || self.since.is_some_and(|since| now_ms.saturating_sub(since) >= BLOCK_MS)
    }

    /// The newest time.
    pub fn t_max(&self) -> i64 {
        self.rows.iter().map(|row| row.sample.t).max().unwrap_or(i64::MIN)
    }
}
