//! Functions of windows: from a range to columns.

use crate::model::Sample;
use crate::query::{
    QueryError,
    annotations::{About, Note},
    column::{Column, is_present},
    exact::Exact,
    expr::{Call, Expr, Over},
    functions::{
        WindowFunction,
        counter::{Counter, changes, instant},
        extreme::Extreme,
        over_time::{Sums, quantile_of, statistic},
        regression::{Line, double_exponential},
    },
    grid::{Ends, Grid},
    limits::LOOKS_PER_SAMPLE,
};

use super::{
    Evaluator,
    call::range_argument,
    window::{Span, slide},
};

/// One series under windows, with what all functions of windows need.
#[derive(Debug)]
pub struct Sliding<'s> {
    /// The numbers, oldest first.
    pub samples: &'s [Sample],
    /// Where the windows end.
    pub ends: &'s Ends,
    /// The windows' length, ms.
    pub range: i64,
    /// The other arguments, for each step.
    pub scalars: &'s [Vec<f64>],
}

impl Evaluator<'_> {
    /// Evaluates a function of windows at each step.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn window_function(
        &self,
        function: WindowFunction,
        call: &Call,
        grid: Grid,
    ) -> Result<Vec<Column>, QueryError> {
        let range = range_argument(call)?;
        if let Over::Selector(selector) = &range.over
            && let Some((dense, _)) = self.at_hand(selector.index)
        {
            let columns = self.columns(dense)?;
            self.judge(function, call, &columns, &[]);
            return Ok(columns);
        }
        let scalars = self.scalars(call, grid)?;
        if function == WindowFunction::DoubleExponentialSmoothing {
            check_factors(&scalars)?;
        }
        let ends = self.ends(range.shift, grid);
        let span = call.args.first().map(Expr::span).unwrap_or_default();
        let mut columns = Vec::new();
        self.windows(range, grid, |series| {
            self.budget.samples(grid.count)?;
            let sliding =
                Sliding { samples: &series.samples, ends: &ends, range: range.range, scalars: &scalars };
            if !sliding.is_incremental(function) {
                self.budget.samples(sliding.looks() / LOOKS_PER_SAMPLE)?;
            }
            let labels = series.labels.clone();
            let drop_name = series.drop_name || !function.keeps_name();
            let column = if series.histograms.is_empty() {
                sliding.values(function).map(|values| Column::new(labels, drop_name, values))
            } else {
                let about = About { notes: &self.notes, span, metric: series.labels.metric_name() };
                let found = self.mixed_function(function, &sliding, &series.histograms, &about)?;
                found.map(|found| found.column(labels, drop_name))
            };
            match column {
                Some(column) => columns.push(column),
                None => self.budget.give_back(grid.count),
            }
            Ok(())
        })?;
        self.judge(function, call, &columns, &scalars);
        Ok(columns)
    }

    /// Says what is strange about a function's arguments, once it has values.
    fn judge(&self, function: WindowFunction, call: &Call, columns: &[Column], scalars: &[Vec<f64>]) {
        let span = call.args.first().map(Expr::span).unwrap_or_default();
        match function {
            WindowFunction::Rate | WindowFunction::Increase => {
                // Series of one metric come one after the other: said once for each run of them.
                let mut before = "";
                for column in columns {
                    let name = column.labels.metric_name();
                    let ends = ["_total", "_sum", "_count", "_bucket"];
                    if name != before
                        && !ends.iter().any(|end| name.ends_with(end))
                        && column.values.iter().any(|&v| is_present(v))
                    {
                        before = name;
                        self.note(span, Note::PossibleNonCounter(name));
                    }
                }
            }
            WindowFunction::Quantile => {
                for (step, &q) in scalars.first().into_iter().flatten().enumerate() {
                    let used = || columns.iter().any(|column| is_present(column.values[step]));
                    if !(0.0..=1.0).contains(&q) && used() {
                        self.note(span, Note::InvalidQuantile(q));
                    }
                }
            }
            _ => {}
        }
    }
}

impl Sliding<'_> {
    /// The most samples that all windows have together: each sample is in as many as end within the
    /// range after it.
    fn looks(&self) -> usize {
        let grid = self.ends.grid;
        let windows = usize::try_from(self.range / grid.step).unwrap_or(usize::MAX);
        self.samples.len().saturating_mul(windows.saturating_add(1).min(grid.count))
    }

    /// Whether no sample is looked at for each window that it is in.
    fn is_incremental(&self, function: WindowFunction) -> bool {
        let sums = matches!(function, WindowFunction::Sum | WindowFunction::Avg);
        function.is_incremental() && (!sums || self.samples.iter().all(|sample| Exact::takes(sample.v)))
    }

    fn values(&self, function: WindowFunction) -> Option<Vec<f64>> {
        let samples = self.samples;
        match function {
            WindowFunction::Rate | WindowFunction::Increase | WindowFunction::Delta => {
                let counter = Counter::new(samples);
                self.slide(|span| counter.extrapolated(function, span))
            }
            WindowFunction::Resets => {
                let counter = Counter::new(samples);
                self.slide(|span| counter.resets(span))
            }
            WindowFunction::Irate => self.slide(|span| instant(span.of(samples), true)),
            WindowFunction::Idelta => self.slide(|span| instant(span.of(samples), false)),
            WindowFunction::Changes => self.slide(|span| changes(span.of(samples))),
            WindowFunction::Min | WindowFunction::Max => {
                let mut extreme = Extreme::new(samples, function);
                self.slide(|span| extreme.of(span))
            }
            WindowFunction::Sum | WindowFunction::Avg => {
                let mut sums = Sums::new(samples, function);
                self.slide(|span| sums.of(span))
            }
            WindowFunction::Quantile => {
                let mut scratch = Vec::new();
                self.slide(|span| quantile_of(self.scalar(0, span.step), span.of(samples), &mut scratch))
            }
            WindowFunction::Deriv => self.slide(|span| {
                let window = span.of(samples);
                Line::through(window, window.first()?.t).map(|line| line.slope)
            }),
            WindowFunction::PredictLinear => self.slide(|span| {
                let now = self.ends.grid.time(span.step);
                let line = Line::through(span.of(samples), now)?;
                Some(line.slope * self.scalar(0, span.step) + line.intercept)
            }),
            WindowFunction::DoubleExponentialSmoothing => self.slide(|span| {
                let (level, trend) = (self.scalar(0, span.step), self.scalar(1, span.step));
                double_exponential(span.of(samples), level, trend)
            }),
            _ => self.slide(|span| statistic(function, span.of(samples))),
        }
    }

    /// Argument `at` of those that are numbers, at a step.
    pub fn scalar(&self, at: usize, step: usize) -> f64 {
        let values = self.scalars.get(at);
        values.and_then(|values| values.get(step)).copied().unwrap_or(f64::NAN)
    }

    fn slide(&self, f: impl FnMut(Span) -> Option<f64>) -> Option<Vec<f64>> {
        // With scalars the value can change although the window does not.
        slide(self.samples, self.ends, self.range, !self.scalars.is_empty(), f)
    }
}

/// The factors of smoothing are between 0 and 1.
fn check_factors(scalars: &[Vec<f64>]) -> Result<(), QueryError> {
    let inside = |v: &f64| 0.0 < *v && *v < 1.0;
    if scalars.iter().flatten().all(inside) {
        return Ok(());
    }
    Err(QueryError::Eval("invalid smoothing or trend factor: expected 0 < factor < 1".to_owned()))
}
