//! Windows over series that have histograms, beside numbers or alone.

use std::sync::Arc;

use crate::model::{Histogram, HistogramSample, Labels, Sample, is_stale};
use crate::query::{
    QueryError,
    column::{ABSENT, Column, Datum},
    grid::Ends,
};

/// The samples of a series, of both kinds.
#[derive(Debug, Clone, Copy)]
pub struct Both<'a> {
    /// The numbers, oldest first.
    pub floats: &'a [Sample],
    /// The histograms, oldest first.
    pub histograms: &'a [HistogramSample],
}

/// One window of both kinds.
#[derive(Debug, Clone, Copy)]
pub struct MixedWindow<'a> {
    /// The step's number.
    pub step: usize,
    /// The window's start, itself not in it, ms.
    pub start: i64,
    /// The window's end, in it, ms.
    pub end: i64,
    /// What is in it.
    pub samples: Both<'a>,
}

/// What windows gave, for each step.
#[derive(Debug, Default)]
pub struct Found {
    values: Vec<f64>,
    histograms: Vec<Option<Arc<Histogram>>>,
    any: bool,
    any_histogram: bool,
}

impl Found {
    fn push(&mut self, datum: Option<Datum>) {
        self.any |= datum.is_some();
        let (v, histogram) = match datum {
            None => (ABSENT, None),
            Some(Datum::Float(v)) => (v, None),
            Some(Datum::Histogram(histogram)) => (ABSENT, Some(histogram)),
        };
        self.any_histogram |= histogram.is_some();
        self.values.push(v);
        self.histograms.push(histogram);
    }

    fn resize(&mut self, steps: usize) {
        if let (Some(&v), Some(histogram)) = (self.values.first(), self.histograms.first().cloned()) {
            self.values.resize(steps, v);
            self.histograms.resize(steps, histogram);
        }
    }

    /// The column of a series.
    pub fn column(self, labels: Labels, drop_name: bool) -> Column {
        let histograms = if self.any_histogram { self.histograms } else { Vec::new() };
        Column { labels, drop_name, values: self.values, histograms }
    }
}

impl<'a> Both<'a> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those after `from`, up to `to`.
    fn within(&self, from: i64, to: i64) -> Self {
        let floats = {
            let low = self.floats.partition_point(|sample| sample.t <= from);
            let high = self.floats.partition_point(|sample| sample.t <= to);
            self.floats.get(low..high).unwrap_or_default()
        };
        let low = self.histograms.partition_point(|sample| sample.t <= from);
        let high = self.histograms.partition_point(|sample| sample.t <= to);
        Self { floats, histograms: self.histograms.get(low..high).unwrap_or_default() }
    }

    /// What `f` makes of the window of `range` ms at each step; `None` when that is nothing at all.
    /// Windows that `@` fixes are computed once, unless `moves` says that the step's time counts too.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    pub fn slide(
        &self,
        ends: &Ends,
        range: i64,
        moves: bool,
        mut f: impl FnMut(MixedWindow<'a>) -> Result<Option<Datum>, QueryError>,
    ) -> Result<Option<Found>, QueryError> {
        let once = ends.fixed.is_some() && !moves;
        let steps = if once { ends.grid.count.min(1) } else { ends.grid.count };
        let mut found = Found::default();
        for step in 0..steps {
            let end = ends.end(step);
            let start = end - range;
            let samples = self.within(start, end);
            let datum = if samples.is_empty() { None } else { f(MixedWindow { step, start, end, samples })? };
            found.push(datum);
        }
        if once {
            found.resize(ends.grid.count);
        }
        Ok(found.any.then_some(found))
    }

    /// What is made of the newest sample at each step, of either kind; `None` when there is none at
    /// any. A staleness marker ends both kinds.
    pub fn newest(
        &self,
        ends: &Ends,
        lookback: i64,
        float: impl Fn(Sample) -> f64,
        histogram: impl Fn(&HistogramSample) -> Datum,
    ) -> Option<Found> {
        let newest = |window: MixedWindow<'_>| {
            let Both { floats, histograms } = window.samples;
            Ok(match (floats.last(), histograms.last()) {
                (Some(f), Some(h)) if f.t < h.t => Some(histogram(h)),
                (None, Some(h)) => Some(histogram(h)),
                (Some(f), _) => (!is_stale(f.v)).then(|| Datum::Float(float(*f))),
                (None, None) => None,
            })
        };
        self.slide(ends, lookback, false, newest).ok().flatten()
    }
}
