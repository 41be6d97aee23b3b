//! An expression that compares is taken apart: what is measured, and the limit.
//!
//! So an alert that is over has the value that it has now, where the whole expression would have none.

use super::{Comparison, Condition};
use crate::query::{Plan, QueryError, expr::BinaryOp};

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
    Ok(compared(&whole).unwrap_or(Split { value: whole, condition: Condition::Present }))
}

/// The expression as an operand of a comparison: in brackets, if it is needed.
pub(super) fn operand(text: &str) -> String {
    let Ok(plan) = Plan::parse(text) else { return text.to_owned() };
    let loose = plan.outermost().is_some_and(|of| !of.bracketed && binds_less(of.op));
    // A comment in the expression ends with its line.
    let end = if text.contains('#') { "\n" } else { "" };
    if loose { format!("({text}{end})") } else { text.to_owned() }
}

fn compared(whole: &Plan) -> Option<Split> {
    let of = whole.outermost().filter(|of| of.op.is_comparison() && !of.bool_result)?;
    if let Some(limit) = number(of.right) {
        let value = Plan::parse(of.left).ok()?;
        return Some(Split { value, condition: condition(of.op, limit)? });
    }
    let limit = number(of.left)?;
    let turned = match of.op {
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        same => same,
    };
    let value = Plan::parse(of.right).ok()?;
    Some(Split { value, condition: condition(turned, limit)? })
}

/// Whether an operator binds no tighter than a comparison.
fn binds_less(op: BinaryOp) -> bool {
    op.is_set() || op.is_comparison() || matches!(op, BinaryOp::TrimUpper | BinaryOp::TrimLower)
}

/// The value of an expression of numbers.
fn number(text: &str) -> Option<f64> {
    Plan::parse(text).ok()?.constant().filter(|v| v.is_finite())
}

fn condition(operator: BinaryOp, limit: f64) -> Option<Condition> {
    let compare = |op| Condition::Compare { op, limit };
    Some(match operator {
        BinaryOp::Greater => Condition::Above { limit, clear: None },
        BinaryOp::Less => Condition::Below { limit, clear: None },
        BinaryOp::GreaterEqual => compare(Comparison::AtLeast),
        BinaryOp::LessEqual => compare(Comparison::AtMost),
        BinaryOp::Equal => compare(Comparison::Equal),
        BinaryOp::NotEqual => compare(Comparison::NotEqual),
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
