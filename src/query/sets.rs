//! `and`, `or`, `unless`.

use super::{
    QueryError,
    column::{ABSENT, Column, is_present, merge_same_labels},
    expr::{Binary, BinaryOp},
    grid::Grid,
    matching::Keys,
};

/// Evaluates a set operator at each step.
///
/// # Errors
///
/// When `or` joins two series with the same labels, which a matching by other labels allows.
pub fn eval(
    node: &Binary,
    mut left: Vec<Column>,
    mut right: Vec<Column>,
    grid: Grid,
) -> Result<Vec<Column>, QueryError> {
    let mut keys = Keys::new(&node.matching);
    let left_keys = keys.of(&left);
    let right_keys = keys.of(&right);
    match node.op {
        BinaryOp::Or => {
            let there = Presence::new(&left, &left_keys, keys.count(), grid);
            mask(&mut right, &right_keys, |key, step| !there.is(key, step));
            left.append(&mut right);
        }
        op => {
            let there = Presence::new(&right, &right_keys, keys.count(), grid);
            let keep = op == BinaryOp::And;
            mask(&mut left, &left_keys, |key, step| there.is(key, step) == keep);
        }
    }
    left.retain(|column| !column.is_empty());
    merge_same_labels(left)
}

/// At which steps a key has a series.
struct Presence {
    steps: usize,
    there: Vec<Option<Vec<bool>>>,
}

impl Presence {
    fn new(columns: &[Column], keys: &[usize], count: usize, grid: Grid) -> Self {
        let mut there: Vec<Option<Vec<bool>>> = vec![None; count];
        for (column, &key) in columns.iter().zip(keys) {
            let steps = there[key].get_or_insert_with(|| vec![false; grid.count]);
            for (step, &v) in steps.iter_mut().zip(&column.values) {
                *step |= is_present(v);
            }
            for (step, histogram) in steps.iter_mut().zip(&column.histograms) {
                *step |= histogram.is_some();
            }
        }
        Self { steps: grid.count, there }
    }

    fn is(&self, key: usize, step: usize) -> bool {
        debug_assert!(step < self.steps);
        self.there[key].as_ref().is_some_and(|steps| steps[step])
    }
}

fn mask(columns: &mut [Column], keys: &[usize], keep: impl Fn(usize, usize) -> bool) {
    for (column, &key) in columns.iter_mut().zip(keys) {
        for (step, v) in column.values.iter_mut().enumerate() {
            if !keep(key, step) {
                *v = ABSENT;
            }
        }
        for (step, histogram) in column.histograms.iter_mut().enumerate() {
            if !keep(key, step) {
                *histogram = None;
            }
        }
    }
}
