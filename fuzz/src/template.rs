//! Templates of alerts.

use watchroom::model::Labels;
use watchroom::rules::{Facts, TEXT_BYTES_MAX, Template};

/// Any text is filled in or stands as it is, within its bounds.
pub fn check(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let template = Template::new(source);
    let labels = Labels::from_pairs([("instance", "db:9100"), ("mountpoint", "/{{ value }}"), ("é", "<b>")]);
    for value in [0.0, -1.5, 1e300, f64::NAN, f64::INFINITY] {
        let facts = Facts { labels: &labels, value, limit: Some(80.0), severity: "warning", unit: "%" };
        let text = template.fill(&facts);
        assert!(text.len() <= 2 * TEXT_BYTES_MAX + 100, "{}", text.len());
    }
    if Template::parse(source).is_err() {
        let facts = Facts { labels: &labels, value: 1.0, limit: None, severity: "critical", unit: "" };
        let start = &source[..source.floor_char_boundary(TEXT_BYTES_MAX)];
        assert!(template.fill(&facts).starts_with(start), "a broken template is its text");
    }
}
