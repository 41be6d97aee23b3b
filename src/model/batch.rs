//! Samples on their way from a source to the store.

use super::{Labels, Sample};

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

/// What a source delivered at once: samples in any order, of any number of series.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Who brought it.
    pub source: Source,
    /// The scheduled step that this batch completes for its source, ms; `None` for a push.
    pub step: Option<i64>,
    /// The samples.
    pub samples: Vec<BatchSample>,
}
