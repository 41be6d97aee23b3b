//! What a rule measures: `expr`, or `metric` with `where`.

use super::{Condition, limits::Limits, split};
use crate::document::{Placed, Table};
use crate::query::{EvalLimits, EvalRange, Plan, Value};

/// What is measured, and what the expression itself compares it with.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) value: Plan,
    pub(super) condition: Condition,
}

/// Takes the keys of what is measured out of a rule's table; nothing if they are wrong, which is said.
pub(super) fn read(table: &mut Table<'_>, limits: &Limits) -> Option<Measured> {
    let (expr, metric) = (table.text("expr"), table.text("metric"));
    let conditions = conditions(table);
    match (expr, metric) {
        (Some(expr), None) => {
            if let Some(text) = conditions {
                let message = "`where` goes with `metric`; an expression has its conditions in braces";
                table.reader().wrong(text.span, message);
            }
            expression(table, &expr, limits)
        }
        (None, Some(metric)) => selector(table, &metric, conditions.as_ref(), limits),
        (Some(_), Some(metric)) => {
            table.reader().wrong(metric.span, "a rule has either `expr` or `metric`");
            None
        }
        (None, None) => {
            let span = table.span();
            let message = "a rule needs `expr` or `metric`";
            table.reader().wrong(span.start..span.start + 1, message);
            None
        }
    }
}

/// The text of `where`, as it stands between braces.
fn conditions(table: &mut Table<'_>) -> Option<Placed<String>> {
    if !table.has_table("where") {
        return table.text("where");
    }
    let pairs = table.pairs("where");
    let first = pairs.first()?;
    let span = first.1.span.clone();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", quoted(&value.value))).collect();
    Some(Placed { value: pairs.join(","), span })
}

fn expression(table: &mut Table<'_>, text: &Placed<String>, limits: &Limits) -> Option<Measured> {
    let split = match split::split(&text.value) {
        Ok(split) => split,
        Err(error) => {
            error.note(table.reader(), text, (&text.value, 0));
            return None;
        }
    };
    if let Some(what) = no_values(&split.value) {
        let message = format!("the expression gives {what}, which has no values to judge");
        table.reader().wrong(text.span.clone(), message);
    }
    if limits.is_none() {
        return Some(Measured { value: split.value, condition: split.condition });
    }
    if split.condition != Condition::Present {
        let message = "the expression compares already, and the rule has a limit, too";
        let help = "leave the comparison out of the expression";
        table.reader().wrong_with(text.span.clone(), message, help);
    }
    Some(Measured { value: split.value, condition: Condition::Present })
}

fn selector(
    table: &mut Table<'_>,
    metric: &Placed<String>,
    conditions: Option<&Placed<String>>,
    limits: &Limits,
) -> Option<Measured> {
    let name = metric.value.trim();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "(){}[]\"'`,".contains(c)) {
        let message = format!("`{name}` is no metric's name");
        table.reader().wrong_with(metric.span.clone(), message, "an expression goes to `expr`");
        return None;
    }
    if limits.is_none() {
        let help = "say from which value on it is one";
        let message = "a rule with `metric` needs `above`, `below` or `outside`";
        table.reader().wrong_with(metric.span.clone(), message, help);
    }
    let is_plain = !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
    let start = if is_plain { format!("{name}{{") } else { format!("{{__name__={},", quoted(name)) };
    let text = match conditions {
        Some(inside) => format!("{start}{}}}", inside.value),
        None if is_plain => name.to_owned(),
        None => format!("{}}}", start.trim_end_matches(',')),
    };
    match Plan::parse(&text) {
        Ok(value) => Some(Measured { value, condition: Condition::Present }),
        Err(error) => {
            let at = conditions.unwrap_or(metric);
            let before = if conditions.is_some() { start.chars().count() } else { 0 };
            error.note(table.reader(), at, (&text, before));
            None
        }
    }
}

/// What an expression gives that is no numbers, whatever the samples are.
pub(super) fn no_values(plan: &Plan) -> Option<&'static str> {
    let data = vec![Vec::new(); plan.selectors().len()];
    match plan.eval(EvalRange::instant(0, 1), &data, &EvalLimits::default()).map(|answer| answer.value) {
        Ok(Value::String(_)) => Some("a text"),
        Ok(Value::Matrix(_)) => Some("a range"),
        Ok(Value::Scalar(_) | Value::Vector(_)) | Err(_) => None,
    }
}

/// A text in double quotes of PromQL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}
