//! Push JSON.

use serde_json::{Map, Value, json};

use super::pushed::{self, NOW};
use watchroom::ingest::{PushError, Pushed, parse_push};
use watchroom::model::{BatchSample, METRIC_NAME};

/// Every item is taken or refused; what was taken comes back when it is written.
pub fn check(data: &[u8]) {
    let value = serde_json::from_slice::<Value>(data);
    let pushed = match parse_push(data, NOW) {
        Ok(pushed) => pushed,
        Err(error) => {
            // The other way round need not hold: what is passed over is not looked at closely.
            assert!(value.is_err() || !matches!(error, PushError::NotJson { .. }), "{error}");
            return pushed::check_error(&error);
        }
    };
    let items = pushed.samples.len() + pushed.histograms.len() + pushed.refused_count;
    let expected = match &value {
        Ok(Value::Array(items)) => items.len(),
        Ok(Value::Object(object)) => object.get("samples").and_then(Value::as_array).map_or(1, Vec::len),
        // What is passed over: numbers that are too large, nesting that is too deep.
        _ => items,
    };
    assert_eq!(items, expected);
    pushed::check(&pushed, &(0..items).collect::<Vec<_>>());
    pushed::check_again(&pushed, parse_push(write(&pushed).to_string().as_bytes(), NOW));
}

fn write(pushed: &Pushed) -> Value {
    pushed.samples.iter().map(|(_, sample)| item(sample)).collect()
}

fn item(BatchSample { labels, sample }: &BatchSample) -> Value {
    let value = match sample.v {
        v if v.is_nan() => json!("NaN"),
        f64::INFINITY => json!("+Inf"),
        f64::NEG_INFINITY => json!("-Inf"),
        v => json!(v),
    };
    let others = labels.iter().filter(|label| &*label.name != METRIC_NAME);
    let others: Map<String, Value> =
        others.map(|label| (label.name.to_string(), Value::from(&*label.value))).collect();
    json!({ "metric": labels.metric_name(), "labels": others, "value": value, "timestamp": sample.t })
}
