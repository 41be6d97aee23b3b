//! `label_replace`, `label_join` and the labels of `absent`.

use std::sync::Arc;

use regex::Regex;

use crate::model::{Label, Labels, METRIC_NAME, MatchOp, Matcher};
use crate::query::{
    QueryError,
    column::{Column, merge_same_labels, with_labels},
    limits::REGEX_BYTES_MAX,
};

/// A checked `label_replace`, its expression compiled.
#[derive(Debug)]
pub struct Replace {
    target: String,
    replacement: String,
    source: String,
    regex: Regex,
}

impl Replace {
    /// Checks the four texts: target, replacement, source, expression.
    ///
    /// # Errors
    ///
    /// When the expression or the target is not valid.
    pub fn new(texts: [&str; 4]) -> Result<Self, QueryError> {
        let [target, replacement, source, pattern] = texts;
        check_name(target)?;
        let regex = regex::RegexBuilder::new(&format!("^(?s:{pattern})$"))
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|_| {
                QueryError::Eval(format!("invalid regular expression in label_replace(): {pattern}"))
            })?;
        Ok(Self {
            target: target.to_owned(),
            replacement: replacement.to_owned(),
            source: source.to_owned(),
            regex,
        })
    }

    /// Sets the target on each column whose source fits.
    ///
    /// # Errors
    ///
    /// When two columns get the same labels.
    pub fn apply(&self, mut columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
        let mut value = String::new();
        for column in &mut columns {
            let source = column.labels.get(&self.source).unwrap_or_default();
            let Some(found) = self.regex.captures(source) else {
                continue;
            };
            value.clear();
            found.expand(&self.replacement, &mut value);
            set_label(column, &self.target, &value);
        }
        merge_same_labels(columns)
    }
}

/// `label_join`: sets `target` to the values of `sources` with `separator` between them.
///
/// # Errors
///
/// When the target is not valid, or two columns get the same labels.
pub fn join(
    mut columns: Vec<Column>,
    target: &str,
    separator: &str,
    sources: &[Arc<str>],
) -> Result<Vec<Column>, QueryError> {
    check_name(target)?;
    for column in &mut columns {
        let values: Vec<&str> =
            sources.iter().map(|name| column.labels.get(name).unwrap_or_default()).collect();
        let value = values.join(separator);
        set_label(column, target, &value);
    }
    merge_same_labels(columns)
}

/// Any text is a label's name since Prometheus 3, but none at all.
///
/// # Errors
///
/// When `name` is empty.
pub fn check_name(name: &str) -> Result<(), QueryError> {
    if name.is_empty() {
        return Err(QueryError::Eval("invalid label name \"\"".to_owned()));
    }
    Ok(())
}

fn set_label(column: &mut Column, name: &str, value: &str) {
    let label = Label { name: Arc::from(name), value: Arc::from(value) };
    column.labels = with_labels(&column.labels, [label]);
    if name == METRIC_NAME {
        // A name that was given on purpose stays.
        column.drop_name = false;
    }
}

/// The labels that `absent` gives: those that the selector pins to one value.
///
/// A label with two conditions is left out, as Prometheus has always done.
pub fn of_absent(matchers: &[Matcher]) -> Labels {
    let mut pinned: Vec<(&str, Option<&str>)> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name != METRIC_NAME) {
        let known = pinned.iter_mut().find(|(name, _)| *name == matcher.name);
        match (known, matcher.op) {
            (Some((_, value)), _) => *value = None,
            (None, MatchOp::Equal) => pinned.push((&matcher.name, Some(&matcher.value))),
            (None, MatchOp::NotEqual | MatchOp::Regex | MatchOp::NotRegex) => {}
        }
    }
    Labels::from_pairs(pinned.into_iter().map(|(name, value)| (name, value.unwrap_or_default())))
}
