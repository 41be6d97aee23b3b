//! Aggregations of groups that have histograms.

use std::sync::Arc;

use crate::model::{Histogram, histogram::Incompatible};
use crate::query::{
    QueryError,
    annotations::{Note, Operation},
    column::{Column, Datum, is_present},
    eval::Evaluator,
    expr::{AggregateOp, Span},
    functions::native::total::{Statistic, Total},
    grid::Grid,
    limits::LOOKS_PER_SAMPLE,
};

use super::{Bunch, reduce::reduce};

/// Computes one aggregation of one group, of which some members have histograms. `span` is where the
/// members come from.
///
/// # Errors
///
/// When a limit is reached.
pub fn eval(
    of: &Evaluator<'_>,
    op: AggregateOp,
    (columns, bunch): (&[Column], &Bunch),
    (grid, span): (Grid, Span),
) -> Result<Column, QueryError> {
    let group = Group { of, columns, bunch, span };
    match op {
        AggregateOp::Sum => group.total(Statistic::Sum, reduce(op, columns, bunch, grid)),
        AggregateOp::Avg => group.total(Statistic::Mean, reduce(op, columns, bunch, grid)),
        AggregateOp::Count | AggregateOp::Group => Ok(group.count(op, grid)),
        _ => {
            let members = || bunch.members.iter().map(|&at| &columns[at]);
            if members().any(|column| column.histograms.iter().any(Option::is_some)) {
                of.note(span, Note::IgnoredInGroup(op.name()));
            }
            Ok(reduce(op, columns, bunch, grid))
        }
    }
}

struct Group<'a> {
    of: &'a Evaluator<'a>,
    columns: &'a [Column],
    bunch: &'a Bunch,
    span: Span,
}

impl<'a> Group<'a> {
    fn members(&self) -> impl Iterator<Item = &'a Column> {
        self.bunch.members.iter().map(|&at| &self.columns[at])
    }

    fn count(&self, op: AggregateOp, grid: Grid) -> Column {
        let mut column = Column::absent(self.bunch.labels.clone(), self.bunch.drop_name, grid.count);
        for step in 0..grid.count {
            let there = self.members().filter(|column| column.is_there(step)).count();
            #[expect(clippy::cast_precision_loss, reason = "counts of series are below 2^53")]
            let count = there as f64;
            match op {
                _ if there == 0 => {}
                AggregateOp::Group => column.values[step] = 1.0,
                _ => column.values[step] = count,
            }
        }
        column
    }

    /// Adds to a column, which has the result of the numbers, the sums or means of the histograms.
    fn total(&self, statistic: Statistic, mut column: Column) -> Result<Column, QueryError> {
        for step in 0..column.values.len() {
            let histograms: Vec<(&'a Column, &'a Arc<Histogram>)> =
                self.members().filter_map(|one| Some((one, one.histogram(step)?))).collect();
            let Some((first, others)) = histograms.split_first() else {
                continue;
            };
            if is_present(column.values[step]) {
                self.of.note(self.span, Note::MixedKindsInGroup);
                column.set(step, None);
                continue;
            }
            let looks: usize = histograms.iter().map(|(_, histogram)| histogram.weight()).sum();
            self.of.budget.samples(looks / LOOKS_PER_SAMPLE + first.1.weight())?;
            column.set(step, self.total_of(statistic, first.1, others));
        }
        Ok(column)
    }

    fn total_of(
        &self,
        statistic: Statistic,
        first: &Histogram,
        others: &[(&Column, &Arc<Histogram>)],
    ) -> Option<Datum> {
        let mut total = Total::new(statistic, first);
        for (column, histogram) in others {
            match total.add(histogram) {
                Ok(done) if done.bounds_differ => {
                    self.of.note(self.span, Note::BoundsDiffer(Operation::Aggregation));
                }
                Ok(_) => {}
                Err(Incompatible) => {
                    self.of.note(self.span, Note::MixedLayouts(column.labels.metric_name()));
                    return None;
                }
            }
        }
        if total.hints_conflict() {
            self.of.note(self.span, Note::HintsConflict(Operation::Aggregation));
        }
        let mut histogram = total.finish();
        histogram.compact();
        Some(Datum::histogram(histogram))
    }
}
