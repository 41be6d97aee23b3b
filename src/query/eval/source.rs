//! Where samples come from: stored series and subqueries.

use std::borrow::Cow;

use crate::model::{Labels, Sample, SelectedSeries, is_stale};
use crate::query::{
    QueryError,
    column::{Column, is_present},
    expr::{Expr, Over, Range, Selector},
    grid::Grid,
};

use super::{Evaluator, window::newest};

/// A series under windows: its samples without staleness markers.
#[derive(Debug)]
pub struct Samples<'a> {
    /// Its labels.
    pub labels: Labels,
    /// Whether its name goes at the end.
    pub drop_name: bool,
    /// All samples that any window needs, oldest first.
    pub samples: Cow<'a, [Sample]>,
}

impl<'a> Evaluator<'a> {
    fn stored(&self, selector: &Selector) -> Result<&'a [SelectedSeries], QueryError> {
        let series = self.data.get(selector.index).map(Vec::as_slice).unwrap_or_default();
        self.budget.series(series.len())?;
        Ok(series)
    }

    /// The newest sample of each series, at each step.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn newest(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, QueryError> {
        self.pick(selector, grid, |sample| sample.v)
    }

    /// The time of the newest sample of each series in seconds, at each step.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn newest_times(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, QueryError> {
        self.pick(selector, grid, |sample| seconds(sample.t))
    }

    fn pick(
        &self,
        selector: &Selector,
        grid: Grid,
        pick: impl Fn(Sample) -> f64,
    ) -> Result<Vec<Column>, QueryError> {
        let ends = self.ends(selector.shift, grid);
        let mut columns = Vec::new();
        for series in self.stored(selector)? {
            self.budget.samples(grid.count)?;
            match newest(&series.samples, &ends, self.range.lookback, &pick) {
                Some(values) => {
                    columns.push(Column { labels: series.labels.clone(), drop_name: false, values });
                }
                None => self.budget.give_back(grid.count),
            }
        }
        Ok(columns)
    }

    /// The series under a range.
    ///
    /// # Errors
    ///
    /// When a limit is reached, or the expression of a subquery has an error.
    pub fn windows(&self, range: &Range, grid: Grid) -> Result<Vec<Samples<'a>>, QueryError> {
        match &range.over {
            Over::Selector(selector) => {
                let (first, last) = self.ends(range.shift, grid).span();
                let cut = |one| unmarked(one, first - range.range, last);
                let series = self.stored(selector)?.iter().map(cut);
                Ok(series.filter(|one| !one.samples.is_empty()).collect())
            }
            Over::Subquery { expr, step } => self.subquery(range, expr, *step, grid),
        }
    }

    /// The values of an expression at the multiples of `step` that any window needs.
    fn subquery(
        &self,
        range: &Range,
        expr: &Expr,
        step: i64,
        grid: Grid,
    ) -> Result<Vec<Samples<'a>>, QueryError> {
        if grid.count == 0 {
            return Ok(Vec::new());
        }
        let (first, last) = self.ends(range.shift, grid).span();
        // The first multiple after the start of the first window, which is open there.
        let start = ((first - range.range).div_euclid(step) + 1) * step;
        let inner = Grid::between(start, last, step);
        let columns = self.vector(expr, inner)?;
        let mut found = Vec::with_capacity(columns.len());
        for column in columns {
            let present = inner.times().zip(&column.values).filter(|(_, v)| is_present(**v));
            let samples: Vec<Sample> = present.map(|(t, &v)| Sample::new(t, v)).collect();
            self.budget.samples(samples.len())?;
            found.push(Samples {
                labels: column.labels,
                drop_name: column.drop_name,
                samples: Cow::Owned(samples),
            });
        }
        Ok(found)
    }
}

/// What a stored series has in `(from, to]` without staleness markers, copied only when it has any.
fn unmarked(series: &SelectedSeries, from: i64, to: i64) -> Samples<'_> {
    let low = series.samples.partition_point(|sample| sample.t <= from);
    let high = series.samples.partition_point(|sample| sample.t <= to);
    let inside = series.samples.get(low..high).unwrap_or_default();
    let samples = if inside.iter().any(|sample| is_stale(sample.v)) {
        Cow::Owned(inside.iter().filter(|sample| !is_stale(sample.v)).copied().collect())
    } else {
        Cow::Borrowed(inside)
    };
    Samples { labels: series.labels.clone(), drop_name: false, samples }
}

#[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
