//! Aggregations: the series of a group to one, or to some of them.

pub mod mixed;
pub mod pick;
pub mod ratio;
pub mod reduce;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{Label, Labels, METRIC_NAME};

use super::{
    QueryError,
    annotations::Note,
    column::{ABSENT, Column, Datum, is_present, with_labels},
    eval::Evaluator,
    expr::{Aggregate, AggregateOp, Expr},
    functions::{labels::check_name, quantile::quantile},
    grid::Grid,
    standing::leaf,
};

/// The series that are put together.
#[derive(Debug)]
pub struct Bunch {
    /// The labels that they have in common and that are asked for.
    pub labels: Labels,
    /// Whether the name, which `by (__name__)` has kept, goes at the end.
    pub drop_name: bool,
    /// Their places among the columns.
    pub members: Vec<usize>,
}

/// Evaluates an aggregation at each step.
///
/// # Errors
///
/// As [`Evaluator::eval`].
pub fn eval(of: &Evaluator<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<Column>, QueryError> {
    if let Some((selector, ..)) = leaf(&node.of)
        && let Some((dense, memory)) = of.at_hand(selector)
        && reduce::is_reduction(node.op)
    {
        let mut groups = memory.groups().borrow_mut();
        let grouping = groups.of(node, &dense);
        of.budget.series(grouping.bunches.len())?;
        of.budget.samples(dense.values.len())?;
        return Ok(reduce::reduce_dense(node.op, dense.values, grouping));
    }
    let columns = of.vector(&node.of, grid)?;
    let bunches = bunches(node, &columns);
    match node.op {
        AggregateOp::TopK | AggregateOp::BottomK | AggregateOp::LimitK => {
            let k = scalar_param(of, node, grid)?;
            pick::eval((of, node), &k, columns, &bunches)
        }
        AggregateOp::LimitRatio => {
            let ratios = scalar_param(of, node, grid)?;
            ratio::eval((of, node), &ratios, columns)
        }
        AggregateOp::CountValues => {
            let name = node.param.as_ref().map_or("", |param| of.text(param));
            check_name(name)?;
            count_values(of, name, &columns, &bunches, grid)
        }
        AggregateOp::Quantile => {
            let q = scalar_param(of, node, grid)?;
            judge_quantiles(of, node, &columns, &q);
            let mut scratch = Vec::new();
            each(of, &bunches, grid, |bunch, step| {
                present(&columns, bunch, step, &mut scratch);
                (!scratch.is_empty()).then(|| quantile(q[step], &mut scratch))
            })
        }
        op => {
            of.budget.samples(bunches.len().saturating_mul(grid.count))?;
            let span = node.of.span();
            let reduced = bunches.iter().map(|bunch| {
                if bunch.members.iter().any(|&at| columns[at].has_histograms()) {
                    mixed::eval(of, op, (&columns, bunch), (grid, span))
                } else {
                    Ok(reduce::reduce(op, &columns, bunch, grid))
                }
            });
            reduced.collect()
        }
    }
}

/// Puts the columns together whose labels are asked for and equal, in the order of labels. Once a
/// series, not once a step.
fn bunches(node: &Aggregate, columns: &[Column]) -> Vec<Bunch> {
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut found: Vec<Bunch> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let place = *places.entry(bunch_labels(node, &column.labels)).or_insert_with_key(|labels| {
            found.push(Bunch { labels: labels.clone(), drop_name: false, members: Vec::new() });
            found.len() - 1
        });
        found[place].members.push(at);
        found[place].drop_name |= column.drop_name;
    }
    // Not in the order of appearance, which differs from step to step.
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    found
}

/// The labels of the group that a series belongs to.
pub fn bunch_labels(node: &Aggregate, labels: &Labels) -> Labels {
    let named = |name: &str| node.labels.binary_search_by(|known| (**known).cmp(name)).is_ok();
    if node.without {
        labels.filtered(|name| name != METRIC_NAME && !named(name))
    } else if node.labels.is_empty() {
        Labels::empty()
    } else {
        labels.filtered(named)
    }
}

