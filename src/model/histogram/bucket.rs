//! A histogram's buckets with their bounds.

use super::{Count, Histogram, HistogramOf, Layout, bounds::upper};

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket<C = f64> {
    /// The lower bound; may be infinite with custom bounds.
    pub lower: f64,
    /// The upper bound; may be infinite.
    pub upper: f64,
    /// Whether the lower bound is in it.
    pub lower_inclusive: bool,
    /// Whether the upper bound is in it.
    pub upper_inclusive: bool,
    /// How many observations are in it.
    pub count: C,
}

impl Bucket {
    /// The part of the bucket's width up to `v`, which lies within its finite bounds: in proportion, or
    /// on a logarithmic scale, on which exponential buckets are equally wide.
    pub fn part_below(&self, v: f64, linear: bool) -> f64 {
        if linear {
            return (v - self.lower) / (self.upper - self.lower);
        }
        let [lower, upper, v_log] = [self.lower, self.upper, v].map(|bound| bound.abs().log2());
        if v > 0.0 { (v_log - lower) / (upper - lower) } else { 1.0 - (v_log - upper) / (lower - upper) }
    }
}

/// The bucket `index` of a layout, on either side of zero.
fn bucket<C>(layout: &Layout, index: i32, is_positive: bool, count: C) -> Bucket<C> {
    let far = upper(layout, i64::from(index));
    let near = upper(layout, i64::from(index) - 1);
    let (lower, upper) = if is_positive { (near, far) } else { (-far, -near) };
    let (lower_inclusive, upper_inclusive) = match layout {
        Layout::Custom { .. } => (index == 0, true),
        Layout::Exponential { .. } => (lower < 0.0, upper > 0.0),
    };
    Bucket { lower, upper, lower_inclusive, upper_inclusive, count }
}

impl<C: Count> HistogramOf<C> {
    /// The buckets above zero, by rising bounds; with custom bounds, all.
    pub fn positive_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket<C>> {
        self.positive.iter().map(|&(index, count)| bucket(&self.layout, index, true, count))
    }

    /// The buckets below zero, by falling bounds.
    pub fn negative_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket<C>> {
        self.negative.iter().map(|&(index, count)| bucket(&self.layout, index, false, count))
    }
}

impl Histogram {
    /// The zero bucket.
    pub const fn zero_bucket(&self) -> Bucket {
        let threshold = self.layout.zero_threshold();
        Bucket {
            lower: -threshold,
            upper: threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero,
        }
    }

    /// All buckets, from the lowest to the highest; the zero bucket only if anything is in it. One that
    /// reaches into the zero bucket ends at its threshold.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> {
        let threshold = self.layout.zero_threshold();
        let outside = move |mut bucket: Bucket| {
            if bucket.upper < 0.0 && bucket.upper > -threshold {
                bucket.upper = -threshold;
            } else if bucket.lower > 0.0 && bucket.lower < threshold {
                bucket.lower = threshold;
            }
            bucket
        };
        let zero = (self.zero > 0.0).then(|| self.zero_bucket());
        let negative = self.negative_buckets().rev().map(outside);
        negative.chain(zero).chain(self.positive_buckets().map(outside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_from_low_to_high() {
        let layout = Layout::Exponential { schema: 0, zero_threshold: 1.5 };
        let one = Histogram {
            zero: 1.0,
            positive: vec![(1, 2.0), (3, 4.0)],
            negative: vec![(2, 3.0)],
            ..Histogram::empty(layout)
        };
        let bounds: Vec<_> = one.buckets().map(|bucket| (bucket.lower, bucket.upper, bucket.count)).collect();
        assert_eq!(bounds, [(-4.0, -2.0, 3.0), (-1.5, 1.5, 1.0), (1.5, 2.0, 2.0), (4.0, 8.0, 4.0)]);
        let highest = one.buckets().next_back().unwrap();
        assert!(!highest.lower_inclusive && highest.upper_inclusive);
    }
}
