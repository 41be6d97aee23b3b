//! One series of an intermediate result, with a value for every step.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{Histogram, Label, Labels, METRIC_NAME, STALE_NAN, is_stale};

use super::QueryError;

/// Stands where a series has no value at a step. It is the staleness marker, which no arithmetic
/// makes: hardware answers with quiet NaNs only.
pub const ABSENT: f64 = STALE_NAN;

/// The labels that say what a metric is, and go when its values become something else.
const METADATA: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

/// Whether `value` is there, as against [`ABSENT`].
pub const fn is_present(value: f64) -> bool {
    !is_stale(value)
}

/// Whether `name` is a label that operators and functions take away.
pub fn is_metadata(name: &str) -> bool {
    METADATA.contains(&name)
}

/// The labels without name, type and unit.
pub fn without_metadata(labels: &Labels) -> Labels {
    if labels.iter().any(|label| is_metadata(&label.name)) {
        labels.filtered(|name| !is_metadata(name))
    } else {
        labels.clone()
    }
}

/// The labels with some set anew; an empty value takes its label away.
pub fn with_labels(labels: &Labels, changed: impl IntoIterator<Item = Label>) -> Labels {
    let mut pairs = labels.as_slice().to_vec();
    pairs.extend(changed);
    Labels::new(pairs)
}

/// What a series has at one step.
#[derive(Debug, Clone)]
pub enum Datum {
    /// A number.
    Float(f64),
    /// A histogram.
    Histogram(Arc<Histogram>),
}

impl Datum {
    /// A histogram that was just made.
    pub fn histogram(histogram: Histogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }
}

/// A series over the steps of a grid.
///
/// At a step there is a number, a histogram, or nothing.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its labels, the name among them even when it is to go.
    pub labels: Labels,
    /// Whether the name goes at the end. Prometheus 3 delays it, so that `label_replace` and
    /// `by (__name__)` still see it.
    pub drop_name: bool,
    /// A number for each step, [`ABSENT`] where there is none.
    pub values: Vec<f64>,
    /// A histogram for each step that has one; of no length where no step has, as most series.
    pub histograms: Vec<Option<Arc<Histogram>>>,
}

impl Column {
    /// A series of numbers.
    pub const fn new(labels: Labels, drop_name: bool, values: Vec<f64>) -> Self {
        Self { labels, drop_name, values, histograms: Vec::new() }
    }

    /// A series with nothing at any of `steps` yet.
    pub fn absent(labels: Labels, drop_name: bool, steps: usize) -> Self {
        Self::new(labels, drop_name, vec![ABSENT; steps])
    }

    /// Whether there is nothing at any step.
    pub fn is_empty(&self) -> bool {
        !self.values.iter().any(|&v| is_present(v)) && self.histograms.iter().all(Option::is_none)
    }

    /// Whether some step may have a histogram.
    pub const fn has_histograms(&self) -> bool {
        !self.histograms.is_empty()
    }

    /// The histogram at a step.
    pub fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        self.histograms.get(step)?.as_ref()
    }

    /// Whether there is anything at a step.
    pub fn is_there(&self, step: usize) -> bool {
        is_present(self.values[step]) || self.histogram(step).is_some()
    }

    /// What there is at a step.
    pub fn get(&self, step: usize) -> Option<Datum> {
        let v = self.values[step];
        if is_present(v) {
            return Some(Datum::Float(v));
        }
        self.histogram(step).map(|histogram| Datum::Histogram(Arc::clone(histogram)))
    }

    /// Sets what there is at a step.
    pub fn set(&mut self, step: usize, datum: Option<Datum>) {
        let (v, histogram) = match datum {
            None => (ABSENT, None),
            Some(Datum::Float(v)) => (v, None),
            Some(Datum::Histogram(histogram)) => (ABSENT, Some(histogram)),
        };
        self.values[step] = v;
        if histogram.is_some() && self.histograms.is_empty() {
            self.histograms.resize(self.values.len(), None);
        }
        if let Some(place) = self.histograms.get_mut(step) {
            *place = histogram;
        }
    }

    /// Replaces each number that is there. Histograms go: a function of numbers has no value of them.
    pub fn map(&mut self, mut f: impl FnMut(f64) -> f64) {
        self.histograms.clear();
        for value in &mut self.values {
            if is_present(*value) {
                *value = f(*value);
            }
        }
    }

    /// Replaces each number that is there, with the step's number at hand. Histograms go.
    pub fn map_steps(&mut self, mut f: impl FnMut(usize, f64) -> f64) {
        self.histograms.clear();
        for (k, value) in self.values.iter_mut().enumerate() {
            if is_present(*value) {
                *value = f(k, *value);
            }
        }
    }
}

/// Joins columns with equal labels into one each, at the place of the first.
///
/// # Errors
///
/// When two of them have a value at the same step.
pub fn merge_same_labels(columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    if columns.len() < 2 {
        return Ok(columns);
    }
    let mut places: FxHashMap<(Labels, bool), usize> = FxHashMap::default();
    let mut merged: Vec<Column> = Vec::with_capacity(columns.len());
    for column in columns {
        let key = (column.labels.clone(), column.drop_name);
        match places.get(&key) {
            Some(&at) => add_values(&mut merged[at], &column)?,
            None => {
                places.insert(key, merged.len());
                merged.push(column);
            }
        }
    }
    Ok(merged)
}

fn add_values(into: &mut Column, from: &Column) -> Result<(), QueryError> {
    if into.has_histograms() || from.has_histograms() {
        for step in 0..from.values.len() {
            match from.get(step) {
                Some(_) if into.is_there(step) => return Err(QueryError::same_labelset()),
                Some(datum) => into.set(step, Some(datum)),
                None => {}
            }
        }
        return Ok(());
    }
    for (there, &here) in into.values.iter_mut().zip(&from.values) {
        if !is_present(here) {
            continue;
        }
        if is_present(*there) {
            return Err(QueryError::same_labelset());
        }
        *there = here;
    }
    Ok(())
}

/// Takes away the names that are to go, and joins what then has equal labels.
///
/// # Errors
///
/// When two series become one and have a value at the same step.
pub fn drop_names(mut columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
    for column in &mut columns {
        if column.drop_name {
            column.labels = without_metadata(&column.labels);
            column.drop_name = false;
        }
    }
    merge_same_labels(columns)
}
