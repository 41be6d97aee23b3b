//! Functions of windows over series that have histograms.

use std::sync::Arc;

use crate::model::{HistogramSample, Sample};
use crate::query::{
    QueryError,
    annotations::{About, Note, Operation},
    column::Datum,
    functions::{
        WindowFunction,
        counter::{Counter, changes, instant},
        extreme::Extreme,
        native::{
            rate,
            total::{Statistic, Total},
        },
        over_time::{quantile_of, statistic},
        regression::{Line, double_exponential},
    },
    limits::LOOKS_PER_SAMPLE,
};

use super::{
    Evaluator,
    mixed::{Both, Found, MixedWindow},
    window::Span,
    windowed::Sliding,
};

/// One of two samples in a row.
#[derive(Debug, Clone, Copy)]
enum One<'a> {
    Float(Sample),
    Histogram(&'a HistogramSample),
}

impl Evaluator<'_> {
    /// A function of the windows of a series that has histograms.
    ///
    /// # Errors
    ///
    /// When a limit is reached.
    pub fn mixed_function(
        &self,
        function: WindowFunction,
        sliding: &Sliding<'_>,
        histograms: &[HistogramSample],
        about: &About<'_>,
    ) -> Result<Option<Found>, QueryError> {
        let both = Both { floats: sliding.samples, histograms };
        both.slide(sliding.ends, sliding.range, !sliding.scalars.is_empty(), |window| {
            let looks: usize = window.samples.histograms.iter().map(|one| one.histogram.weight()).sum();
            self.budget.samples((looks + window.samples.floats.len()) / LOOKS_PER_SAMPLE)?;
            let datum = of_window(function, &window, sliding, about);
            if let Some(Datum::Histogram(histogram)) = &datum {
                self.budget.samples(histogram.weight())?;
            }
            Ok(datum)
        })
    }
}

fn of_window(
    function: WindowFunction,
    window: &MixedWindow<'_>,
    sliding: &Sliding<'_>,
    about: &About<'_>,
) -> Option<Datum> {
    let Both { floats, histograms } = window.samples;
    let float = |v: Option<f64>| v.map(Datum::Float);
    match function {
        WindowFunction::Rate | WindowFunction::Increase | WindowFunction::Delta => {
            match only_kind(&window.samples, about)? {
                Kind::Floats => {
                    let span = span(window);
                    float(Counter::new(floats).extrapolated(function, span))
                }
                Kind::Histograms => {
                    rate::extrapolated(function, histograms, (window.start, window.end), about)
                        .map(Datum::histogram)
                }
            }
        }
        WindowFunction::Irate | WindowFunction::Idelta => {
            last_two(window.samples, function == WindowFunction::Irate, about)
        }
        WindowFunction::Sum | WindowFunction::Avg => match only_kind(&window.samples, about)? {
            Kind::Floats => float(statistic(function, floats)),
            Kind::Histograms if function == WindowFunction::Sum => total(Statistic::Sum, histograms, about),
            Kind::Histograms => total(Statistic::Mean, histograms, about),
        },
        WindowFunction::Changes => float(count_pairs(window.samples, |pair| match pair {
            [One::Float(a), One::Float(b)] => changes(&[a, b]) == Some(1.0),
            [One::Histogram(a), One::Histogram(b)] => !b.histogram.same(&a.histogram),
            _ => true,
        })),
        WindowFunction::Resets => float(count_pairs(window.samples, |pair| match pair {
            [One::Float(a), One::Float(b)] => b.v < a.v,
            [One::Histogram(a), One::Histogram(b)] => b.histogram.is_reset_after(&a.histogram),
            _ => true,
        })),
        WindowFunction::Count => float(Some(count(window.samples.len()))),
        WindowFunction::Present => Some(Datum::Float(1.0)),
        WindowFunction::First => {
            let (f, h) = (floats.first(), histograms.first());
            pick(f, h, |f, h| f < h)
        }
        WindowFunction::Last => pick(floats.last(), histograms.last(), |f, h| f > h),
        WindowFunction::TsOfFirst => {
            let times =
                floats.first().map(|one| one.t).into_iter().chain(histograms.first().map(|one| one.t));
            float(times.min().map(seconds))
        }
        WindowFunction::TsOfLast => {
            let times = floats.last().map(|one| one.t).into_iter().chain(histograms.last().map(|one| one.t));
            float(times.max().map(seconds))
        }
        _ => {
            // What follows is of numbers only.
            if !floats.is_empty() && !histograms.is_empty() {
                about.say(Note::IgnoredInWindow(about.metric));
            }
            float(of_floats(function, window, sliding))
        }
    }
}

