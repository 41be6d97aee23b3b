//! The smallest or largest value of windows that slide.

use std::collections::VecDeque;

use crate::model::Sample;
use crate::query::{eval::window::Span, functions::WindowFunction};

/// The candidates for the extreme of a window and of those after it.
///
/// A sample that a later one beats can never be the extreme again, so only those are kept that no
/// later one beats, best first. Each sample comes and goes once, however long the windows.
#[derive(Debug)]
pub struct Candidates {
    largest: bool,
    /// Best and oldest first; never NaN.
    kept: VecDeque<Sample>,
}

impl Candidates {
    /// For `max_over_time`, or else `min_over_time`.
    pub const fn new(function: WindowFunction) -> Self {
        Self { largest: matches!(function, WindowFunction::Max), kept: VecDeque::new() }
    }

    /// Takes the next sample.
    pub fn push(&mut self, sample: Sample) {
        if sample.v.is_nan() {
            return;
        }
        while self.kept.back().is_some_and(|last| self.beats(sample.v, last.v)) {
            self.kept.pop_back();
        }
        self.kept.push_back(sample);
    }

    /// Lets go what is not newer than `start`.
    pub fn slide(&mut self, start: i64) {
        while self.kept.front().is_some_and(|first| first.t <= start) {
            self.kept.pop_front();
        }
    }

    /// The extreme; NaN if there is none but NaN.
    pub fn best(&self) -> f64 {
        self.kept.front().map_or(f64::NAN, |best| best.v)
    }

    /// Bytes of memory beside the struct itself.
    pub fn bytes(&self) -> usize {
        self.kept.capacity() * size_of::<Sample>()
    }

    fn beats(&self, v: f64, other: f64) -> bool {
        if self.largest { v > other } else { v < other }
    }
}

/// The extremes of windows that slide over samples.
#[derive(Debug)]
pub struct Extreme<'a> {
    samples: &'a [Sample],
    candidates: Candidates,
    /// The first sample that no window has had yet.
    next: usize,
}

impl<'a> Extreme<'a> {
    /// For `min_over_time` or `max_over_time` of `samples`.
    pub const fn new(samples: &'a [Sample], function: WindowFunction) -> Self {
        Self { samples, candidates: Candidates::new(function), next: 0 }
    }

    /// The extreme of a window; NaN if all are. Neither end may lie before that of the window before.
    pub fn of(&mut self, span: Span) -> Option<f64> {
        let new = self.samples.get(self.next.max(span.low)..span.high).unwrap_or_default();
        new.iter().for_each(|&sample| self.candidates.push(sample));
        self.next = self.next.max(span.high);
        self.candidates.slide(span.start);
        (span.low < span.high).then(|| self.candidates.best())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: WindowFunction, values: &[f64], expected: &[f64]) {
        let samples: Vec<Sample> = (0..).zip(values).map(|(t, &v)| Sample::new(t, v)).collect();
        let start = |low: usize| i64::try_from(low).unwrap() - 1;
        let mut extreme = Extreme::new(&samples, function);
        let spans =
            (0..=values.len() - 3).map(|low| Span { step: 0, start: start(low), end: 0, low, high: low + 3 });
        let got: Vec<f64> = spans.filter_map(|span| extreme.of(span)).collect();
        let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
        assert!(got.len() == expected.len() && got.iter().zip(expected).all(same), "{got:?}");
    }

    #[test]
    fn windows_of_three() {
        let nan = f64::NAN;
        check(WindowFunction::Max, &[3.0, 1.0, 2.0, 0.0, 0.0, 5.0], &[3.0, 2.0, 2.0, 5.0]);
        check(WindowFunction::Min, &[3.0, 1.0, 2.0, 0.0, 0.0, 5.0], &[1.0, 0.0, 0.0, 0.0]);
        check(WindowFunction::Max, &[nan, nan, nan, 1.0, nan, nan, nan], &[nan, 1.0, 1.0, 1.0, nan]);
    }
}
