//! What the tests of this room share.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::{codec::Row, ids::SeriesId};
use crate::model::{CounterReset, Histogram, HistogramSample, STALE_NAN, Sample, histogram::Layout};

/// Values of every kind that comes: whole numbers, fractions, markers, any bits at all.
pub fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-1_000i32..1_000).prop_map(f64::from),
        2 => (0u32..10_000).prop_map(|n| f64::from(n) / 100.0),
        1 => Just(STALE_NAN),
        1 => Just(-0.0),
        2 => any::<u64>().prop_map(f64::from_bits),
    ]
}

/// Up to `max` samples in order: regular, with jitter, or far apart; constant, or of any values.
pub fn any_samples(max: usize) -> impl Strategy<Value = Vec<Sample>> {
    let step = prop_oneof![8 => Just(1_000i64), 2 => 1i64..3_000, 1 => 1i64..1 << 40];
    let steps = prop_oneof![Just(Just(1_000i64).boxed()), Just(step.boxed()),];
    let values = prop_oneof![
        any_value().prop_map(|v| Just(v).boxed()),
        Just(any_value().boxed()),
        Just((0u32..500).prop_map(f64::from).boxed()),
    ];
    (steps, values, 0..=max)
        .prop_flat_map(|(step, value, n)| prop::collection::vec((step, value), n))
        .prop_map(|pairs| {
            let mut t = 1_700_000_000_000;
            pairs
                .into_iter()
                .map(|(step, v)| {
                    t += step;
                    Sample::new(t, v)
                })
                .collect()
        })
}

/// The columns as rows of series 0, 2, 4, …
pub fn rows_of(columns: &[Vec<Sample>]) -> Vec<Row> {
    let ids = (0u32..).step_by(2).map(SeriesId);
    ids.zip(columns)
        .flat_map(|(series, column)| column.iter().map(move |s| Row { series, sample: *s }))
        .collect()
}

/// Up to `max` histograms in order, as a client sends them: their layout and buckets stay for a while, and change
/// then; counts are whole, fractions, or of any bits.
#[expect(clippy::missing_panics_doc, reason = "the lengths are small")]
pub fn any_histograms(max: usize) -> impl Strategy<Value = Vec<HistogramSample>> {
    let run = (any_shape(), 1usize..60, any_times_and_values());
    prop::collection::vec(run, 0..4).prop_map(move |runs| {
        let mut t = 1_700_000_000_000;
        let mut samples = Vec::new();
        for (shape, length, pool) in runs {
            for at in 0..length {
                let mut next = pool.iter().cycle().skip(at * 7).map(|(_, v)| *v);
                let mut histogram = shape.clone();
                let mut take =
                    || next.next().unwrap_or_default() + f64::from(u32::try_from(at).expect("few"));
                histogram.positive.iter_mut().chain(&mut histogram.negative).for_each(|(_, v)| *v = take());
                histogram.sum = take();
                histogram.count = if length % 2 == 0 {
                    let buckets = histogram.positive.iter().chain(&histogram.negative);
                    buckets.fold(histogram.zero, |sum, (_, v)| sum + v)
                } else {
                    take()
                };
                if at % 5 == 4 {
                    histogram.hint = CounterReset::NotReset;
                }
                t += pool[at % pool.len()].0;
                samples.push(HistogramSample::new(t, Arc::new(histogram)));
            }
        }
        samples.truncate(max);
        samples
    })
}

fn any_times_and_values() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let pair = |t: BoxedStrategy<i64>, v: BoxedStrategy<f64>| prop::collection::vec((t, v), 1..30);
    prop_oneof![
        pair(Just(1_000).boxed(), (0u32..1_000).prop_map(f64::from).boxed()),
        pair((1i64..3_000).boxed(), any_value().boxed()),
    ]
}

/// A histogram without counts.
#[expect(clippy::missing_panics_doc, reason = "the bounds are few")]
pub fn any_shape() -> impl Strategy<Value = Histogram> {
    let indices = |range: std::ops::Range<i32>| prop::collection::btree_set(range, 0..24);
    let exponential =
        (-4i8..=8, prop_oneof![Just(0.0), Just(-0.0), 0.0..1.0], indices(-500..500), indices(-9..9))
            .prop_map(|(schema, zero_threshold, above, below)| {
                (Layout::Exponential { schema, zero_threshold }, above, below)
            });
    let custom = prop::collection::btree_set(-1_000i32..1_000, 0..20).prop_flat_map(move |bounds| {
        let bounds: Arc<[f64]> = bounds.into_iter().map(|bound| f64::from(bound) / 8.0).collect();
        let above = indices(0..i32::try_from(bounds.len()).expect("at most 20") + 1);
        above.prop_map(move |above| (Layout::Custom { bounds: Arc::clone(&bounds) }, above, BTreeSet::new()))
    });
    let hint = prop_oneof![
        Just(CounterReset::Unknown),
        Just(CounterReset::Reset),
        Just(CounterReset::NotReset),
        Just(CounterReset::Gauge)
    ];
    (prop_oneof![3 => exponential, 1 => custom], hint, any_value()).prop_map(
        |((layout, above, below), hint, zero)| {
            let empty = |indices: BTreeSet<i32>| indices.into_iter().map(|index| (index, 0.0)).collect();
            let zero = if layout.is_custom() { 0.0 } else { zero };
            Histogram {
                hint,
                zero,
                positive: empty(above),
                negative: empty(below),
                ..Histogram::empty(layout)
            }
        },
    )
}

/// Whether two lists are the same to the bit, hints among it.
pub fn same_histograms(a: &[HistogramSample], b: &[HistogramSample]) -> bool {
    let bits = |one: &HistogramSample| one.histogram.layout.zero_threshold().to_bits();
    let same = |(a, b): (&HistogramSample, &HistogramSample)| {
        a == b && a.histogram.hint == b.histogram.hint && bits(a) == bits(b)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}
