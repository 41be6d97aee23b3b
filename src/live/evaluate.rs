//! Evaluating an expression over the store, off the runtime's threads.

use rustc_hash::FxHashMap;

use super::error::{LiveError, Unread};
use crate::model::limits::LOOKBACK_MS;
use crate::model::{AnySample, Labels, Sample, SelectedSeries};
use crate::query::{Answer, EvalLimits, EvalRange, Plan, Value};
use crate::store::Store;

/// Notes of one evaluation that are told.
pub(super) const NOTES_MAX: usize = 4;
/// What is told where histograms are left out.
const NO_HISTOGRAMS: &str = "native histograms cannot be drawn; a quantile, count, sum or average of them can, such as histogram_quantile(0.9, …)";

/// What an evaluation gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The series.
    pub(super) series: Vec<SelectedSeries>,
    /// What there is to say of them, for people.
    pub(super) notes: Vec<String>,
}

/// Evaluates `plan` from `start` to `end` by `step`, all in ms, to what a chart draws: numbers. Blocks.
///
/// # Errors
///
/// [`LiveError::Query`] and [`LiveError::Store`].
pub(super) fn range(plan: &Plan, range: (i64, i64, i64), store: &Store) -> Result<Found, LiveError> {
    Ok(drawn(series(plan, range, store)?))
}

/// What a chart draws of what was found: numbers.
pub(super) fn drawn(mut found: Found) -> Found {
    if found.series.iter().any(|one| !one.histograms.is_empty()) {
        found.notes.insert(0, NO_HISTOGRAMS.to_owned());
        found.notes.truncate(NOTES_MAX);
        found.series.iter_mut().for_each(|one| one.histograms.clear());
        found.series.retain(|one| !one.is_empty());
    }
    found
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
) -> Result<Found, LiveError> {
    // A range of one step is a range still: an instant query would come back as a vector.
    let range = EvalRange { start, end, step, lookback: LOOKBACK_MS };
    let data = store.read(&plan.selections(range)).map_err(Unread::Store)?;
    let answer = plan.eval(range, &data, &EvalLimits::default())?;
    Ok(found(answer, plan))
}

/// An answer as series, with its notes.
pub(super) fn found(answer: Answer, plan: &Plan) -> Found {
    let notes = answer.annotations.lasting(plan.text(), NOTES_MAX);
    let series = match answer.value {
        Value::Matrix(series) => series,
        Value::Vector(vector) => vector.into_iter().map(alone).collect(),
        Value::Scalar(sample) => scalar(sample),
        Value::String(..) => Vec::new(),
    };
    Found { series, notes }
}

/// What was found in parts of one range, in the order of time, as one.
pub(super) fn merged(parts: Vec<Found>) -> Found {
    let mut parts = parts.into_iter();
    let mut whole = parts.next().unwrap_or_default();
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    for part in parts {
        if places.is_empty() {
            places = whole.series.iter().map(|one| one.labels.clone()).zip(0..).collect();
        }
        for mut one in part.series {
            match places.get(&one.labels) {
                Some(&at) => {
                    whole.series[at].samples.append(&mut one.samples);
                    whole.series[at].histograms.append(&mut one.histograms);
                }
                None => {
                    places.insert(one.labels.clone(), whole.series.len());
                    whole.series.push(one);
                }
            }
        }
        let new = part.notes.into_iter().filter(|note| !whole.notes.contains(note));
        let new: Vec<String> = new.collect();
        whole.notes.extend(new);
        whole.notes.truncate(NOTES_MAX);
    }
    whole.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    whole
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
