//! A query that is parsed and checked, and what can be asked of it.

use std::sync::Arc;

use crate::model::limits::LOOKBACK_MS;
use crate::model::{Labels, Matcher, Sample, SelectedSeries};

use super::{
    EvalLimits, QueryError,
    column::{Column, is_present},
    eval::{Evaluated, Evaluator},
    expr::{Expr, Kind},
    grid::Grid,
    lower, reach,
    value::{EvalRange, Selection, Value},
};

#[derive(Debug)]
struct Inner {
    text: String,
    expr: Expr,
    selectors: usize,
}

/// A parsed, checked query. A clone counts a reference.
#[derive(Debug, Clone)]
pub struct Plan(Arc<Inner>);

impl Plan {
    /// Parses a query.
    ///
    /// # Errors
    ///
    /// When the text is not PromQL, has what is not evaluated yet, or is too long or deep.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let (expr, selectors) = lower::parse(text)?;
        Ok(Self(Arc::new(Inner { text: text.to_owned(), expr, selectors })))
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What must be read from the store to evaluate the range: one selection for each selector, in
    /// the order of the text.
    pub fn selections(&self, range: EvalRange) -> Vec<Selection> {
        reach::selections(&self.0.expr, range, self.0.selectors)
    }

    /// The conditions of each selector, in the order of the text: a series that satisfies one of
    /// them can change the value.
    pub fn selectors(&self) -> Vec<&[Matcher]> {
        let mut found = Vec::with_capacity(self.0.selectors);
        reach::selectors(&self.0.expr, &mut found);
        found
    }

    /// How far back from a step the value can depend on samples, ms; so a sample at `t` can change
    /// the steps up to `t + reach_ms()`.
    ///
    /// Instant selectors count with the default lookback, subqueries with all that is in them. A
    /// negative offset shortens it, to no less than 0. `i64::MAX` when the query has `@`: then a
    /// sample can change every step.
    pub fn reach_ms(&self) -> i64 {
        reach::reach_ms(&self.0.expr, LOOKBACK_MS)
    }

    /// Whether the value can change at a step before which no sample came: the query has `time()`,
    /// `absent()`, `vector()`, `scalar()`, `predict_linear()`, a date of now or `@`, or no selector.
    ///
    /// Windows that slide or empty and samples that get too old are not meant: they change every
    /// query, for at most [`Plan::reach_ms`] after its last sample.
    pub fn depends_on_clock(&self) -> bool {
        reach::depends_on_clock(&self.0.expr)
    }

    /// Evaluates at each step of the range. `data[i]` is what `selections(range)[i]` asked for, or
    /// more of it.
    ///
    /// *Shape*: an instant query gives a scalar, a text, a vector or, of a range, a matrix; a range
    /// query gives a matrix, of a scalar too.
    ///
    /// *Cost*: each operator passes once over its series; windows pass twice over their samples.
    ///
    /// # Errors
    ///
    /// When the range is not valid, the samples do not fit the query, or a limit is reached.
    pub fn eval(
        &self,
        range: EvalRange,
        data: &[Vec<SelectedSeries>],
        limits: &EvalLimits,
    ) -> Result<Value, QueryError> {
        let grid = Grid::of_query(range, limits)?;
        let range = EvalRange { lookback: range.lookback.clamp(0, super::limits::SPAN_MS_MAX), ..range };
        let evaluator = Evaluator::new(range, data, limits);
        let kind = self.0.expr.kind();
        if let Expr::Range(of) = &self.0.expr
            && range.is_instant()
        {
            return evaluator.matrix(of, range.start).map(Value::Matrix);
        }
        if !range.is_instant() && matches!(kind, Kind::Text | Kind::Range) {
            return Err(QueryError::Eval(
                "a range query must be of a scalar or an instant vector".to_owned(),
            ));
        }
        Ok(match evaluator.eval(&self.0.expr, grid)? {
            Evaluated::Text(text) => Value::String(text),
            Evaluated::Scalar(values) if range.is_instant() => {
                let v = values.first().copied().unwrap_or(f64::NAN);
                Value::Scalar(Sample::new(range.start, v))
            }
            Evaluated::Scalar(values) => {
                let column = Column { labels: Labels::empty(), drop_name: false, values };
                Value::Matrix(matrix(vec![column], grid))
            }
            Evaluated::Vector(columns) => {
                let columns = evaluator.finish(columns)?;
                if range.is_instant() {
                    Value::Vector(vector(columns, range.start))
                } else {
                    Value::Matrix(matrix(columns, grid))
                }
            }
        })
    }
}

fn vector(columns: Vec<Column>, at: i64) -> Vec<(Labels, Sample)> {
    let sample = |column: Column| {
        let v = column.values.first().copied().filter(|&v| is_present(v))?;
        Some((column.labels, Sample::new(at, v)))
    };
    columns.into_iter().filter_map(sample).collect()
}

fn matrix(columns: Vec<Column>, grid: Grid) -> Vec<SelectedSeries> {
    let series = columns.into_iter().map(|column| {
        let present = grid.times().zip(column.values).filter(|(_, v)| is_present(*v));
        let samples = present.map(|(t, v)| Sample::new(t, v)).collect();
        SelectedSeries { labels: column.labels, samples }
    });
    let mut series: Vec<SelectedSeries> = series.filter(|one| !one.samples.is_empty()).collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}
