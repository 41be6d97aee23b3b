//! Values as Prometheus's API writes them.

use std::{borrow::Cow, fmt::Write as _};

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeSeq as _},
};
use serde_json::Value as Json;

use super::time::Seconds;
use crate::model::{AnySample, Histogram, HistogramSample, Labels, Sample, SelectedSeries};
use crate::query::Value;

/// From here on up to [`PLAIN_BELOW`], shortest digits come with a point and no exponent.
const PLAIN_FROM: f64 = 1e-5;
/// See [`PLAIN_FROM`].
const PLAIN_BELOW: f64 = 1e16;
/// Whole numbers below this are exact in 64 bits of either kind.
const WHOLE_BELOW: f64 = 9_007_199_254_740_992.0;
/// Bytes of a point as it is written, more or less.
const POINT_BYTES: usize = 36;
/// Bytes of the labels of a series, more or less.
const LABELS_BYTES: usize = 256;

/// The `data` of an answer, written without being built first: an answer may have millions of points.
#[derive(Debug)]
pub(super) struct Data<'a> {
    /// What the query gave.
    pub(super) value: &'a Value,
    /// The time of a text, ms.
    pub(super) at: i64,
    /// What it took, for a client that wants to know.
    pub(super) stats: Option<Json>,
}

impl Data<'_> {
    /// About as many bytes as it takes: room that is made at once is not copied while it grows.
    pub(super) fn bytes(&self) -> usize {
        match self.value {
            Value::Scalar(_) | Value::String(_) => POINT_BYTES,
            Value::Vector(vector) => vector.len() * (LABELS_BYTES + POINT_BYTES),
            Value::Matrix(matrix) => {
                matrix.iter().map(|series| LABELS_BYTES + series.samples.len() * POINT_BYTES).sum()
            }
        }
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.value {
            Value::Scalar(sample) => {
                map.serialize_entry("resultType", "scalar")?;
                map.serialize_entry("result", &Point(*sample))?;
            }
            Value::String(text) => {
                map.serialize_entry("resultType", "string")?;
                map.serialize_entry("result", &(Seconds(self.at), text))?;
            }
            Value::Vector(vector) => {
                map.serialize_entry("resultType", "vector")?;
                map.serialize_entry("result", &Each(vector, One))?;
            }
            Value::Matrix(matrix) => {
                map.serialize_entry("resultType", "matrix")?;
                map.serialize_entry("result", &Each(matrix, Many))?;
            }
        }
        if let Some(stats) = &self.stats {
            map.serialize_entry("stats", stats)?;
        }
        map.end()
    }
}

/// A list, each item shown as something else.
struct Each<'a, T, F>(&'a [T], F);

impl<'a, T, U: Serialize, F: Fn(&'a T) -> U> Serialize for Each<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            list.serialize_element(&(self.1)(item))?;
        }
        list.end()
    }
}

/// A series at one time.
struct One<'a>(&'a (Labels, AnySample));

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (labels, sample) = self.0;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("metric", labels)?;
        match sample {
            AnySample::Float(sample) => map.serialize_entry("value", &Point(*sample))?,
            AnySample::Histogram(sample) => map.serialize_entry("histogram", &HistogramPoint(sample))?,
        }
        map.end()
    }
}

/// A series with the kinds of samples that it has.
struct Many<'a>(&'a SelectedSeries);

impl Serialize for Many<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SelectedSeries { labels, samples, histograms } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", labels)?;
        if !samples.is_empty() {
            map.serialize_entry("values", &Each(samples, |sample: &Sample| Point(*sample)))?;
        }
        if !histograms.is_empty() {
            map.serialize_entry("histograms", &Each(histograms, HistogramPoint))?;
        }
        map.end()
    }
}

struct Point(Sample);

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Seconds(self.0.t), Number(self.0.v)).serialize(serializer)
    }
}

struct HistogramPoint<'a>(&'a HistogramSample);

impl Serialize for HistogramPoint<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Seconds(self.0.t), Buckets(&self.0.histogram)).serialize(serializer)
    }
}

/// Count, sum and the populated buckets, each with a number that says which of its bounds are in it.
struct Buckets<'a>(&'a Histogram);

