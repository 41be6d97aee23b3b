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

    /// `rate`, `increase` or `delta` of the window `samples[low..high]`; `None` with fewer than two samples.
    pub fn extrapolated(&self, function: WindowFunction, span: Span) -> Option<f64> {
        let window = span.of(self.samples);
        let ends = Ends { first: *window.first()?, last: *window.last()?, count: window.len() };
        let falls = self.resets_in(span.low, span.high).iter().map(|&at| self.samples[at - 1].v);
        extrapolated(function, (span.start, span.end), ends, falls)
    }

    /// How often the window falls.
    pub fn resets(&self, span: Span) -> Option<f64> {
        (span.low < span.high).then(|| count(self.resets_in(span.low, span.high).len()))
    }
}

/// The first and the last sample of a window, and how many there are.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The first.
    pub first: Sample,
    /// The last.
    pub last: Sample,
    /// All of them, these two among them.
    pub count: usize,
}

/// `rate`, `increase` or `delta` of a window from `start` to `end`; `None` with fewer than two samples.
///
/// The rise is extrapolated to the window's ends as Prometheus does. `falls` are the values before each reset, oldest first.
pub fn extrapolated(
    function: WindowFunction,
    (start, end): (i64, i64),
    Ends { first, last, count }: Ends,
    falls: impl Iterator<Item = f64>,
) -> Option<f64> {
    if count < 2 {
        return None;
    }
    let is_counter = function != WindowFunction::Delta;
    let mut rise = last.v - first.v;
    if is_counter {
        falls.for_each(|before| rise += before);
    }
    let since_zero = (is_counter && rise > 0.0 && first.v >= 0.0).then(|| first.v / rise);
    let window = Window { start, end, first: first.t, last: last.t };
    let factor = window.extrapolation(count - 1, since_zero);
    let over = if function == WindowFunction::Rate { window.seconds() } else { 1.0 };
    Some(rise * (factor / over))
}

/// A window's ends and the times of its first and last sample, ms.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The window's start.
    pub start: i64,
    /// The window's end.
    pub end: i64,
    /// The first sample's time.
    pub first: i64,
    /// The last sample's time.
    pub last: i64,
}

impl Window {
    /// The factor by which the rise between the first and the last sample grows towards the ends of the
    /// window. `gaps` are those between samples, at least one; `since_zero` says how long before the
    /// first sample a counter was zero, as a part of the time from the first to the last.
    pub fn extrapolation(&self, gaps: usize, since_zero: Option<f64>) -> f64 {
        let sampled = seconds(self.last - self.first);
        let between = sampled / count(gaps);
        let mut to_start = seconds(self.first - self.start);
        let mut to_end = seconds(self.end - self.last);
        // A gap of more than 1.1 intervals is the series' end, not a late sample.
        let threshold = between * 1.1;
        if to_start >= threshold {
            to_start = between / 2.0;
        }
        if let Some(part) = since_zero {
            // A counter was not below zero: go back no further than to where it was zero.
            to_start = to_start.min(sampled * part);
        }
        if to_end >= threshold {
            to_end = between / 2.0;
        }
        (sampled + to_start + to_end) / sampled
    }

    /// How long the window is.
    pub fn seconds(&self) -> f64 {
        seconds(self.end - self.start)
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
