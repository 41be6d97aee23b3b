//! Every function of the language: what it takes, what it gives, and what it is for.
//!
//! The parser checks types by this table, and the page offers it for completion. A name that is here and unknown to
//! [`Function::by_name`](super::Function::by_name) is not evaluated yet.

use crate::query::expr::Kind;

/// What a function takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// The kinds of the arguments; the last counts for all that follow.
    pub args: &'static [Kind],
    /// The least number of arguments.
    pub least: usize,
    /// The greatest number of arguments, if there is one.
    pub most: Option<usize>,
    /// What it gives.
    pub gives: Kind,
    /// Whether Prometheus has it behind a flag.
    pub experimental: bool,
    /// What it gives, in a line.
    pub help: &'static str,
}

impl Signature {
    const fn at_least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    const fn at_most(self, most: Option<usize>) -> Self {
        Self { most, ..self }
    }

    const fn scalar(self) -> Self {
        Self { gives: Kind::Scalar, ..self }
    }

    const fn experimental(self) -> Self {
        Self { experimental: true, ..self }
    }
}

const fn of(name: &'static str, args: &'static [Kind], help: &'static str) -> Signature {
    let (least, most) = (args.len(), Some(args.len()));
    Signature { name, args, least, most, gives: Kind::Vector, experimental: false, help }
}

const fn vector(name: &'static str, help: &'static str) -> Signature {
    of(name, &[Kind::Vector], help)
}

const fn range(name: &'static str, help: &'static str) -> Signature {
    of(name, &[Kind::Range], help)
}

