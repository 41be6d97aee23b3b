//! Quantiles and fractions of classic histograms: cumulative counts by the label `le`.

use std::cmp::Ordering;

use crate::query::annotations::Forced;

/// The label that holds a bucket's upper bound.
pub const BUCKET_LABEL: &str = "le";
/// Counts that differ by less than this part are equal: rates are not exact.
const SMALL_DELTA: f64 = 1e-12;

/// A cumulative count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The largest value that is counted.
    pub upper: f64,
    /// The observations up to it.
    pub count: f64,
}

/// Reads an upper bound as Prometheus writes it.
pub fn parse_bound(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Sorts and joins buckets; `None` when the last bound is not infinite.
fn prepare(buckets: &mut Vec<Bucket>) -> Option<()> {
    buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(Ordering::Equal));
    if buckets.last().is_none_or(|last| last.upper != f64::INFINITY) {
        return None;
    }
    buckets.dedup_by(|next, kept| {
        // `le="0.2"` and `le="2e-1"` are one bucket.
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    Some(())
}

/// Makes the counts rise, where scrapes at different times made them fall. Differences that are
/// rounding errors go without a word.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut previous = buckets.first()?.count;
    for bucket in buckets.iter_mut().skip(1) {
        let count = bucket.count;
        if almost_equal(count, previous) {
            bucket.count = previous;
        } else if count < previous {
            bucket.count = previous;
            let (upper, difference) = (bucket.upper, previous - count);
            let known = forced.get_or_insert(Forced { lowest: upper, highest: upper, difference });
            known.highest = known.highest.max(upper);
            known.difference = known.difference.max(difference);
        } else {
            previous = count;
        }
    }
    forced
}

/// Whether two counts differ by a rounding error at most.
fn almost_equal(a: f64, b: f64) -> bool {
    let size = a.abs() + b.abs();
    let difference = (a - b).abs();
    a == b || (a != 0.0 && b != 0.0 && difference / size.min(f64::MAX) < SMALL_DELTA)
}

/// The `q`-quantile, in proportion within its bucket, and what had to be done to the counts; NaN when
/// the buckets do not tell.
pub fn bucket_quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if prepare(buckets).is_none() {
        return (f64::NAN, None);
    }
    let forced = make_monotonic(buckets);
    (monotonic_quantile(q, buckets), forced)
}

fn monotonic_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    let [bounded @ .., last] = buckets else {
        return f64::NAN;
    };
    let Some(highest) = bounded.last() else {
        return f64::NAN;
    };
    if last.count == 0.0 || last.count.is_nan() {
        return f64::NAN;
    }
    let rank = q * last.count;
    let at = bounded.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = bounded.get(at) else {
        return highest.upper;
    };
    let below = at.checked_sub(1).map(|i| bounded[i]);
    if below.is_none() && bucket.upper <= 0.0 {
        return bucket.upper;
    }
    let below = below.unwrap_or(Bucket { upper: 0.0, count: 0.0 });
    below.upper + (bucket.upper - below.upper) * ((rank - below.count) / (bucket.count - below.count))
}

/// The part of the observations between `lower` and `upper`; NaN when the buckets do not tell.
pub fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if prepare(buckets).is_none() {
        return f64::NAN;
    }
    let total = buckets.last().map_or(0.0, |last| last.count);
    if total == 0.0 || total.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets).min(total) - rank_of(lower, buckets).min(total)) / total
}

/// How many observations are up to `v`, in proportion within a bucket of finite width. What is in
/// a bucket without a lower bound lies at that bound, so that it counts from `-Inf` on only.
fn rank_of(v: f64, buckets: &[Bucket]) -> f64 {
    let at = buckets.partition_point(|bucket| bucket.upper <= v);
    let below = at.checked_sub(1).map(|i| buckets[i]);
    let before = below.map_or(0.0, |bucket| bucket.count);
    let Some(bucket) = buckets.get(at) else {
        return before;
    };
    let start = match below {
        Some(below) => below.upper,
        // Observations of a first bucket above zero are taken to be above zero.
        None if bucket.upper > 0.0 => 0.0,
        None => f64::NEG_INFINITY,
    };
    if v <= start || bucket.upper.is_infinite() {
        return before;
    }
    if start.is_infinite() {
        return bucket.count;
    }
    before + (bucket.count - before) * (v - start) / (bucket.upper - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|&(upper, count)| Bucket { upper, count }).collect()
    }

    #[track_caller]
    fn check(q: f64, pairs: &[(f64, f64)], expected: f64) {
        let (got, _) = bucket_quantile(q, &mut buckets(pairs));
        assert!(got == expected || (got.is_nan() && expected.is_nan()), "{got}");
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles() {
        check(0.5, &[(0.0, 0.0), (2.0, 1.0), (4.0, 2.0), (6.0, 3.0), (INF, 3.0)], 3.0);
        check(1.0, &[(1.0, 1.0), (INF, 2.0)], 1.0);
        check(0.5, &[(1.0, 1.0)], f64::NAN);
        check(0.5, &[(1.0, 0.0), (INF, 0.0)], f64::NAN);
        check(0.5, &[(INF, 3.0)], f64::NAN);
    }

    #[test]
    fn counts_that_fall_are_raised_and_told() {
        let (got, forced) =
            bucket_quantile(0.5, &mut buckets(&[(1.0, 4.0), (2.0, 1.0), (3.0, 3.0), (INF, 8.0)]));
        assert_eq!((got, forced), (1.0, Some(Forced { lowest: 2.0, highest: 3.0, difference: 3.0 })));
        let almost = 4.0 - 1e-13;
        let (_, forced) = bucket_quantile(0.5, &mut buckets(&[(1.0, 4.0), (2.0, almost), (INF, 8.0)]));
        assert_eq!(forced, None);
    }

    #[test]
    fn fractions() {
        let pairs = [(1.0, 1.0), (2.0, 3.0), (3.0, 6.0), (INF, 100.0)];
        assert_eq!(bucket_fraction(0.0, 1.5, &mut buckets(&pairs)), 0.02);
        assert_eq!(bucket_fraction(2.0, 5.0, &mut buckets(&pairs)), 0.03);
        assert_eq!(bucket_fraction(400.0, INF, &mut buckets(&pairs)), 0.94);
    }
}
