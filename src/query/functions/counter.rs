//! Rates and changes of counters and gauges.

use crate::model::Sample;

use super::WindowFunction;
use crate::query::eval::window::Span;

/// A series with the places where its counter starts again.
///
/// The places are found once for the series, so a window that slides by a step looks only at its
/// ends and at the resets in between.
#[derive(Debug)]
pub struct Counter<'a> {
    samples: &'a [Sample],
    /// Indices of samples that are below their predecessor.
    resets: Vec<usize>,
}

impl<'a> Counter<'a> {
    /// Looks for the resets in `samples`.
    pub fn new(samples: &'a [Sample]) -> Self {
        let falls = samples.windows(2).enumerate().filter(|(_, pair)| pair[1].v < pair[0].v);
        Self { samples, resets: falls.map(|(i, _)| i + 1).collect() }
    }

    /// The resets after `low` and before `high`: those with both samples in the window.
    fn resets_in(&self, low: usize, high: usize) -> &[usize] {
        let from = self.resets.partition_point(|&at| at <= low);
        let to = self.resets.partition_point(|&at| at < high);
        self.resets.get(from..to).unwrap_or_default()
    }

    /// `rate`, `increase` or `delta` of the window `samples[low..high]`, extrapolated to its ends as
    /// Prometheus does; `None` with fewer than two samples.
    pub fn extrapolated(&self, function: WindowFunction, span: Span) -> Option<f64> {
        let window = span.of(self.samples);
        let (first, last) = (window.first()?, window.last()?);
        if window.len() < 2 {
            return None;
        }
        let is_counter = function != WindowFunction::Delta;
        let mut rise = last.v - first.v;
        if is_counter {
            for &at in self.resets_in(span.low, span.high) {
                rise += self.samples[at - 1].v;
            }
        }
        let sampled = seconds(last.t - first.t);
        let between = sampled / count(window.len() - 1);
        let mut to_start = seconds(first.t - span.start);
        let mut to_end = seconds(span.end - last.t);
        // A gap of more than 1.1 intervals is the series' end, not a late sample.
        let threshold = between * 1.1;
        if to_start >= threshold {
            to_start = between / 2.0;
        }
        if is_counter && rise > 0.0 && first.v >= 0.0 {
            // A counter was not below zero: go back no further than to where it was zero.
            to_start = to_start.min(sampled * (first.v / rise));
        }
        if to_end >= threshold {
            to_end = between / 2.0;
        }
        let mut factor = (sampled + to_start + to_end) / sampled;
        if function == WindowFunction::Rate {
            factor /= seconds(span.end - span.start);
        }
        Some(rise * factor)
    }

    /// How often the window falls.
    pub fn resets(&self, span: Span) -> Option<f64> {
        (span.low < span.high).then(|| count(self.resets_in(span.low, span.high).len()))
    }
}

/// `irate` or `idelta`: the last two samples of a window.
pub fn instant(window: &[Sample], is_rate: bool) -> Option<f64> {
    let [.., before, last] = window else {
        return None;
    };
    if !is_rate {
        return Some(last.v - before.v);
    }
    // After a reset the counter has grown from zero.
    let rise = if last.v < before.v { last.v } else { last.v - before.v };
    Some(rise / seconds(last.t - before.t))
}

/// How often the value of a window becomes another.
pub fn changes(window: &[Sample]) -> Option<f64> {
    let differ = |pair: &&[Sample]| pair[0].v != pair[1].v && !(pair[0].v.is_nan() && pair[1].v.is_nan());
    (!window.is_empty()).then(|| count(window.windows(2).filter(differ).count()))
}

#[expect(clippy::cast_precision_loss, reason = "spans of centuries in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}
