//! Aggregations that need one pass over a group's series.

use crate::query::{
    column::{ABSENT, Column, is_present},
    expr::AggregateOp,
    grid::Grid,
    kahan::{Kahan, Mean},
    standing::groups::Grouping,
};

use super::Bunch;

/// What is kept of the values at one step.
trait Accumulate: Default + Clone {
    fn add(&mut self, v: f64);
    /// The result of at least one value.
    fn value(&self) -> f64;
}

#[derive(Default, Clone)]
struct Sum(Kahan);

impl Accumulate for Sum {
    fn add(&mut self, v: f64) {
        self.0.add(v);
    }
    fn value(&self) -> f64 {
        self.0.value()
    }
}

#[derive(Default, Clone)]
struct Average(Mean);

impl Accumulate for Average {
    fn add(&mut self, v: f64) {
        self.0.add(v);
    }
    fn value(&self) -> f64 {
        self.0.value()
    }
}

#[derive(Default, Clone)]
struct Count(f64);

impl Accumulate for Count {
    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }
    fn value(&self) -> f64 {
        self.0
    }
}

/// `group`: 1 where there is anything.
#[derive(Default, Clone)]
struct One;

impl Accumulate for One {
    fn add(&mut self, _: f64) {}
    fn value(&self) -> f64 {
        1.0
    }
}

/// The smallest; anything counts before NaN.
#[derive(Clone)]
struct Min(f64);

impl Default for Min {
    fn default() -> Self {
        Self(f64::NAN)
    }
}

impl Accumulate for Min {
    fn add(&mut self, v: f64) {
        if v < self.0 || self.0.is_nan() {
            self.0 = v;
        }
    }
    fn value(&self) -> f64 {
        self.0
    }
}

/// The largest; anything counts before NaN.
#[derive(Clone)]
struct Max(f64);

impl Default for Max {
    fn default() -> Self {
        Self(f64::NAN)
    }
}

impl Accumulate for Max {
    fn add(&mut self, v: f64) {
        if v > self.0 || self.0.is_nan() {
            self.0 = v;
        }
    }
    fn value(&self) -> f64 {
        self.0
    }
}

/// The variance by Welford's method.
#[derive(Default, Clone)]
struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Accumulate for Variance {
    fn add(&mut self, v: f64) {
        self.count += 1.0;
        let delta = v - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (v - self.mean);
    }
    fn value(&self) -> f64 {
        self.squares / self.count
    }
}

#[derive(Default, Clone)]
struct Deviation(Variance);

impl Accumulate for Deviation {
    fn add(&mut self, v: f64) {
        self.0.add(v);
    }
    fn value(&self) -> f64 {
        self.0.value().sqrt()
    }
}

/// Whether [`reduce`] computes it.
pub const fn is_reduction(op: AggregateOp) -> bool {
    matches!(
        op,
        AggregateOp::Sum
            | AggregateOp::Avg
            | AggregateOp::Min
            | AggregateOp::Max
            | AggregateOp::Count
            | AggregateOp::Stddev
            | AggregateOp::Stdvar
            | AggregateOp::Group
    )
}

/// Computes one aggregation of one group.
///
/// Cost: one pass over the members' values, series by series.
pub fn reduce(op: AggregateOp, columns: &[Column], bunch: &Bunch, grid: Grid) -> Column {
    let values = match op {
        AggregateOp::Sum => pass::<Sum>(columns, bunch, grid),
        AggregateOp::Avg => pass::<Average>(columns, bunch, grid),
        AggregateOp::Min => pass::<Min>(columns, bunch, grid),
        AggregateOp::Max => pass::<Max>(columns, bunch, grid),
        AggregateOp::Count => pass::<Count>(columns, bunch, grid),
        AggregateOp::Stddev => pass::<Deviation>(columns, bunch, grid),
        AggregateOp::Stdvar => pass::<Variance>(columns, bunch, grid),
        _ => pass::<One>(columns, bunch, grid),
    };
    Column::new(bunch.labels.clone(), bunch.drop_name, values)
}

/// Computes one aggregation of all groups at one step, groups in the order of their labels.
///
/// Cost: one pass over the values; each group sees its members in the same order as in [`reduce`].
pub fn reduce_dense(op: AggregateOp, values: &[f64], grouping: &Grouping) -> Vec<Column> {
    match op {
        AggregateOp::Sum => dense::<Sum>(values, grouping),
        AggregateOp::Avg => dense::<Average>(values, grouping),
        AggregateOp::Min => dense::<Min>(values, grouping),
        AggregateOp::Max => dense::<Max>(values, grouping),
        AggregateOp::Count => dense::<Count>(values, grouping),
        AggregateOp::Stddev => dense::<Deviation>(values, grouping),
        AggregateOp::Stdvar => dense::<Variance>(values, grouping),
        _ => dense::<One>(values, grouping),
    }
}

fn dense<A: Accumulate>(values: &[f64], grouping: &Grouping) -> Vec<Column> {
    let mut states: Vec<Option<A>> = vec![None; grouping.bunches.len()];
    for (&v, &group) in values.iter().zip(&grouping.of) {
        if is_present(v) {
            states[group as usize].get_or_insert_default().add(v);
        }
    }
    let column = |&at: &u32| {
        let Bunch { labels, drop_name, .. } = &grouping.bunches[at as usize];
        let value = states[at as usize].as_ref()?.value();
        Some(Column::new(labels.clone(), *drop_name, vec![value]))
    };
    grouping.order.iter().filter_map(column).collect()
}

fn pass<A: Accumulate>(columns: &[Column], bunch: &Bunch, grid: Grid) -> Vec<f64> {
    let mut states: Vec<Option<A>> = vec![None; grid.count];
    for &at in &bunch.members {
        for (state, &v) in states.iter_mut().zip(&columns[at].values) {
            if is_present(v) {
                state.get_or_insert_default().add(v);
            }
        }
    }
    states.iter().map(|state| state.as_ref().map_or(ABSENT, A::value)).collect()
}
