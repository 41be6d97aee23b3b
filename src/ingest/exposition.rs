//! Prometheus's text exposition, version 0.0.4, and what `OpenMetrics` adds to it.

pub mod line;

#[cfg(test)]
mod tests;

use self::line::{Stamp, parse_line};
use super::{
    PushError, Pushed, check_size,
    limits::{HELP_BYTES_MAX, METRIC_NAME_BYTES_MAX, PUSH_ITEMS_MAX, UNIT_BYTES_MAX},
};
use crate::model::{BatchSample, MetricKind, Sample};

/// Parses a text; lines without a timestamp get `now_ms`. An item is a line, counted from 1.
///
/// Names may be quoted (`{"my.metric", "my.label"="x"}`), exemplars are passed over, and so are
/// comments; what `# TYPE`, `# HELP` and `# UNIT` say of metrics is kept. A text that ends with `# EOF` is `OpenMetrics`: its timestamps are seconds;
/// without, they are milliseconds. The job is `push` unless a label says otherwise.
///
/// # Errors
///
/// When the text is too large or has too many samples. A line that is wrong is refused and does not
/// make an error.
pub fn parse_exposition(text: &[u8], now_ms: i64) -> Result<Pushed, PushError> {
    check_size(text.len())?;
    let is_open_metrics = text.trim_ascii_end().ends_with(b"# EOF");
    let mut pushed = Pushed::default();
    let mut items = 0;
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix(b"#") {
            read_metadata(comment, &mut pushed);
            continue;
        }
        items += 1;
        if items > PUSH_ITEMS_MAX {
            continue;
        }
        match parse_line(line) {
            Ok(parsed) => {
                let t = parsed.stamp.map_or(now_ms, |stamp| stamp_ms(stamp, is_open_metrics));
                let entry = BatchSample { labels: parsed.labels, sample: Sample::new(t, parsed.value) };
                pushed.samples.push((at + 1, entry));
            }
            Err(reason) => pushed.refuse(at + 1, reason),
        }
    }
    if items > PUSH_ITEMS_MAX {
        return Err(PushError::TooManyItems { items });
    }
    Ok(pushed)
}

fn stamp_ms(stamp: Stamp, is_open_metrics: bool) -> i64 {
    let scale = if is_open_metrics { 1_000.0 } else { 1.0 };
    match stamp {
        Stamp::Whole(whole) if !is_open_metrics => whole,
        #[expect(clippy::cast_possible_truncation, reason = "saturates; the store refuses such a time")]
        Stamp::Whole(whole) => (whole as f64 * scale).round() as i64,
        #[expect(clippy::cast_possible_truncation, reason = "saturates; the store refuses such a time")]
        Stamp::Fraction(fraction) => (fraction * scale).round() as i64,
    }
}

/// `TYPE name kind`, `HELP name text` and `UNIT name unit`; whatever else follows a `#` is for people.
fn read_metadata(comment: &[u8], pushed: &mut Pushed) {
    let Ok(comment) = std::str::from_utf8(comment) else { return };
    let Some((word, rest)) = comment.trim().split_once([' ', '\t']) else { return };
    if !matches!(word, "TYPE" | "HELP" | "UNIT") {
        return;
    }
    let rest = rest.trim_start();
    // A quoted name may have spaces; nothing else that may stand here has quotes around it.
    let (name, text) = match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        Some((name, text)) => (name, text),
        None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
    };
    let text = text.trim();
    // A metric without a sample needs none, so there is no use for more than items.
    let is_new = !pushed.metadata.contains_key(name);
    if METRIC_NAME_BYTES_MAX < name.len() || is_new && PUSH_ITEMS_MAX <= pushed.metadata.len() {
        return;
    }
    let metadata = pushed.metadata.entry(name.to_owned()).or_default();
    match word {
        "TYPE" => metadata.kind = MetricKind::by_name(text),
        "UNIT" => metadata.unit = text[..text.floor_char_boundary(UNIT_BYTES_MAX)].to_owned(),
        _ => metadata.help = unescaped(&text[..text.floor_char_boundary(HELP_BYTES_MAX)]),
    }
}

/// A help text, in which two backslashes stand for one, and a backslash with an n for a line break.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('\\') | None => plain.push('\\'),
                Some(other) => plain.extend(['\\', other]),
            },
            c => plain.push(c),
        }
    }
    plain
}
