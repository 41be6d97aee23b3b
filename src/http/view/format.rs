//! Names, colours and numbers of the first screen, by the same rules as `static/src/format/` and `static/src/data/names.ts`.

use std::collections::BTreeMap;

use super::StatPart;

/// Stands between a number and its unit, and between thousands.
pub(super) const NBSP: char = '\u{a0}';

/// Stands where there is no value.
pub(crate) const NONE: &str = "–";

/// Colours that series have; see the design's tokens.
const COLOURS: usize = 8;

/// Fills `{{label}}` in a legend's template. An empty template gives the values of all labels but `__name__`, `job` and
/// `instance`, or the name of the metric when there are none.
pub(crate) fn legend_name<'a>(
    template: &str,
    labels: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
) -> String {
    if template.is_empty() {
        return plain_name(labels);
    }
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((label, tail)) = after.split_once("}}") else { break };
        name.push_str(before);
        let wanted = label.trim();
        if let Some((_, value)) = labels.clone().into_iter().find(|(label, _)| *label == wanted) {
            name.push_str(&shown(value));
        }
        rest = tail;
    }
    name.push_str(rest);
    name
}

/// The name of a series without a template.
fn plain_name<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut metric = "";
    let mut rest = Vec::new();
    for (label, value) in labels {
        match label {
            "__name__" => metric = value,
            "job" | "instance" => {}
            _ => rest.push((label, value)),
        }
    }
    match rest.as_slice() {
        [] => metric.to_owned(),
        [(_, value)] => shown(value),
        all => worded(all),
    }
}

/// Gives names that tell series apart: those that would be called the same get their labels, and if need be all of
/// them. Each series is its name and its labels.
pub(crate) fn distinct_names(series: &[(String, Vec<(&str, &str)>)]) -> Vec<String> {
    let plain = |label: &str| matches!(label, "__name__" | "job" | "instance");
    let some = |labels: &[(&str, &str)]| {
        worded(&labels.iter().copied().filter(|(label, _)| !plain(label)).collect::<Vec<_>>())
    };
    let all = |labels: &[(&str, &str)]| {
        worded(&labels.iter().copied().filter(|(label, _)| *label != "__name__").collect::<Vec<_>>())
    };
    let names = counted(series.iter().map(|(name, _)| name.clone()));
    let shorter = counted(series.iter().map(|(_, labels)| some(labels)));
    let distinct = series.iter().map(|(name, labels)| {
        if names.get(name) == Some(&1) {
            return name.clone();
        }
        let (some, all) = (some(labels), all(labels));
        let found = if shorter.get(&some) == Some(&1) { some } else { all };
        if found.is_empty() { name.clone() } else { found }
    });
    distinct.collect()
}

fn counted(words: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    words.for_each(|word| *times.entry(word).or_default() += 1);
    times
}

fn worded(labels: &[(&str, &str)]) -> String {
    let words: Vec<String> =
        labels.iter().map(|(label, value)| format!("{label} {}", shown(value))).collect();
    words.join(", ")
}

