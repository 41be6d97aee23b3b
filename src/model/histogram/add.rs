//! Histograms plus and minus histograms.

use std::sync::Arc;

use super::{
    Count, CounterReset, Histogram, HistogramOf, Layout,
    bounds::{merge, reduced, upper},
};

/// One histogram has exponential buckets and the other custom bounds: they have no sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("histograms with exponential and custom buckets")]
pub struct Incompatible;

/// What had to be done so that two histograms could be added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// One says that its counter started again and the other that it did not.
    pub hints_conflict: bool,
    /// Their custom bounds differ, and only those that both have are left.
    pub bounds_differ: bool,
}

impl<C: Count> HistogramOf<C> {
    /// Adds `other`.
    ///
    /// The result has the coarser of the two schemas and the larger zero bucket, or the custom bounds
    /// that both have.
    ///
    /// # Errors
    ///
    /// When one has custom bounds and the other not; then nothing is added.
    pub fn add(&mut self, other: &Histogram) -> Result<Reconciled, Incompatible> {
        self.combine(other, 1.0)
    }

    /// Subtracts `other`, the same way.
    ///
    /// # Errors
    ///
    /// As [`HistogramOf::add`].
    pub fn subtract(&mut self, other: &Histogram) -> Result<Reconciled, Incompatible> {
        self.combine(other, -1.0)
    }

    fn combine(&mut self, other: &Histogram, sign: f64) -> Result<Reconciled, Incompatible> {
        let bounds_differ = match (&self.layout, &other.layout) {
            (Layout::Exponential { .. }, Layout::Exponential { .. }) => {
                self.combine_exponential(other, sign);
                false
            }
            (Layout::Custom { bounds }, Layout::Custom { bounds: others }) if bounds == others => {
                merge(&mut self.positive, signed(&other.positive, sign));
                false
            }
            (Layout::Custom { bounds }, Layout::Custom { bounds: others }) => {
                let common: Arc<[f64]> =
                    bounds.iter().copied().filter(|bound| others.contains(bound)).collect();
                let mut positive = onto(self.positive.iter().copied(), bounds, &common);
                let others = onto(signed(&other.positive, sign), others, &common);
                merge(&mut positive, others.into_iter());
                positive.retain(|(_, count)| !count.is_zero());
                self.positive = positive;
                self.layout = Layout::Custom { bounds: common };
                true
            }
            (Layout::Exponential { .. }, Layout::Custom { .. })
            | (Layout::Custom { .. }, Layout::Exponential { .. }) => return Err(Incompatible),
        };
        self.count.add(C::new(sign * other.count));
        self.sum.add(C::new(sign * other.sum));
        Ok(Reconciled { hints_conflict: self.combine_hints(other.hint), bounds_differ })
    }

    fn combine_exponential(&mut self, other: &Histogram, sign: f64) {
        let mut others_zero: C = self.widen_zero(other);
        others_zero.scale(sign);
        self.zero.add(others_zero);
        let (mine, others) = (self.layout.schema(), other.layout.schema());
        self.reduce_to(others);
        let by = if mine < others { u32::from(mine.abs_diff(others)) } else { 0 };
        let (layout, threshold) = (&self.layout, self.layout.zero_threshold());
        // What is within the zero bucket is in its count already.
        let outside = |(index, _): &(i32, C)| upper(layout, i64::from(*index)) > threshold;
        for (into, from) in [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)] {
            merge(into, reduced(signed::<C>(from, sign), by).into_iter().filter(outside));
        }
    }

    /// Puts the buckets together for a coarser schema; of a finer one, or of custom bounds, it keeps its own.
    pub fn reduce_to(&mut self, schema: i8) {
        let mine = self.layout.schema();
        if !self.layout.is_custom() && schema < mine {
            self.coarsen(u32::from(mine.abs_diff(schema)), schema);
        }
    }

    /// Puts the buckets together for a coarser `schema`, by so much.
    fn coarsen(&mut self, by: u32, schema: i8) {
        self.positive = reduced(self.positive.drain(..), by);
        self.negative = reduced(self.negative.drain(..), by);
        self.layout = Layout::Exponential { schema, zero_threshold: self.layout.zero_threshold() };
    }

    /// Makes the zero bucket large enough for that of `other` too, so that its threshold is within no
    /// populated bucket of either. Gives what the other's zero bucket then has.
    fn widen_zero(&mut self, other: &Histogram) -> C {
        let mut count = C::new(other.zero);
        let mut threshold = other.layout.zero_threshold();
        // Each turn moves a threshold up to a bound of a bucket, of which there are so many.
        while threshold != self.layout.zero_threshold() {
            if self.layout.zero_threshold() > threshold {
                (count, threshold) = other.to_sums::<C>().zero_within(self.layout.zero_threshold());
            }
            if threshold > self.layout.zero_threshold() {
                let (zero, zero_threshold) = self.zero_within(threshold);
                self.zero = zero;
                self.layout = Layout::Exponential { schema: self.layout.schema(), zero_threshold };
                self.drop_within_zero();
            }
        }
        count
    }

    fn drop_within_zero(&mut self) {
        let (layout, threshold) = (&self.layout, self.layout.zero_threshold());
        let outside =
            |(index, count): &(i32, C)| upper(layout, i64::from(*index) - 1) >= threshold && !count.is_zero();
        self.positive.retain(outside);
        self.negative.retain(outside);
    }

    /// What the zero bucket would have if it reached to `threshold`, which is no smaller than now. If
    /// that is within a populated bucket, to the end of that one, which comes with it.
    pub fn zero_within(&self, threshold: f64) -> (C, f64) {
        let mut threshold = threshold;
        if threshold == self.layout.zero_threshold() {
            return (self.zero, threshold);
        }
        loop {
            let mut count = self.zero;
            let mut reached = threshold;
            for buckets in [&self.positive, &self.negative] {
                for &(index, more) in buckets {
                    if upper(&self.layout, i64::from(index) - 1) >= reached {
                        break;
                    }
                    count.add(more);
                    if !more.is_zero() {
                        reached = reached.max(upper(&self.layout, i64::from(index)));
                    }
                }
            }
            if reached == threshold {
                return (count, threshold);
            }
            // The further reach may take in more of the other side.
            threshold = reached;
        }
    }

    /// What is known of resets of a sum; `true` when one says yes and the other no.
    fn combine_hints(&mut self, other: CounterReset) -> bool {
        let (hint, conflict) = match (self.hint, other) {
            (a, b) if a == b => (a, false),
            (CounterReset::Gauge, _) | (_, CounterReset::Gauge) => (CounterReset::Gauge, false),
            (CounterReset::Unknown, _) | (_, CounterReset::Unknown) => (CounterReset::Unknown, false),
            _ => (CounterReset::Unknown, true),
        };
        self.hint = hint;
        conflict
    }
}

