//! Values of settings in Centrifugo's sense: 0 and "" say the same as nothing.

use std::{ops::Range, time::Duration};

use crate::document::{Placed, Table, nearest};

/// The largest count that is taken: more is a slip, and would overflow what is computed from it.
const COUNT_MAX: i64 = 1 << 30;

/// What is said of a key that Centrifugo has and watchroom has not.
pub(super) const NOT_BUILT: &str = "is not built in watchroom: it does nothing";

/// A text; nothing for an empty one.
pub(super) fn text(table: &mut Table<'_>, key: &'static str) -> Option<Placed<String>> {
    table.text(key).filter(|text| !text.value.is_empty())
}

/// A text, or its default.
pub(super) fn text_or(table: &mut Table<'_>, key: &'static str, default: &str) -> String {
    text(table, key).map_or_else(|| default.to_owned(), |text| text.value)
}

pub(super) fn flag(table: &mut Table<'_>, key: &'static str) -> bool {
    table.flag(key).unwrap_or(false)
}

/// A count above 0.
pub(super) fn count(table: &mut Table<'_>, key: &'static str) -> Option<usize> {
    count_to(table, key, COUNT_MAX)
}

/// A count above 0 and up to a limit.
pub(super) fn count_to(table: &mut Table<'_>, key: &'static str, most: i64) -> Option<usize> {
    let count = table.whole(key, 0..=most).filter(|count| *count != 0);
    count.and_then(|count| usize::try_from(count).ok())
}

/// A duration other than 0; nothing in it is a negative one, which turns some things off.
pub(super) fn signed(table: &mut Table<'_>, key: &'static str) -> Option<Placed<Option<Duration>>> {
    let Placed { value, span } = table.duration_ns(key).filter(|ns| ns.value != 0)?;
    Some(Placed { value: u64::try_from(value).ok().map(Duration::from_nanos), span })
}

/// A duration above 0.
pub(super) fn duration(table: &mut Table<'_>, key: &'static str) -> Option<Placed<Duration>> {
    let Placed { value, span } = table.duration_ns(key).filter(|ns| ns.value != 0)?;
    if value < 0 {
        table.reader().wrong(span.clone(), format!("`{key}` must not be negative"));
    }
    Some(Placed { value: Duration::from_nanos(value.unsigned_abs()), span })
}

/// A duration of whole seconds: what is kept counts in them.
pub(super) fn seconds(table: &mut Table<'_>, key: &'static str) -> Option<Placed<Duration>> {
    let read = duration(table, key)?;
    if read.value.subsec_nanos() != 0 {
        table.reader().wrong(read.span.clone(), format!("`{key}` must be whole seconds"));
    }
    Some(read)
}

/// One of some words.
pub(super) fn choice<T: Copy>(
    table: &mut Table<'_>,
    key: &'static str,
    choices: &[(&'static str, T)],
) -> Option<T> {
    let text = text(table, key)?;
    let found = choices.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = nearest(&text.value, &words).map_or_else(
            || format!("one of: {}", words.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        table.reader().wrong_with(text.span, format!("`{key}` cannot be `{}`", text.value), help);
    }
    found
}

/// Takes keys that watchroom lacks, and warns of each that says something.
pub(super) fn lacking(table: &mut Table<'_>, keys: &[&'static str]) {
    for key in keys {
        lacks(table, key, NOT_BUILT);
    }
}

/// Takes a key that watchroom lacks; if it says something, warns with what that means and gives `true`.
pub(super) fn lacks(table: &mut Table<'_>, key: &'static str, what: &str) -> bool {
    let path = table.path(key);
    match table.leave(key) {
        Some(place) => {
            table.reader().warn(&place, &format!("`{path}` {what}"));
            true
        }
        None => false,
    }
}

/// Warns of a key that does what it says, where that is dangerous.
pub(super) fn caution(table: &mut Table<'_>, place: Option<Range<usize>>, key: &str, what: &str) {
    let path = table.path(key);
    let place = place.unwrap_or_else(|| table.start());
    table.reader().warn(&place, &format!("`{path}`: {what}"));
}
