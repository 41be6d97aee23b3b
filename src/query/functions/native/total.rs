//! Sums and means of native histograms.

use crate::model::{
    CounterReset, Histogram, Kahan,
    histogram::{HistogramOf, Incompatible, Reconciled},
};

/// What is computed of histograms that come one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Their sum.
    Sum,
    /// Their mean: of the sum, or, when that overflows, a running one.
    Mean,
}

/// A sum or mean that is not finished, compensated.
#[derive(Debug, Clone)]
pub struct Total {
    statistic: Statistic,
    sums: HistogramOf<Kahan>,
    count: f64,
    running: bool,
    resets: [bool; 2],
}

impl Total {
    /// Starts with `first`.
    pub fn new(statistic: Statistic, first: &Histogram) -> Self {
        let mut total =
            Self { statistic, sums: first.to_sums(), count: 1.0, running: false, resets: [false; 2] };
        total.note_reset(first);
        total
    }

    fn note_reset(&mut self, histogram: &Histogram) {
        self.resets[0] |= histogram.hint == CounterReset::Reset;
        self.resets[1] |= histogram.hint == CounterReset::NotReset;
    }

    /// Whether of the histograms one says that its counter started again and one that it did not.
    pub const fn hints_conflict(&self) -> bool {
        self.resets[0] && self.resets[1]
    }

    /// Adds another.
    ///
    /// # Errors
    ///
    /// When its buckets are not of the same kind; then there is no value.
    pub fn add(&mut self, histogram: &Histogram) -> Result<Reconciled, Incompatible> {
        self.note_reset(histogram);
        self.count += 1.0;
        if self.statistic == Statistic::Sum {
            return self.sums.add(histogram);
        }
        if !self.running {
            let mut next = self.sums.clone();
            let done = next.add(histogram)?;
            if !next.overflows() {
                self.sums = next;
                return Ok(done);
            }
            self.running = true;
            self.sums.divide(self.count - 1.0);
        }
        self.sums.scale((self.count - 1.0) / self.count);
        let mut part = histogram.clone();
        part.divide(self.count);
        self.sums.add(&part)
    }

    /// The sum or mean.
    pub fn finish(mut self) -> Histogram {
        if self.statistic == Statistic::Mean && !self.running {
            self.sums.divide(self.count);
        }
        self.sums.to_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Layout;

    fn histogram(count: f64) -> Histogram {
        let layout = Layout::Exponential { schema: 0, zero_threshold: 0.0 };
        Histogram { count, sum: count, positive: vec![(1, count)], ..Histogram::empty(layout) }
    }

    #[track_caller]
    fn check(statistic: Statistic, counts: &[f64], expected: f64) {
        let mut total = Total::new(statistic, &histogram(counts[0]));
        for &count in &counts[1..] {
            total.add(&histogram(count)).unwrap();
        }
        assert!(total.finish().same(&histogram(expected)));
    }

    #[test]
    fn small_counts_are_not_lost_and_means_do_not_overflow() {
        check(Statistic::Sum, &[1e100, 1.0, -1e100], 1.0);
        check(Statistic::Mean, &[1e100, 3.0, -1e100], 1.0);
        check(Statistic::Mean, &[1e308, 1e308, 1e308, 1e308], 1e308);
    }
}
