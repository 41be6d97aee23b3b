//! One value at one time, and a series' worth of them.

use std::sync::Arc;

use super::{Histogram, Labels};

/// The bits of the staleness marker, the same as Prometheus's.
///
/// It is a NaN, so that arithmetic never takes it for a value; it is told from other NaNs by its
/// bits alone, and every codec keeps them.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker: from here on the series has no value until its next sample.
pub const STALE_NAN: f64 = f64::from_bits(STALE_NAN_BITS);

/// Tells whether `value` is the staleness marker, as against any other NaN.
pub const fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// One value at one time.
///
/// Times are milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Milliseconds since the Unix epoch, UTC.
    pub t: i64,
    /// The value; [`STALE_NAN`] ends the series here.
    pub v: f64,
}

impl Sample {
    /// Makes a sample.
    pub const fn new(t: i64, v: f64) -> Self {
        Self { t, v }
    }
}

impl PartialEq for Sample {
    /// Equal to the bit, so that a NaN equals itself and a marker only a marker.
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.v.to_bits() == other.v.to_bits()
    }
}

/// A histogram at one time.
#[derive(Debug, Clone)]
pub struct HistogramSample {
    /// Milliseconds since the Unix epoch, UTC.
    pub t: i64,
    /// The histogram, shared: most steps of a query pass it on as it is.
    pub histogram: Arc<Histogram>,
}

impl HistogramSample {
    /// Makes a sample.
    pub const fn new(t: i64, histogram: Arc<Histogram>) -> Self {
        Self { t, histogram }
    }
}

impl PartialEq for HistogramSample {
    /// Equal to the bit.
    fn eq(&self, other: &Self) -> bool {
        self.t == other.t && self.histogram.same(&other.histogram)
    }
}

/// A sample of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum AnySample {
    /// A number.
    Float(Sample),
    /// A histogram.
    Histogram(HistogramSample),
}

impl AnySample {
    /// Its time, ms.
    pub const fn t(&self) -> i64 {
        match self {
            Self::Float(sample) => sample.t,
            Self::Histogram(sample) => sample.t,
        }
    }

    /// Its number, if it is one.
    pub const fn float(&self) -> Option<f64> {
        match self {
            Self::Float(sample) => Some(sample.v),
            Self::Histogram(_) => None,
        }
    }
}

/// A series that a selector found, with the samples of the span that was asked for.
///
/// Samples are oldest first, their times strictly increasing, staleness markers included. At one time
/// there is a number or a histogram, never both; a marker among the numbers ends both.
#[derive(Debug, Clone)]
pub struct SelectedSeries {
    /// The series' labels, its name among them.
    pub labels: Labels,
    /// The samples that are numbers, oldest first; may be empty.
    pub samples: Vec<Sample>,
    /// The samples that are histograms, oldest first; mostly empty.
    pub histograms: Vec<HistogramSample>,
}

impl SelectedSeries {
    /// A series of numbers.
    pub const fn new(labels: Labels, samples: Vec<Sample>) -> Self {
        Self { labels, samples, histograms: Vec::new() }
    }

    /// Whether it has no sample of either kind.
    pub const fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_a_nan_of_its_own() {
        assert!(STALE_NAN.is_nan());
        assert!(is_stale(STALE_NAN));
        assert!(!is_stale(f64::NAN));
        assert_eq!(Sample::new(1, f64::NAN), Sample::new(1, f64::NAN));
        assert_ne!(Sample::new(1, f64::NAN), Sample::new(1, STALE_NAN));
    }
}
