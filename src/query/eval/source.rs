//! Where samples come from: stored series and subqueries.

use std::{borrow::Cow, sync::Arc};

use crate::model::{CounterReset, Histogram, HistogramSample, Labels, Sample, SelectedSeries, is_stale};
use crate::query::{
    QueryError,
    column::{Column, Datum, is_present},
    expr::{Expr, Over, Range, Selector},
    grid::Grid,
};

use super::{Evaluator, Wanted, mixed, window::newest};

/// A series under windows: its samples without staleness markers.
#[derive(Debug)]
pub struct Samples<'a> {
    /// Its labels.
    pub labels: Labels,
    /// Whether its name goes at the end.
    pub drop_name: bool,
    /// All numbers that any window needs, oldest first.
    pub samples: Cow<'a, [Sample]>,
    /// All histograms that any window needs, oldest first; mostly none.
    pub histograms: Cow<'a, [HistogramSample]>,
}

impl<'a> Evaluator<'a> {
    /// Reads each series of a selector in its turn.
    fn stored(
        &self,
        selector: &Selector,
        mut take: impl FnMut(Cow<'a, SelectedSeries>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let count = self.data.count(selector.index);
        self.budget.series(count)?;
        for nth in 0..count {
            let series = self.data.series(selector.index, nth);
            self.budget.read(series.samples.len() + series.histograms.len())?;
            take(series)?;
        }
        Ok(())
    }

    /// The newest sample of each series, at each step.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn newest(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, QueryError> {
        self.pick(selector, grid, |sample| sample.v, |sample| Datum::Histogram(Arc::clone(&sample.histogram)))
    }

    /// The time of the newest sample of each series in seconds, at each step.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn newest_times(&self, selector: &Selector, grid: Grid) -> Result<Vec<Column>, QueryError> {
        self.pick(selector, grid, |sample| seconds(sample.t), |sample| Datum::Float(seconds(sample.t)))
    }

    fn pick(
        &self,
        selector: &Selector,
        grid: Grid,
        pick: impl Fn(Sample) -> f64,
        pick_histogram: impl Fn(&HistogramSample) -> Datum,
    ) -> Result<Vec<Column>, QueryError> {
        if let Some((dense, _)) = self.at_hand(selector.index) {
            return self.columns(dense);
        }
        let ends = self.ends(selector.shift, grid);
        let mut columns = Vec::new();
        self.stored(selector, |series| {
            self.budget.samples(grid.count)?;
            let labels = series.labels.clone();
            let column = if series.histograms.is_empty() {
                newest(&series.samples, &ends, self.range.lookback, &pick)
                    .map(|values| Column::new(labels, false, values))
            } else {
                let histograms = self.wanted_of(Cow::Borrowed(&series.histograms));
                let both = mixed::Both { floats: &series.samples, histograms: &histograms };
                let found = both.newest(&ends, self.range.lookback, &pick, &pick_histogram);
                found.map(|found| found.column(labels, false))
            };
            match column {
                Some(column) => columns.push(column),
                None => self.budget.give_back(grid.count),
            }
            Ok(())
        })?;
        Ok(columns)
    }

    /// Gives the series under a range, one after the other: only one is in memory at a time where they are stored.
    ///
    /// # Errors
    ///
    /// When a limit is reached, or the expression of a subquery has an error; and those of `take`.
    pub fn windows(
        &self,
        range: &Range,
        grid: Grid,
        mut take: impl FnMut(Samples<'_>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        match &range.over {
            Over::Selector(selector) => {
                let (first, last) = self.ends(range.shift, grid).span();
                self.stored(selector, |series| {
                    let one = self.unmarked(&series, first - range.range, last);
                    if one.samples.is_empty() && one.histograms.is_empty() { Ok(()) } else { take(one) }
                })
            }
            // A reset must be seen in the buckets: what is between the steps is not there to say so.
            Over::Subquery { expr, step } => {
                let series = self.wanting(Wanted::Buckets, || self.subquery(range, expr, *step, grid))?;
                series.into_iter().try_for_each(take)
            }
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
            let histograms = inner.times().zip(column.histograms);
            let histograms: Vec<HistogramSample> =
                histograms.filter_map(|(t, one)| Some(HistogramSample::new(t, unhinted(one?)))).collect();
            self.budget.samples(samples.len() + histograms.len())?;
            found.push(Samples {
                labels: column.labels,
                drop_name: column.drop_name,
                samples: Cow::Owned(samples),
                histograms: Cow::Owned(histograms),
            });
        }
        Ok(found)
    }

    /// What a stored series has in `(from, to]` without staleness markers, copied only when it has any.
    fn unmarked<'s>(&self, series: &'s SelectedSeries, from: i64, to: i64) -> Samples<'s> {
        let low = series.samples.partition_point(|sample| sample.t <= from);
        let high = series.samples.partition_point(|sample| sample.t <= to);
        let inside = series.samples.get(low..high).unwrap_or_default();
        let samples = if inside.iter().any(|sample| is_stale(sample.v)) {
            Cow::Owned(inside.iter().filter(|sample| !is_stale(sample.v)).copied().collect())
        } else {
            Cow::Borrowed(inside)
        };
        let low = series.histograms.partition_point(|sample| sample.t <= from);
        let high = series.histograms.partition_point(|sample| sample.t <= to);
        let inside = series.histograms.get(low..high).unwrap_or_default();
        let histograms = self.wanted_of(Cow::Borrowed(inside));
        Samples { labels: series.labels.clone(), drop_name: false, samples, histograms }
    }

    /// The histograms as they are wanted: without buckets where those do not matter. The hints then
    /// say of each what its buckets would have, compared with the one before.
    fn wanted_of<'h>(&self, histograms: Cow<'h, [HistogramSample]>) -> Cow<'h, [HistogramSample]> {
        if self.wanted() != Wanted::Totals {
            return histograms;
        }
        let total = |(at, sample): (usize, &HistogramSample)| {
            let before = at.checked_sub(1).map(|at| &histograms[at].histogram);
            let hint = match (sample.histogram.hint, before) {
                (CounterReset::Unknown, Some(before)) if sample.histogram.is_reset_after(before) => {
                    CounterReset::Reset
                }
                (CounterReset::Unknown, Some(_)) => CounterReset::NotReset,
                (hint, _) => hint,
            };
            HistogramSample::new(sample.t, Arc::new(sample.histogram.totals(hint)))
        };
        Cow::Owned(histograms.iter().enumerate().map(total).collect())
    }
}

/// A histogram of a subquery. What the hint says is of the stored sample before, which the subquery may
/// have passed over: the counts must tell.
fn unhinted(mut histogram: Arc<Histogram>) -> Arc<Histogram> {
    if matches!(histogram.hint, CounterReset::Reset | CounterReset::NotReset) {
        Arc::make_mut(&mut histogram).hint = CounterReset::Unknown;
    }
    histogram
}

#[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
