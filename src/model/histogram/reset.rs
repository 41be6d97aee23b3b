//! Resets of counters that are histograms.

use super::{
    Histogram, Layout,
    bounds::{reduced, upper},
};

/// What is known of a histogram counter's reset between the sample before and this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CounterReset {
    /// The counts must tell.
    #[default]
    Unknown,
    /// The counter started again.
    Reset,
    /// It did not.
    NotReset,
    /// It is no counter.
    Gauge,
}

impl Histogram {
    /// Whether the counter started again between `previous` and this one: the hint says so, or a
    /// count is smaller, or a bucket gone.
    ///
    /// A finer schema or a smaller zero bucket come with a reset only; where they are coarser the
    /// counts of `previous` are put together to compare. A gauge is judged by its counts as well.
    pub fn is_reset_after(&self, previous: &Self) -> bool {
        match self.hint {
            CounterReset::Reset => return true,
            CounterReset::NotReset => return false,
            CounterReset::Unknown | CounterReset::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        match (&self.layout, &previous.layout) {
            (Layout::Custom { bounds }, Layout::Custom { bounds: before }) => {
                if bounds == before {
                    falls(&self.positive, &previous.positive)
                } else {
                    falls_at_common_bounds((bounds, &self.positive), (before, &previous.positive))
                }
            }
            (
                Layout::Exponential { schema, zero_threshold },
                Layout::Exponential { schema: before, zero_threshold: threshold_before },
            ) => {
                if schema > before || zero_threshold < threshold_before {
                    return true;
                }
                let (zero_before, reached) = previous.zero_within(*zero_threshold);
                if reached != *zero_threshold || self.zero < zero_before {
                    return true;
                }
                let by = u32::from(before.abs_diff(*schema));
                let outside = |buckets: &[(i32, f64)], by: u32| {
                    let mut buckets = reduced(buckets.iter().copied(), by);
                    buckets.retain(|(index, _)| upper(&self.layout, i64::from(*index)) > *zero_threshold);
                    buckets
                };
                falls(&outside(&self.positive, 0), &outside(&previous.positive, by))
                    || falls(&outside(&self.negative, 0), &outside(&previous.negative, by))
            }
            (Layout::Custom { .. }, Layout::Exponential { .. })
            | (Layout::Exponential { .. }, Layout::Custom { .. }) => true,
        }
    }

    /// The hint that a sample has once it is stored after `previous`, the histogram before it with no
    /// other sample in between.
    ///
    /// As Prometheus's chunks: the first of a chunk says nothing, since what came before may be gone;
    /// a later one is no reset, since a reset or another layout starts a chunk.
    pub fn hint_after(&self, previous: Option<&Self>) -> CounterReset {
        if self.hint == CounterReset::Gauge {
            return CounterReset::Gauge;
        }
        let continues = previous.is_some_and(|previous| {
            let as_counter = Self { hint: CounterReset::Unknown, ..self.clone() };
            previous.hint != CounterReset::Gauge
                && self.hint != CounterReset::Reset
                && self.layout == previous.layout
                && !as_counter.is_reset_after(previous)
        });
        if continues { CounterReset::NotReset } else { CounterReset::Unknown }
    }
}

/// Whether a bucket of `before` has more than the same one now.
fn falls(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    let mut at = 0;
    before.iter().any(|&(index, count)| {
        while now.get(at).is_some_and(|(there, _)| *there < index) {
            at += 1;
        }
        match now.get(at) {
            Some(&(there, count_now)) if there == index => count_now < count,
            _ => count != 0.0,
        }
    })
}

/// The same for two lists of custom bounds: between the bounds that both have.
fn falls_at_common_bounds(now: (&[f64], &[(i32, f64)]), before: (&[f64], &[(i32, f64)])) -> bool {
    let mut common: Vec<f64> = now.0.iter().copied().filter(|bound| before.0.contains(bound)).collect();
    common.push(f64::INFINITY);
    let mut low = f64::NEG_INFINITY;
    common.into_iter().any(|high| {
        let between = |(bounds, buckets): (&[f64], &[(i32, f64)])| {
            let bound = |index: i32| {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                bounds.get(index).copied().unwrap_or(f64::INFINITY)
            };
            let inside = buckets.iter().filter(|(index, _)| bound(*index) > low && bound(*index) <= high);
            inside.map(|(_, count)| count).sum::<f64>()
        };
        let fell = between(now) < between(before);
        low = high;
        fell
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(schema: i8, zero_threshold: f64, positive: &[(i32, f64)]) -> Histogram {
        let count = positive.iter().map(|(_, count)| count).sum();
        let layout = Layout::Exponential { schema, zero_threshold };
        Histogram { count, positive: positive.to_vec(), ..Histogram::empty(layout) }
    }

    fn custom(bounds: &[f64], positive: &[(i32, f64)]) -> Histogram {
        let count = positive.iter().map(|(_, count)| count).sum();
        let layout = Layout::Custom { bounds: bounds.into() };
        Histogram { count, positive: positive.to_vec(), ..Histogram::empty(layout) }
    }

    #[track_caller]
    fn check(now: &Histogram, before: &Histogram, expected: bool) {
        assert_eq!(now.is_reset_after(before), expected, "{now} after {before}");
    }

    #[test]
    fn counts_tell() {
        let before = exponential(1, 0.0, &[(1, 1.0), (2, 1.0)]);
        check(&exponential(1, 0.0, &[(1, 1.0), (2, 1.0), (9, 0.0)]), &before, false);
        check(&exponential(1, 0.0, &[(1, 0.5), (2, 5.0)]), &before, true);
        check(&exponential(1, 0.0, &[(2, 5.0)]), &before, true);
        check(&exponential(0, 0.0, &[(1, 2.0)]), &before, false);
        check(&exponential(2, 0.0, &[(1, 9.0)]), &before, true);
        check(&exponential(0, 2.0, &[(2, 9.0)]), &before, true);
        check(&Histogram { zero: 2.0, ..exponential(0, 2.0, &[(2, 9.0)]) }, &before, false);
        check(&custom(&[1.0], &[(0, 9.0)]), &before, true);
    }

    #[test]
    fn hints_tell_before_counts() {
        let before = exponential(0, 0.0, &[(1, 4.0)]);
        let with = |hint, count| Histogram { hint, ..exponential(0, 0.0, &[(1, count)]) };
        check(&with(CounterReset::NotReset, 1.0), &before, false);
        check(&with(CounterReset::Reset, 9.0), &before, true);
        check(&with(CounterReset::Gauge, 1.0), &before, true);
    }

    #[test]
    fn custom_bounds_are_compared_where_they_meet() {
        let before = custom(&[1.0, 2.0, 4.0], &[(0, 2.0), (1, 2.0), (2, 2.0), (3, 2.0)]);
        check(&custom(&[2.0, 8.0], &[(0, 4.0), (1, 4.0)]), &before, false);
        check(&custom(&[2.0, 8.0], &[(0, 3.0), (1, 9.0)]), &before, true);
        check(&custom(&[16.0], &[(1, 9.0)]), &before, false);
    }

    #[test]
    fn stored_hints() {
        let first = exponential(0, 0.0, &[(1, 4.0)]);
        assert_eq!(first.hint_after(None), CounterReset::Unknown);
        assert_eq!(first.hint_after(Some(&first)), CounterReset::NotReset);
        assert_eq!(exponential(0, 0.0, &[(1, 3.0)]).hint_after(Some(&first)), CounterReset::Unknown);
        assert_eq!(exponential(1, 0.0, &[(1, 9.0)]).hint_after(Some(&first)), CounterReset::Unknown);
        let gauge = Histogram { hint: CounterReset::Gauge, ..first.clone() };
        assert_eq!(gauge.hint_after(Some(&first)), CounterReset::Gauge);
        assert_eq!(first.hint_after(Some(&gauge)), CounterReset::Unknown);
    }
}
