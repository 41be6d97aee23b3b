//! Series in promtool's shorthand: `name{a="b"} 1 2+3x2 _ stale {{count:4 buckets:[1 3]}}`.

mod histogram;

use std::sync::Arc;

use crate::model::{Histogram, Labels, METRIC_NAME, STALE_NAN};

use super::parse::quoted::unquote;

/// Values of one series: a day by the second.
pub const VALUES_MAX: usize = 100_000;

/// A series of a test: its values step by step.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its labels, the name among them.
    pub labels: Labels,
    /// What there is at each step; nothing where it has start times.
    pub values: Vec<Item>,
    /// Whether it is of start times, `name@st`, which are not read.
    pub is_start_times: bool,
}

/// What a series of a test has at a step.
#[derive(Debug, Clone)]
pub enum Item {
    /// Nothing.
    Gap,
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram {
        /// It.
        histogram: Arc<Histogram>,
        /// Whether its counter reset hint was given.
        has_hint: bool,
    },
}

impl Item {
    /// Its number, if it is one.
    pub const fn float(&self) -> Option<f64> {
        match self {
            Self::Float(v) => Some(*v),
            Self::Gap | Self::Histogram { .. } => None,
        }
    }
}

/// Reads a line. `None` if it does not describe a series, or has more than [`VALUES_MAX`] values.
pub fn parse(line: &str) -> Option<Described> {
    let line = line.split(" #").next().unwrap_or(line).trim();
    // `name@st{…}` gives the start times of a series.
    let plain = line.replacen("@st", "", 1);
    let (labels, rest) = labels(&plain)?;
    let is_start_times = plain != line;
    let mut values = Vec::new();
    let mut rest = if is_start_times { "" } else { rest.trim() };
    while !rest.is_empty() {
        let (word, after) = word(rest);
        if word.starts_with("{{") {
            values.extend(histogram::expand(word)?);
        } else {
            values.extend(expand(word)?.into_iter().map(|v| v.map_or(Item::Gap, Item::Float)));
        }
        if VALUES_MAX < values.len() {
            return None;
        }
        rest = after.trim_start();
    }
    Some(Described { labels, values, is_start_times })
}

/// Reads one native histogram, `{{…}}`.
pub fn histogram(text: &str) -> Option<Histogram> {
    let (word, rest) = word(text);
    match (histogram::expand(word)?.as_slice(), rest) {
        ([Item::Histogram { histogram, .. }], "") => Some((**histogram).clone()),
        _ => None,
    }
}

/// The first word and what follows it; there are spaces inside `{{…}}`.
fn word(text: &str) -> (&str, &str) {
    let mut depth = 0;
    let end = text.find(|c: char| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth <= 0 && c.is_whitespace()
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// The labels at the start of a line, and the rest of it.
fn labels(line: &str) -> Option<(Labels, &str)> {
    let name_end = line.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        pairs.push((METRIC_NAME.to_owned(), name.to_owned()));
    }
    let rest = rest.trim_start();
    if !rest.starts_with('{') || rest.starts_with("{{") {
        return (!name.is_empty()).then(|| (Labels::from_pairs(pairs), rest));
    }
    let end = closing(rest)?;
    let mut inside = rest[1..end].trim();
    while !inside.is_empty() {
        let quoted_name = inside.starts_with('"');
        let (name, after) = if quoted_name {
            let close = quoted_end(inside)?;
            (unquote(&inside[..close]).ok()?, &inside[close..])
        } else {
            let equals = inside.find('=')?;
            (inside[..equals].trim().to_owned(), &inside[equals..])
        };
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let value = value.trim_start();
            let close = quoted_end(value)?;
            pairs.push((name, unquote(&value[..close]).ok()?));
            inside = value[close..].trim_start();
        } else {
            pairs.push((METRIC_NAME.to_owned(), name));
            inside = after;
        }
        inside = inside.strip_prefix(',').unwrap_or(inside).trim_start();
    }
    Some((Labels::from_pairs(pairs), rest[end + 1..].trim_start()))
}

/// The brace that closes the one at the start.
fn closing(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        let rest = text.get(at..)?;
        let next = rest.find(['"', '\'', '`', '}'])?;
        if rest[next..].starts_with('}') {
            return Some(at + next);
        }
        at += next + quoted_end(&rest[next..])?;
    }
}

/// The end of the quoted text at the start.
fn quoted_end(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return Some(i + 1),
            _ => {}
        }
    }
    None
}

/// The values of one word: `1`, `1x3`, `1+2x3`, `_`, `_x3`, `stale`.
fn expand(word: &str) -> Option<Vec<Option<f64>>> {
    if word == "_" {
        return Some(vec![None]);
    }
    if let Some(times) = word.strip_prefix("_x") {
        return Some(vec![None; count(times)?]);
    }
    if word == "stale" {
        return Some(vec![Some(STALE_NAN)]);
    }
    if let Ok(v) = word.parse::<f64>() {
        return Some(vec![Some(v)]);
    }
    let (head, times) = word.rsplit_once('x')?;
    let times = count(times)?;
    let (first, rise) = first_and_rise(head)?;
    let mut values = vec![Some(first)];
    let mut v = first;
    for _ in 0..times {
        v += rise;
        values.push(Some(v));
    }
    Some(values)
}

/// `1+2` or `1-2` or `1`; the sign of an exponent belongs to its number.
fn first_and_rise(head: &str) -> Option<(f64, f64)> {
    if let Ok(v) = head.parse() {
        return Some((v, 0.0));
    }
    let signs = head.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-'));
    signs.into_iter().find_map(|(at, _)| {
        let (first, rise) = head.split_at(at);
        Some((first.parse().ok()?, rise.parse().ok()?))
    })
}

fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count <= VALUES_MAX)
}