/// The counts, to be added or subtracted.
fn signed<C: Count>(buckets: &[(i32, f64)], sign: f64) -> impl Iterator<Item = (i32, C)> {
    buckets.iter().map(move |&(index, count)| (index, C::new(sign * count)))
}

/// Buckets by custom bounds, put together for fewer bounds.
fn onto<C: Count>(buckets: impl Iterator<Item = (i32, C)>, bounds: &[f64], fewer: &[f64]) -> Vec<(i32, C)> {
    let mut found: Vec<(i32, C)> = Vec::new();
    for (index, count) in buckets {
        let bound = usize::try_from(index).ok().and_then(|index| bounds.get(index));
        let at = bound.map_or(fewer.len(), |bound| fewer.partition_point(|known| known < bound));
        // No more than there are bounds, whose indices fit.
        let at = i32::try_from(at).unwrap_or(i32::MAX);
        match found.last_mut() {
            Some((last, sum)) if *last == at => sum.add(count),
            _ => found.push((at, count)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kahan;

    fn exponential(schema: i8, zero_threshold: f64, zero: f64, positive: &[(i32, f64)]) -> Histogram {
        let layout = Layout::Exponential { schema, zero_threshold };
        let count = zero + positive.iter().map(|(_, count)| count).sum::<f64>();
        Histogram { count, sum: 1.0, zero, positive: positive.to_vec(), ..Histogram::empty(layout) }
    }

    #[track_caller]
    fn check(mut a: Histogram, b: &Histogram, expected: &Histogram) {
        let mut sums: HistogramOf<Kahan> = a.to_sums();
        sums.add(b).unwrap();
        a.add(b).unwrap();
        assert!(a.same(expected), "{a:?}");
        assert!(sums.to_values().same(expected), "{sums:?}");
    }

    #[test]
    fn the_coarser_schema_wins() {
        let fine = exponential(1, 0.0, 0.0, &[(1, 1.0), (2, 2.0), (3, 3.0)]);
        let coarse = exponential(0, 0.0, 0.0, &[(1, 4.0)]);
        let sum = Histogram { sum: 2.0, ..exponential(0, 0.0, 0.0, &[(1, 7.0), (2, 3.0)]) };
        check(fine.clone(), &coarse, &sum);
        check(coarse, &fine, &sum);
    }

    #[test]
    fn the_zero_bucket_takes_in_whole_buckets() {
        // 3 is within (2, 4], which is populated: the zero bucket reaches to 4.
        let wide = exponential(0, 3.0, 5.0, &[]);
        let narrow = exponential(0, 0.5, 1.0, &[(1, 1.0), (2, 1.0), (3, 1.0)]);
        let sum = Histogram { sum: 2.0, ..exponential(0, 4.0, 8.0, &[(3, 1.0)]) };
        check(wide.clone(), &narrow, &sum);
        check(narrow, &wide, &sum);
    }

    #[test]
    fn custom_bounds_meet_in_those_that_both_have() {
        let custom = |bounds: &[f64], positive: &[(i32, f64)]| Histogram {
            positive: positive.to_vec(),
            ..Histogram::empty(Layout::Custom { bounds: bounds.into() })
        };
        let mut a = custom(&[1.0, 2.0, 4.0], &[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]);
        let done = a.add(&custom(&[2.0, 3.0], &[(0, 1.0), (2, 1.0)])).unwrap();
        assert!(done.bounds_differ && !done.hints_conflict);
        assert!(a.same(&custom(&[2.0], &[(0, 3.0), (1, 3.0)])), "{a:?}");
        assert_eq!(a.add(&exponential(0, 0.0, 0.0, &[])), Err(Incompatible));
    }

    #[test]
    fn hints_of_sums() {
        use CounterReset::{Gauge, NotReset, Reset, Unknown};
        for (a, b, expected, conflict) in [
            (Reset, NotReset, Unknown, true),
            (Reset, Reset, Reset, false),
            (Unknown, Reset, Unknown, false),
            (NotReset, Gauge, Gauge, false),
        ] {
            let with = |hint| Histogram { hint, ..exponential(0, 0.0, 0.0, &[]) };
            for (a, b) in [(a, b), (b, a)] {
                let mut sum = with(a);
                assert_eq!(sum.subtract(&with(b)).unwrap().hints_conflict, conflict);
                assert_eq!(sum.hint, expected);
            }
        }
    }
}
