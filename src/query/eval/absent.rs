//! `absent` and `absent_over_time`: what is not there.

use crate::model::Labels;
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
        self.missing(call, grid, columns.into_iter().map(|column| column.values))
    }

    /// 1 at each step without a sample in any window.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn absent_over_time(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let range = range_argument(call)?;
        let ends = self.ends(range.shift, grid);
        let found = self
            .windows(range, grid)?
            .into_iter()
            .filter_map(|series| slide(&series.samples, &ends, range.range, false, |_| Some(1.0)));
        self.missing(call, grid, found)
    }

    fn missing(
        &self,
        call: &Call,
        grid: Grid,
        found: impl Iterator<Item = Vec<f64>>,
    ) -> Result<Vec<Column>, QueryError> {
        let mut values = self.constant(1.0, grid)?;
        for there in found {
            for (value, &v) in values.iter_mut().zip(&there) {
                if is_present(v) {
                    *value = ABSENT;
                }
            }
        }
        let labels = match &call.prepared {
            Prepared::Labels(labels) => labels.clone(),
            Prepared::None | Prepared::Replace(_) => Labels::empty(),
        };
        let column = Column { labels, drop_name: false, values };
        Ok(if column.is_empty() { Vec::new() } else { vec![column] })
    }
}
