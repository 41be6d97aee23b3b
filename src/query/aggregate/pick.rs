//! Aggregations that keep some of a group's series: `topk`, `bottomk`, `limitk`.

use std::cmp::Ordering;

use crate::query::{
    QueryError,
    annotations::Note,
    column::Column,
    eval::Evaluator,
    expr::{Aggregate, AggregateOp},
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
    (of, node): (&Evaluator<'_>, &Aggregate),
    k: &[f64],
    mut columns: Vec<Column>,
    bunches: &[Bunch],
) -> Result<Vec<Column>, QueryError> {
    let op = node.op;
    if k.iter().all(|&v| v < 1.0) {
        return Ok(Vec::new());
    }
    let k = k.iter().map(|&v| count(v)).collect::<Result<Vec<usize>, QueryError>>()?;
    if op != AggregateOp::LimitK {
        leave_out_histograms(of, node, &k, &mut columns);
    }
    let mut order = Vec::with_capacity(columns.len());
    let places = places(&columns);
    let mut ranked: Vec<Ranked> = Vec::new();
    let before = |a: &Ranked, b: &Ranked| {
        let order = match op {
            AggregateOp::LimitK => Ordering::Equal,
            _ => by_value(a.value, b.value, op == AggregateOp::TopK),
        };
        // Of equal values the one whose labels come first stays, at every step the same.
        order.then(a.place.cmp(&b.place))
    };
    for bunch in in_order(bunches, &places) {
        for (step, &k) in k.iter().enumerate() {
            ranked.clear();
            let here = bunch.members.iter().filter(|&&at| columns[at].is_there(step));
            ranked.extend(here.map(|&at| Ranked { value: columns[at].values[step], place: places[at], at }));
            if k < ranked.len() {
                // Which ones they are; in what order does not matter yet.
                if k > 0 {
                    ranked.select_nth_unstable_by(k - 1, before);
                }
                for one in ranked.drain(k..) {
                    columns[one.at].set(step, None);
                }
            }
        }
        if k.len() == 1 {
            ranked.sort_unstable_by(before);
            order.extend(ranked.iter().map(|one| one.at));
        } else {
            order.extend_from_slice(&bunch.members);
        }
    }
    let mut slots: Vec<Option<Column>> = columns.into_iter().map(Some).collect();
    let kept = order.iter().filter_map(|&at| slots[at].take());
    Ok(kept.filter(|column| !column.is_empty()).collect())
}

/// A series at a step, as far as it is compared.
#[derive(Debug, Clone, Copy)]
struct Ranked {
    value: f64,
    /// Its place in the order of labels.
    place: usize,
    /// Its place among the columns.
    at: usize,
}

/// What has no order is not ranked.
fn leave_out_histograms(of: &Evaluator<'_>, node: &Aggregate, k: &[usize], columns: &mut [Column]) {
    for column in columns.iter_mut().filter(|column| column.has_histograms()) {
        let mut asked = column.histograms.iter().zip(k);
        if asked.any(|(histogram, &k)| histogram.is_some() && k > 0) {
            of.note(node.span, Note::IgnoredInGroup(node.op.name()));
        }
        column.histograms.clear();
    }
}

/// The groups in the order of their first series: that is how Prometheus gives them.
fn in_order<'b>(bunches: &'b [Bunch], places: &[usize]) -> Vec<&'b Bunch> {
    let mut sorted: Vec<&Bunch> = bunches.iter().collect();
    sorted.sort_by_key(|bunch| bunch.members.iter().map(|&at| places[at]).min());
    sorted
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
