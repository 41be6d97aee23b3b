//! Reading `[[record]]`.

use std::{collections::BTreeSet, ops::Range};

use super::NAME_CHARS_MAX;
use crate::document::{Reader, Table};
use crate::query::Plan;
use crate::rules::{LABELS_MAX, Record, measure, record};

/// Recording rules of one file.
pub const RECORDS_MAX: usize = 500;
/// The shortest and the longest interval, ms; that of the collectors, and what a live query sees at all.
const STEP_MS: std::ops::RangeInclusive<i64> = 1_000..=300_000;

/// All recording rules of a file, those that are read before those that read them.
pub(super) fn read_all(table: &mut Table<'_>, text: &str) -> Vec<Record> {
    let mut ids = BTreeSet::new();
    let (mut places, mut records) = (Vec::new(), Vec::new());
    for found in table.tables("record", |table| read(table, &mut ids, text)).into_iter().flatten() {
        places.push(found.1);
        records.push(found.0);
    }
    if RECORDS_MAX < records.len() {
        let span = table.span();
        table.reader().wrong(span, format!("{} recording rules, at most {RECORDS_MAX}", records.len()));
        return Vec::new();
    }
    let names: Vec<String> = records.iter().map(|one| one.id.clone()).collect();
    record::in_order(records).unwrap_or_else(|cycle| {
        tell_cycle(table.reader(), &cycle, &names, &places);
        Vec::new()
    })
}

fn tell_cycle(reader: &mut Reader, cycle: &[usize], names: &[String], places: &[Range<usize>]) {
    let Some(&first) = cycle.first() else { return };
    let way = cycle.iter().skip(1).chain([&first]).map(|&at| format!("`{}`", names[at]));
    let way = way.collect::<Vec<_>>().join(", which reads ");
    let message = format!("`{}` reads {way}: each would have to be evaluated before the other", names[first]);
    let message = if cycle.len() == 1 { format!("`{}` reads what it writes", names[first]) } else { message };
    reader.wrong_with(places[first].clone(), message, "select by a name, or by labels that tell them apart");
}

fn read(table: &mut Table<'_>, ids: &mut BTreeSet<String>, text: &str) -> Option<(Record, Range<usize>)> {
    let line = text[..table.span().start].matches('\n').count() + 1;
    let name = table.need_text("name");
    let labels = labels(table);
    let step = step(table);
    let expr = table.need_text("expr");
    // A name that is missing is said already.
    let is_missing = name.value.is_empty() && name.span == table.span();
    if !is_missing && !is_name(&name.value) {
        let help = "letters, digits, `_`, `:` and `.`, the first one no digit";
        let message = format!("`{}` is no metric's name", name.value);
        table.reader().wrong_with(name.span.clone(), message, help);
    }
    let id = Record::id_of(&name.value, &labels);
    if !name.value.is_empty() && !ids.insert(id.clone()) {
        let message = format!("a second recording rule for `{id}`");
        table.reader().wrong_with(name.span, message, "give one of them other `labels`");
    }
    if expr.value.is_empty() {
        return None;
    }
    let value = match Plan::parse(&expr.value) {
        Ok(value) => value,
        Err(error) => {
            error.note(table.reader(), &expr, (&expr.value, 0));
            return None;
        }
    };
    if let Some(what) = measure::no_values(&value) {
        let message = format!("the expression gives {what}, which cannot be recorded");
        table.reader().wrong(expr.span, message);
        return None;
    }
    let record = Record { id, name: name.value, value, step, labels, reads: Vec::new(), rank: 0, line };
    Some((record, expr.span))
}

fn is_name(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_first)
        && name.chars().all(|c| is_first(c) || c.is_ascii_digit() || c == '.')
        && name.len() <= NAME_CHARS_MAX
}

fn step(table: &mut Table<'_>) -> i64 {
    let Some(place) = table.place("interval") else { return *STEP_MS.start() };
    let ms = table.duration_ms("interval").unwrap_or(*STEP_MS.start());
    if !STEP_MS.contains(&ms) || ms % 1_000 != 0 {
        table.reader().wrong(place, "`interval` is whole seconds, from 1s to 5m");
        return *STEP_MS.start();
    }
    ms
}

fn labels(table: &mut Table<'_>) -> Vec<(String, String)> {
    let pairs = table.pairs("labels");
    if LABELS_MAX < pairs.len() {
        let start = table.start();
        table.reader().wrong(start, format!("{} labels, at most {LABELS_MAX}", pairs.len()));
    }
    let mut labels = Vec::new();
    for (name, value) in pairs {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || name.starts_with("__") {
            let help = "letters, digits and `_`, the first one no digit";
            table.reader().wrong_with(value.span.clone(), format!("`{name}` is no label's name"), help);
        }
        labels.push((name, value.value));
    }
    labels
}
