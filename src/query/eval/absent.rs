//! `absent` and `absent_over_time`: what is not there.

use crate::model::{Labels, Sample};
use crate::query::{
    QueryError,
    column::{ABSENT, Column, is_present},
    expr::{Call, Prepared},
    grid::Grid,
};

use super::{
    Evaluator,
    call::{argument, range_argument},
    window::slide,
};

impl Evaluator<'_> {
    /// 1 at each step without a series.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn absent(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let columns = self.vector(argument(call, 0)?, grid)?;
        let mut missing = self.constant(1.0, grid)?;
        for mut column in columns {
            for step in 0..column.histograms.len() {
                if column.histogram(step).is_some() {
                    column.values[step] = 1.0;
                }
            }
            take_out(&mut missing, &column.values);
        }
        Ok(labelled(call, missing))
    }

    /// 1 at each step without a sample in any window.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn absent_over_time(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let range = range_argument(call)?;
        let ends = self.ends(range.shift, grid);
        let mut missing = self.constant(1.0, grid)?;
        self.windows(range, grid, |series| {
            let times = |t| Sample::new(t, 1.0);
            let histograms: Vec<Sample> = series.histograms.iter().map(|one| times(one.t)).collect();
            for samples in [&*series.samples, &histograms] {
                if let Some(there) = slide(samples, &ends, range.range, false, |_| Some(1.0)) {
                    take_out(&mut missing, &there);
                }
            }
            Ok(())
        })?;
        Ok(labelled(call, missing))
    }
}

/// Takes the steps out at which something is there.
fn take_out(missing: &mut [f64], there: &[f64]) {
    for (value, &v) in missing.iter_mut().zip(there) {
        if is_present(v) {
            *value = ABSENT;
        }
    }
}

/// The steps that are left, with the labels that the call says.
fn labelled(call: &Call, missing: Vec<f64>) -> Vec<Column> {
    let labels = match &call.prepared {
        Prepared::Labels(labels) => labels.clone(),
        Prepared::None | Prepared::Replace(_) => Labels::empty(),
    };
    let column = Column::new(labels, false, missing);
    if column.is_empty() { Vec::new() } else { vec![column] }
}
