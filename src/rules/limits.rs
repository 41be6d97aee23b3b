//! The limits of a rule in the file: `above`, `below`, `outside`, and where an alert clears.

use super::{Condition, Level, Severity};
use crate::document::{self, Placed, Table};

/// A value for each severity that has one; without a severity, for the one of the rule.
type BySeverity<T> = Vec<(Option<Severity>, Placed<T>)>;

/// What a rule says of its limits.
#[derive(Debug)]
pub(super) struct Limits {
    levels: Vec<Level>,
    clear_below: BySeverity<f64>,
    clear_above: BySeverity<f64>,
}

impl Limits {
    /// Takes the keys of limits out of a rule's table.
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let severity = severity(table);
        let keys = ["above", "below", "outside"].map(|key| table.has(key));
        let above = by_severity(table, "above", finite);
        let below = by_severity(table, "below", finite);
        let outside = by_severity(table, "outside", range);
        if 1 < keys.iter().filter(|there| **there).count() {
            let second = above.iter().chain(&below).map(|(_, at)| at.span.clone());
            let second =
                second.chain(outside.iter().map(|(_, at)| at.span.clone())).max_by_key(|span| span.start);
            let span = second.unwrap_or_else(|| table.span());
            table.reader().wrong(span, "a rule has one of `above`, `below` and `outside`");
        }
        let above = above
            .into_iter()
            .map(|(at, limit)| (at, limit.span, Condition::Above { limit: limit.value, clear: None }));
        let below = below
            .into_iter()
            .map(|(at, limit)| (at, limit.span, Condition::Below { limit: limit.value, clear: None }));
        let outside = outside.into_iter().map(|(at, limit)| {
            let (low, high) = limit.value;
            (at, limit.span, Condition::Outside { low, high, clear_low: None, clear_high: None })
        });
        let mut levels: Vec<Level> = Vec::new();
        let mut is_twice = false;
        for (own, span, condition) in above.chain(below).chain(outside) {
            // Once, however many severities the limits have.
            if let (Some(_), Some(word), false) = (own, &severity, is_twice) {
                is_twice = true;
                let message = "`severity` is said twice: the limits have their own";
                table.reader().wrong(word.span.clone(), message);
            }
            let severity = own.or(severity.as_ref().map(|word| word.value)).unwrap_or_default();
            if let Some(milder) = levels.last()
                && milder.severity < severity
                && !is_further(&condition, &milder.condition)
            {
                let message = "`critical` must be past `warning`, or it would come first";
                table.reader().wrong(span, message);
            }
            levels.push(Level { severity, condition });
        }
        if levels.is_empty() {
            let severity = severity.map(|word| word.value).unwrap_or_default();
            levels.push(Level { severity, condition: Condition::Present });
        }
        let clear_below = by_severity(table, "clear_below", finite);
        let clear_above = by_severity(table, "clear_above", finite);
        Self { levels, clear_below, clear_above }
    }

    /// Whether the rule says none, so that its expression must.
    pub(super) fn is_none(&self) -> bool {
        self.levels.iter().all(|level| level.condition == Condition::Present)
    }

    /// The levels, least severe first, with the limits at which an alert clears; `condition` is the expression's own.
    pub(super) fn levels(self, table: &mut Table<'_>, condition: Condition) -> Vec<Level> {
        let Self { mut levels, clear_below, clear_above } = self;
        for level in &mut levels {
            if level.condition == Condition::Present {
                level.condition = condition;
            }
        }
        let clears = clear_below.into_iter().map(|clear| (false, clear));
        for (is_above, (own, clear)) in clears.chain(clear_above.into_iter().map(|clear| (true, clear))) {
            let mut meant =
                levels.iter_mut().filter(|level| own.is_none_or(|own| own == level.severity)).peekable();
            let mut why = None;
            if meant.peek().is_none() {
                why = Some("there is no limit of this severity".to_owned());
            }
            for level in meant {
                why = why.or(set_clear(&mut level.condition, is_above, clear.value).err());
            }
            if let Some(why) = why {
                table.reader().wrong(clear.span, why);
            }
        }
        levels
    }
}

