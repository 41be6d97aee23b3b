//! The samples of a test, in memory.

use std::collections::HashMap;

use crate::model::{Labels, Sample, SelectedSeries, Selection, limits::LOOKBACK_MS};
use crate::query::{EvalLimits, EvalRange, Plan, QueryError, Value};

/// The series of a test: those that it gives and those that its rules make.
#[derive(Debug, Default)]
pub(super) struct Samples {
    series: Vec<SelectedSeries>,
    places: HashMap<Labels, usize>,
}

impl Samples {
    /// Appends a sample; one that is no newer than the last is left out.
    pub(super) fn append(&mut self, labels: &Labels, sample: Sample) {
        let at = *self.places.entry(labels.clone()).or_insert_with(|| {
            self.series.push(SelectedSeries::new(labels.clone(), Vec::new()));
            self.series.len() - 1
        });
        let samples = &mut self.series[at].samples;
        if samples.last().is_none_or(|last| last.t < sample.t) {
            samples.push(sample);
        }
    }

    /// Evaluates an instant query.
    pub(super) fn eval(&self, plan: &Plan, at_ms: i64) -> Result<Value, QueryError> {
        let range = EvalRange::instant(at_ms, LOOKBACK_MS);
        let data: Vec<Vec<SelectedSeries>> =
            plan.selections(range).iter().map(|selection| self.select(selection)).collect();
        plan.eval(range, &data, &EvalLimits::default()).map(|answer| answer.value)
    }

    fn select(&self, selection: &Selection) -> Vec<SelectedSeries> {
        let fits = |labels: &Labels| selection.matchers.iter().all(|matcher| matcher.matches_labels(labels));
        let found = self.series.iter().filter(|series| fits(&series.labels)).map(|series| {
            let from = series.samples.partition_point(|sample| sample.t < selection.from);
            let to = series.samples.partition_point(|sample| sample.t <= selection.to);
            let samples = series.samples.get(from..to).unwrap_or_default().to_vec();
            SelectedSeries::new(series.labels.clone(), samples)
        });
        found.collect()
    }
}
