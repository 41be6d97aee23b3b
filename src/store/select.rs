//! What a selection found, on its way to samples.

use super::{
    codec::decode_chunk,
    ids::SeriesId,
    series::{SealedChunk, Series},
};
pub use crate::model::Selection;
use crate::model::{Labels, Sample, SelectedSeries};

/// A selection: found under the head's lock, decoded after it.
#[derive(Debug)]
pub struct Selected {
    /// The series, by id.
    pub series: Vec<Found>,
}

/// One series of a selection.
///
/// The open chunk is decoded already; sealed ones are only counted once more, so that the lock is
/// short whatever the span.
#[derive(Debug)]
pub struct Found {
    /// The series.
    pub id: SeriesId,
    /// Its labels.
    pub labels: Labels,
    /// The part of the span that only the disk has, `from < t <= to`; all older than the rest.
    pub on_disk: Option<(i64, i64)>,
    span: (i64, i64),
    sealed: Vec<SealedChunk>,
    open: Vec<Sample>,
}

impl Found {
    /// Finds the samples of a series with `from < t <= to`.
    pub fn new(series: &Series, from: i64, to: i64) -> Self {
        let mut open = Vec::new();
        series.open.read(from, to, &mut open);
        // The open chunk reaches back over samples that are sealed too: those are read here only.
        let sealed_to = series.open.first_t().map_or(to, |first| to.min(first - 1));
        let sealed = series
            .chunks
            .iter()
            .filter(|chunk| chunk.t_max > from && chunk.t_min <= sealed_to)
            .cloned()
            .collect();
        Self {
            id: series.id,
            labels: series.labels.clone(),
            on_disk: series.on_disk(from, to),
            span: (from, sealed_to),
            sealed,
            open,
        }
    }

    /// Decodes the series; `older` are the samples of [`Found::on_disk`]. A damaged chunk is left out
    /// and counted: a gap is better than no answer.
    pub fn decode(self, older: Vec<Sample>, damaged: &mut usize) -> SelectedSeries {
        let mut samples = older;
        for chunk in &self.sealed {
            if decode_chunk(&chunk.body, self.span, &mut samples).is_err() {
                *damaged += 1;
            }
        }
        if samples.is_empty() {
            samples = self.open;
        } else {
            samples.extend_from_slice(&self.open);
        }
        SelectedSeries { labels: self.labels, samples }
    }
}

impl Selected {
    /// Whether a part is on disk only.
    pub fn needs_disk(&self) -> bool {
        self.series.iter().any(|found| found.on_disk.is_some())
    }

    /// Decodes what memory has.
    pub fn decode_memory(self, damaged: &mut usize) -> Vec<SelectedSeries> {
        self.series.into_iter().map(|found| found.decode(Vec::new(), damaged)).collect()
    }
}