/// Writes what cannot be seen, or turns the text around, as its number: `\u{202e}`.
pub(crate) fn shown(text: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if hidden(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// Gives the colours of a panel's series: `queries` are each query's own colour and how many series it has.
///
/// A query's own colour goes to its first series; all others get the next that no query of the panel names.
pub(crate) fn colors(queries: &[(Option<u8>, usize)]) -> Vec<Vec<u8>> {
    let reserved: Vec<u8> = queries.iter().filter_map(|(own, _)| *own).collect();
    let mut free = (1..=8_u8).cycle().filter(|color| !reserved.contains(color) || reserved.len() >= COLOURS);
    let mut given = Vec::new();
    for (own, count) in queries {
        let series = (0..*count).map(|at| own.filter(|_| at == 0).or_else(|| free.next()).unwrap_or(1));
        given.push(series.collect());
    }
    given
}

/// Writes a value with a fixed number of decimals; `None` writes three figures, with a prefix from 10,000 on.
pub(crate) fn number(value: f64, decimals: Option<u8>) -> String {
    if value.is_nan() {
        return NONE.to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { "−∞".to_owned() };
    }
    if let Some(decimals) = decimals {
        return grouped(&format!("{value:.*}", usize::from(decimals)));
    }
    let size = value.abs();
    if size >= 1e27 {
        return format!("{value:.2e}").replace('-', "−");
    }
    let prefixes = [
        (1e24, 1e24, 'Y'),
        (1e21, 1e21, 'Z'),
        (1e18, 1e18, 'E'),
        (1e15, 1e15, 'P'),
        (1e12, 1e12, 'T'),
        (1e9, 1e9, 'G'),
        (1e6, 1e6, 'M'),
        (1e4, 1e3, 'k'),
    ];
    for (least, unit, prefix) in prefixes {
        if size >= least {
            return format!("{}{NBSP}{prefix}", grouped(&three_figures(value / unit)));
        }
    }
    if size != 0.0 && size < 0.001 {
        return format!("{value:.1e}").replace('-', "−");
    }
    grouped(&three_figures(value))
}

/// Writes bytes a second in a table's cell: `176.2 MB`, `0` for less than a hundred.
pub(crate) fn bytes(value: f64) -> String {
    if value.is_nan() {
        return NONE.to_owned();
    }
    for (least, unit, name) in [(1e12, 1e12, "TB"), (1e9, 1e9, "GB"), (1e5, 1e6, "MB"), (100.0, 1e3, "kB")] {
        if value >= least {
            return format!("{:.1}{NBSP}{name}", value / unit);
        }
    }
    "0".to_owned()
}

/// Writes an amount and its whole in bytes, with the prefix of the whole: `46.1` and `98.0 GB`.
pub(crate) fn amounts(used: f64, whole: f64) -> (String, String) {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")];
    let (unit, name) = units.into_iter().find(|(unit, _)| whole >= *unit).unwrap_or((1.0, "B"));
    let written = |value: f64| number(value, Some(if value >= 100.0 || unit == 1.0 { 0 } else { 1 }));
    (written(used / unit), format!("{}{NBSP}{name}", written(whole / unit)))
}

/// Cuts seconds into the two largest parts of a length of time: `41 d`, `6 h`.
pub(crate) fn duration_parts(seconds: f64) -> Vec<StatPart> {
    if !seconds.is_finite() {
        return vec![StatPart { value: NONE.to_owned(), unit: String::new() }];
    }
    let s = seconds.max(0.0).floor();
    let parts = match s {
        s if s < 60.0 => vec![(s, "s")],
        s if s < 3_600.0 => vec![((s / 60.0).floor(), "m"), (s % 60.0, "s")],
        s if s < 86_400.0 => vec![((s / 3_600.0).floor(), "h"), ((s / 60.0).floor() % 60.0, "m")],
        s => vec![((s / 86_400.0).floor(), "d"), ((s / 3_600.0).floor() % 24.0, "h")],
    };
    parts.into_iter().map(|(n, unit)| StatPart { value: format!("{n:.0}"), unit: unit.to_owned() }).collect()
}

/// Three figures, and never more than three decimals.
fn three_figures(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 || size == 0.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// Puts a no-break space between thousands, and a true minus before what is negative.
fn grouped(digits: &str) -> String {
    let bare = digits.trim_start_matches('-');
    let negative = digits.starts_with('-') && bare.contains(|digit: char| ('1'..='9').contains(&digit));
    let (whole, part) = bare.split_once('.').map_or((bare, None), |(whole, part)| (whole, Some(part)));
    let mut text = String::new();
    if negative {
        text.push('−');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(NBSP);
        }
        text.push(digit);
    }
    if let Some(part) = part {
        text.push('.');
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, decimals: Option<u8>, expected: &str) {
        assert_eq!(number(value, decimals), expected.replace(' ', "\u{a0}"), "{value}");
    }

    #[test]
    fn numbers() {
        check(61.12, Some(1), "61.1");
        check(1204.0, Some(0), "1 204");
        check(-3.25, Some(1), "−3.2");
        check(-0.01, Some(1), "0.0");
        check(1_234_567.0, None, "1.23 M");
        check(0.0, None, "0.00");
        check(2.8e22, None, "28.0 Z");
        check(2.8e30, None, "2.80e30");
        check(f64::NAN, Some(1), "–");
    }

    #[test]
    fn names() {
        let labels = [("__name__", "m"), ("job", "node"), ("device", "sda"), ("mode", "rw")];
        assert_eq!(legend_name("{{device}} {{ mode }}", labels), "sda rw");
        assert_eq!(legend_name("", labels), "device sda, mode rw");
        assert_eq!(legend_name("", [("__name__", "m"), ("job", "node")]), "m");
    }

    #[test]
    fn what_cannot_be_seen_is_written_as_its_number() {
        assert_eq!(
            legend_name("", [("__name__", "m"), ("name", "\u{202e}live\u{7}")]),
            "\\u{202e}live\\u{7}"
        );
        assert_eq!(legend_name("{{name}}", [("name", "ж\u{e9}")]), "жé");
    }

    #[test]
    fn series_that_would_be_called_the_same_get_their_labels() {
        let series = |labels: &[(&'static str, &'static str)]| (String::from("x"), labels.to_vec());
        let named = [series(&[("a", "x"), ("job", "push")]), series(&[("b", "x"), ("job", "push")])];
        assert_eq!(distinct_names(&named), ["a x", "b x"]);
        let named = [series(&[("a", "x"), ("job", "p")]), series(&[("a", "x"), ("job", "q")])];
        assert_eq!(distinct_names(&named), ["a x, job p", "a x, job q"]);
        assert_eq!(distinct_names(&named[..1]), ["x"]);
    }

    #[test]
    fn amounts_have_the_prefix_of_their_whole() {
        assert_eq!(amounts(46.1e9, 98e9), ("46.1".to_owned(), "98.0\u{a0}GB".to_owned()));
        assert_eq!(amounts(0.0, 65_536.0), ("0.0".to_owned(), "65.5\u{a0}kB".to_owned()));
    }

    #[test]
    fn colours_keep_to_their_queries() {
        assert_eq!(colors(&[(Some(2), 1), (None, 2), (Some(1), 2)]), [vec![2], vec![3, 4], vec![1, 5]]);
    }
}
