//! Rates and changes of native histograms.

use crate::model::{
    CounterReset, Histogram, HistogramSample,
    histogram::{Incompatible, Layout, Reconciled},
};
use crate::query::{
    annotations::{About, Note, Operation},
    functions::{WindowFunction, counter::Window},
};

/// `rate`, `increase` or `delta` of a window, extrapolated to its ends; `None` with fewer than two
/// samples, or where they do not go together, which is said.
pub fn extrapolated(
    function: WindowFunction,
    samples: &[HistogramSample],
    (start, end): (i64, i64),
    about: &About<'_>,
) -> Option<Histogram> {
    let [first, .., last] = samples else {
        return None;
    };
    let is_counter = function != WindowFunction::Delta;
    let mut rise = increase(samples, is_counter, about)?;
    let since_zero = is_counter && rise.count > 0.0 && first.histogram.count >= 0.0;
    let since_zero = since_zero.then(|| first.histogram.count / rise.count);
    let window = Window { start, end, first: first.t, last: last.t };
    let factor = window.extrapolation(samples.len() - 1, since_zero);
    let over = if function == WindowFunction::Rate { window.seconds() } else { 1.0 };
    rise.scale(factor / over);
    Some(rise)
}

/// By how much a window rises, a counter's resets made up for. At least two samples.
fn increase(samples: &[HistogramSample], is_counter: bool, about: &About<'_>) -> Option<Histogram> {
    let [first, second, ..] = samples else {
        return None;
    };
    let (first, second, last) = (&*first.histogram, &*second.histogram, &*samples.last()?.histogram);
    let is_gauge = |one: &Histogram| one.hint == CounterReset::Gauge;
    if is_counter && samples.iter().any(|sample| is_gauge(&sample.histogram)) {
        about.say(Note::NotCounter(about.metric));
    }
    // What is before a reset at the start does not count, not even its layout.
    let nothing;
    let base = if is_counter && second.is_reset_after(first) {
        nothing = Histogram::empty(without_zero(&second.layout));
        &nothing
    } else {
        first
    };
    let looked_at = if is_counter { samples.get(1..)? } else { samples.get(samples.len() - 1..)? };
    let custom = base.layout.is_custom();
    if looked_at.iter().any(|sample| sample.histogram.layout.is_custom() != custom) {
        about.say(Note::MixedLayouts(about.metric));
        return None;
    }
    let schemas = looked_at.iter().map(|sample| sample.histogram.layout.schema());
    let mut rise = last.clone();
    rise.reduce_to(schemas.min()?.min(base.layout.schema()));
    tell(rise.subtract(base), Operation::Subtraction, about)?;
    if is_counter {
        let mut before = base;
        for sample in looked_at {
            if sample.histogram.is_reset_after(before) {
                tell(rise.add(before), Operation::Addition, about)?;
            }
            before = &sample.histogram;
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        about.say(Note::NotGauge(about.metric));
    }
    rise.hint = CounterReset::Gauge;
    rise.compact();
    Some(rise)
}

fn without_zero(layout: &Layout) -> Layout {
    match layout {
        Layout::Exponential { schema, .. } => Layout::Exponential { schema: *schema, zero_threshold: 0.0 },
        custom @ Layout::Custom { .. } => custom.clone(),
    }
}

/// `irate` or `idelta`: the last two samples of a window.
pub fn instant(
    before: &HistogramSample,
    last: &HistogramSample,
    is_rate: bool,
    about: &About<'_>,
) -> Option<Histogram> {
    let gauges = [before, last].map(|sample| sample.histogram.hint == CounterReset::Gauge);
    if is_rate && gauges.contains(&true) {
        about.say(Note::NotCounter(about.metric));
    }
    if !is_rate && gauges.contains(&false) {
        about.say(Note::NotGauge(about.metric));
    }
    let mut rise = (*last.histogram).clone();
    // After a reset the counter has grown from zero.
    if !is_rate || !last.histogram.is_reset_after(&before.histogram) {
        tell(rise.subtract(&before.histogram), Operation::Subtraction, about)?;
    }
    rise.hint = CounterReset::Gauge;
    rise.compact();
    if is_rate {
        #[expect(clippy::cast_precision_loss, reason = "spans in ms are below 2^53")]
        rise.divide((last.t - before.t) as f64 / 1000.0);
    }
    Some(rise)
}

/// Says what had to be done for an operation; `None` when it could not be done.
fn tell(done: Result<Reconciled, Incompatible>, operation: Operation, about: &About<'_>) -> Option<()> {
    match done {
        Ok(done) => {
            // Conflicting hints are expected here: resets are made up for.
            if done.bounds_differ {
                about.say(Note::BoundsDiffer(operation));
            }
            Some(())
        }
        Err(Incompatible) => {
            about.say(Note::MixedLayouts(about.metric));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::query::{
        annotations::{Level, Notes},
        span::Span,
    };

    fn sample(t: i64, count: f64, hint: CounterReset) -> HistogramSample {
        let layout = Layout::Exponential { schema: 0, zero_threshold: 0.0 };
        let one = Histogram { hint, count, positive: vec![(1, count)], ..Histogram::empty(layout) };
        HistogramSample::new(t, Arc::new(one))
    }

    #[test]
    fn resets_are_made_up_for() {
        let notes = Notes::default();
        let about = About { notes: &notes, span: Span::default(), metric: "m" };
        let counts = [4.0, 6.0, 1.0, 3.0];
        let samples: Vec<_> =
            (0..).zip(counts).map(|(t, count)| sample(t * 1000, count, CounterReset::Unknown)).collect();
        let rise = increase(&samples, true, &about).unwrap();
        assert_eq!((rise.count, rise.positive[0].1, rise.hint), (5.0, 5.0, CounterReset::Gauge));
        assert_eq!(increase(&samples, false, &about).unwrap().count, -1.0);
        let last = instant(&samples[1], &samples[2], true, &about).unwrap();
        assert_eq!(last.count, 1.0);
        let texts = notes.take().texts(Level::Warning, "", 9);
        assert_eq!(texts, ["PromQL warning: this native histogram metric is not a gauge: \"m\" (1:1)"]);
    }
}
