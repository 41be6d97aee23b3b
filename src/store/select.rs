//! What a selection found, on its way to samples.

use super::{
    codec::{count_of_chunk, decode_chunk, decode_chunk_histograms},
    ids::SeriesId,
    reading::Bodies,
    series::{SealedChunk, Series, Unsealed},
};
pub use crate::model::Selection;
use crate::model::{Labels, SelectedSeries};

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
    /// The chunks of that part, once they are read.
    pub older: Bodies,
    span: (i64, i64),
    sealed: Vec<SealedChunk>,
    open: Unsealed,
    /// The end of the span. Histograms are sealed or open, never both.
    to: i64,
}

impl Found {
    /// Finds the samples of a series with `from < t <= to`.
    pub fn new(series: &Series, from: i64, to: i64) -> Self {
        let mut open = Unsealed::default();
        series.open.read(from, to, &mut open.samples);
        if let Some(histograms) = &series.histograms {
            histograms.read(from, to, &mut open.histograms);
        }
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
            older: Bodies::default(),
            span: (from, sealed_to),
            sealed,
            open,
            to,
        }
    }

    /// Decodes the series. A damaged chunk is left out and counted: a gap is better than no answer.
    pub fn decode(&self, damaged: &mut usize) -> SelectedSeries {
        let bodies = || self.older.iter().chain(self.sealed.iter().map(|chunk| &*chunk.body));
        let count = bodies().map(count_of_chunk).sum::<usize>() + self.open.samples.len();
        let mut found = Unsealed { samples: Vec::with_capacity(count), histograms: Vec::new() };
        let (from, to) = self.on_disk.unwrap_or_default();
        for body in self.older.iter() {
            // A chunk that is there twice counts once.
            let from = found.newest_t().unwrap_or(from);
            decode_both(body, (from, to), to, &mut found, damaged);
        }
        for chunk in &self.sealed {
            decode_both(&chunk.body, self.span, self.to, &mut found, damaged);
        }
        found.samples.extend_from_slice(&self.open.samples);
        found.histograms.extend_from_slice(&self.open.histograms);
        let labels = self.labels.clone();
        SelectedSeries { labels, samples: found.samples, histograms: found.histograms }
    }
}

/// Appends what a chunk has in `span`; its histograms up to `to`.
fn decode_both(body: &[u8], span: (i64, i64), to: i64, found: &mut Unsealed, damaged: &mut usize) {
    let numbers = decode_chunk(body, span, &mut found.samples);
    let both = numbers.and_then(|()| decode_chunk_histograms(body, (span.0, to), &mut found.histograms));
    *damaged += usize::from(both.is_err());
}

impl Selected {
    /// Whether a part is on disk only.
    pub fn needs_disk(&self) -> bool {
        self.series.iter().any(|found| found.on_disk.is_some())
    }

    /// Decodes what memory has.
    pub fn decode_memory(&self, damaged: &mut usize) -> Vec<SelectedSeries> {
        self.series.iter().map(|found| found.decode(damaged)).collect()
    }
}
