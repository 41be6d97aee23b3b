//! Samples on their way from a source to the store.

use super::{HistogramSample, Labels, Sample};

/// Who brought a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A collector that stamps whole multiples of its interval: live queries wait for it, and its
    /// silence is marked.
    Scheduled {
        /// Its name with its node, for example `host@web-03`: unique over all nodes.
        name: String,
        /// Milliseconds between its samples.
        interval_ms: i64,
    },
    /// A push: it comes when it comes.
    Pushed,
}

/// One sample of one series.
#[derive(Debug, Clone)]
pub struct BatchSample {
    /// The series.
    pub labels: Labels,
    /// Time and value.
    pub sample: Sample,
}

/// One histogram of one series.
#[derive(Debug, Clone)]
pub struct BatchHistogram {
    /// The series.
    pub labels: Labels,
    /// Time and histogram.
    pub sample: HistogramSample,
}

/// What a source delivered at once: samples in any order, of any number of series.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Who brought it.
    pub source: Source,
    /// The scheduled step that this batch completes for its source, ms; `None` for a push.
    pub step: Option<i64>,
    /// The samples that are numbers.
    pub samples: Vec<BatchSample>,
    /// The samples that are histograms; mostly none.
    pub histograms: Vec<BatchHistogram>,
}

impl Batch {
    /// A batch of numbers.
    pub const fn new(source: Source, step: Option<i64>, samples: Vec<BatchSample>) -> Self {
        Self { source, step, samples, histograms: Vec::new() }
    }

    /// How many samples it has of either kind.
    pub const fn len(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Whether it has no sample.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of all samples, those of histograms last.
    pub fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.samples.iter().map(|one| &one.labels).chain(self.histograms.iter().map(|one| &one.labels))
    }
}
