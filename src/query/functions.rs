//! The functions by name, and what each family computes.

pub mod counter;
pub mod date;
pub mod extreme;
pub mod histogram;
pub mod labels;
pub mod math;
pub mod native;
pub mod over_time;
pub mod quantile;
pub mod regression;
pub mod signature;
pub mod sort;

use super::expr::Kind;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// One window to one value.
    Window(WindowFunction),
    /// One value to one value.
    Math(math::MathFunction),
    /// A time in seconds to a part of its date.
    Date(date::DateFunction),
    /// `clamp`, `clamp_min`, `clamp_max`, `round`: a vector and scalars.
    Bound(math::BoundFunction),
    /// The step's time in seconds.
    Time,
    /// The number.
    Pi,
    /// A scalar as a series without labels.
    Vector,
    /// The value of the only series.
    Scalar,
    /// 1 where a vector has no series.
    Absent,
    /// 1 where no window has a sample.
    AbsentOverTime,
    /// The times of the samples in seconds.
    Timestamp,
    /// A quantile of histograms.
    HistogramQuantile,
    /// Several quantiles of histograms, told apart by a label.
    HistogramQuantiles,
    /// The part of the observations between two values.
    HistogramFraction,
    /// One native histogram to one number.
    Native(native::NativeFunction),
    /// A label from another by an expression.
    LabelReplace,
    /// A label from others put together.
    LabelJoin,
    /// `sort` and its like.
    Sort(sort::SortFunction),
}

/// The functions of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "PromQL's names")]
pub enum WindowFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Changes,
    Resets,
    Avg,
    Sum,
    Min,
    Max,
    Count,
    First,
    Last,
    Present,
    Stddev,
    Stdvar,
    Mad,
    TsOfFirst,
    TsOfLast,
    TsOfMin,
    TsOfMax,
    Quantile,
    Deriv,
    PredictLinear,
    DoubleExponentialSmoothing,
}

impl WindowFunction {
    /// Whether the series keeps its name: the value is still one of its samples.
    pub const fn keeps_name(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }

    /// Whether it looks at a few samples of a window only, however long that is.
    pub const fn is_incremental(self) -> bool {
        matches!(
            self,
            Self::Rate
                | Self::Increase
                | Self::Delta
                | Self::Irate
                | Self::Idelta
                | Self::Resets
                | Self::Min
                | Self::Max
                | Self::Count
                | Self::Sum
                | Self::Avg
                | Self::First
                | Self::Last
                | Self::Present
                | Self::TsOfFirst
                | Self::TsOfLast
        )
    }
}

impl Function {
    /// The function that PromQL calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        window_by_name(name)
            .map(Self::Window)
            .or_else(|| math::MathFunction::by_name(name).map(Self::Math))
            .or_else(|| math::BoundFunction::by_name(name).map(Self::Bound))
            .or_else(|| native::NativeFunction::by_name(name).map(Self::Native))
            .or_else(|| date::DateFunction::by_name(name).map(Self::Date))
            .or_else(|| sort::SortFunction::by_name(name).map(Self::Sort))
            .or_else(|| other_by_name(name))
    }

    /// What the function gives.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Time | Self::Pi | Self::Scalar => Kind::Scalar,
            _ => Kind::Vector,
        }
    }
}

fn other_by_name(name: &str) -> Option<Function> {
    Some(match name {
        "time" => Function::Time,
        "pi" => Function::Pi,
        "vector" => Function::Vector,
        "scalar" => Function::Scalar,
        "absent" => Function::Absent,
        "absent_over_time" => Function::AbsentOverTime,
        "timestamp" => Function::Timestamp,
        "histogram_quantile" => Function::HistogramQuantile,
        "histogram_quantiles" => Function::HistogramQuantiles,
        "histogram_fraction" => Function::HistogramFraction,
        "label_replace" => Function::LabelReplace,
        "label_join" => Function::LabelJoin,
        _ => return None,
    })
}

fn window_by_name(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "rate" => WindowFunction::Rate,
        "increase" => WindowFunction::Increase,
        "delta" => WindowFunction::Delta,
        "irate" => WindowFunction::Irate,
        "idelta" => WindowFunction::Idelta,
        "changes" => WindowFunction::Changes,
        "resets" => WindowFunction::Resets,
        "avg_over_time" => WindowFunction::Avg,
        "sum_over_time" => WindowFunction::Sum,
        "min_over_time" => WindowFunction::Min,
        "max_over_time" => WindowFunction::Max,
        "count_over_time" => WindowFunction::Count,
        "first_over_time" => WindowFunction::First,
        "last_over_time" => WindowFunction::Last,
        "present_over_time" => WindowFunction::Present,
        "stddev_over_time" => WindowFunction::Stddev,
        "stdvar_over_time" => WindowFunction::Stdvar,
        "mad_over_time" => WindowFunction::Mad,
        "ts_of_first_over_time" => WindowFunction::TsOfFirst,
        "ts_of_last_over_time" => WindowFunction::TsOfLast,
        "ts_of_min_over_time" => WindowFunction::TsOfMin,
        "ts_of_max_over_time" => WindowFunction::TsOfMax,
        "quantile_over_time" => WindowFunction::Quantile,
        "deriv" => WindowFunction::Deriv,
        "predict_linear" => WindowFunction::PredictLinear,
        "double_exponential_smoothing" => WindowFunction::DoubleExponentialSmoothing,
        _ => return None,
    })
}
