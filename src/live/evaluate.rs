//! Evaluating an expression over the store, off the runtime's threads.

use super::error::{LiveError, Unread};
use crate::model::limits::LOOKBACK_MS;
use crate::model::{AnySample, Labels, Sample, SelectedSeries};
use crate::query::{EvalLimits, EvalRange, Plan, Value};
use crate::store::Store;

/// Evaluates `plan` from `start` to `end` by `step`, all in ms, to what a chart draws: numbers. Blocks.
///
/// # Errors
///
/// [`LiveError::Query`] and [`LiveError::Store`].
pub(super) fn range(
    plan: &Plan,
    range: (i64, i64, i64),
    store: &Store,
) -> Result<Vec<SelectedSeries>, LiveError> {
    let mut found = series(plan, range, store)?;
    found.iter_mut().for_each(|one| one.histograms.clear());
    found.retain(|one| !one.is_empty());
    Ok(found)
}

/// Evaluates `plan` from `start` to `end` by `step`, all in ms; blocks.
///
/// A scalar becomes one series without labels. Steps without a value have no sample.
///
/// # Errors
///
/// [`LiveError::Query`] and [`LiveError::Store`].
pub(super) fn series(
    plan: &Plan,
    (start, end, step): (i64, i64, i64),
    store: &Store,
) -> Result<Vec<SelectedSeries>, LiveError> {
    // A range of one step is a range still: an instant query would come back as a vector.
    let range = EvalRange { start, end, step, lookback: LOOKBACK_MS };
    let data = store.read(&plan.selections(range)).map_err(Unread::Store)?;
    Ok(match plan.eval(range, &data, &EvalLimits::default())?.value {
        Value::Matrix(series) => series,
        Value::Vector(vector) => vector.into_iter().map(alone).collect(),
        Value::Scalar(sample) => scalar(sample),
        Value::String(..) => Vec::new(),
    })
}

fn alone((labels, sample): (Labels, AnySample)) -> SelectedSeries {
    match sample {
        AnySample::Float(sample) => SelectedSeries::new(labels, vec![sample]),
        AnySample::Histogram(sample) => {
            SelectedSeries { histograms: vec![sample], ..SelectedSeries::new(labels, Vec::new()) }
        }
    }
}

fn scalar(sample: Sample) -> Vec<SelectedSeries> {
    vec![SelectedSeries::new(Labels::empty(), vec![sample])]
}
