//! Native histograms: how many observations fell into each of many buckets, in one sample.

pub mod add;
pub mod bounds;
pub mod bucket;
pub mod count;
pub mod error;
pub mod reset;
pub mod text;
pub mod trim;

use std::sync::Arc;

pub use add::{Incompatible, Reconciled};
pub use bucket::Bucket;
pub use count::Count;
pub use error::{BUCKETS_MAX, HistogramError};
pub use reset::CounterReset;

/// A histogram sample's observations, its counts plain numbers.
///
/// Counts are `f64`, as in Prometheus's evaluation: integer histograms are a case of it, and rates and
/// averages need the fractions.
pub type Histogram = HistogramOf<f64>;

/// A native histogram whose counts are of type `C`: `f64` where it is a value, [`Kahan`](super::Kahan)
/// where it is a sum that is not finished.
///
/// Buckets that are not listed are empty; a listed one may be, too, until [`HistogramOf::compact`].
///
/// *Source*: Prometheus's specification of native histograms.
#[derive(Debug, Clone)]
pub struct HistogramOf<C> {
    /// Where the buckets' bounds are.
    pub layout: Layout,
    /// What is known of the counter's resets before this sample.
    pub hint: CounterReset,
    /// All observations, those that are no number among them.
    pub count: C,
    /// The sum of the observations.
    pub sum: C,
    /// The observations that are zero or no further from it than the threshold. 0 with custom bounds.
    pub zero: C,
    /// Index and count of the buckets above zero, by rising index; with custom bounds, of all.
    pub positive: Vec<(i32, C)>,
    /// Index and count of the buckets below zero, by rising index, so away from zero. None with
    /// custom bounds.
    pub negative: Vec<(i32, C)>,
}

/// Where a histogram's bucket bounds are.
#[derive(Debug, Clone, PartialEq)]
pub enum Layout {
    /// Bucket `i` reaches up to `2^(i / 2^schema)`, from the bound of `i - 1`, and below zero the same
    /// mirrored.
    Exponential {
        /// The resolution, from [`SCHEMA_MIN`] to [`SCHEMA_MAX`].
        schema: i8,
        /// The zero bucket's reach to either side: finite, not below zero.
        zero_threshold: f64,
    },
    /// Bucket `i` reaches up to `bounds[i]`, from the bound before; the one after the last is without
    /// an upper bound, the first without a lower one. What a classic histogram becomes.
    Custom {
        /// Rising, finite.
        bounds: Arc<[f64]>,
    },
}

/// The coarsest exponential schema: bounds are a factor of 65,536 apart.
pub const SCHEMA_MIN: i8 = -4;
/// The finest exponential schema: bounds are 0.27 % apart.
pub const SCHEMA_MAX: i8 = 8;
/// The number by which Prometheus calls custom bounds.
pub const SCHEMA_CUSTOM: i8 = -53;

impl Layout {
    /// Prometheus's number for it.
    pub const fn schema(&self) -> i8 {
        match self {
            Self::Exponential { schema, .. } => *schema,
            Self::Custom { .. } => SCHEMA_CUSTOM,
        }
    }

    /// Whether the bounds are custom.
    pub const fn is_custom(&self) -> bool {
        matches!(self, Self::Custom { .. })
    }

    /// The zero bucket's reach to either side; 0 with custom bounds, which have no such bucket.
    pub const fn zero_threshold(&self) -> f64 {
        match self {
            Self::Exponential { zero_threshold, .. } => *zero_threshold,
            Self::Custom { .. } => 0.0,
        }
    }
}

impl Histogram {
    /// A histogram without observations.
    pub const fn empty(layout: Layout) -> Self {
        Self {
            layout,
            hint: CounterReset::Unknown,
            count: 0.0,
            sum: 0.0,
            zero: 0.0,
            positive: Vec::new(),
            negative: Vec::new(),
        }
    }

    /// The same counts, as sums to which others can be added.
    pub fn to_sums<C: Count>(&self) -> HistogramOf<C> {
        let sums = |buckets: &[(i32, f64)]| buckets.iter().map(|&(i, v)| (i, C::new(v))).collect();
        HistogramOf {
            layout: self.layout.clone(),
            hint: self.hint,
            count: C::new(self.count),
            sum: C::new(self.sum),
            zero: C::new(self.zero),
            positive: sums(&self.positive),
            negative: sums(&self.negative),
        }
    }

