//! Whether a value is the expected one.

use crate::model::{AnySample, Histogram, HistogramSample, Labels, Sample, SelectedSeries, is_stale};
use crate::query::{
    Value,
    shorthand::{self, Item},
};

use super::script::Eval;

/// Upstream's tolerance, relative.
const TOLERANCE: f64 = 1e-6;

/// The step at `at` of a matrix, as a vector.
pub(super) fn at(value: &Value, at: i64) -> Value {
    let Value::Matrix(series) = value else {
        return value.clone();
    };
    let samples = series.iter().filter_map(|one| {
        let float = one.samples.iter().find(|sample| sample.t == at).copied().map(AnySample::Float);
        let histogram = one.histograms.iter().find(|sample| sample.t == at).cloned();
        Some((one.labels.clone(), float.or(histogram.map(AnySample::Histogram))?))
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
        (Value::Vector(found), Some(v)) => {
            let steps = vec![(start, Item::Float(v))];
            compare(&as_series(found), &[Expected { labels: Labels::empty(), steps }], false)
        }
        (Value::Vector(found), None) => {
            compare(&as_series(found), &expected(eval, start, step)?, eval.ordered)
        }
        (Value::Matrix(found), _) => compare(found, &expected(eval, start, step)?, false),
        (Value::String(text), _) => Err(format!("unexpected string {text:?}")),
    }
}

fn as_series(found: &[(Labels, AnySample)]) -> Vec<SelectedSeries> {
    let series = |(labels, sample): &(Labels, AnySample)| {
        let mut one = SelectedSeries::new(labels.clone(), Vec::new());
        match sample {
            AnySample::Float(sample) => one.samples.push(*sample),
            AnySample::Histogram(sample) => one.histograms.push(sample.clone()),
        }
        one
    };
    found.iter().map(series).collect()
}

/// A series that is expected: what it has at its times, gaps left out.
struct Expected {
    labels: Labels,
    steps: Vec<(i64, Item)>,
}

fn expected(eval: &Eval, start: i64, step: i64) -> Result<Vec<Expected>, String> {
    let series = eval.lines.iter().map(|line| {
        let described = shorthand::parse(line).ok_or_else(|| format!("not a series: {line}"))?;
        let steps = (0..).map(|i| start + i * step).zip(described.values);
        let steps = steps.filter(|(_, item)| !matches!(item, Item::Gap)).collect();
        Ok(Expected { labels: described.labels, steps })
    });
    series.collect()
}

fn compare(found: &[SelectedSeries], expected: &[Expected], ordered: bool) -> Result<(), String> {
    let expected: Vec<&Expected> = expected.iter().filter(|one| !one.steps.is_empty()).collect();
    if found.len() != expected.len() {
        return Err(format!("{} series, expected {}: {found:?}", found.len(), expected.len()));
    }
    for (i, one) in expected.iter().enumerate() {
        let labels = &one.labels;
        let Some(at) = found.iter().position(|known| known.labels == *labels) else {
            return Err(format!("{labels} is missing: {found:?}"));
        };
        if ordered && at != i {
            return Err(format!("{labels} is at {at}, expected at {i}"));
        }
        compare_steps(&found[at], &one.steps).map_err(|why| format!("{labels}: {why}"))?;
    }
    Ok(())
}

fn compare_steps(found: &SelectedSeries, steps: &[(i64, Item)]) -> Result<(), String> {
    let (mut floats, mut histograms) = (found.samples.iter(), found.histograms.iter());
    for (t, item) in steps {
        let same = match item {
            Item::Float(v) => {
                floats.next().is_some_and(|Sample { t: at, v: got }| at == t && almost(*got, *v))
            }
            Item::Histogram { histogram, has_hint } => {
                histograms.next().is_some_and(|HistogramSample { t: at, histogram: got }| {
                    at == t && almost_histogram(got, histogram, *has_hint)
                })
            }
            Item::Gap => true,
        };
        if !same {
            return Err(format!("at {t} expected {item:?}, got {found:?}"));
        }
    }
    if floats.len() + histograms.len() > 0 { Err(format!("more than expected: {found:?}")) } else { Ok(()) }
}

/// Two histograms with counts that are almost equal, empty buckets or not.
fn almost_histogram(a: &Histogram, b: &Histogram, compare_hints: bool) -> bool {
    let (mut a, mut b) = (a.clone(), b.clone());
    a.compact();
    b.compact();
    let buckets = |a: &[(i32, f64)], b: &[(i32, f64)]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && almost(a.1, b.1))
    };
    a.layout == b.layout
        && almost(a.count, b.count)
        && almost(a.sum, b.sum)
        && almost(a.zero, b.zero)
        && buckets(&a.positive, &b.positive)
        && buckets(&a.negative, &b.negative)
        && (!compare_hints || a.hint == b.hint)
}

/// Equal within the tolerance, as upstream's `almost.Equal`.
fn almost(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
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
