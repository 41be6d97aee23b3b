//! Histograms cut at a value.

use super::{Bucket, Histogram};

/// Which observations are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those up to the value: `</`.
    Below,
    /// Those from the value on: `>/`.
    Above,
}

/// What is left of a bucket: how many, and where they are taken to be.
#[derive(Debug, Clone, Copy)]
struct Left {
    count: f64,
    middle: f64,
}

impl Histogram {
    /// Takes the observations away that are not to be kept, in proportion where the value is within a
    /// bucket. Count and sum are then estimated from the buckets.
    pub fn trim(&mut self, at: f64, keep: Keep) {
        let custom = self.layout.is_custom();
        let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
        let mut populated = [false; 2];
        for (side, is_positive) in [true, false].into_iter().enumerate() {
            let buckets: Vec<Bucket> = if is_positive {
                self.positive_buckets().collect()
            } else {
                self.negative_buckets().collect()
            };
            let places = if is_positive { &mut self.positive } else { &mut self.negative };
            for (bucket, place) in buckets.into_iter().zip(places) {
                if bucket.count == 0.0 {
                    continue;
                }
                populated[side] = true;
                let left = left_of(bucket, at, keep, Scale { custom, is_positive });
                changed |= left.count != bucket.count;
                place.1 = left.count;
                count += left.count;
                sum += left.middle * left.count;
            }
        }
        if self.zero > 0.0 {
            let mut bucket = self.zero_bucket();
            match populated {
                [true, false] => bucket.lower = 0.0,
                [false, true] => bucket.upper = 0.0,
                _ => {}
            }
            let left = left_of_zero(bucket, at, keep);
            changed |= left.count != self.zero;
            self.zero = left.count;
            count += left.count;
            sum += left.middle * left.count;
        }
        if changed {
            self.count = count;
            self.sum = sum;
            self.compact();
        }
    }
}

/// How values spread within buckets.
#[derive(Debug, Clone, Copy)]
struct Scale {
    custom: bool,
    is_positive: bool,
}

impl Scale {
    /// Where the observations between two bounds are taken to be.
    fn middle(self, lower: f64, upper: f64) -> f64 {
        match (lower.is_infinite(), upper.is_infinite()) {
            (true, true) => 0.0,
            (true, false) if upper > 0.0 => upper / 2.0,
            (true, false) => upper,
            (false, true) => lower,
            (false, false) if self.custom => f64::midpoint(lower, upper),
            (false, false) => {
                let mean = (lower * upper).abs().sqrt();
                if self.is_positive { mean } else { -mean }
            }
        }
    }
}

fn left_of(bucket: Bucket, at: f64, keep: Keep, scale: Scale) -> Left {
    let (whole, part) = match keep {
        Keep::Below => (bucket.upper <= at, bucket.lower < at),
        Keep::Above => (bucket.lower >= at, bucket.upper > at),
    };
    if whole {
        return Left { count: bucket.count, middle: scale.middle(bucket.lower, bucket.upper) };
    }
    if !part {
        return Left { count: 0.0, middle: 0.0 };
    }
    if bucket.lower.is_infinite() || bucket.upper.is_infinite() {
        return left_of_open(bucket, at, keep);
    }
    let below = bucket.count * bucket.part_below(at, scale.custom);
    match keep {
        Keep::Below => Left { count: below, middle: scale.middle(bucket.lower, at) },
        Keep::Above => Left { count: bucket.count - below, middle: scale.middle(at, bucket.upper) },
    }
}

/// A bucket without one bound, which the value is within. How its observations spread is not known;
/// one up to a positive bound is taken to start at zero, as for classic histograms.
fn left_of_open(bucket: Bucket, at: f64, keep: Keep) -> Left {
    let nothing = Left { count: 0.0, middle: 0.0 };
    let from_zero = bucket.lower.is_infinite() && bucket.upper.is_finite() && bucket.upper > 0.0;
    match keep {
        Keep::Below if bucket.lower.is_finite() => nothing,
        Keep::Below if from_zero && at > 0.0 => {
            Left { count: bucket.count * at / bucket.upper, middle: at / 2.0 }
        }
        Keep::Below if bucket.upper <= 0.0 => Left { count: bucket.count, middle: at },
        Keep::Below => nothing,
        Keep::Above if bucket.lower.is_finite() => Left { count: bucket.count, middle: at },
        Keep::Above if from_zero && at >= 0.0 => {
            Left { count: bucket.count * (1.0 - at / bucket.upper), middle: f64::midpoint(at, bucket.upper) }
        }
        Keep::Above => nothing,
    }
}

fn left_of_zero(bucket: Bucket, at: f64, keep: Keep) -> Left {
    let Bucket { lower, upper, count, .. } = bucket;
    let whole = Left { count, middle: f64::midpoint(lower, upper) };
    let nothing = Left { count: 0.0, middle: 0.0 };
    let part = |part: f64, middle: f64| Left { count: count * part / (upper - lower), middle };
    match keep {
        Keep::Below if at <= lower => nothing,
        Keep::Below if at >= upper => whole,
        Keep::Below => part(at - lower, f64::midpoint(lower, at)),
        Keep::Above if at <= lower => whole,
        Keep::Above if at >= upper => nothing,
        Keep::Above => part(upper - at, f64::midpoint(at, upper)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Layout;

    #[test]
    fn cut_within_a_bucket() {
        let one = Histogram {
            count: 6.0,
            sum: 18.0,
            positive: vec![(1, 2.0), (2, 2.0), (3, 2.0)],
            ..Histogram::empty(Layout::Custom { bounds: [1.0, 3.0, 5.0].into() })
        };
        let mut below = one.clone();
        below.trim(4.0, Keep::Below);
        assert_eq!((below.count, below.sum, below.positive), (3.0, 7.5, vec![(1, 2.0), (2, 1.0)]));
        let mut above = one.clone();
        above.trim(4.0, Keep::Above);
        assert_eq!((above.count, above.positive), (3.0, vec![(2, 1.0), (3, 2.0)]));
        let mut all = one;
        all.trim(0.0, Keep::Above);
        assert_eq!((all.count, all.sum), (6.0, 18.0), "untouched, so nothing is estimated");
    }
}
