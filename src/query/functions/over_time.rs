//! Statistics of a window.

use crate::model::Sample;
use crate::query::{
    eval::window::Span,
    exact::Exact,
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
        WindowFunction::Sum => sum(window),
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

/// A sum to which samples come and from which they go: exact, but for those that [`Exact`] does not take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Running {
    sum: Exact,
    /// How many are not in the sum.
    others: usize,
}

impl Running {
    /// Adds a value.
    pub fn add(&mut self, v: f64) {
        if Exact::takes(v) {
            self.sum.add(v);
        } else {
            self.others += 1;
        }
    }

    /// Takes a value away that was added.
    pub fn remove(&mut self, v: f64) {
        if Exact::takes(v) {
            self.sum.remove(v);
        } else {
            self.others -= 1;
        }
    }

    /// The sum, or the mean of `n` values if `function` is that of the mean; `None` where only a pass over all values
    /// tells.
    pub fn value(&self, function: WindowFunction, n: usize) -> Option<f64> {
        match (self.others, function) {
            (1.., _) => None,
            (0, WindowFunction::Avg) => Some(self.sum.mean(count(n))),
            (0, _) => Some(self.sum.value()),
        }
    }
}

/// The sum or mean of a window that slides over samples, each of which is added and taken away once.
#[derive(Debug)]
pub struct Sums<'s> {
    samples: &'s [Sample],
    function: WindowFunction,
    /// Of the samples from `low` to before `high`.
    sum: Running,
    low: usize,
    high: usize,
}

impl<'s> Sums<'s> {
    /// Sums, or means if `function` is that of the mean.
    pub fn new(samples: &'s [Sample], function: WindowFunction) -> Self {
        Self { samples, function, sum: Running::default(), low: 0, high: 0 }
    }

    /// The value of the next window; none has an end before the one asked for last.
    pub fn of(&mut self, span: Span) -> Option<f64> {
        if self.high <= span.low {
            *self = Self { low: span.low, high: span.low, ..Self::new(self.samples, self.function) };
        }
        self.samples[self.high..span.high].iter().for_each(|sample| self.sum.add(sample.v));
        self.samples[self.low..span.low].iter().for_each(|sample| self.sum.remove(sample.v));
        (self.low, self.high) = (span.low, span.high);
        let window = span.of(self.samples);
        self.sum.value(self.function, window.len()).or_else(|| statistic(self.function, window))
    }
}

/// The exact sum of a window if there is one.
fn exact(window: &[Sample]) -> Option<Exact> {
    let mut sum = Exact::default();
    for sample in window {
        if !Exact::takes(sample.v) {
            return None;
        }
        sum.add(sample.v);
    }
    Some(sum)
}

fn sum(window: &[Sample]) -> f64 {
    exact(window).map_or_else(
        || {
            let mut sum = Kahan::default();
            window.iter().for_each(|sample| sum.add(sample.v));
            sum.value()
        },
        Exact::value,
    )
}

fn mean(window: &[Sample]) -> f64 {
    if let Some(sum) = exact(window) {
        return sum.mean(count(window.len()));
    }
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
