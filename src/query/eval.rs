//! Evaluation: a tree and samples to columns.

pub mod absent;
pub mod call;
pub mod histogram;
pub mod source;
pub mod window;
pub mod windowed;

use std::sync::Arc;

use crate::model::SelectedSeries;

use super::{
    QueryError, aggregate, binary,
    column::{Column, drop_names},
    expr::{At, Expr, Range, Shift},
    grid::{Ends, Grid},
    limits::{Budget, EvalLimits},
    value::EvalRange,
};

/// What an expression gives over a grid.
#[derive(Debug)]
pub enum Evaluated {
    /// A number for each step.
    Scalar(Vec<f64>),
    /// A text.
    Text(Arc<str>),
    /// Series.
    Vector(Vec<Column>),
}

/// One evaluation: the samples, the limits and what is used of them.
#[derive(Debug)]
pub struct Evaluator<'a> {
    /// The query's range, for `@ start()`, `@ end()` and the lookback.
    pub range: EvalRange,
    /// The series of each selector.
    pub data: &'a [Vec<SelectedSeries>],
    /// What is left to use.
    pub budget: Budget<'a>,
}

impl<'a> Evaluator<'a> {
    /// An evaluation of which nothing is used yet.
    pub fn new(range: EvalRange, data: &'a [Vec<SelectedSeries>], limits: &'a EvalLimits) -> Self {
        Self { range, data, budget: Budget::new(limits) }
    }

    /// Evaluates `expr` at each step of `grid`.
    ///
    /// # Errors
    ///
    /// When the samples do not fit the expression, or a limit is reached.
    pub fn eval(&self, expr: &Expr, grid: Grid) -> Result<Evaluated, QueryError> {
        match expr {
            Expr::Number(v) => self.constant(*v, grid).map(Evaluated::Scalar),
            Expr::Text(text) => Ok(Evaluated::Text(Arc::clone(text))),
            Expr::Selector(selector) => self.newest(selector, grid).map(Evaluated::Vector),
            Expr::Range(_) => Err(QueryError::Eval("unexpected range vector".to_owned())),
            Expr::Negate(of) => self.negate(of, grid),
            Expr::Call(call) => self.call(call, grid),
            Expr::Aggregate(of) => aggregate::eval(self, of, grid).map(Evaluated::Vector),
            Expr::Binary(of) => binary::eval(self, of, grid),
        }
    }

    /// Evaluates an expression that gives series.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`], and when it gives something else.
    pub fn vector(&self, expr: &Expr, grid: Grid) -> Result<Vec<Column>, QueryError> {
        match self.eval(expr, grid)? {
            Evaluated::Vector(columns) => {
                self.budget.series(columns.len())?;
                Ok(columns)
            }
            Evaluated::Scalar(_) | Evaluated::Text(_) => {
                Err(QueryError::Eval("expected an instant vector".to_owned()))
            }
        }
    }

    /// Evaluates an expression that gives a number for each step.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`], and when it gives something else.
    pub fn scalar(&self, expr: &Expr, grid: Grid) -> Result<Vec<f64>, QueryError> {
        match self.eval(expr, grid)? {
            Evaluated::Scalar(values) => Ok(values),
            Evaluated::Vector(_) | Evaluated::Text(_) => {
                Err(QueryError::Eval("expected a scalar".to_owned()))
            }
        }
    }

    /// The text of an argument; empty if it is none, which the plan rules out.
    pub fn text<'e>(&self, expr: &'e Expr) -> &'e str {
        match expr {
            Expr::Text(text) => text,
            _ => "",
        }
    }

    /// One value for every step.
    ///
    /// # Errors
    ///
    /// When that is beyond the limit.
    pub fn constant(&self, v: f64, grid: Grid) -> Result<Vec<f64>, QueryError> {
        self.budget.samples(grid.count)?;
        Ok(vec![v; grid.count])
    }

    /// Where the windows of a selector or subquery end.
    pub fn ends(&self, shift: Shift, grid: Grid) -> Ends {
        let fixed = shift.at.map(|at| match at {
            At::Start => self.range.start,
            At::End => self.range.end,
            At::Time(t) => t,
        });
        Ends { grid, fixed, offset: shift.offset }
    }

    /// The samples of a whole query that is a range, of one step.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn matrix(&self, range: &Range, at: i64) -> Result<Vec<SelectedSeries>, QueryError> {
        let grid = Grid::between(at, at, 1);
        let end = self.ends(range.shift, grid).end(0);
        let mut found = Vec::new();
        for series in self.windows(range, grid)? {
            let inside = |t: i64| t > end - range.range && t <= end;
            let samples: Vec<_> = series.samples.iter().filter(|sample| inside(sample.t)).copied().collect();
            if !samples.is_empty() {
                self.budget.samples(samples.len())?;
                let labels = series.labels.clone();
                found.push((SelectedSeries { labels, samples }, series.drop_name));
            }
        }
        for (series, drop_name) in &mut found {
            if *drop_name {
                series.labels = super::column::without_metadata(&series.labels);
            }
        }
        let mut found: Vec<SelectedSeries> = found.into_iter().map(|(series, _)| series).collect();
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        if found.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
            return Err(QueryError::same_labelset());
        }
        Ok(found)
    }

    /// The vector of a whole query: names that are to go are gone.
    ///
    /// # Errors
    ///
    /// When two series become one.
    pub fn finish(&self, columns: Vec<Column>) -> Result<Vec<Column>, QueryError> {
        self.budget.series(columns.len())?;
        drop_names(columns)
    }

    fn negate(&self, of: &Expr, grid: Grid) -> Result<Evaluated, QueryError> {
        Ok(match self.eval(of, grid)? {
            Evaluated::Scalar(mut values) => {
                values.iter_mut().for_each(|v| *v = -*v);
                Evaluated::Scalar(values)
            }
            Evaluated::Vector(mut columns) => {
                for column in &mut columns {
                    column.map(|v| -v);
                    column.drop_name = true;
                }
                Evaluated::Vector(columns)
            }
            text @ Evaluated::Text(_) => text,
        })
    }
}
