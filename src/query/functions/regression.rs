//! Straight lines through a window, and smoothing.

use crate::model::Sample;
use crate::query::kahan::Kahan;

/// A line by least squares.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Rise per second.
    pub slope: f64,
    /// The value at the time that the line was asked for.
    pub intercept: f64,
}

impl Line {
    /// The line through a window's samples, with its intercept at `at` ms; `None` with fewer than two.
    #[expect(clippy::cast_precision_loss, reason = "counts and spans are below 2^53")]
    pub fn through(window: &[Sample], at: i64) -> Option<Self> {
        let first = window.first()?;
        if window.len() < 2 {
            return None;
        }
        if window.iter().all(|sample| sample.v == first.v) {
            // A constant has no rounding errors; infinity has no line.
            let finite = if first.v.is_infinite() { f64::NAN } else { 0.0 };
            return Some(Self { slope: finite, intercept: first.v + finite });
        }
        let [mut x, mut y, mut xy, mut xx] = [Kahan::default(); 4];
        for sample in window {
            let seconds = (sample.t - at) as f64 / 1000.0;
            x.add(seconds);
            y.add(sample.v);
            xy.add(seconds * sample.v);
            xx.add(seconds * seconds);
        }
        let n = window.len() as f64;
        let total = |sum: Kahan| sum.sum + sum.lost;
        let covariance = total(xy) - total(x) * total(y) / n;
        let variance = total(xx) - total(x) * total(x) / n;
        let slope = covariance / variance;
        Some(Self { slope, intercept: total(y) / n - slope * total(x) / n })
    }
}

/// Holt's smoothing with trend of a window; `None` with fewer than two samples.
pub fn double_exponential(window: &[Sample], smoothing: f64, trend: f64) -> Option<f64> {
    let [first, second, ..] = window else {
        return None;
    };
    let (mut before, mut level) = (first.v, first.v);
    let mut slope = second.v - first.v;
    for (i, sample) in window.iter().enumerate().skip(1) {
        // The first slope is the one between the first two; from then on it follows the level.
        if i > 1 {
            slope = trend * (level - before) + (1.0 - trend) * slope;
        }
        before = level;
        level = smoothing * sample.v + (1.0 - smoothing) * (level + slope);
    }
    Some(level)
}
