use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{Labels, STALE_NAN};
use crate::store::{SeriesId, series::SealedChunk};

const START: i64 = 1_700_000_000_000;

fn series() -> Series {
    Series::new(SeriesId(1), Labels::from_pairs([("__name__", "m")]))
}

/// Counts in two buckets.
fn histogram(t: i64, counts: [f64; 2], hint: CounterReset) -> HistogramSample {
    let positive = vec![(1, counts[0]), (2, counts[1])];
    let layout = Layout::Exponential { schema: 0, zero_threshold: 0.0 };
    let count = counts[0] + counts[1];
    let histogram = Histogram { count, sum: count, positive, hint, ..Histogram::empty(layout) };
    HistogramSample::new(t, Arc::new(histogram))
}

fn counter(t: i64, counts: [f64; 2]) -> HistogramSample {
    histogram(START + t * 1_000, counts, CounterReset::Unknown)
}

fn hints(series: &Series) -> Vec<CounterReset> {
    series.unsealed_to(i64::MAX).histograms.iter().map(|sample| sample.histogram.hint).collect()
}

#[test]
fn a_series_of_numbers_is_as_large_as_before() {
    // What it was before there were histograms.
    assert_eq!(size_of::<Series>(), 224);
    assert_eq!(size_of::<crate::store::codec::Row>(), 24);
    assert!(series().histograms.is_none());
}

#[test]
fn one_sample_at_a_time() {
    let mut one = series();
    one.append(Sample::new(START, 1.0)).unwrap();
    assert_eq!(one.append_histogram(&counter(0, [1.0, 0.0])), Err(Refused::Duplicate));
    assert_eq!(one.append_histogram(&counter(2, [1.0, 0.0])), Ok(Taken::Newest));
    assert_eq!(one.append_histogram(&counter(2, [1.0, 0.0])), Ok(Taken::Known));
    assert_eq!(one.append_histogram(&counter(2, [2.0, 0.0])), Err(Refused::Duplicate));
    assert_eq!(one.append(Sample::new(START + 2_000, 1.0)), Err(Refused::Duplicate));
    assert_eq!(one.append(Sample::new(START, 1.0)), Ok(Taken::Known));
    assert_eq!(one.append(Sample::new(START + 1_000, 1.0)), Ok(Taken::Late));
    assert_eq!(one.append_histogram(&counter(90, [3.0, 0.0])), Ok(Taken::Newest));
    assert_eq!(one.append_histogram(&counter(40, [2.0, 0.0])), Ok(Taken::Late));
    assert_eq!(one.append_histogram(&counter(29, [2.0, 0.0])), Err(Refused::TooOld));
    assert_eq!(one.append(Sample::new(START + 29_000, 1.0)), Err(Refused::TooOld));
    assert_eq!((one.unsealed, one.newest_t()), (5, Some(START + 90_000)));
}

#[test]
fn resets_are_told() {
    use CounterReset::{Gauge, NotReset, Reset, Unknown};
    let mut one = series();
    for (t, counts) in [(0, [5.0, 1.0]), (1, [6.0, 1.0]), (2, [1.0, 1.0]), (3, [1.0, 4.0])] {
        one.append_histogram(&counter(t, counts)).unwrap();
    }
    assert_eq!(hints(&one), [Unknown, NotReset, Reset, NotReset]);
    // A marker ends what is known.
    one.append(Sample::new(START + 4_000, STALE_NAN)).unwrap();
    one.append_histogram(&counter(5, [9.0, 9.0])).unwrap();
    assert_eq!(hints(&one)[4], Unknown);
    // What a sender knows counts where it is more.
    one.append_histogram(&histogram(START + 6_000, [9.0, 10.0], Reset)).unwrap();
    one.append_histogram(&histogram(START + 7_000, [1.0, 1.0], NotReset)).unwrap();
    one.append_histogram(&histogram(START + 8_000, [0.0, 1.0], Gauge)).unwrap();
    one.append_histogram(&counter(9, [0.0, 1.0])).unwrap();
    assert_eq!(hints(&one)[5..], [Reset, Reset, Gauge, Unknown]);
}

#[test]
fn a_late_one_changes_what_is_known_of_the_next() {
    use CounterReset::{NotReset, Reset, Unknown};
    let mut one = series();
    one.append_histogram(&counter(0, [5.0, 1.0])).unwrap();
    one.append_histogram(&counter(4, [6.0, 1.0])).unwrap();
    one.append_histogram(&counter(2, [8.0, 1.0])).unwrap();
    assert_eq!(hints(&one), [Unknown, NotReset, Reset]);
    one.append_histogram(&counter(3, [2.0, 1.0])).unwrap();
    assert_eq!(hints(&one), [Unknown, NotReset, Reset, NotReset]);
}

