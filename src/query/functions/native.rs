//! Functions of one native histogram, and what ranges and aggregations do with many.

pub mod quantile;
pub mod rate;
pub mod total;

use crate::model::{Histogram, Kahan, histogram::Bucket};

/// One native histogram to one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "PromQL's names")]
pub enum NativeFunction {
    Count,
    Sum,
    Avg,
    Stddev,
    Stdvar,
}

impl NativeFunction {
    /// The function that PromQL calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "histogram_count" => Self::Count,
            "histogram_sum" => Self::Sum,
            "histogram_avg" => Self::Avg,
            "histogram_stddev" => Self::Stddev,
            "histogram_stdvar" => Self::Stdvar,
            _ => return None,
        })
    }

    /// Whether count and sum are all that it looks at.
    pub const fn needs_totals_only(self) -> bool {
        matches!(self, Self::Count | Self::Sum | Self::Avg)
    }

    /// The function of a histogram.
    pub fn apply(self, histogram: &Histogram) -> f64 {
        match self {
            Self::Count => histogram.count,
            Self::Sum => histogram.sum,
            Self::Avg => histogram.sum / histogram.count,
            Self::Stddev => variance(histogram).sqrt(),
            Self::Stdvar => variance(histogram),
        }
    }
}

/// The variance, each observation taken to be in the middle of its bucket.
fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut sum = Kahan::default();
    for bucket in histogram.buckets().filter(|bucket| bucket.count != 0.0) {
        let from_mean = middle(bucket, histogram.layout.is_custom()) - mean;
        sum.add(bucket.count * from_mean * from_mean);
    }
    (sum.sum + sum.lost) / histogram.count
}

/// The middle of a bucket: between custom bounds half way, between exponential ones on their scale, in
/// the zero bucket zero.
fn middle(bucket: Bucket, custom: bool) -> f64 {
    if custom {
        (bucket.upper + bucket.lower) / 2.0
    } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
        0.0
    } else {
        let middle = (bucket.upper * bucket.lower).sqrt();
        if bucket.upper < 0.0 { -middle } else { middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Layout;

    #[test]
    fn numbers_of_a_histogram() {
        let one = Histogram {
            count: 4.0,
            sum: 8.0,
            positive: vec![(0, 2.0), (1, 2.0)],
            ..Histogram::empty(Layout::Custom { bounds: [2.0, 4.0].into() })
        };
        assert_eq!(NativeFunction::Avg.apply(&one), 2.0);
        let bounded = Histogram { positive: vec![(1, 4.0)], ..one };
        assert_eq!(NativeFunction::Stdvar.apply(&bounded), 1.0);
    }
}
