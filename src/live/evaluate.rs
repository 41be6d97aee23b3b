//! Evaluating an expression over the store, off the runtime's threads.

use super::error::{LiveError, Unread};
use crate::model::limits::LOOKBACK_MS;
use crate::model::{Sample, SelectedSeries};
use crate::query::{EvalLimits, EvalRange, Plan, Value};
use crate::store::Store;

/// Evaluates `plan` from `start` to `end` by `step`, all in ms; blocks.
///
/// A scalar becomes one series without labels. Steps without a value have no sample.
///
/// # Errors
///
/// [`LiveError::Query`] and [`LiveError::Store`].
pub(super) fn range(
    plan: &Plan,
    (start, end, step): (i64, i64, i64),
    store: &Store,
) -> Result<Vec<SelectedSeries>, LiveError> {
    // A range of one step is a range still: an instant query would come back as a vector.
    let range = EvalRange { start, end, step, lookback: LOOKBACK_MS };
    let data = store.select(&plan.selections(range)).map_err(Unread::Store)?;
    let value = plan.eval(range, &data, &EvalLimits::default())?;
    Ok(match value {
        Value::Matrix(series) => series,
        Value::Vector(vector) => vector
            .into_iter()
            .map(|(labels, sample)| SelectedSeries { labels, samples: vec![sample] })
            .collect(),
        Value::Scalar(sample) => scalar(sample),
        Value::String(..) => Vec::new(),
    })
}

fn scalar(sample: Sample) -> Vec<SelectedSeries> {
    vec![SelectedSeries { labels: crate::model::Labels::empty(), samples: vec![sample] }]
}