#[test]
fn too_large_ones_are_refused() {
    let with = |buckets: usize, bounds: Option<usize>| {
        let layout =
            bounds.map_or(Layout::Exponential { schema: 8, zero_threshold: 0.0 }, |bounds| Layout::Custom {
                bounds: std::iter::successors(Some(0.0), |bound| Some(bound + 1.0)).take(bounds).collect(),
            });
        let positive = (0..).map(|index| (index, 1.0)).take(buckets).collect();
        check(&Histogram { positive, ..Histogram::empty(layout) })
    };
    assert_eq!(with(HISTOGRAM_BUCKETS_MAX, None), Ok(()));
    assert_eq!(with(HISTOGRAM_BUCKETS_MAX + 1, None), Err(Refused::BucketsLimit));
    assert_eq!(with(3, Some(HISTOGRAM_BOUNDS_MAX)), Ok(()));
    assert_eq!(with(3, Some(HISTOGRAM_BOUNDS_MAX + 1)), Err(Refused::BoundsLimit));
    assert_eq!(with(3, Some(1)), Err(Refused::NoHistogram));
}

#[test]
fn heavy_ones_seal_early() {
    let mut one = series();
    let positive: Vec<(i32, f64)> = (0..2_048).map(|index| (index, 1.0)).collect();
    let layout = Layout::Exponential { schema: 8, zero_threshold: 0.0 };
    let heavy = Arc::new(Histogram { count: 2_048.0, positive, ..Histogram::empty(layout) });
    let mut sealed = Vec::new();
    for t in 0..400 {
        one.append_histogram(&HistogramSample::new(START + t * 1_000, Arc::clone(&heavy))).unwrap();
        if let Some(due) = one.due(i64::MIN) {
            sealed.push(due.len());
            let n = due.len();
            one.seal(SealedChunk::seal(&due).unwrap(), n, 300);
        }
    }
    assert!(sealed.len() >= 2 && sealed.iter().all(|n| (100..256).contains(n)), "{sealed:?}");
    assert!(one.histograms.as_ref().unwrap().bytes() < 1 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_holds_what_a_map_holds(
        steps in prop::collection::vec((0u8..3, -20i64..8, 1u32..9, 1usize..90), 1..60),
    ) {
        let mut one = series();
        let mut model: BTreeMap<i64, AnySample> = BTreeMap::new();
        let mut now = START;
        let mut sealed = 0;
        for (kind, late, v, run) in steps {
            for at in 0..run {
                now += 500;
                let t = now + if at == 0 { late * 1_000 } else { 0 };
                let is_histogram = kind == 0 || kind == 1 && at % 3 == 0;
                let (taken, sample) = if is_histogram {
                    let sample = histogram(t, [f64::from(v), at as f64], CounterReset::Unknown);
                    (one.append_histogram(&sample), AnySample::Histogram(sample))
                } else {
                    let sample = Sample::new(t, f64::from(v));
                    (one.append(sample), AnySample::Float(sample))
                };
                match model.get(&t) {
                    Some(known) if *known == sample => prop_assert!(taken != Err(Refused::Duplicate)),
                    Some(_) => prop_assert!(taken.is_err()),
                    None if taken == Err(Refused::TooOld) => prop_assert!(t <= one.sealed_to),
                    None => {
                        prop_assert!(taken.is_ok(), "{taken:?}");
                        model.insert(t, sample);
                    }
                }
            }
            while let Some(due) = one.due(i64::MIN) {
                let n = due.len();
                one.seal(SealedChunk::seal(&due).unwrap(), n, 300);
                sealed += 1;
            }
        }
        prop_assert_eq!(sealed, one.chunks.len());
        let is_plain = one.histograms.is_none();
        let found = crate::store::select::Found::new(&one, i64::MIN, i64::MAX);
        let found = found.decode(&mut 0);
        let mut all: Vec<AnySample> = found.samples.into_iter().map(AnySample::Float).collect();
        all.extend(found.histograms.into_iter().map(AnySample::Histogram));
        all.sort_by_key(AnySample::t);
        prop_assert_eq!(all, model.into_values().collect::<Vec<_>>());
        let unsealed = one.unsealed_to(i64::MAX);
        prop_assert_eq!(unsealed.len(), one.unsealed);
        prop_assert!(is_plain || one.full_at == unsealed.times().get(one.target as usize - 1).copied()
            || one.full_at.is_some());
    }
}
