//! One series of an intermediate result, with a value for every step.

use rustc_hash::FxHashMap;

use crate::model::{Label, Labels, METRIC_NAME, STALE_NAN, is_stale};

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

/// A series over the steps of a grid.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its labels, the name among them even when it is to go.
    pub labels: Labels,
    /// Whether the name goes at the end. Prometheus 3 delays it, so that `label_replace` and
    /// `by (__name__)` still see it.
    pub drop_name: bool,
    /// A value for each step, [`ABSENT`] where there is none.
    pub values: Vec<f64>,
}

impl Column {
    /// Whether there is a value at any step.
    pub fn is_empty(&self) -> bool {
        !self.values.iter().any(|&v| is_present(v))
    }

    /// Replaces each value that is there.
    pub fn map(&mut self, mut f: impl FnMut(f64) -> f64) {
        for value in &mut self.values {
            if is_present(*value) {
                *value = f(*value);
            }
        }
    }

    /// Replaces each value that is there, with the step's number at hand.
    pub fn map_steps(&mut self, mut f: impl FnMut(usize, f64) -> f64) {
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
            Some(&at) => add_values(&mut merged[at].values, &column.values)?,
            None => {
                places.insert(key, merged.len());
                merged.push(column);
            }
        }
    }
    Ok(merged)
}

fn add_values(into: &mut [f64], from: &[f64]) -> Result<(), QueryError> {
    for (there, &here) in into.iter_mut().zip(from) {
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