/// All functions, sorted by name.
#[rustfmt::skip]
pub const SIGNATURES: [Signature; 90] = [
    vector("abs", "The absolute value"),
    vector("absent", "1 if the vector has no series, else nothing"),
    range("absent_over_time", "1 if the range has no samples, else nothing"),
    vector("acos", "The arc cosine, in radians"),
    vector("acosh", "The inverse hyperbolic cosine"),
    vector("asin", "The arc sine, in radians"),
    vector("asinh", "The inverse hyperbolic sine"),
    vector("atan", "The arc tangent, in radians"),
    vector("atanh", "The inverse hyperbolic tangent"),
    range("avg_over_time", "The mean of the samples in the range"),
    vector("ceil", "Rounded up to a whole number"),
    range("changes", "How often the value has changed in the range"),
    of("clamp", &[Kind::Vector, Kind::Scalar, Kind::Scalar], "No value below the second argument, none above the third"),
    of("clamp_max", &[Kind::Vector, Kind::Scalar], "No value above the second argument"),
    of("clamp_min", &[Kind::Vector, Kind::Scalar], "No value below the second argument"),
    vector("cos", "The cosine of radians"),
    vector("cosh", "The hyperbolic cosine"),
    range("count_over_time", "How many samples the range has"),
    vector("day_of_month", "The day of the month, 1 to 31, of times in seconds; without an argument of now").at_least(0),
    vector("day_of_week", "The day of the week, 0 for Sunday, of times in seconds; without an argument of now").at_least(0),
    vector("day_of_year", "The day of the year, 1 to 366, of times in seconds; without an argument of now").at_least(0),
    vector("days_in_month", "The days of the month, 28 to 31, of times in seconds; without an argument of now").at_least(0),
    vector("deg", "Radians as degrees"),
    range("delta", "The difference between the ends of the range, extrapolated to them; for gauges"),
    range("deriv", "The slope per second of a line through the samples of the range; for gauges"),
    of("double_exponential_smoothing", &[Kind::Range, Kind::Scalar, Kind::Scalar], "A smoothed value: the factors weigh new samples and the trend").experimental(),
    of("end", &[], "The end of the query, in seconds").scalar().experimental(),
    vector("exp", "e to the power of the value"),
    range("first_over_time", "The oldest sample of the range"),
    vector("floor", "Rounded down to a whole number"),
    vector("histogram_avg", "The mean of the observations of native histograms"),
    vector("histogram_count", "The count of the observations of native histograms"),
    of("histogram_fraction", &[Kind::Scalar, Kind::Scalar, Kind::Vector], "The part of the observations between two values"),
    of("histogram_quantile", &[Kind::Scalar, Kind::Vector], "A quantile, 0 to 1, of the observations of histograms"),
    of("histogram_quantiles", &[Kind::Vector, Kind::Text, Kind::Scalar], "Quantiles of histograms, told apart by the label that the second argument names").at_most(Some(12)).experimental(),
    vector("histogram_stddev", "The standard deviation of the observations of native histograms"),
    vector("histogram_stdvar", "The variance of the observations of native histograms"),
    vector("histogram_sum", "The sum of the observations of native histograms"),
    vector("hour", "The hour, 0 to 23, of times in seconds; without an argument of now").at_least(0),
    range("idelta", "The difference of the last two samples of the range; for gauges"),
    range("increase", "How much a counter has grown in the range, extrapolated to its ends"),
    of("info", &[Kind::Vector, Kind::Vector], "The labels of matching info metrics beside the series' own").at_least(1).experimental(),
    range("irate", "The growth per second between the last two samples of a counter"),
    of("label_join", &[Kind::Vector, Kind::Text, Kind::Text, Kind::Text], "Sets a label to the values of others with a separator between them").at_least(3).at_most(None),
    of("label_replace", &[Kind::Vector, Kind::Text, Kind::Text, Kind::Text, Kind::Text], "Sets a label from another by a regular expression: label, replacement, source, expression"),
    range("last_over_time", "The newest sample of the range"),
    vector("ln", "The natural logarithm"),
    vector("log10", "The decimal logarithm"),
    vector("log2", "The binary logarithm"),
    range("mad_over_time", "The median of the distances from the median, of the range").experimental(),
    of("max_of", &[Kind::Scalar, Kind::Scalar], "The greater of two numbers").scalar().experimental(),
    range("max_over_time", "The greatest sample of the range"),
    of("min_of", &[Kind::Scalar, Kind::Scalar], "The smaller of two numbers").scalar().experimental(),
    range("min_over_time", "The smallest sample of the range"),
    vector("minute", "The minute, 0 to 59, of times in seconds; without an argument of now").at_least(0),
    vector("month", "The month, 1 to 12, of times in seconds; without an argument of now").at_least(0),
    of("pi", &[], "The number pi").scalar(),
    of("predict_linear", &[Kind::Range, Kind::Scalar], "The value that many seconds from now on a line through the samples; for gauges"),
    range("present_over_time", "1 for each series with a sample in the range"),
    of("quantile_over_time", &[Kind::Scalar, Kind::Range], "A quantile, 0 to 1, of the samples of the range"),
    vector("rad", "Degrees as radians"),
    of("range", &[], "The seconds from the start of the query to its end").scalar().experimental(),
    range("rate", "The growth per second of a counter in the range, extrapolated to its ends"),
    range("resets", "How often a counter has fallen in the range"),
    of("round", &[Kind::Vector, Kind::Scalar], "Rounded to the nearest multiple of the second argument, of 1 without one").at_least(1),
    vector("scalar", "The value of the only series as a number; NaN if there is not exactly one").scalar(),
    vector("sgn", "The sign: -1, 0 or 1"),
    vector("sin", "The sine of radians"),
    vector("sinh", "The hyperbolic sine"),
    vector("sort", "Sorted by value, smallest first"),
    of("sort_by_label", &[Kind::Vector, Kind::Text], "Sorted by the labels that are named").at_least(1).at_most(None).experimental(),
    of("sort_by_label_desc", &[Kind::Vector, Kind::Text], "Sorted by the labels that are named, last first").at_least(1).at_most(None).experimental(),
    vector("sort_desc", "Sorted by value, greatest first"),
    vector("sqrt", "The square root"),
    of("start", &[], "The start of the query, in seconds").scalar().experimental(),
    vector("start_timestamp", "When the counters of the series began, in seconds").experimental(),
    range("stddev_over_time", "The standard deviation of the samples of the range"),
    range("stdvar_over_time", "The variance of the samples of the range"),
    of("step", &[], "The seconds between the steps of the query").scalar().experimental(),
    range("sum_over_time", "The sum of the samples of the range"),
    vector("tan", "The tangent of radians"),
    vector("tanh", "The hyperbolic tangent"),
    of("time", &[], "The time of the step, in seconds").scalar(),
    vector("timestamp", "The times of the samples, in seconds"),
    range("ts_of_first_over_time", "The time of the oldest sample of the range, in seconds").experimental(),
    range("ts_of_last_over_time", "The time of the newest sample of the range, in seconds").experimental(),
    range("ts_of_max_over_time", "The time of the greatest sample of the range, in seconds").experimental(),
    range("ts_of_min_over_time", "The time of the smallest sample of the range, in seconds").experimental(),
    of("vector", &[Kind::Scalar], "A number as a series without labels"),
    vector("year", "The year of times in seconds; without an argument of now").at_least(0),
];

/// The function of this name, in these very letters.
pub fn by_name(name: &str) -> Option<&'static Signature> {
    let at = SIGNATURES.binary_search_by(|signature| signature.name.cmp(name)).ok()?;
    SIGNATURES.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::functions::Function;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(SIGNATURES.is_sorted_by(|a, b| a.name < b.name));
        assert_eq!(by_name("rate").map(|rate| rate.args), Some(&[Kind::Range][..]));
        assert_eq!(by_name("Rate"), None);
    }

    #[test]
    fn what_is_evaluated_gives_what_the_table_says() {
        let mut found = 0;
        for signature in SIGNATURES {
            assert!(signature.most.is_none_or(|most| signature.least <= most), "{}", signature.name);
            if let Some(function) = Function::by_name(signature.name) {
                assert_eq!(function.kind(), signature.gives, "{}", signature.name);
                found += 1;
            }
        }
        assert!(70 < found, "{found}");
    }
}