fn of_floats(function: WindowFunction, window: &MixedWindow<'_>, sliding: &Sliding<'_>) -> Option<f64> {
    let floats = window.samples.floats;
    let scalar = |at: usize| sliding.scalar(at, window.step);
    match function {
        WindowFunction::Min | WindowFunction::Max => Extreme::new(floats, function).of(span(window)),
        WindowFunction::Quantile => quantile_of(scalar(0), floats, &mut Vec::new()),
        WindowFunction::Deriv => Line::through(floats, floats.first()?.t).map(|line| line.slope),
        WindowFunction::PredictLinear => {
            let line = Line::through(floats, sliding.ends.grid.time(window.step))?;
            Some(line.slope * scalar(0) + line.intercept)
        }
        WindowFunction::DoubleExponentialSmoothing => double_exponential(floats, scalar(0), scalar(1)),
        _ => statistic(function, floats),
    }
}

/// The numbers of a window, as if they were the whole series.
const fn span(window: &MixedWindow<'_>) -> Span {
    let high = window.samples.floats.len();
    Span { step: window.step, start: window.start, end: window.end, low: 0, high }
}

enum Kind {
    Floats,
    Histograms,
}

/// The kind of a window's samples; `None` when there are both, which is said.
fn only_kind(samples: &Both<'_>, about: &About<'_>) -> Option<Kind> {
    if samples.histograms.is_empty() {
        return Some(Kind::Floats);
    }
    if samples.floats.is_empty() {
        return Some(Kind::Histograms);
    }
    about.say(Note::MixedKinds(about.metric));
    None
}

fn pick(
    float: Option<&Sample>,
    histogram: Option<&HistogramSample>,
    prefer: impl Fn(i64, i64) -> bool,
) -> Option<Datum> {
    match (float, histogram) {
        (Some(f), Some(h)) if !prefer(f.t, h.t) => Some(Datum::Histogram(Arc::clone(&h.histogram))),
        (Some(f), _) => Some(Datum::Float(f.v)),
        (None, h) => h.map(|h| Datum::Histogram(Arc::clone(&h.histogram))),
    }
}

/// All samples in the order of time.
fn in_order<'a>(samples: Both<'a>) -> impl Iterator<Item = One<'a>> {
    let (mut floats, mut histograms) =
        (samples.floats.iter().peekable(), samples.histograms.iter().peekable());
    std::iter::from_fn(move || match (floats.peek(), histograms.peek()) {
        (Some(f), Some(h)) if f.t < h.t => floats.next().map(|f| One::Float(*f)),
        (Some(_), None) => floats.next().map(|f| One::Float(*f)),
        _ => histograms.next().map(One::Histogram),
    })
}

/// How many pairs of samples in a row are so.
fn count_pairs(samples: Both<'_>, mut f: impl FnMut([One<'_>; 2]) -> bool) -> Option<f64> {
    let mut all = in_order(samples);
    let mut before = all.next()?;
    let mut found = 0;
    for one in all {
        found += usize::from(f([before, one]));
        before = one;
    }
    Some(count(found))
}

fn last_two(samples: Both<'_>, is_rate: bool, about: &About<'_>) -> Option<Datum> {
    let tail = Both {
        floats: &samples.floats[samples.floats.len().saturating_sub(2)..],
        histograms: &samples.histograms[samples.histograms.len().saturating_sub(2)..],
    };
    let last: Vec<One<'_>> = in_order(tail).collect();
    match last.as_slice() {
        [.., One::Float(a), One::Float(b)] => instant(&[*a, *b], is_rate).map(Datum::Float),
        [.., One::Histogram(a), One::Histogram(b)] => {
            rate::instant(a, b, is_rate, about).map(Datum::histogram)
        }
        [.., _, _] => {
            about.say(Note::MixedKinds(about.metric));
            None
        }
        _ => None,
    }
}

/// The sum or mean of a window's histograms.
fn total(statistic: Statistic, histograms: &[HistogramSample], about: &About<'_>) -> Option<Datum> {
    let (first, others) = histograms.split_first()?;
    let mut total = Total::new(statistic, &first.histogram);
    let mut bounds_differ = false;
    for one in others {
        let Ok(done) = total.add(&one.histogram) else {
            about.say(Note::MixedLayouts(about.metric));
            return None;
        };
        bounds_differ |= done.bounds_differ;
    }
    if total.hints_conflict() {
        about.say(Note::HintsConflict(Operation::Aggregation));
    }
    if bounds_differ {
        about.say(Note::BoundsDiffer(Operation::Aggregation));
    }
    Some(Datum::histogram(total.finish()))
}

#[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}
