//! An expression that compares is taken apart: what is measured, and the limit.
//!
//! So an alert that is over has the value that it has now, where the whole expression would have none.

use super::{Comparison, Condition};
use crate::query::{
    EvalLimits, EvalRange, Plan, QueryError, Value,
    scan::{Kind, Scanned, Token},
};

/// What is measured, and the condition that was compared with.
#[derive(Debug, Clone)]
pub(super) struct Split {
    pub(super) value: Plan,
    pub(super) condition: Condition,
}

/// Takes an expression apart if its outermost operator compares with a number; another is measured as it is, and any
/// value of it is an alert.
///
/// # Errors
///
/// When the text is not an expression.
pub(super) fn split(text: &str) -> Result<Split, QueryError> {
    let whole = Plan::parse(text)?;
    Ok(compared(text).unwrap_or(Split { value: whole, condition: Condition::Present }))
}

/// The expression as an operand of a comparison: in brackets, if it is needed.
pub(super) fn operand(text: &str) -> String {
    let Ok(scanned) = Scanned::new(text) else { return text.to_owned() };
    let loose = outermost(&scanned.tokens).any(|token| binds_less(token.text));
    // A comment in the expression ends with its line.
    let end = if text.contains('#') { "\n" } else { "" };
    if loose { format!("({text}{end})") } else { text.to_owned() }
}

fn compared(text: &str) -> Option<Split> {
    let scanned = Scanned::new(text).ok()?;
    let tokens = inner(&scanned.tokens);
    let (first, last) = (tokens.first()?, tokens.last()?);
    let mut found = None;
    for token in outermost(tokens) {
        match token.text {
            word if is_set(word) => return None,
            ">" | "<" | ">=" | "<=" | "==" | "!=" => found = Some(token),
            _ => {}
        }
    }
    let operator = found?;
    let left = text.get(first.at..operator.at)?.trim_end();
    let right = text.get(operator.at + operator.text.len()..last.at + last.text.len())?;
    if let Some(limit) = number(right) {
        let value = Plan::parse(left).ok()?;
        return Some(Split { value, condition: condition(operator.text, limit)? });
    }
    let limit = number(left)?;
    let turned = match operator.text {
        ">" => "<",
        "<" => ">",
        ">=" => "<=",
        "<=" => ">=",
        same => same,
    };
    // A modifier such as `bool` makes the right side none.
    let value = Plan::parse(right.trim()).ok()?;
    Some(Split { value, condition: condition(turned, limit)? })
}

/// Without the brackets around the whole.
fn inner<'a, 'b>(mut tokens: &'b [Token<'a>]) -> &'b [Token<'a>] {
    while let [first, middle @ .., last] = tokens
        && first.text == "("
        && last.text == ")"
        && outermost(tokens).nth(2).is_none()
    {
        tokens = middle;
    }
    tokens
}

/// The tokens that stand in no brackets, and the brackets themselves.
fn outermost<'a, 'b>(tokens: &'b [Token<'a>]) -> impl Iterator<Item = &'b Token<'a>> {
    let mut depth = 0usize;
    tokens.iter().filter(move |token| match token.kind {
        Kind::Open => {
            depth += 1;
            depth == 1
        }
        Kind::Close => {
            depth = depth.saturating_sub(1);
            depth == 0
        }
        Kind::Word | Kind::Number | Kind::Text | Kind::Symbol => depth == 0,
    })
}

fn is_set(word: &str) -> bool {
    ["and", "or", "unless"].iter().any(|set| word.eq_ignore_ascii_case(set))
}

/// Whether an operator binds no tighter than a comparison.
fn binds_less(text: &str) -> bool {
    is_set(text) || matches!(text, ">" | "<" | ">=" | "<=" | "==" | "!=")
}

/// The value of an expression of numbers.
fn number(text: &str) -> Option<f64> {
    let scanned = Scanned::new(text).ok()?;
    let plain = |token: &Token<'_>| match token.kind {
        Kind::Number | Kind::Open | Kind::Close => true,
        Kind::Symbol => matches!(token.text, "+" | "-" | "*" | "/" | "%" | "^"),
        Kind::Word | Kind::Text => false,
    };
    if !scanned.tokens.iter().all(plain) {
        return None;
    }
    let plan = Plan::parse(text.trim()).ok()?;
    match plan.eval(EvalRange::instant(0, 0), &[], &EvalLimits::default()) {
        Ok(Value::Scalar(sample)) if sample.v.is_finite() => Some(sample.v),
        _ => None,
    }
}

fn condition(operator: &str, limit: f64) -> Option<Condition> {
    let compare = |op| Condition::Compare { op, limit };
    Some(match operator {
        ">" => Condition::Above { limit, clear: None },
        "<" => Condition::Below { limit, clear: None },
        ">=" => compare(Comparison::AtLeast),
        "<=" => compare(Comparison::AtMost),
        "==" => compare(Comparison::Equal),
        "!=" => compare(Comparison::NotEqual),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, value: &str, condition: Condition) {
        let split = split(text).unwrap();
        assert_eq!((split.value.text(), split.condition), (value, condition), "{text}");
        let whole = condition.expression(&operand(value));
        Plan::parse(&whole).unwrap();
    }

    #[test]
    fn a_comparison_with_a_number_is_taken_apart() {
        let above = |limit| Condition::Above { limit, clear: None };
        check("a > 5", "a", above(5.0));
        check("(rate(a{b!=\"c\"}[5m]) * 100 > 0.9 * 100)", "rate(a{b!=\"c\"}[5m]) * 100", above(90.0));
        check("5 < a", "a", above(5.0));
        check("a < -1", "a", Condition::Below { limit: -1.0, clear: None });
        check("a > 1 < 5", "a > 1", Condition::Below { limit: 5.0, clear: None });
        check("a == 0", "a", Condition::Compare { op: Comparison::Equal, limit: 0.0 });
        check("a # why\n >= 1e3", "a # why", Condition::Compare { op: Comparison::AtLeast, limit: 1e3 });
    }

    #[test]
    fn another_expression_is_left_whole() {
        for text in
            ["a", "a > b", "a > bool 5", "a > 5 and b > 3", "absent(a)", "a > scalar(b)", "(a > 5) * 2"]
        {
            check(text, text, Condition::Present);
        }
    }
}
