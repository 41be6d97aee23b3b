//! The smallest or largest value of windows that slide.

use std::collections::VecDeque;

use crate::model::Sample;
use crate::query::{eval::window::Span, functions::WindowFunction};

/// The candidates for the extreme of a window and of those after it.
///
/// A sample that a later one beats can never be the extreme again, so only those are kept that no
/// later one beats, best first. Each sample comes and goes once, however long the windows.
#[derive(Debug)]
pub struct Extreme<'a> {
    samples: &'a [Sample],
    largest: bool,
    /// Indices of candidates, best and oldest first; never of NaN.
    candidates: VecDeque<usize>,
    /// The first sample that no window has had yet.
    next: usize,
}

impl<'a> Extreme<'a> {
    /// For `min_over_time` or `max_over_time` of `samples`.
    pub fn new(samples: &'a [Sample], function: WindowFunction) -> Self {
        let largest = function == WindowFunction::Max;
        Self { samples, largest, candidates: VecDeque::new(), next: 0 }
    }

    /// The extreme of a window; NaN if all are. Neither end may lie before that of the window before.
    pub fn of(&mut self, span: Span) -> Option<f64> {
        self.next = self.next.max(span.low);
        for at in self.next..span.high {
            let v = self.samples.get(at)?.v;
            if v.is_nan() {
                continue;
            }
            while self.candidates.back().is_some_and(|&last| self.beats(v, self.samples[last].v)) {
                self.candidates.pop_back();
            }
            self.candidates.push_back(at);
        }
        self.next = self.next.max(span.high);
        while self.candidates.front().is_some_and(|&first| first < span.low) {
            self.candidates.pop_front();
        }
        let best = self.candidates.front().map_or(f64::NAN, |&at| self.samples[at].v);
        (span.low < span.high).then_some(best)
    }

    fn beats(&self, v: f64, other: f64) -> bool {
        if self.largest { v > other } else { v < other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: WindowFunction, values: &[f64], expected: &[f64]) {
        let samples: Vec<Sample> = (0..).zip(values).map(|(t, &v)| Sample::new(t, v)).collect();
        let mut extreme = Extreme::new(&samples, function);
        let spans = (0..=values.len() - 3).map(|low| Span { step: 0, start: 0, end: 0, low, high: low + 3 });
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
