//! Quantiles and fractions of native histograms.

use crate::model::{Histogram, histogram::Bucket};
use crate::query::annotations::{About, Note};

/// The `q`-quantile: in proportion within custom and zero buckets, on a logarithmic scale within
/// exponential ones. NaN of no observations.
pub fn quantile(q: f64, histogram: &Histogram, about: &About<'_>) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if histogram.count == 0.0 || q.is_nan() {
        return f64::NAN;
    }
    // Observations that are no numbers are in the count and in no bucket, above all buckets: they can
    // only be passed from below. Else from the nearer end, where rounding errors are smaller.
    let from_below = histogram.sum.is_nan() || q < 0.5;
    let found = if from_below {
        reach(histogram.buckets(), q * histogram.count)
    } else {
        reach(histogram.buckets().rev(), (1.0 - q) * histogram.count)
    };
    let Some(Reached { mut bucket, count, rank, all }) = found else {
        // A count without buckets.
        return if histogram.sum.is_nan() { nan(about) } else { 0.0 };
    };
    if let Err(bound) = close(&mut bucket, histogram) {
        return bound;
    }
    let count = count.min(histogram.count);
    if count < rank {
        return if histogram.sum.is_nan() { nan(about) } else { bucket.upper };
    }
    if histogram.sum.is_nan() && all < histogram.count {
        about.say(Note::QuantileIsSkewed(about.metric));
    }
    let rank = if from_below { rank - (count - bucket.count) } else { count - rank };
    within(&bucket, rank / bucket.count, histogram.layout.is_custom())
}

fn nan(about: &About<'_>) -> f64 {
    about.say(Note::QuantileIsNan(about.metric));
    f64::NAN
}

/// The bucket that a rank is in.
struct Reached {
    bucket: Bucket,
    /// The observations up to the end of the bucket.
    count: f64,
    rank: f64,
    /// The observations of all buckets.
    all: f64,
}

/// The first bucket with which the count reaches `rank`, else the last populated one.
fn reach(buckets: impl Iterator<Item = Bucket>, rank: f64) -> Option<Reached> {
    let mut found: Option<Reached> = None;
    let mut all = 0.0;
    for bucket in buckets.filter(|bucket| bucket.count != 0.0) {
        all += bucket.count;
        if found.as_ref().is_none_or(|found| found.count < rank) {
            found = Some(Reached { bucket, count: all, rank, all });
        }
    }
    found.map(|found| Reached { all, ..found })
}

/// Gives a bucket the bounds that its observations are taken to have; `Err` with the value where one
/// cannot be told from another within it.
fn close(bucket: &mut Bucket, histogram: &Histogram) -> Result<(), f64> {
    if !histogram.layout.is_custom() {
        close_zero(bucket, histogram);
        return Ok(());
    }
    if bucket.lower == f64::NEG_INFINITY {
        if bucket.upper <= 0.0 {
            return Err(bucket.upper);
        }
        bucket.lower = 0.0;
    } else if bucket.upper == f64::INFINITY {
        return Err(bucket.lower);
    }
    Ok(())
}

/// With observations on one side only, those about zero are on that side, too.
fn close_zero(bucket: &mut Bucket, histogram: &Histogram) {
    if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
        match (histogram.negative.is_empty(), histogram.positive.is_empty()) {
            (true, false) => bucket.lower = 0.0,
            (false, true) => bucket.upper = 0.0,
            _ => {}
        }
    }
}

/// The value at a part of a bucket.
fn within(bucket: &Bucket, part: f64, custom: bool) -> f64 {
    if custom || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * part;
    }
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    if bucket.lower > 0.0 {
        (lower + (upper - lower) * part).exp2()
    } else {
        -(upper + (lower - upper) * (1.0 - part)).exp2()
    }
}

/// The part of the observations between `lower` and `upper`; NaN of no observations.
pub fn fraction(lower: f64, upper: f64, histogram: &Histogram, about: &About<'_>) -> f64 {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let mut count = histogram.count;
    if histogram.sum.is_nan() {
        count = histogram.buckets().map(|bucket| bucket.count).sum();
        if count < histogram.count {
            about.say(Note::FractionWithoutNan(about.metric));
        }
    }
    let below = |v: f64| rank_of(v, histogram).map_or(count, |rank| if rank > count { count } else { rank });
    (below(upper) - below(lower)) / histogram.count
}

/// How many observations are below `v`; `None` when all are. What is in a bucket without a lower bound
/// counts as below.
fn rank_of(v: f64, histogram: &Histogram) -> Option<f64> {
    let mut rank = 0.0;
    for mut bucket in histogram.buckets() {
        let about_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        close_zero(&mut bucket, histogram);
        if bucket.lower >= v {
            return Some(rank);
        }
        if bucket.upper > v {
            if bucket.lower == f64::NEG_INFINITY {
                return Some(bucket.count);
            }
            let linear = about_zero || histogram.layout.is_custom();
            return Some(rank + bucket.count * bucket.part_below(v, linear));
        }
        rank += bucket.count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Layout;
    use crate::query::{annotations::Notes, span::Span};

    #[track_caller]
    fn check(histogram: &Histogram, quantiles: &[(f64, f64)]) {
        let notes = Notes::default();
        let about = About { notes: &notes, span: Span::default(), metric: "" };
        for &(q, expected) in quantiles {
            let got = quantile(q, histogram, &about);
            assert!((got - expected).abs() < 1e-12 || got == expected, "{q}: {got}, expected {expected}");
            let back = fraction(f64::NEG_INFINITY, got, histogram, &about);
            assert!((back - q).abs() < 1e-12 || !(0.0..=1.0).contains(&q), "{q}: {back}");
        }
    }

    #[test]
    fn exponential_and_custom_buckets() {
        let exponential = Histogram {
            count: 8.0,
            positive: vec![(1, 4.0), (2, 4.0)],
            ..Histogram::empty(Layout::Exponential { schema: 0, zero_threshold: 0.0 })
        };
        let inf = f64::INFINITY;
        check(
            &exponential,
            &[(0.5, 2.0), (0.25, 2f64.sqrt()), (0.75, 8f64.sqrt()), (-1.0, -inf), (2.0, inf)],
        );
        let custom = Histogram {
            count: 8.0,
            positive: vec![(0, 4.0), (1, 4.0)],
            ..Histogram::empty(Layout::Custom { bounds: [2.0, 6.0].into() })
        };
        check(&custom, &[(0.5, 2.0), (0.75, 4.0), (1.0, 6.0)]);
    }
}
