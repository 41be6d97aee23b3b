//! The JSON push: one object, an array of them, or `{"samples": […]}`.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    PushError, Pushed, check_size, histogram,
    limits::PUSH_ITEMS_MAX,
    series::{SeriesParts, quoted},
};
use crate::model::{BatchHistogram, BatchSample, Histogram, HistogramSample, Labels, Sample};

/// The keys of an item.
const KEYS: [&str; 5] = ["metric", "labels", "value", "histogram", "timestamp"];
/// What senders of other systems call them.
const SYNONYMS: [(&str, &str); 8] = [
    ("name", "metric"),
    ("series", "metric"),
    ("tags", "labels"),
    ("dimensions", "labels"),
    ("val", "value"),
    ("time", "timestamp"),
    ("ts", "timestamp"),
    ("t", "timestamp"),
];
/// Before 1973 in milliseconds, until 5138 in seconds: a time in here was meant in seconds.
const SECONDS: std::ops::Range<i64> = 100_000_000..100_000_000_000;

/// Parses a body; items without a timestamp get `now_ms`.
///
/// ```json
/// {"metric": "queue_length", "labels": {"queue": "mail"}, "value": 17, "timestamp": 1790000000000}
/// ```
///
/// `value` is a number, `"NaN"`, `"+Inf"` or `"-Inf"`; instead of it there may be a `histogram`, a native one. `labels` and `timestamp` may be missing. The
/// job is `push` unless a label says otherwise.
///
/// # Errors
///
/// When the body is too large, has too many items, or is not JSON of one of the three forms. An
/// item that is wrong is refused and does not make an error.
pub fn parse_push(body: &[u8], now_ms: i64) -> Result<Pushed, PushError> {
    check_size(body.len())?;
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut pushed = Pushed::default();
    if first == Some(&b'[') {
        read_items(
            &serde_json::from_slice::<Items<'_>>(body).map_err(|error| not_json(&error))?,
            now_ms,
            &mut pushed,
        )?;
        return Ok(pushed);
    }
    let whole: &RawValue = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    let Ok(object) = serde_json::from_str::<Object<'_>>(whole.get()) else {
        let reason = "expected an object, an array of objects, or {\"samples\": [...]}".to_owned();
        return Err(PushError::WrongForm { reason });
    };
    match object.0.iter().find(|(key, _)| key == "samples") {
        Some((_, samples)) => {
            if let Some((key, _)) = object.0.iter().find(|(key, _)| key != "samples") {
                let reason = format!("unknown key {} beside \"samples\"", quoted(key));
                return Err(PushError::WrongForm { reason });
            }
            let Ok(items) = serde_json::from_str::<Items<'_>>(samples.get()) else {
                return Err(PushError::WrongForm { reason: "\"samples\" must be an array".to_owned() });
            };
            read_items(&items, now_ms, &mut pushed)?;
        }
        None => read_item(0, &object, now_ms, &mut pushed),
    }
    Ok(pushed)
}

fn not_json(error: &serde_json::Error) -> PushError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    // The error repeats its place in words.
    let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
    PushError::NotJson { line, column, reason }
}

fn read_items(items: &Items<'_>, now_ms: i64, pushed: &mut Pushed) -> Result<(), PushError> {
    if items.count > PUSH_ITEMS_MAX {
        return Err(PushError::TooManyItems { items: items.count });
    }
    pushed.samples.reserve(items.kept.len());
    for (index, raw) in items.kept.iter().enumerate() {
        match serde_json::from_str::<Object<'_>>(raw.get()) {
            Ok(object) => read_item(index, &object, now_ms, pushed),
            Err(_) => pushed.refuse(index, "an item must be an object".to_owned()),
        }
    }
    Ok(())
}

fn read_item(index: usize, object: &Object<'_>, now_ms: i64, pushed: &mut Pushed) {
    match parse_item(object, now_ms) {
        Ok(Item { labels, t, value: Value::Number(v) }) => {
            pushed.samples.push((index, BatchSample { labels, sample: Sample::new(t, v) }));
        }
        Ok(Item { labels, t, value: Value::Histogram(histogram) }) => {
            pushed
                .histograms
                .push((index, BatchHistogram { labels, sample: HistogramSample::new(t, histogram) }));
        }
        Err(reason) => pushed.refuse(index, reason),
    }
}

/// An item that is right.
struct Item {
    labels: Labels,
    t: i64,
    value: Value,
}