fn scalar_param(of: &Evaluator<'_>, node: &Aggregate, grid: Grid) -> Result<Vec<f64>, QueryError> {
    match &node.param {
        Some(param) => of.scalar(param, grid),
        None => Err(QueryError::Eval("the aggregation's parameter is missing".to_owned())),
    }
}

/// Says what is strange about quantiles: of all steps, the extremes.
fn judge_quantiles(of: &Evaluator<'_>, node: &Aggregate, columns: &[Column], q: &[f64]) {
    let span = node.param.as_ref().map(Expr::span).unwrap_or_default();
    let extremes = [q.iter().copied().fold(f64::NAN, f64::max), q.iter().copied().fold(f64::NAN, f64::min)];
    let nan = q.iter().copied().find(|q| q.is_nan());
    for q in nan.into_iter().chain(extremes).filter(|q| !q.is_nan() || nan.is_some()) {
        if !(0.0..=1.0).contains(&q) {
            of.note(span, Note::InvalidQuantile(q));
        }
    }
    if columns.iter().any(|column| column.histograms.iter().any(Option::is_some)) {
        of.note(node.of.span(), Note::IgnoredInGroup(node.op.name()));
    }
}

/// The values of a group's members at a step.
fn present(columns: &[Column], bunch: &Bunch, step: usize, into: &mut Vec<f64>) {
    into.clear();
    let values = bunch.members.iter().map(|&at| columns[at].values[step]);
    into.extend(values.filter(|&v| is_present(v)));
}

/// A column for each group, from what `f` gives for its steps.
fn each(
    of: &Evaluator<'_>,
    bunches: &[Bunch],
    grid: Grid,
    mut f: impl FnMut(&Bunch, usize) -> Option<f64>,
) -> Result<Vec<Column>, QueryError> {
    of.budget.samples(bunches.len().saturating_mul(grid.count))?;
    let columns = bunches.iter().map(|bunch| {
        let values = (0..grid.count).map(|step| f(bunch, step).unwrap_or(ABSENT)).collect();
        Column::new(bunch.labels.clone(), bunch.drop_name, values)
    });
    Ok(columns.collect())
}

/// How many members of a group have each value, the value as label `name`.
fn count_values(
    of: &Evaluator<'_>,
    name: &str,
    columns: &[Column],
    bunches: &[Bunch],
    grid: Grid,
) -> Result<Vec<Column>, QueryError> {
    let name: Arc<str> = Arc::from(name);
    let mut places: FxHashMap<(Labels, bool), usize> = FxHashMap::default();
    let mut found: Vec<Column> = Vec::new();
    let mut scratch = Vec::new();
    for bunch in bunches {
        for step in 0..grid.count {
            scratch.clear();
            scratch.extend(bunch.members.iter().filter_map(|&at| columns[at].get(step)));
            for datum in &scratch {
                let value = match datum {
                    Datum::Float(v) => go_float(*v),
                    Datum::Histogram(histogram) => histogram.to_string(),
                };
                let label = Label { name: Arc::clone(&name), value: Arc::from(value) };
                let labels = with_labels(&bunch.labels, [label]);
                let key = (labels.clone(), bunch.drop_name);
                let at = match places.get(&key) {
                    Some(&at) => at,
                    None => {
                        of.budget.samples(grid.count)?;
                        of.budget.series(found.len() + 1)?;
                        found.push(Column::absent(labels, bunch.drop_name, grid.count));
                        places.insert(key, found.len() - 1);
                        found.len() - 1
                    }
                };
                let count = &mut found[at].values[step];
                *count = if is_present(*count) { *count + 1.0 } else { 1.0 };
            }
        }
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(found)
}

/// A number as Go writes it without an exponent.
pub fn go_float(v: f64) -> String {
    if v.is_infinite() {
        return if v > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    v.to_string()
}
