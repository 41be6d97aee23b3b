//! What there is to say of a value, in Prometheus's words.

use std::fmt;

use crate::model::histogram::text::short;

/// How much an annotation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The value may be wrong or lacks something.
    Warning,
    /// Something that the author of the query may want to know.
    Info,
}

/// What was done with histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named by what they are")]
pub enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

/// What there is to say. A metric's name may be empty.
#[derive(Debug, Clone, Copy)]
pub enum Note<'a> {
    /// A quantile that is none.
    InvalidQuantile(f64),
    /// A ratio beyond 1 or -1, and what it was taken for.
    InvalidRatio {
        /// The ratio.
        got: f64,
        /// What counts.
        capped: f64,
    },
    /// A bucket of a classic histogram without a bound.
    BadBucketLabel {
        /// The metric.
        metric: &'a str,
        /// The label's value.
        label: &'a str,
    },
    /// A window of this metric has both kinds of samples, so it has no value.
    MixedKinds(&'a str),
    /// So has a group.
    MixedKindsInGroup,
    /// A histogram is there both as buckets and as a native one, so it has no value.
    MixedClassicAndNative(&'a str),
    /// Exponential and custom buckets meet.
    MixedLayouts(&'a str),
    /// Exponential and custom buckets meet at this operator.
    MixedLayoutsAt(&'a str),
    /// A gauge is treated as a counter.
    NotCounter(&'a str),
    /// A counter is treated as a gauge.
    NotGauge(&'a str),
    /// A range is always sorted by labels.
    SortInRange,
    /// By its name a metric is no counter.
    PossibleNonCounter(&'a str),
    /// The counts of a classic histogram had to be made to rise.
    ForcedMonotonicity {
        /// The metric.
        metric: &'a str,
        /// Where and how much.
        forced: Forced,
        /// The step's time, ms.
        at: i64,
    },
    /// An operator has no value for these kinds.
    IncompatibleKinds {
        /// The left operand's kind.
        left: &'a str,
        /// The operator.
        operator: &'a str,
        /// The right operand's kind.
        right: &'a str,
    },
    /// An aggregation is of numbers only.
    IgnoredInGroup(&'a str),
    /// A function is of numbers only, and the window has both kinds.
    IgnoredInWindow(&'a str),
    /// A quantile lies among the observations that are no numbers.
    QuantileIsNan(&'a str),
    /// Observations that are no numbers count as the largest.
    QuantileIsSkewed(&'a str),
    /// Observations that are no numbers are in no fraction.
    FractionWithoutNan(&'a str),
    /// One counter started again and the other did not.
    HintsConflict(Operation),
    /// Custom bounds differed, and those that both had were left.
    BoundsDiffer(Operation),
}

/// What was changed of a classic histogram's counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forced {
    /// The lowest bound whose count was raised.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
    /// By how much at most.
    pub difference: f64,
}

impl Note<'_> {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match self {
            Self::PossibleNonCounter(_)
            | Self::ForcedMonotonicity { .. }
            | Self::IncompatibleKinds { .. }
            | Self::IgnoredInGroup(_)
            | Self::IgnoredInWindow(_)
            | Self::QuantileIsNan(_)
            | Self::QuantileIsSkewed(_)
            | Self::FractionWithoutNan(_)
            | Self::BoundsDiffer(_) => Level::Info,
            _ => Level::Warning,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        })
    }
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::InvalidQuantile(q) => {
                write!(f, "quantile value should be between 0 and 1, got {}", short(q))
            }
            Self::InvalidRatio { got, capped } => {
                let (got, capped) = (short(got), short(capped));
                write!(f, "ratio value should be between -1 and 1, got {got}, capping to {capped}")
            }
            Self::BadBucketLabel { metric, label } => write!(
                f,
                "bucket label \"le\" is missing or has a malformed value of {label:?}{}",
                OfMetric(metric)
            ),
            Self::MixedKinds(name) => {
                write!(f, "encountered a mix of histograms and floats for metric name {name:?}")
            }
            Self::MixedKindsInGroup => {
                f.write_str("encountered a mix of histograms and floats for aggregation")
            }
            Self::MixedClassicAndNative(name) => {
                write!(f, "vector contains a mix of classic and native histograms{}", OfMetric(name))
            }
            Self::MixedLayouts(name) => write!(
                f,
                "vector contains a mix of histograms with exponential and custom buckets schemas \
                 for metric name {name:?}"
            ),
            Self::MixedLayoutsAt(operator) => {
                write!(f, "incompatible bucket layout encountered for binary operator {operator}")
            }
            Self::NotCounter(name) => write!(f, "this native histogram metric is not a counter: {name:?}"),
            Self::NotGauge(name) => write!(f, "this native histogram metric is not a gauge: {name:?}"),
            Self::SortInRange => f.write_str(
                "sort is ineffective for range queries since results are always ordered by labels",
            ),
            Self::HintsConflict(operation) => {
                write!(f, "conflicting counter resets during histogram {operation}")
            }
            _ => self.fmt_info(f),
        }
    }
}

impl Note<'_> {
    fn fmt_info(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PossibleNonCounter(name) => write!(
                f,
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"
            ),
            Self::ForcedMonotonicity { metric, .. } => write!(
                f,
                "input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}",
                OfMetric(metric)
            ),
            Self::IncompatibleKinds { left, operator, right } => write!(
                f,
                "incompatible sample types encountered for binary operator {operator:?}: \
                 {left} {operator} {right}"
            ),
            Self::IgnoredInGroup(aggregation) => write!(f, "ignored histogram in {aggregation} aggregation"),
            Self::IgnoredInWindow(name) => write!(
                f,
                "ignored histograms in a range containing both floats and histograms for metric name {name:?}"
            ),
            Self::QuantileIsNan(name) => {
                write!(f, "input to histogram_quantile has NaN observations, result is NaN{}", OfMetric(name))
            }
            Self::QuantileIsSkewed(name) => write!(
                f,
                "input to histogram_quantile has NaN observations, result is skewed higher{}",
                OfMetric(name)
            ),
            Self::FractionWithoutNan(name) => write!(
                f,
                "input to histogram_fraction has NaN observations, which are excluded from all fractions{}",
                OfMetric(name)
            ),
            Self::BoundsDiffer(operation) => {
                write!(f, "mismatched custom buckets were reconciled during {operation}")
            }
            _ => Ok(()),
        }
    }
}

/// The end of a message that names the metric, if it has a name.
struct OfMetric<'a>(&'a str);

impl fmt::Display for OfMetric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " for metric name {:?}", self.0) }
    }
}
