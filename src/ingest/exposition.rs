//! Prometheus's text exposition, version 0.0.4, and what `OpenMetrics` adds to it.

pub mod line;

#[cfg(test)]
mod tests;

use self::line::{Stamp, parse_line};
use super::{MetricKind, PushError, Pushed, check_size, limits::PUSH_ITEMS_MAX};
use crate::model::{BatchSample, Sample};

/// Parses a text; lines without a timestamp get `now_ms`. An item is a line, counted from 1.
///
/// Names may be quoted (`{"my.metric", "my.label"="x"}`), exemplars are passed over, and so are
/// comments and `# HELP`. A text that ends with `# EOF` is `OpenMetrics`: its timestamps are seconds;
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
            read_type(comment, &mut pushed);
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

/// `TYPE name kind`; whatever else follows a `#` is for people.
fn read_type(comment: &[u8], pushed: &mut Pushed) {
    let Ok(comment) = std::str::from_utf8(comment) else { return };
    let Some(rest) = comment.trim_start().strip_prefix("TYPE") else { return };
    let Some((name, kind)) = rest.trim().rsplit_once([' ', '\t']) else { return };
    let kind = match kind {
        "counter" => MetricKind::Counter,
        "gauge" => MetricKind::Gauge,
        "histogram" => MetricKind::Histogram,
        "summary" => MetricKind::Summary,
        _ => MetricKind::Untyped,
    };
    // A metric without a sample needs no kind, so there is no use for more kinds than items.
    if pushed.kinds.len() < PUSH_ITEMS_MAX {
        pushed.kinds.insert(name.trim().trim_matches('"').to_owned(), kind);
    }
}
