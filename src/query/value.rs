//! What goes into an evaluation and what comes out of it.

use std::sync::Arc;

pub use crate::model::Selection;
use crate::model::{AnySample, Labels, Sample, SelectedSeries};

use super::annotations::Annotations;

/// The steps to evaluate: `start`, `start + step`, … up to `end`.
///
/// With `start == end` and `step == 0` the query is an instant query. Times are milliseconds since
/// the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalRange {
    /// The first step.
    pub start: i64,
    /// No step is later than this.
    pub end: i64,
    /// Milliseconds from step to step; 0 for an instant query.
    pub step: i64,
    /// How far an instant selector looks back for the newest sample, ms. The window is open on the
    /// left: a sample exactly this old is out.
    pub lookback: i64,
}

impl EvalRange {
    /// One step, at `at`.
    pub const fn instant(at: i64, lookback: i64) -> Self {
        Self { start: at, end: at, step: 0, lookback }
    }

    /// Whether the answer is a vector of one step and not a matrix.
    pub const fn is_instant(&self) -> bool {
        self.start == self.end && self.step == 0
    }
}

/// The value of a query, and what there is to say of it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// Stored samples that were read for it.
    pub samples_read: usize,
}

/// The value of a query.
#[derive(Debug, Clone)]
pub enum Value {
    /// One number, with the step's time.
    Scalar(Sample),
    /// A text.
    String(Arc<str>),
    /// One sample for each series at the step. The order is the query's (`sort`, `topk`), else the
    /// one in which the store gave the series.
    Vector(Vec<(Labels, AnySample)>),
    /// A series of samples each, sorted by labels; never empty ones, never staleness markers.
    Matrix(Vec<SelectedSeries>),
}
