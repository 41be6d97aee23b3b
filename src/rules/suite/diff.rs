//! What is expected beside what is there.

use std::{collections::BTreeMap, fmt::Write};

use super::case::Expected;
use crate::model::Labels;
use crate::rules::{Alert, Rule, State};

/// How far values may be apart, of their size: the last digits depend on the order of sums.
const TOLERANCE: f64 = 1e-12;

/// An alert as a test sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) labels: Labels,
    pub(super) state: State,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) all_annotations: bool,
}

impl Shown {
    pub(super) fn expected(expected: &Expected) -> Self {
        let Expected { labels, state, annotations, all_annotations } = expected.clone();
        Self { labels, state, annotations, all_annotations }
    }

    pub(super) fn of_rule(rule: &Rule, alert: &Alert) -> Self {
        let texts = [
            ("summary", alert.summary.clone()),
            ("description", alert.description.clone()),
            ("runbook", rule.runbook.clone()),
        ];
        let annotations = texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        Self {
            labels: alert.labels.with("alertname", ""),
            state: alert.state,
            annotations,
            all_annotations: false,
        }
    }

    fn heading(&self) -> String {
        let state = if self.state == State::Pending { " (pending)" } else { "" };
        format!("{}{state}", self.labels)
    }
}

/// The lines that differ: `-` is expected and not there, `+` is there and not expected. Empty if all is as expected.
pub(super) fn alerts(expected: &[Shown], found: &[Shown]) -> String {
    let mut lines = String::new();
    let mut left: Vec<&Shown> = found.iter().collect();
    for one in expected {
        let at = left.iter().position(|other| other.labels == one.labels && other.state == one.state);
        match at.map(|at| left.remove(at)) {
            Some(other) => texts(one, other, &mut lines),
            None => line(&mut lines, '-', &one.heading()),
        }
    }
    for one in left {
        line(&mut lines, '+', &one.heading());
    }
    lines
}

fn texts(expected: &Shown, found: &Shown, lines: &mut String) {
    let mut differ = Vec::new();
    for (name, text) in &expected.annotations {
        let other = found.annotations.get(name).map(String::as_str);
        if other != Some(text) {
            differ.push((name, Some(text.as_str()), other));
        }
    }
    if expected.all_annotations {
        let more = found.annotations.iter().filter(|(name, _)| !expected.annotations.contains_key(*name));
        differ.extend(more.map(|(name, text)| (name, None, Some(text.as_str()))));
    }
    if differ.is_empty() {
        return;
    }
    line(lines, ' ', &expected.heading());
    for (name, expected, found) in differ {
        for (sign, text) in [('-', expected), ('+', found)] {
            if let Some(text) = text {
                line(lines, sign, &format!("  {name} = {text:?}"));
            }
        }
    }
}

/// The values that differ, as [`alerts`].
pub(super) fn values(expected: &[(Labels, f64)], found: &[(Labels, f64)]) -> String {
    let mut lines = String::new();
    let mut left: Vec<&(Labels, f64)> = found.iter().collect();
    for one in expected {
        match left.iter().position(|other| other.0 == one.0 && is_same(other.1, one.1)) {
            Some(at) => {
                left.remove(at);
            }
            None => line(&mut lines, '-', &format!("{} {}", one.0, one.1)),
        }
    }
    for one in left {
        line(&mut lines, '+', &format!("{} {}", one.0, one.1));
    }
    lines
}

fn is_same(one: f64, other: f64) -> bool {
    one == other
        || (one.is_nan() && other.is_nan())
        || (one - other).abs() <= TOLERANCE * one.abs().max(other.abs())
}

fn line(lines: &mut String, sign: char, text: &str) {
    // Writing to a text cannot fail.
    writeln!(lines, "  {sign} {text}").unwrap_or_default();
}

/// A duration of some ms as people write it: `1h30m`.
pub fn time(ms: i64) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = ms;
    let mut text = String::new();
    for (name, unit) in units {
        if unit <= rest {
            write!(text, "{}{name}", rest / unit).unwrap_or_default();
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
