//! Aggregations that keep some of a group's series: `topk`, `bottomk`, `limitk`.

use std::cmp::Ordering;

use crate::query::{
    QueryError,
    column::{ABSENT, Column, is_present},
    expr::AggregateOp,
    functions::sort::by_value,
};

use super::Bunch;

/// Keeps at each step the `k` best of each group.
///
/// *Shape*: for one step the best comes first, group by group; else the order is that of `columns`.
///
/// # Errors
///
/// When a `k` is not a number, or too large for one.
pub fn eval(
    op: AggregateOp,
    k: &[f64],
    mut columns: Vec<Column>,
    bunches: &[Bunch],
) -> Result<Vec<Column>, QueryError> {
    let k = k.iter().map(|&v| count(v)).collect::<Result<Vec<usize>, QueryError>>()?;
    let mut order = Vec::with_capacity(columns.len());
    let places = places(&columns);
    let mut ranked: Vec<usize> = Vec::new();
    for bunch in bunches {
        for (step, &k) in k.iter().enumerate() {
            ranked.clear();
            let here = bunch.members.iter().copied();
            ranked.extend(here.filter(|&at| is_present(columns[at].values[step])));
            // Of equal values the one whose labels come first stays, at every step the same.
            let value = |at: usize| columns[at].values[step];
            let descending = op == AggregateOp::TopK;
            ranked.sort_unstable_by(|&a, &b| {
                let order = match op {
                    AggregateOp::LimitK => Ordering::Equal,
                    _ => by_value(value(a), value(b), descending),
                };
                order.then(places[a].cmp(&places[b]))
            });
            for &at in ranked.iter().skip(k) {
                columns[at].values[step] = ABSENT;
            }
            ranked.truncate(k);
        }
        if k.len() == 1 {
            order.extend_from_slice(&ranked);
        } else {
            order.extend_from_slice(&bunch.members);
        }
    }
    let mut slots: Vec<Option<Column>> = columns.into_iter().map(Some).collect();
    let kept = order.iter().filter_map(|&at| slots[at].take());
    Ok(kept.filter(|column| !column.is_empty()).collect())
}

/// The place of each column in the order of labels.
fn places(columns: &[Column]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..columns.len()).collect();
    sorted.sort_by(|&a, &b| columns[a].labels.cmp(&columns[b].labels));
    let mut places = vec![0; columns.len()];
    sorted.iter().enumerate().for_each(|(place, &at)| places[at] = place);
    places
}

/// A `k` as a count; below 1 it is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 2^63, and a cast saturates"
)]
fn count(v: f64) -> Result<usize, QueryError> {
    if v.is_nan() {
        return Err(QueryError::Eval("Parameter value is NaN".to_owned()));
    }
    if v.abs() >= 9_223_372_036_854_775_808.0 {
        return Err(QueryError::Eval(format!("Scalar value {v} overflows int64")));
    }
    Ok(v.max(0.0) as usize)
}
