//! Functions: from arguments to columns.

use std::sync::Arc;

use crate::model::{Histogram, Labels};
use crate::query::{
    QueryError,
    annotations::Note,
    column::{ABSENT, Column, Datum, is_present},
    expr::{Call, Expr, Kind, Prepared, Range},
    functions::{
        Function, date::DateFunction, labels::join, math::BoundFunction, native::NativeFunction,
        sort::SortFunction,
    },
    grid::Grid,
};

use super::{Evaluated, Evaluator, Wanted};

impl Evaluator<'_> {
    /// Evaluates a function at each step.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn call(&self, call: &Call, grid: Grid) -> Result<Evaluated, QueryError> {
        Ok(match call.function {
            Function::Time => Evaluated::Scalar(self.times(grid)?),
            Function::Pi => Evaluated::Scalar(self.constant(std::f64::consts::PI, grid)?),
            Function::Scalar => Evaluated::Scalar(self.only_value(call, grid)?),
            _ => Evaluated::Vector(self.call_vector(call, grid)?),
        })
    }

    fn call_vector(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        match call.function {
            Function::Window(function) => self.window_function(function, call, grid),
            Function::Math(function) => self.mapped(argument(call, 0)?, grid, |v| function.apply(v)),
            Function::Date(function) => self.date(function, call, grid),
            Function::Bound(function) => self.bound(function, call, grid),
            Function::Vector => {
                let values = self.scalar(argument(call, 0)?, grid)?;
                Ok(vec![Column::new(Labels::empty(), false, values)])
            }
            Function::Native(function) => self.native(function, call, grid),
            Function::Absent => self.absent(call, grid),
            Function::AbsentOverTime => self.absent_over_time(call, grid),
            Function::Timestamp => self.timestamp(argument(call, 0)?, grid),
            Function::HistogramQuantile | Function::HistogramQuantiles | Function::HistogramFraction => {
                self.histogram(call, grid)
            }
            Function::LabelReplace => {
                let columns = self.vector(argument(call, 0)?, grid)?;
                match &call.prepared {
                    Prepared::Replace(replace) => replace.apply(columns),
                    Prepared::None | Prepared::Labels(_) => Ok(columns),
                }
            }
            Function::LabelJoin => {
                let columns = self.vector(argument(call, 0)?, grid)?;
                let (target, separator) = (argument(call, 1)?, argument(call, 2)?);
                join(columns, self.text(target), self.text(separator), &texts(call, 3))
            }
            Function::Sort(function) => self.sorted(function, call, grid),
            Function::Time | Function::Pi | Function::Scalar => {
                Err(QueryError::Eval("expected an instant vector".to_owned()))
            }
        }
    }

    /// The time of each step in seconds.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn times(&self, grid: Grid) -> Result<Vec<f64>, QueryError> {
        self.budget.samples(grid.count)?;
        Ok(grid.times().map(seconds).collect())
    }

    fn only_value(&self, call: &Call, grid: Grid) -> Result<Vec<f64>, QueryError> {
        let columns = self.vector(argument(call, 0)?, grid)?;
        self.budget.samples(grid.count)?;
        let only = |step: usize| {
            let mut present = columns.iter().map(|c| c.values[step]).filter(|&v| is_present(v));
            match (present.next(), present.next()) {
                (Some(v), None) => v,
                _ => f64::NAN,
            }
        };
        Ok((0..grid.count).map(only).collect())
    }

    fn mapped(&self, of: &Expr, grid: Grid, f: impl Fn(f64) -> f64) -> Result<Vec<Column>, QueryError> {
        let mut columns = self.vector(of, grid)?;
        for column in &mut columns {
            column.map(&f);
            column.drop_name = true;
        }
        Ok(columns)
    }

    fn native(&self, function: NativeFunction, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let of = argument(call, 0)?;
        let columns = if function.needs_totals_only() {
            self.wanting(Wanted::Totals, || self.vector(of, grid))?
        } else {
            self.vector(of, grid)?
        };
        let mut found = Vec::new();
        for column in columns.into_iter().filter(Column::has_histograms) {
            let value = |histogram: &Option<Arc<Histogram>>| {
                histogram.as_ref().map_or(ABSENT, |histogram| function.apply(histogram))
            };
            let values = column.histograms.iter().map(value).collect();
            found.push(Column::new(column.labels, true, values));
        }
        Ok(found)
    }

    fn date(&self, function: DateFunction, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        if let Some(of) = call.args.first() {
            return self.mapped(of, grid, |v| function.apply(v));
        }
        let values = self.times(grid)?.into_iter().map(|t| function.apply(t)).collect();
        Ok(vec![Column::new(Labels::empty(), false, values)])
    }

    fn bound(&self, function: BoundFunction, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let mut columns = self.vector(argument(call, 0)?, grid)?;
        let scalars = self.scalars(call, grid)?;
        // `round` without a second argument rounds to whole numbers.
        let scalar = |at: usize, step: usize| scalars.get(at).map_or(1.0, |values| values[step]);
        for column in &mut columns {
            column.drop_name = true;
            column.map_steps(|step, v| function.apply(v, scalar(0, step), scalar(1, step)).unwrap_or(ABSENT));
        }
        columns.retain(|column| !column.is_empty());
        Ok(columns)
    }

    /// The arguments that are scalars, in order.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn scalars(&self, call: &Call, grid: Grid) -> Result<Vec<Vec<f64>>, QueryError> {
        let scalars = call.args.iter().filter(|arg| arg.kind() == Kind::Scalar);
        scalars.map(|arg| self.scalar(arg, grid)).collect()
    }

    fn timestamp(&self, of: &Expr, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let mut columns = match of {
            Expr::Selector(selector) => self.newest_times(selector, grid)?,
            other => {
                let mut columns = self.vector(other, grid)?;
                let at = |step: usize| seconds(grid.time(step));
                for column in &mut columns {
                    for step in 0..grid.count {
                        if column.is_there(step) {
                            column.set(step, Some(Datum::Float(at(step))));
                        }
                    }
                }
                columns
            }
        };
        columns.iter_mut().for_each(|column| column.drop_name = true);
        Ok(columns)
    }

    fn sorted(&self, function: SortFunction, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let mut columns = self.vector(argument(call, 0)?, grid)?;
        if matches!(function, SortFunction::Values { .. }) {
            columns.iter_mut().for_each(|column| column.histograms.clear());
        }
        if grid.count == 1 {
            function.apply(&mut columns, &texts(call, 1));
        } else {
            self.note(call.span, Note::SortInRange);
        }
        Ok(columns)
    }
}

/// An argument that the plan has checked to be there.
///
/// # Errors
///
/// When it is not.
pub fn argument(call: &Call, at: usize) -> Result<&Expr, QueryError> {
    call.args.get(at).ok_or_else(|| QueryError::Eval(format!("argument {} is missing", at + 1)))
}

/// The argument that is a range.
///
/// # Errors
///
/// When there is none, which the plan rules out.
pub fn range_argument(call: &Call) -> Result<&Range, QueryError> {
    let range = call.args.iter().find_map(|arg| match arg {
        Expr::Range(range) => Some(&**range),
        _ => None,
    });
    range.ok_or_else(|| QueryError::Eval("expected a range vector".to_owned()))
}

/// The texts from argument `from` on.
fn texts(call: &Call, from: usize) -> Vec<Arc<str>> {
    let texts = call.args.iter().skip(from).filter_map(|arg| match arg {
        Expr::Text(text, _) => Some(Arc::clone(text)),
        _ => None,
    });
    texts.collect()
}

#[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
