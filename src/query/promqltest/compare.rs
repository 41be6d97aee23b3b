//! Whether a value is the expected one.

use crate::model::{Labels, Sample, SelectedSeries};
use crate::query::{Value, shorthand};

use super::script::Eval;

/// Upstream's tolerance, relative.
const TOLERANCE: f64 = 1e-6;

/// The step at `at` of a matrix, as a vector.
pub(super) fn at(value: &Value, at: i64) -> Value {
    let Value::Matrix(series) = value else {
        return value.clone();
    };
    let samples = series.iter().filter_map(|one| {
        let sample = one.samples.iter().find(|sample| sample.t == at)?;
        Some((one.labels.clone(), *sample))
    });
    Value::Vector(samples.collect())
}

/// Compares a value with what the test expects.
pub(super) fn check(eval: &Eval, value: &Value) -> Result<(), String> {
    if let Some(expected) = &eval.string {
        return match value {
            Value::String(text) if **text == **expected => Ok(()),
            other => Err(format!("expected the string {expected:?}, got {other:?}")),
        };
    }
    let (start, step) = eval.range_vector.unwrap_or((eval.start, eval.step));
    let scalar = eval.lines.first().and_then(|line| line.trim().parse::<f64>().ok());
    match (value, scalar) {
        (Value::Scalar(sample), Some(expected)) if almost(sample.v, expected) => Ok(()),
        (Value::Scalar(sample), _) => Err(format!("got {}, expected {:?}", sample.v, eval.lines)),
        (Value::Vector(found), Some(expected)) => {
            let series = [(Labels::empty(), vec![Sample::new(start, expected)])];
            compare(&as_series(found), &series, false)
        }
        (Value::Vector(found), None) => {
            compare(&as_series(found), &expected(eval, start, step)?, eval.ordered)
        }
        (Value::Matrix(found), _) => {
            let found: Vec<_> = found.iter().map(|one| (one.labels.clone(), one.samples.clone())).collect();
            compare(&found, &expected(eval, start, step)?, false)
        }
        (Value::String(text), _) => Err(format!("unexpected string {text:?}")),
    }
}

fn as_series(found: &[(Labels, Sample)]) -> Vec<(Labels, Vec<Sample>)> {
    found.iter().map(|(labels, sample)| (labels.clone(), vec![*sample])).collect()
}

type Series = (Labels, Vec<Sample>);

fn expected(eval: &Eval, start: i64, step: i64) -> Result<Vec<Series>, String> {
    let series = eval.lines.iter().map(|line| {
        let described = shorthand::parse(line).ok_or_else(|| format!("not a series: {line}"))?;
        let samples = described
            .values
            .iter()
            .zip(0i64..)
            .filter_map(|(v, i)| v.map(|v| Sample::new(start + i * step, v)));
        Ok(SelectedSeries { labels: described.labels, samples: samples.collect() })
    });
    let series: Result<Vec<SelectedSeries>, String> = series.collect();
    Ok(series?.into_iter().map(|one| (one.labels, one.samples)).collect())
}

fn compare(found: &[Series], expected: &[Series], ordered: bool) -> Result<(), String> {
    let expected: Vec<&Series> = expected.iter().filter(|(_, samples)| !samples.is_empty()).collect();
    if found.len() != expected.len() {
        return Err(format!("{} series, expected {}: {found:?}", found.len(), expected.len()));
    }
    for (i, (labels, samples)) in expected.iter().enumerate() {
        let Some(at) = found.iter().position(|(known, _)| known == labels) else {
            return Err(format!("{labels} is missing: {found:?}"));
        };
        if ordered && at != i {
            return Err(format!("{labels} is at {at}, expected at {i}"));
        }
        let same = |(a, b): (&Sample, &Sample)| a.t == b.t && almost(a.v, b.v);
        let got = &found[at].1;
        if got.len() != samples.len() || !got.iter().zip(samples).all(same) {
            return Err(format!("{labels} is {got:?}, expected {samples:?}"));
        }
    }
    Ok(())
}

/// Equal within the tolerance, as upstream's `almost.Equal`.
fn almost(a: f64, b: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a == b {
        return true;
    }
    let difference = (a - b).abs();
    let size = a.abs() + b.abs();
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < TOLERANCE
}