enum Value {
    Number(f64),
    Histogram(Arc<Histogram>),
}

fn parse_item(object: &Object<'_>, now_ms: i64) -> Result<Item, String> {
    let mut parts = SeriesParts::default();
    let (mut value, mut histogram, mut timestamp, mut labels) = (None, None, None, None);
    for (key, raw) in &object.0 {
        let is_repeated = match key.as_str() {
            // A second name is refused by the parts themselves.
            "metric" => {
                parts.set_name(parse_text(raw).ok_or("\"metric\" must be a string")?)?;
                false
            }
            "labels" => labels.replace(*raw).is_some(),
            "value" => value.replace(parse_number(raw, "value")?).is_some(),
            "histogram" => histogram.replace(histogram::parse(raw)?).is_some(),
            "timestamp" => timestamp.replace(parse_timestamp(raw)?).is_some(),
            _ => return Err(unknown_key(key)),
        };
        if is_repeated {
            return Err(format!("key {key:?} is given twice"));
        }
    }
    if let Some(raw) = labels {
        let pairs: Object<'_> =
            serde_json::from_str(raw.get()).map_err(|_| "\"labels\" must be an object of strings")?;
        for (name, raw) in pairs.0 {
            let Some(text) = parse_text(raw) else {
                return Err(format!("the value of label {} must be a string", quoted(&name)));
            };
            parts.add(name, text)?;
        }
    }
    let value = match (value, histogram) {
        (Some(v), None) => Value::Number(v),
        (None, Some(histogram)) => Value::Histogram(histogram),
        (Some(_), Some(_)) => return Err("an item has either \"value\" or \"histogram\"".to_owned()),
        (None, None) => return Err("\"value\" is missing".to_owned()),
    };
    let labels = parts.finish().map_err(|_| "\"metric\" is missing")?;
    Ok(Item { labels, t: timestamp.unwrap_or(now_ms), value })
}

fn parse_text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// A number under a key, or one of the texts for those that JSON does not know.
pub(super) fn parse_number(raw: &RawValue, key: &str) -> Result<f64, String> {
    if raw.get().starts_with('"') {
        return match raw.get() {
            "\"NaN\"" => Ok(f64::NAN),
            "\"+Inf\"" => Ok(f64::INFINITY),
            "\"-Inf\"" => Ok(f64::NEG_INFINITY),
            _ => Err(format!("\"{key}\" as a string must be \"NaN\", \"+Inf\" or \"-Inf\"")),
        };
    }
    if !raw.get().starts_with(|char: char| char == '-' || char.is_ascii_digit()) {
        return Err(format!("\"{key}\" must be a number"));
    }
    match raw.get().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("\"{key}\" is beyond the range of a float")),
    }
}

fn parse_timestamp(raw: &RawValue) -> Result<i64, String> {
    let Ok(ms) = raw.get().parse::<i64>() else {
        return Err("\"timestamp\" must be whole milliseconds since 1970".to_owned());
    };
    if SECONDS.contains(&ms) {
        return Err("\"timestamp\" looks like seconds; it must be milliseconds".to_owned());
    }
    Ok(ms)
}

fn unknown_key(key: &str) -> String {
    let lower = key.to_lowercase();
    let synonym = SYNONYMS.iter().find(|(known, _)| *known == lower).map(|(_, key)| *key);
    let near = || {
        KEYS.iter()
            .map(|known| (strsim::damerau_levenshtein(&lower, known), *known))
            .filter(|(distance, _)| *distance <= 2 && key.len() <= 16)
            .min()
            .map(|(_, known)| known)
    };
    match synonym.or_else(near) {
        Some(known) => format!("unknown key {}; did you mean {known:?}?", quoted(key)),
        None => format!("unknown key {}; the keys are {}", quoted(key), KEYS.join(", ")),
    }
}

/// The items of an array, each as its own text; those beyond the limit are only counted.
struct Items<'a> {
    kept: Vec<&'a RawValue>,
    count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Items<'de>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < PUSH_ITEMS_MAX {
            let Some(item) = access.next_element::<&'de RawValue>()? else { break };
            kept.push(item);
        }
        let mut count = kept.len();
        if count == PUSH_ITEMS_MAX {
            while access.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
        }
        Ok(Items { kept, count })
    }
}

/// The keys of an object in their order, repeated ones too, each value as its own text.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry::<String, &'de RawValue>()? {
            pairs.push(pair);
        }
        Ok(Object(pairs))
    }
}

#[cfg(test)]
mod tests;
