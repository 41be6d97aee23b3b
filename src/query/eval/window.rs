//! Windows that slide over a series, and the newest sample at each step.

use crate::model::{Sample, is_stale};
use crate::query::{column::ABSENT, grid::Ends};

/// One window of a series.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The step's number.
    pub step: usize,
    /// The window's start, itself not in it, ms.
    pub start: i64,
    /// The window's end, in it, ms.
    pub end: i64,
    /// The index of the first sample in it.
    pub low: usize,
    /// The index after the last sample in it.
    pub high: usize,
}

impl Span {
    /// The samples in the window.
    pub fn of(self, samples: &[Sample]) -> &[Sample] {
        samples.get(self.low..self.high).unwrap_or_default()
    }
}

/// A value for each step from the window of `range` ms that ends there; `None` when no window has
/// any.
///
/// Cost: each sample is passed twice in all, once by either end of the window, and `f` once a step.
/// Windows that `@` fixes are computed once, unless `moves` says that the step's time counts too.
pub fn slide(
    samples: &[Sample],
    ends: &Ends,
    range: i64,
    moves: bool,
    mut f: impl FnMut(Span) -> Option<f64>,
) -> Option<Vec<f64>> {
    let (first, last) = ends.span();
    let mut low = samples.partition_point(|sample| sample.t <= first - range);
    let mut high = samples.partition_point(|sample| sample.t <= first);
    if ends.grid.count == 0 || samples.get(low).is_none_or(|sample| sample.t > last) {
        return None;
    }
    let once = ends.fixed.is_some() && !moves;
    let steps = if once { 1 } else { ends.grid.count };
    let mut values = Vec::with_capacity(ends.grid.count);
    for step in 0..steps {
        let end = ends.end(step);
        while samples.get(high).is_some_and(|sample| sample.t <= end) {
            high += 1;
        }
        while low < high && samples[low].t <= end - range {
            low += 1;
        }
        let span = Span { step, start: end - range, end, low, high };
        let value = if low < high { f(span) } else { None };
        values.push(value.unwrap_or(ABSENT));
    }
    if once {
        values.resize(ends.grid.count, values[0]);
    }
    values.iter().any(|&v| !is_stale(v)).then_some(values)
}

/// What `pick` makes of the newest sample at each step; `None` when there is none at any step.
///
/// A sample counts until it is `lookback` ms old, and ends at a staleness marker.
pub fn newest(
    samples: &[Sample],
    ends: &Ends,
    lookback: i64,
    pick: impl Fn(Sample) -> f64,
) -> Option<Vec<f64>> {
    slide(samples, ends, lookback, false, |span| {
        let newest = samples[span.high - 1];
        (!is_stale(newest.v)).then(|| pick(newest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::STALE_NAN;
    use crate::query::grid::Grid;

    #[track_caller]
    fn check(lookback: i64, expected: &[Option<f64>]) {
        let samples = [(0, 1.0), (10, 2.0), (20, STALE_NAN), (30, 3.0)];
        let samples = samples.map(|(t, v)| Sample::new(t, v));
        let grid = Grid::between(0, 60, 10);
        let ends = Ends { grid, fixed: None, offset: 0 };
        let values = newest(&samples, &ends, lookback, |sample| sample.v).unwrap();
        let values: Vec<Option<f64>> = values.into_iter().map(|v| (!is_stale(v)).then_some(v)).collect();
        assert_eq!(values, expected);
    }

    #[test]
    fn a_sample_counts_until_it_is_too_old_or_ended() {
        let (a, b, c) = (Some(1.0), Some(2.0), Some(3.0));
        check(20, &[a, b, None, c, c, None, None]);
        check(10, &[a, b, None, c, None, None, None]);
        check(1000, &[a, b, None, c, c, c, c]);
    }
}
