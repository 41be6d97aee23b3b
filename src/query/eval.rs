//! Evaluation: a tree and samples to columns.

pub mod absent;
pub mod call;
pub mod histogram;
pub mod mixed;
pub mod mixed_function;
pub mod source;
pub mod window;
pub mod windowed;

use std::{cell::Cell, sync::Arc};

use crate::model::{Labels, SampleSource, SelectedSeries};

use super::{
    QueryError, aggregate,
    annotations::{Note, Notes},
    binary,
    column::{Column, drop_names, is_present},
    expr::{At, Expr, Range, Shift, Span},
    grid::{Ends, Grid},
    limits::{Budget, EvalLimits},
    standing::{Dense, Memory, Standing},
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

/// What is wanted of the histograms that a selector finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of them: nothing above says otherwise.
    Whole,
    /// Count and sum only: a function above looks at nothing else.
    Totals,
    /// All of them, whatever stands below: a function above needs the buckets.
    Buckets,
}

/// One evaluation: the samples, the limits and what is used of them.
#[derive(Debug)]
pub struct Evaluator<'a> {
    /// The query's range, for `@ start()`, `@ end()` and the lookback.
    pub range: EvalRange,
    /// The series of each selector.
    pub data: &'a dyn SampleSource,
    /// What is left to use.
    pub budget: Budget<'a>,
    /// What there is to say of the value.
    pub notes: Notes,
    /// What is done already, at the one step of the range.
    standing: Option<Standing<'a>>,
    /// What the node that is evaluated wants of histograms.
    wanted: Cell<Wanted>,
}

impl<'a> Evaluator<'a> {
    /// An evaluation of which nothing is used yet.
    pub fn new(range: EvalRange, data: &'a dyn SampleSource, limits: &'a EvalLimits) -> Self {
        Self {
            range,
            data,
            budget: Budget::new(limits),
            notes: Notes::default(),
            standing: None,
            wanted: Cell::new(Wanted::Whole),
        }
    }

    /// An evaluation of one step of which some is done already.
    pub fn standing(
        range: EvalRange,
        data: &'a dyn SampleSource,
        limits: &'a EvalLimits,
        standing: Standing<'a>,
    ) -> Self {
        Self { standing: Some(standing), ..Self::new(range, data, limits) }
    }

    /// The values of the leaf with this selector, and what the query keeps, if they are at hand.
    pub fn at_hand(&self, selector: usize) -> Option<(Dense<'a>, &'a Memory)> {
        let standing = self.standing?;
        Some((standing.leaves.get(selector).copied()??, standing.memory))
    }

    /// A leaf that is at hand as columns: of the series that have a value.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn columns(&self, dense: Dense<'_>) -> Result<Vec<Column>, QueryError> {
        let present = dense.labels.iter().zip(dense.values).filter(|(_, v)| is_present(**v));
        let column = |(labels, v): (&Labels, &f64)| Column::new(labels.clone(), dense.drop_name, vec![*v]);
        let columns: Vec<Column> = present.map(column).collect();
        self.budget.series(columns.len())?;
        self.budget.samples(columns.len())?;
        Ok(columns)
    }

    /// Evaluates `expr` at each step of `grid`.
    ///
    /// # Errors
    ///
    /// When the samples do not fit the expression, or a limit is reached.
    pub fn eval(&self, expr: &Expr, grid: Grid) -> Result<Evaluated, QueryError> {
        match expr {
            Expr::Number(v, _) => self.constant(*v, grid).map(Evaluated::Scalar),
            Expr::Text(text, _) => Ok(Evaluated::Text(Arc::clone(text))),
            Expr::Selector(selector) => self.newest(selector, grid).map(Evaluated::Vector),
            Expr::Range(_) => Err(QueryError::Eval("unexpected range vector".to_owned())),
            Expr::Negate(of, _) => self.negate(of, grid),
            Expr::Plus(of, _) => self.eval(of, grid),
            Expr::Call(call) => self.call(call, grid),
            Expr::Aggregate(of) => aggregate::eval(self, of, grid).map(Evaluated::Vector),
            Expr::Binary(of) => binary::eval(self, of, grid),
        }
    }

    /// Says something of a part of the query.
    pub fn note(&self, span: Span, note: Note<'_>) {
        self.notes.add(span, note);
    }

    /// What is wanted of histograms here.
    pub const fn wanted(&self) -> Wanted {
        self.wanted.get()
    }

    /// Evaluates with `wanted` of the histograms below, if nothing above has said that it needs them whole.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    pub fn wanting<T>(
        &self,
        wanted: Wanted,
        f: impl FnOnce() -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let before = self.wanted.get();
        if before != Wanted::Buckets {
            self.wanted.set(wanted);
        }
        let result = f();
        self.wanted.set(before);
        result
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
            Expr::Text(text, _) => text,
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
        self.windows(range, grid, |series| {
            let inside = |t: i64| t > end - range.range && t <= end;
            let samples: Vec<_> = series.samples.iter().filter(|sample| inside(sample.t)).copied().collect();
            let histograms = series.histograms.iter().filter(|sample| inside(sample.t)).cloned().collect();
            let one = SelectedSeries { labels: series.labels.clone(), samples, histograms };
            if !one.is_empty() {
                self.budget.samples(one.samples.len() + one.histograms.len())?;
                found.push((one, series.drop_name));
            }
            Ok(())
        })?;
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
                    self.negate_column(column)?;
                    column.drop_name = true;
                }
                Evaluated::Vector(columns)
            }
            text @ Evaluated::Text(_) => text,
        })
    }

    fn negate_column(&self, column: &mut Column) -> Result<(), QueryError> {
        let mut histograms = std::mem::take(&mut column.histograms);
        column.map(|v| -v);
        for histogram in histograms.iter_mut().flatten() {
            self.budget.samples(histogram.weight())?;
            Arc::make_mut(histogram).scale(-1.0);
        }
        column.histograms = histograms;
        Ok(())
    }
}
