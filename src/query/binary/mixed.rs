//! Operators of histograms, and of histograms and numbers.

use crate::model::{
    CounterReset, Histogram,
    histogram::{Incompatible, trim::Keep},
};
use crate::query::{
    QueryError,
    annotations::{Note, Operation},
    column::Datum,
    eval::Evaluator,
    expr::{Binary, BinaryOp},
};

use super::combine;

/// What an operator gives for two values of any kind; `None` where a comparison filters, or where it has
/// no value, which is said.
///
/// # Errors
///
/// When a limit is reached.
pub fn combine_any(
    of: &Evaluator<'_>,
    node: &Binary,
    left: &Datum,
    right: &Datum,
) -> Result<Option<Datum>, QueryError> {
    let made = match (left, right) {
        (Datum::Float(l), Datum::Float(r)) if !node.op.is_trim() => {
            return Ok(combine(node.op, *l, *r, node.bool_result).map(Datum::Float));
        }
        (Datum::Histogram(l), Datum::Histogram(r))
            if matches!(node.op, BinaryOp::Equal | BinaryOp::NotEqual) =>
        {
            let holds = l.same(r) == (node.op == BinaryOp::Equal);
            return Ok(match node.bool_result {
                true => Some(Datum::Float(f64::from(u8::from(holds)))),
                false => holds.then(|| left.clone()),
            });
        }
        (Datum::Float(factor), Datum::Histogram(histogram)) if node.op == BinaryOp::Mul => {
            Some(with_number(node.op, histogram, *factor))
        }
        (Datum::Histogram(histogram), Datum::Float(number)) if takes_number(node.op) => {
            Some(with_number(node.op, histogram, *number))
        }
        (Datum::Histogram(l), Datum::Histogram(r)) if matches!(node.op, BinaryOp::Add | BinaryOp::Sub) => {
            sum(of, node, l, r)
        }
        _ => {
            let (left, operator, right) = (kind(left), node.op.text(), kind(right));
            of.note(node.span, Note::IncompatibleKinds { left, operator, right });
            None
        }
    };
    let Some(mut histogram) = made else {
        return Ok(None);
    };
    histogram.compact();
    of.budget.samples(histogram.weight())?;
    Ok(Some(Datum::histogram(histogram)))
}

const fn kind(datum: &Datum) -> &'static str {
    match datum {
        Datum::Float(_) => "float",
        Datum::Histogram(_) => "histogram",
    }
}

const fn takes_number(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Mul | BinaryOp::Div | BinaryOp::TrimUpper | BinaryOp::TrimLower)
}

fn with_number(op: BinaryOp, histogram: &Histogram, number: f64) -> Histogram {
    let mut histogram = histogram.clone();
    match op {
        BinaryOp::Div => histogram.divide(number),
        BinaryOp::TrimUpper => histogram.trim(number, Keep::Below),
        BinaryOp::TrimLower => histogram.trim(number, Keep::Above),
        _ => histogram.scale(number),
    }
    histogram
}

fn sum(of: &Evaluator<'_>, node: &Binary, left: &Histogram, right: &Histogram) -> Option<Histogram> {
    let mut sum = left.clone();
    let (done, operation) = if node.op == BinaryOp::Add {
        (sum.add(right), Operation::Addition)
    } else {
        (sum.subtract(right), Operation::Subtraction)
    };
    match done {
        Ok(done) => {
            if done.bounds_differ {
                of.note(node.span, Note::BoundsDiffer(operation));
            }
            if done.hints_conflict {
                // As in Prometheus there is a warning in place of a value.
                of.note(node.span, Note::HintsConflict(operation));
                return None;
            }
        }
        Err(Incompatible) => {
            of.note(node.span, Note::MixedLayoutsAt(node.op.text()));
            return None;
        }
    }
    if operation == Operation::Subtraction {
        sum.hint = CounterReset::Gauge;
    }
    Some(sum)
}
