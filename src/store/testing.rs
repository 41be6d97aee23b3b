//! What the tests of this room share.

use proptest::prelude::*;

use super::{codec::Row, ids::SeriesId};
use crate::model::{STALE_NAN, Sample};

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
