//! A native histogram in JSON: an object, or a text in promtool's notation.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{
    CounterReset, Histogram,
    histogram::{Layout, SCHEMA_MAX, SCHEMA_MIN},
    limits::{HISTOGRAM_BOUNDS_MAX, HISTOGRAM_BUCKETS_MAX},
};
use crate::query::shorthand;

/// The zero bucket's reach if nothing is said, as in Prometheus's clients.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// Characters of a message about the form.
const MESSAGE_CHARS_MAX: usize = 120;

/// The keys of an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    count: f64,
    sum: Box<RawValue>,
    schema: Option<i64>,
    bounds: Option<Vec<f64>>,
    zero_threshold: Option<f64>,
    #[serde(default)]
    zero_count: f64,
    #[serde(default)]
    positive: Vec<(i32, f64)>,
    #[serde(default)]
    negative: Vec<(i32, f64)>,
    #[serde(default)]
    reset: Hint,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hint {
    #[default]
    Unknown,
    Reset,
    NotReset,
    Gauge,
}

/// Reads it.
///
/// ```json
/// {"schema": 3, "count": 12, "sum": 18.4, "zero_count": 2, "positive": [[-3, 4], [0, 6]]}
/// ```
///
/// `positive` and `negative` are buckets with their index and count; `bounds` instead of `schema` makes buckets with
/// bounds of one's own.
///
/// # Errors
///
/// What is wrong, in words.
pub(super) fn parse(raw: &RawValue) -> Result<Arc<Histogram>, String> {
    let histogram = if raw.get().starts_with('"') { notation(raw)? } else { object(raw)? };
    if HISTOGRAM_BUCKETS_MAX < histogram.positive.len() + histogram.negative.len() {
        return Err(format!("\"histogram\" has more than {HISTOGRAM_BUCKETS_MAX} buckets"));
    }
    if let Layout::Custom { bounds } = &histogram.layout
        && HISTOGRAM_BOUNDS_MAX < bounds.len()
    {
        return Err(format!("\"histogram\" has more than {HISTOGRAM_BOUNDS_MAX} bounds"));
    }
    histogram.check().map_err(|error| format!("\"histogram\": {error}"))?;
    Ok(Arc::new(histogram))
}

fn notation(raw: &RawValue) -> Result<Histogram, String> {
    let text: String = serde_json::from_str(raw.get()).unwrap_or_default();
    shorthand::histogram(text.trim()).ok_or_else(|| {
        "\"histogram\" as a string must be like \"{{schema:0 count:4 sum:5 buckets:[1 2 1]}}\"".to_owned()
    })
}

fn object(raw: &RawValue) -> Result<Histogram, String> {
    let written: Written = serde_json::from_str(raw.get()).map_err(|error| {
        let text = error.to_string();
        // The place is one in this value, which nobody could find.
        format!("\"histogram\": {}", short(text.split(" at line ").next().unwrap_or_default()))
    })?;
    let layout = match (written.schema, written.bounds) {
        (Some(_), Some(_)) => return Err("\"histogram\" has either \"schema\" or \"bounds\"".to_owned()),
        (None, None) => return Err("\"histogram\" needs \"schema\" or \"bounds\"".to_owned()),
        (None, Some(bounds)) => Layout::Custom { bounds: bounds.into() },
        (Some(schema), None) => Layout::Exponential {
            schema: i8::try_from(schema)
                .ok()
                .filter(|schema| (SCHEMA_MIN..=SCHEMA_MAX).contains(schema))
                .ok_or_else(|| {
                    format!("\"schema\" is {schema}; it must be from {SCHEMA_MIN} to {SCHEMA_MAX}")
                })?,
            zero_threshold: written.zero_threshold.unwrap_or(ZERO_THRESHOLD),
        },
    };
    let hint = match written.reset {
        Hint::Unknown => CounterReset::Unknown,
        Hint::Reset => CounterReset::Reset,
        Hint::NotReset => CounterReset::NotReset,
        Hint::Gauge => CounterReset::Gauge,
    };
    Ok(Histogram {
        layout,
        hint,
        count: written.count,
        sum: super::push::parse_number(&written.sum, "sum")?,
        zero: written.zero_count,
        positive: written.positive,
        negative: written.negative,
    })
}

/// The start of a text in which a sender's own may stand, on one line.
fn short(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    plain.take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Arc<Histogram>, String> {
        parse(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[track_caller]
    fn bad(json: &str, expected: &str) {
        let error = read(json).unwrap_err();
        assert!(error.contains(expected), "{json}: {error}");
    }

    #[test]
    fn both_forms_are_read() {
        let object = read(
            r#"{"schema": 1, "count": 9, "sum": -2.5, "zero_threshold": 0.5, "zero_count": 1,
                "positive": [[-1, 2], [0, 3]], "negative": [[2, 3]], "reset": "not_reset"}"#,
        )
        .unwrap();
        let text = r#""{{schema:1 count:9 sum:-2.5 z_bucket:1 z_bucket_w:0.5 offset:-1 buckets:[2 3] n_offset:2 n_buckets:[3] counter_reset_hint:not_reset}}""#;
        let notation = read(text).unwrap();
        assert!(object.same(&notation) && object.hint == notation.hint, "{object} and {notation}");
        let custom = read(r#"{"bounds": [0.1, 1], "count": 3, "sum": "NaN", "positive": [[0, 1], [2, 2]]}"#);
        assert_eq!(custom.unwrap().to_string(), "{count:3, sum:NaN, [-Inf,0.1]:1, (1,+Inf]:2}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        bad("3", "invalid type: integer `3`, expected struct");
        bad(r#"{"count": 1}"#, "missing field `sum`");
        bad(r#"{"count": 1, "sum": 1}"#, "needs \"schema\" or \"bounds\"");
        bad(r#"{"count": 1, "sum": 1, "schema": 0, "bounds": []}"#, "either \"schema\" or \"bounds\"");
        bad(r#"{"count": 1, "sum": 1, "schema": 9}"#, "it must be from -4 to 8");
        bad(r#"{"count": 1, "sum": 1, "schema": 0, "buckets": []}"#, "unknown field `buckets`");
        bad(r#"{"count": 1, "sum": [], "schema": 0}"#, "\"sum\" must be a number");
        bad(r#"{"count": -1, "sum": 1, "schema": 0}"#, "counts must be finite and not negative");
        bad(
            r#"{"count": 1, "sum": 1, "schema": 0, "positive": [[1, 1], [0, 1]]}"#,
            "buckets must be in order",
        );
        bad(r#"{"count": 1, "sum": 1, "bounds": [1, 1]}"#, "custom bounds must be finite and rise");
        let long = read(&format!(r#"{{"count": 1, "su\\n{}": 1}}"#, "m".repeat(1_000))).unwrap_err();
        assert!(long.len() < 200 && !long.contains('\n'), "{long}");
        bad(r#""{{schema:0""#, "as a string must be like");
        bad(r#""{{schema:0 count:1 sum:1}}x3""#, "as a string must be like");
        let many: Vec<String> = (0..=HISTOGRAM_BUCKETS_MAX).map(|index| format!("[{index}, 1]")).collect();
        bad(
            &format!(r#"{{"count": 1, "sum": 1, "schema": 8, "positive": [{}]}}"#, many.join(",")),
            "more than",
        );
        let many: Vec<String> = (0..=HISTOGRAM_BOUNDS_MAX).map(|bound| bound.to_string()).collect();
        bad(&format!(r#"{{"count": 1, "sum": 1, "bounds": [{}]}}"#, many.join(",")), "bounds");
    }
}
