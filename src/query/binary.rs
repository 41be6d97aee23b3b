//! Operators of two operands.

pub mod mixed;

use super::{
    QueryError,
    column::{ABSENT, Column, Datum, is_present},
    eval::{Evaluated, Evaluator, Wanted},
    expr::{Binary, BinaryOp},
    grid::Grid,
    matching, sets,
};

/// Evaluates an operator at each step.
///
/// # Errors
///
/// As [`Evaluator::eval`].
pub fn eval(of: &Evaluator<'_>, node: &Binary, grid: Grid) -> Result<Evaluated, QueryError> {
    let operands = || Ok((of.eval(&node.left, grid)?, of.eval(&node.right, grid)?));
    let (left, right) = if node.op.is_trim() { of.wanting(Wanted::Buckets, operands)? } else { operands()? };
    Ok(match (left, right) {
        (Evaluated::Scalar(mut left), Evaluated::Scalar(right)) => {
            for (l, &r) in left.iter_mut().zip(&right) {
                *l = combine(node.op, *l, r, true).unwrap_or(f64::NAN);
            }
            Evaluated::Scalar(left)
        }
        (Evaluated::Vector(columns), Evaluated::Scalar(scalars)) => {
            Evaluated::Vector(with_scalar((of, node), columns, &scalars, false)?)
        }
        (Evaluated::Scalar(scalars), Evaluated::Vector(columns)) => {
            Evaluated::Vector(with_scalar((of, node), columns, &scalars, true)?)
        }
        (Evaluated::Vector(left), Evaluated::Vector(right)) => {
            of.budget.series(left.len().max(right.len()))?;
            Evaluated::Vector(if node.op.is_set() {
                sets::eval(node, left, right, grid)?
            } else {
                matching::eval(of, node, left, right, grid)?
            })
        }
        (Evaluated::Text(_), _) | (_, Evaluated::Text(_)) => {
            return Err(QueryError::Eval("an operator has no value for texts".to_owned()));
        }
    })
}

/// What an operator gives for two values; `None` where a comparison filters.
pub fn combine(op: BinaryOp, left: f64, right: f64, bool_result: bool) -> Option<f64> {
    let holds = match op {
        BinaryOp::Add => return Some(left + right),
        BinaryOp::Sub => return Some(left - right),
        BinaryOp::Mul => return Some(left * right),
        BinaryOp::Div => return Some(left / right),
        BinaryOp::Mod => return Some(left % right),
        BinaryOp::Pow => return Some(left.powf(right)),
        BinaryOp::Atan2 => return Some(left.atan2(right)),
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        BinaryOp::GreaterEqual => left >= right,
        // They have no value of two numbers; `sets` and `mixed` treat them.
        BinaryOp::TrimUpper | BinaryOp::TrimLower => return None,
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => false,
    };
    if bool_result {
        return Some(f64::from(u8::from(holds)));
    }
    holds.then_some(left)
}

/// A vector and a scalar; `swapped` when the scalar is on the left.
fn with_scalar(
    (of, node): (&Evaluator<'_>, &Binary),
    mut columns: Vec<Column>,
    scalars: &[f64],
    swapped: bool,
) -> Result<Vec<Column>, QueryError> {
    let filters = node.op.is_comparison() && !node.bool_result;
    for column in &mut columns {
        column.drop_name |= !filters && !node.op.is_trim();
        if column.has_histograms() || node.op.is_trim() {
            mixed_with_scalar((of, node), column, scalars, swapped)?;
            continue;
        }
        for (v, &scalar) in column.values.iter_mut().zip(scalars) {
            if !is_present(*v) {
                continue;
            }
            let (left, right) = if swapped { (scalar, *v) } else { (*v, scalar) };
            *v = match combine(node.op, left, right, node.bool_result) {
                // A filter keeps the series' value, on whichever side it stands.
                Some(_) if filters => *v,
                Some(result) => result,
                None => ABSENT,
            };
        }
    }
    if filters {
        columns.retain(|column| !column.is_empty());
    }
    Ok(columns)
}

/// The same for a series that has histograms.
fn mixed_with_scalar(
    (of, node): (&Evaluator<'_>, &Binary),
    column: &mut Column,
    scalars: &[f64],
    swapped: bool,
) -> Result<(), QueryError> {
    let filters = node.op.is_comparison() && !node.bool_result;
    for (step, &scalar) in scalars.iter().enumerate() {
        let (Some(datum), scalar) = (column.get(step), Datum::Float(scalar)) else {
            continue;
        };
        let (left, right) = if swapped { (&scalar, &datum) } else { (&datum, &scalar) };
        match mixed::combine_any(of, node, left, right)? {
            Some(_) if filters => {}
            result => column.set(step, result),
        }
    }
    Ok(())
}
