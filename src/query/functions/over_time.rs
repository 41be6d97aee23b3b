//! Statistics of a window.

use crate::model::Sample;
use crate::query::{
    functions::WindowFunction,
    kahan::{Kahan, Mean},
};

use super::quantile::quantile;

/// The statistic of a window; `None` when it has no sample. `min_over_time` and `max_over_time` are
/// in [`extreme`](super::extreme).
pub fn statistic(function: WindowFunction, window: &[Sample]) -> Option<f64> {
    let (first, last) = (window.first()?, window.last()?);
    Some(match function {
        WindowFunction::Avg => mean(window),
        WindowFunction::Sum => {
            let mut sum = Kahan::default();
            window.iter().for_each(|sample| sum.add(sample.v));
            sum.value()
        }
        WindowFunction::TsOfMin => seconds(extreme(window, |v, best| v <= best).t),
        WindowFunction::TsOfMax => seconds(extreme(window, |v, best| v >= best).t),
        WindowFunction::Count => count(window.len()),
        WindowFunction::First => first.v,
        WindowFunction::Last => last.v,
        WindowFunction::TsOfFirst => seconds(first.t),
        WindowFunction::TsOfLast => seconds(last.t),
        WindowFunction::Stddev => variance(window).sqrt(),
        WindowFunction::Stdvar => variance(window),
        WindowFunction::Mad => median_deviation(window),
        _ => 1.0,
    })
}

/// The `q`-quantile of a window; `None` when it has no sample. `scratch` saves allocations.
pub fn quantile_of(q: f64, window: &[Sample], scratch: &mut Vec<f64>) -> Option<f64> {
    if window.is_empty() {
        return None;
    }
    scratch.clear();
    scratch.extend(window.iter().map(|sample| sample.v));
    Some(quantile(q, scratch))
}

fn mean(window: &[Sample]) -> f64 {
    let mut sum = Kahan::default();
    window.iter().for_each(|sample| sum.add(sample.v));
    if sum.sum.is_finite() {
        let n = count(window.len());
        return sum.sum / n + sum.lost / n;
    }
    // It overflowed, or a value is not finite.
    let mut mean = Mean::default();
    window.iter().for_each(|sample| mean.add(sample.v));
    mean.value()
}

/// The sample whose value is better than all before it; anything is better than NaN.
fn extreme(window: &[Sample], better: impl Fn(f64, f64) -> bool) -> Sample {
    let first = window.first().copied().unwrap_or(Sample::new(0, f64::NAN));
    window.iter().skip(1).fold(
        first,
        |best, &sample| {
            if better(sample.v, best.v) || best.v.is_nan() { sample } else { best }
        },
    )
}

/// The variance by Welford's method with compensated sums.
fn variance(window: &[Sample]) -> f64 {
    let mut mean = Kahan::default();
    let mut squares = Kahan::default();
    let mut n = 0.0;
    for sample in window {
        n += 1.0;
        let delta = sample.v - (mean.sum + mean.lost);
        mean.add(delta / n);
        squares.add(delta * (sample.v - (mean.sum + mean.lost)));
    }
    (squares.sum + squares.lost) / n
}

/// The median distance from the median; NaN if any value is.
fn median_deviation(window: &[Sample]) -> f64 {
    if window.iter().any(|sample| sample.v.is_nan()) {
        return f64::NAN;
    }
    let mut values: Vec<f64> = window.iter().map(|sample| sample.v).collect();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    quantile(0.5, &mut values)
}

#[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: WindowFunction, values: &[f64], expected: f64) {
        let window: Vec<Sample> = (0..).zip(values).map(|(t, &v)| Sample::new(t, v)).collect();
        let got = statistic(function, &window).unwrap();
        assert!((got - expected).abs() < 1e-12, "{function:?} is {got}");
    }

    #[test]
    fn statistics() {
        check(WindowFunction::Avg, &[1.0, 2.0, 6.0], 3.0);
        check(WindowFunction::TsOfMin, &[f64::NAN, 2.0, 1.0], 0.002);
        check(WindowFunction::TsOfMax, &[f64::NAN, 2.0, 1.0], 0.001);
        check(WindowFunction::Stdvar, &[0.0, 8.0, 8.0, 2.0, 3.0], 10.56);
        check(WindowFunction::Mad, &[4.0, 6.0, 2.0, 1.0, 999.0, 1.0, 2.0], 1.0);
        check(WindowFunction::Present, &[7.0], 1.0);
        assert_eq!(statistic(WindowFunction::Sum, &[]), None);
    }
}
