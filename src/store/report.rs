//! What the store tells of its work.

use std::sync::Arc;

use super::{
    codec::{HistogramRow, Row},
    ids::SeriesId,
    series::{Refused, Taken},
};
use crate::model::Labels;

/// A sample that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the batch: histograms come after all numbers.
    pub index: usize,
    /// Why.
    pub reason: Refused,
}

/// The samples of a batch that the head took, for [`Store::persist`](super::Store::persist): what it
/// refused must not come back after a restart.
#[derive(Debug, Clone, Default)]
pub struct Accepted {
    /// The numbers.
    pub rows: Arc<[Row]>,
    /// The histograms.
    pub histograms: Arc<[HistogramRow]>,
}

impl Accepted {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len() + self.histograms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that they take while they wait for the disk, about.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.rows) + self.histograms.iter().map(HistogramRow::bytes).sum::<usize>()
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct AppendReport {
    /// How many samples were taken, those counted that were there already.
    pub accepted: usize,
    /// The others.
    pub refused: Vec<Refusal>,
    /// The series that are new.
    pub new_series: Vec<(SeriesId, Labels)>,
    /// How many of them came after a newer one of their series.
    pub late: usize,
    /// The samples to persist.
    pub rows: Accepted,
}

/// How the disk does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StorageState {
    /// As it should.
    #[default]
    Ok,
    /// It writes, but a commit takes long.
    Slow {
        /// Since when, ms.
        since: i64,
    },
    /// It writes nothing; it is tried again and again.
    Refusing {
        /// Since when, ms.
        since: i64,
        /// What it said.
        reason: Arc<str>,
    },
}

/// How often samples were refused, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusedCounts {
    /// [`Refused::Duplicate`].
    pub duplicate: u64,
    /// [`Refused::TooOld`].
    pub too_old: u64,
    /// [`Refused::TooNew`].
    pub too_new: u64,
    /// [`Refused::SeriesLimit`].
    pub series_limit: u64,
    /// [`Refused::LabelsLimit`] and [`Refused::NoSeries`].
    pub labels: u64,
    /// [`Refused::BucketsLimit`], [`Refused::BoundsLimit`] and [`Refused::NoHistogram`].
    pub histograms: u64,
}

impl RefusedCounts {
    /// Counts one.
    pub fn count(&mut self, reason: Refused) {
        *match reason {
            Refused::Duplicate => &mut self.duplicate,
            Refused::TooOld => &mut self.too_old,
            Refused::TooNew => &mut self.too_new,
            Refused::SeriesLimit => &mut self.series_limit,
            Refused::LabelsLimit | Refused::NoSeries => &mut self.labels,
            Refused::BucketsLimit | Refused::BoundsLimit | Refused::NoHistogram => &mut self.histograms,
        } += 1;
    }
}

/// The store in numbers, for its own metrics. Counts grow from the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Series in memory.
    pub series: usize,
    /// Bytes of the head, as of the last tick.
    pub head_bytes: usize,
    /// Samples taken.
    pub samples: u64,
    /// Samples refused.
    pub refused: RefusedCounts,
    /// Chunks sealed.
    pub seals: u64,
    /// Sealed chunks that memory let go.
    pub evictions: u64,
    /// Of these, how many were on no disk, because it refused for too long.
    pub lost_chunks: u64,
    /// Chunks that could not be decoded and were left out.
    pub damaged_chunks: u64,
    /// What the disk counts.
    pub disk: DiskStats,
}

/// The disk's part of [`StoreStats`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskStats {
    /// Bytes of the file, its write-ahead log not counted.
    pub file_bytes: u64,
    /// Of these, bytes of pages that are free for use.
    pub free_bytes: u64,
    /// Bytes that wait to be written.
    pub pending_bytes: usize,
    /// Commits.
    pub commits: u64,
    /// Commits that failed and were tried again.
    pub commit_errors: u64,
    /// How long the last commit took, its fsync included, ms.
    pub commit_ms_last: u64,
    /// How long the longest commit took, ms.
    pub commit_ms_max: u64,
    /// Rows that collectors brought and that the disk had no room for in time; memory has them.
    pub rows_unwritten: u64,
    /// Chunks that retention deleted.
    pub chunks_deleted: u64,
}

impl AppendReport {
    /// Notes a sample that was taken.
    pub fn took(&mut self, taken: Taken) {
        self.accepted += 1;
        self.late += usize::from(taken == Taken::Late);
    }

    /// Takes the samples to persist.
    pub fn finish(&mut self, rows: Vec<Row>, histograms: Vec<HistogramRow>) {
        self.rows = Accepted { rows: rows.into(), histograms: histograms.into() };
    }
}