    /// Whether two histograms are the same to the bit, empty buckets that are listed among it. What is
    /// known of resets does not count.
    pub fn same(&self, other: &Self) -> bool {
        let bits = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let buckets = |a: &[(i32, f64)], b: &[(i32, f64)]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && bits(a.1, b.1))
        };
        self.layout == other.layout
            && bits(self.count, other.count)
            && bits(self.sum, other.sum)
            && bits(self.zero, other.zero)
            && buckets(&self.positive, &other.positive)
            && buckets(&self.negative, &other.negative)
    }

    /// Count, sum and layout without buckets and bounds: what is left when only the totals are asked
    /// for. The hint has to say then what the buckets would.
    pub fn totals(&self, hint: CounterReset) -> Self {
        let layout = match &self.layout {
            Layout::Exponential { schema, .. } => {
                Layout::Exponential { schema: *schema, zero_threshold: 0.0 }
            }
            Layout::Custom { .. } => Layout::Custom { bounds: Arc::from([]) },
        };
        Self { hint, count: self.count, sum: self.sum, ..Self::empty(layout) }
    }
}

impl<C: Count> HistogramOf<C> {
    /// The plain counts.
    pub fn to_values(&self) -> Histogram {
        let values = |buckets: &[(i32, C)]| buckets.iter().map(|&(i, c)| (i, c.value())).collect();
        HistogramOf {
            layout: self.layout.clone(),
            hint: self.hint,
            count: self.count.value(),
            sum: self.sum.value(),
            zero: self.zero.value(),
            positive: values(&self.positive),
            negative: values(&self.negative),
        }
    }

    /// What it takes in memory and in work, in numbers of 8 bytes: an index counts as much as a count.
    pub const fn weight(&self) -> usize {
        12 + 2 * (self.positive.len() + self.negative.len())
    }

    /// Multiplies all counts and the sum. By a negative number it becomes a gauge.
    pub fn scale(&mut self, factor: f64) {
        self.each(|count| count.scale(factor));
        if factor < 0.0 {
            self.hint = CounterReset::Gauge;
        }
    }

    /// Divides all counts and the sum. By zero the buckets go, by a negative number it becomes a gauge.
    pub fn divide(&mut self, by: f64) {
        if by == 0.0 {
            self.positive.clear();
            self.negative.clear();
        }
        self.each(|count| count.divide(by));
        if by < 0.0 {
            self.hint = CounterReset::Gauge;
        }
    }

    /// Takes away buckets that are listed and empty.
    pub fn compact(&mut self) {
        self.positive.retain(|(_, count)| !count.is_zero());
        self.negative.retain(|(_, count)| !count.is_zero());
    }

    /// Whether a count or the sum is infinite.
    pub fn overflows(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|(_, count)| *count);
        buckets.chain([self.count, self.sum, self.zero]).any(Count::is_infinite)
    }

    fn each(&mut self, f: impl Fn(&mut C)) {
        [&mut self.count, &mut self.sum, &mut self.zero].into_iter().for_each(&f);
        self.positive.iter_mut().chain(&mut self.negative).for_each(|(_, count)| f(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(positive: &[(i32, f64)]) -> Histogram {
        let layout = Layout::Exponential { schema: 0, zero_threshold: 0.0 };
        Histogram { count: 4.0, sum: 8.0, positive: positive.to_vec(), ..Histogram::empty(layout) }
    }

    #[test]
    fn by_zero_there_are_no_buckets() {
        let mut one = histogram(&[(1, 4.0)]);
        one.divide(0.0);
        assert!(one.positive.is_empty() && one.count.is_infinite() && one.overflows());
    }

    #[test]
    fn a_negative_factor_makes_a_gauge() {
        let mut one = histogram(&[(1, 4.0)]);
        one.scale(-0.5);
        assert_eq!((one.count, one.positive[0], one.hint), (-2.0, (1, -2.0), CounterReset::Gauge));
    }

    #[test]
    fn listed_empty_buckets_tell_two_apart() {
        let (mut a, b) = (histogram(&[(1, 4.0), (2, 0.0)]), histogram(&[(1, 4.0)]));
        assert!(!a.same(&b));
        a.compact();
        assert!(a.same(&b));
    }
}
