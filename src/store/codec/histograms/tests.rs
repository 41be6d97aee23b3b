use proptest::prelude::*;

use super::*;
use crate::model::CounterReset;
use crate::store::testing::{any_histograms, same_histograms};

const ALL: (i64, i64) = (i64::MIN, i64::MAX);

fn encoded(samples: &[HistogramSample]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_histograms(samples, &mut out);
    out
}

fn decoded(bytes: &[u8], span: (i64, i64)) -> Result<Vec<HistogramSample>, Damaged> {
    let mut out = Vec::new();
    let mut bytes = Bytes::new(bytes);
    decode_histograms(&mut bytes, span, &mut out)?;
    assert!(bytes.is_empty());
    Ok(out)
}

/// Latencies by the second: 300 to 700 observations each, spread as they are in life, over some 20 buckets.
fn latencies(seconds: i64) -> Vec<HistogramSample> {
    let mut chance = fastrand::Rng::with_seed(7);
    let layout = Layout::Exponential { schema: 2, zero_threshold: 2f64.powi(-128) };
    let mut histogram = Histogram { hint: CounterReset::NotReset, ..Histogram::empty(layout) };
    histogram.positive = (-24..-4).map(|index| (index, 0.0)).collect();
    let mut after = |n: i64| {
        for _ in 0..chance.usize(300..700) {
            // About normal, on a logarithmic scale: 90 ms in the middle.
            let spread: f64 = (0..12).map(|_| chance.f64()).sum::<f64>() - 6.0;
            let exponent = spread.mul_add(0.7, -3.5);
            // The first bucket whose upper bound is not below it.
            let above = (-24..-5).take_while(|&index| f64::from(index) < exponent * 4.0).count();
            histogram.positive[above].1 += 1.0;
            histogram.count += 1.0;
            histogram.sum += exponent.exp2();
        }
        HistogramSample::new(1_700_000_000_000 + n * 1_000, Arc::new(histogram.clone()))
    };
    (1..=seconds).map(&mut after).collect()
}

/// The figures of the decision on this codec.
#[test]
fn a_latency_takes_few_bytes() {
    let samples = latencies(480);
    let bytes = encoded(&samples);
    assert!(same_histograms(&decoded(&bytes, ALL).unwrap(), &samples));
    let native = bytes.len() as f64 / 480.0;
    // A classic histogram has a series for each bucket, one for all, and those of count and sum.
    let series = |of: &dyn Fn(&Histogram) -> f64| -> usize {
        let samples = samples.iter().map(|one| crate::model::Sample::new(one.t, of(&one.histogram)));
        crate::store::codec::encode_chunk(&samples.collect::<Vec<_>>()).len()
    };
    let up_to = |at: usize| move |one: &Histogram| one.positive[..=at].iter().map(|(_, count)| count).sum();
    let buckets: usize = (0..20).map(|at| series(&up_to(at))).sum();
    let classic = (buckets + 2 * series(&|one| one.count) + series(&|one| one.sum)) as f64 / 480.0;
    // Not a measurement of time: the bytes are the same on each machine.
    assert!(native < 30.0 && native < classic, "{native} and {classic} bytes");
    assert!(encoded(&samples[479..]).len() < 120);
}

#[test]
fn what_is_the_same_costs_nothing() {
    let one = latencies(5).remove(4);
    let at = |n: i64| HistogramSample::new(one.t + n * 1_000, Arc::clone(&one.histogram));
    let samples: Vec<HistogramSample> = (0..240).map(at).collect();
    let bytes = encoded(&samples);
    assert!(bytes.len() < 300, "{} bytes", bytes.len());
    assert!(same_histograms(&decoded(&bytes, ALL).unwrap(), &samples));
}

#[test]
fn few_bytes_ask_for_little_memory() {
    let wide = |n: i64| {
        let positive = (0..60_000).map(|index| (index, 1.0)).collect();
        let layout = Layout::Exponential { schema: 8, zero_threshold: 0.0 };
        let histogram = Histogram { count: 60_000.0, positive, ..Histogram::empty(layout) };
        HistogramSample::new(n, Arc::new(histogram))
    };
    let samples: Vec<HistogramSample> = (0..20).map(wide).collect();
    assert_eq!(fitting(&samples), 8);
    assert_eq!(decoded(&encoded(&samples), ALL), Err(Damaged("too many buckets")));
    assert!(same_histograms(&decoded(&encoded(&samples[..8]), ALL).unwrap(), &samples[..8]));
    assert_eq!(fitting(&samples[..1]), 1);
}

proptest! {
    #[test]
    fn histograms_come_back_to_the_bit(samples in any_histograms(300), at: prop::sample::Index) {
        let bytes = encoded(&samples);
        prop_assert!(same_histograms(&decoded(&bytes, ALL).unwrap(), &samples));
        prop_assume!(!samples.is_empty());
        let at = at.index(samples.len());
        let after = decoded(&bytes, (samples[at].t, i64::MAX)).unwrap();
        prop_assert!(same_histograms(&after, &samples[at + 1..]));
        let before = decoded(&bytes, (i64::MIN, samples[at].t)).unwrap();
        prop_assert!(same_histograms(&before, &samples[..=at]));
    }

    #[test]
    fn any_bytes_are_taken(noise: Vec<u8>) {
        decode_histograms(&mut Bytes::new(&noise), ALL, &mut Vec::new()).ok();
    }

    #[test]
    fn damaged_lists_are_taken(
        samples in any_histograms(60),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = encoded(&samples);
        let mut cut = 0;
        for (at, byte) in edits {
            cut = at.index(bytes.len());
            bytes[cut] = byte;
        }
        let mut out = Vec::new();
        if decode_histograms(&mut Bytes::new(&bytes), ALL, &mut out).is_err() {
            prop_assert!(out.is_empty());
        }
        // What begins as a list and ends before its end is none.
        let whole = encoded(&samples);
        let mut out = Vec::new();
        let cut = decode_histograms(&mut Bytes::new(&whole[..cut.min(whole.len() - 1)]), ALL, &mut out);
        prop_assert!(cut.is_err() && out.is_empty());
    }
}