/// Sets where an alert clears, if that is on the well side of its limit.
fn set_clear(condition: &mut Condition, is_above: bool, at: f64) -> Result<(), String> {
    let key = if is_above { "clear_above" } else { "clear_below" };
    let (limit, clear) = match (condition, is_above) {
        (Condition::Above { limit, clear }, false) => (*limit, clear),
        (Condition::Below { limit, clear }, true) => (*limit, clear),
        (Condition::Outside { low, high, clear_low, clear_high }, is_above) => {
            let middle = f64::midpoint(*low, *high);
            if (is_above && middle < at) || (!is_above && at < middle) {
                return Err(format!("`{key}` is past the middle of the range"));
            }
            if is_above { (*low, clear_low) } else { (*high, clear_high) }
        }
        (
            Condition::Above { .. }
            | Condition::Below { .. }
            | Condition::Compare { .. }
            | Condition::Present,
            _,
        ) => {
            let partner = if is_above { "below" } else { "above" };
            return Err(format!("`{key}` goes with `{partner}` or `outside`"));
        }
    };
    if (is_above && at < limit) || (!is_above && limit < at) {
        return Err(format!("`{key}` must be on the well side of {limit}"));
    }
    *clear = Some(at);
    Ok(())
}

/// Whether one condition is an alert only where another is, too.
fn is_further(one: &Condition, other: &Condition) -> bool {
    match (*one, *other) {
        (Condition::Above { limit: one, .. }, Condition::Above { limit: other, .. }) => other < one,
        (Condition::Below { limit: one, .. }, Condition::Below { limit: other, .. }) => one < other,
        (
            Condition::Outside { low, high, .. },
            Condition::Outside { low: other_low, high: other_high, .. },
        ) => low <= other_low && other_high <= high && (low < other_low || other_high < high),
        // Both are there only if two keys are, which is a problem already.
        _ => true,
    }
}

fn severity(table: &mut Table<'_>) -> Option<Placed<Severity>> {
    let word = table.text("severity")?;
    let value = Severity::by_name(&word.value).unwrap_or_else(|| {
        let message = format!("no severity is called `{}`", word.value);
        table.reader().wrong_with(word.span.clone(), message, "there are `warning` and `critical`");
        Severity::default()
    });
    Some(Placed { value, span: word.span })
}

/// A value by itself, or one for each severity.
fn by_severity<T>(
    table: &mut Table<'_>,
    key: &'static str,
    read: fn(&mut Table<'_>, &'static str) -> Option<Placed<T>>,
) -> BySeverity<T> {
    if !table.has_table(key) {
        return read(table, key).map(|value| (None, value)).into_iter().collect();
    }
    let below = table.table(key, |table| {
        let found: BySeverity<T> = [Severity::Warning, Severity::Critical]
            .into_iter()
            .filter_map(|severity| Some((Some(severity), read(table, severity.name())?)))
            .collect();
        if found.is_empty() {
            let span = table.span();
            table.reader().wrong(span, format!("`{key}` has neither `warning` nor `critical`"));
        }
        found
    });
    below.unwrap_or_default()
}

fn finite(table: &mut Table<'_>, key: &'static str) -> Option<Placed<f64>> {
    let number = table.number(key)?;
    if number.value.is_finite() {
        return Some(number);
    }
    table.reader().wrong(number.span, "a limit must be finite");
    None
}

fn range(table: &mut Table<'_>, key: &'static str) -> Option<Placed<(f64, f64)>> {
    let document::Placed { value, span } = table.numbers(key)?;
    match value.as_slice() {
        [low, high] if low < high && low.is_finite() && high.is_finite() => {
            Some(Placed { value: (*low, *high), span })
        }
        _ => {
            table.reader().wrong(span, "a range is two numbers, the lower one first: [5, 60]");
            None
        }
    }
}