impl Serialize for Buckets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let populated = self.0.buckets().filter(|bucket| bucket.count != 0.0);
        let buckets: Vec<_> = populated
            .map(|bucket| {
                let inclusive = match (bucket.lower_inclusive, bucket.upper_inclusive) {
                    (false, true) => 0,
                    (true, false) => 1,
                    (false, false) => 2,
                    (true, true) => 3,
                };
                (inclusive, Number(bucket.lower), Number(bucket.upper), Number(bucket.count))
            })
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &Number(self.0.count))?;
        map.serialize_entry("sum", &Number(self.0.sum))?;
        if !buckets.is_empty() {
            map.serialize_entry("buckets", &buckets)?;
        }
        map.end()
    }
}

/// A number in a text, as Go writes it.
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        with_text(self.0, |text| serializer.serialize_str(text))
    }
}

/// A number as Go writes it.
pub(super) fn number(value: f64) -> String {
    with_text(value, str::to_owned)
}

/// Gives the text of a number, made where that needs no memory for the usual ones.
fn with_text<T>(value: f64, take: impl FnOnce(&str) -> T) -> T {
    let size = value.abs();
    if size < WHOLE_BELOW && value.trunc() == value && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and bounded, just here")]
        let whole = value as i64;
        return take(itoa::Buffer::new().format(whole));
    }
    if (PLAIN_FROM..PLAIN_BELOW).contains(&size) {
        return take(zmij::Buffer::new().format_finite(value).trim_end_matches(".0"));
    }
    take(&rare_text(value))
}

/// The text of what is no usual number: very large or small, minus zero, none at all.
fn rare_text(value: f64) -> Cow<'static, str> {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if 0.0 < value { "+Inf" } else { "-Inf" }.into();
    }
    let mut text = String::new();
    if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
        // Writing to a text does not fail, here and below.
        write!(text, "{value}").ok();
        return text.into();
    }
    // Go's 'f' format turns to an exponent of at least two digits out there.
    write!(text, "{value:e}").ok();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}").into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::histogram::Layout;

    fn result(value: &Value) -> Json {
        serde_json::to_value(Data { value, at: 0, stats: None }).unwrap()["result"][0].take()
    }

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (value, expected) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (1e21, "1e+21"),
            (1.5e-9, "1.5e-09"),
            (-2.0, "-2"),
            (-0.0, "-0"),
            (9.5e-7, "9.5e-07"),
            (1e-6, "0.000001"),
            (9.5e-6, "0.0000095"),
            (123_456.789, "123456.789"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e16, "10000000000000000"),
            (1.5e20, "150000000000000000000"),
            (1_186_855_943_420_629.0 + 0.25, "1186855943420629.2"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_written_in_its_shortest_digits(value: f64) {
            let text = number(value);
            if value.is_finite() {
                prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
                // Half way between two shortest ones, both are right: as many digits, not always the same.
                if (1e-6..1e21).contains(&value.abs()) {
                    prop_assert_eq!(text.len(), format!("{value}").len());
                }
            }
        }

        #[test]
        fn usual_numbers_are_written_in_their_shortest_digits(whole in -1_000_000_i64..1_000_000, parts in 1_u32..9) {
            let value = whole as f64 / 10_f64.powi(parts as i32 - 3);
            prop_assert_eq!(number(value), format!("{value}"));
        }
    }

    #[test]
    fn histograms_have_their_buckets() {
        let one = Histogram {
            count: 4.0,
            sum: 1.5,
            zero: 1.0,
            positive: vec![(1, 2.0), (2, 0.0)],
            negative: vec![(1, 1.0)],
            ..Histogram::empty(Layout::Exponential { schema: 0, zero_threshold: 0.5 })
        };
        let sample = HistogramSample::new(1_500, Arc::new(one));
        let expected = json!([1.5, { "count": "4", "sum": "1.5", "buckets": [
            [1, "-2", "-1", "1"], [3, "-0.5", "0.5", "1"], [0, "1", "2", "2"],
        ] }]);
        let vector = Value::Vector(vec![(Labels::empty(), AnySample::Histogram(sample.clone()))]);
        assert_eq!(result(&vector), json!({ "metric": {}, "histogram": expected }));
        let mixed = SelectedSeries {
            labels: Labels::empty(),
            samples: vec![Sample::new(1_000, 2.0)],
            histograms: vec![sample],
        };
        let shown = result(&Value::Matrix(vec![mixed]));
        assert_eq!(shown, json!({ "metric": {}, "values": [[1, "2"]], "histograms": [expected] }));
    }
}
