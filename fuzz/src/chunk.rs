//! Sealed chunks.

use watchroom::model::{HistogramSample, Sample};
use watchroom::store::codec::{
    COLUMN_SAMPLES_MAX, chunk, decode_chunk, decode_chunk_histograms, encode_chunk, encode_mixed_chunk,
    histograms::{LIST_COST_MAX, cost, fitting},
};

/// Bytes become samples in order, which come back when they are encoded, whole and in part.
pub fn check(data: &[u8]) {
    histograms(data);
    let all = (i64::MIN, i64::MAX);
    let mut samples = vec![Sample::new(0, 0.0)];
    if chunk::decode_body(data, all, &mut samples).is_err() {
        assert_eq!(samples.len(), 1, "a damaged chunk leaves nothing");
        return;
    }
    samples.remove(0);
    assert!(samples.len() <= COLUMN_SAMPLES_MAX);
    assert!(samples.is_sorted_by(|a, b| a.t < b.t));
    let Some(middle) = samples.get(samples.len() / 2) else { return };
    let bytes = encode_chunk(&samples);
    let decoded = |span| {
        let mut found = Vec::new();
        decode_chunk(&bytes, span, &mut found).expect("what was encoded");
        found
    };
    assert_eq!(decoded(all), samples);
    let after = samples.partition_point(|sample| sample.t <= middle.t);
    assert_eq!(decoded((middle.t, i64::MAX)), samples[after..]);
    assert_eq!(decoded((i64::MIN, middle.t)), samples[..after]);
    let mut broken = bytes;
    *broken.last_mut().expect("four bytes at least") ^= 1;
    assert!(decode_chunk(&broken, all, &mut Vec::new()).is_err(), "the check sum tells");
}

/// The same for histograms.
fn histograms(data: &[u8]) {
    let all = (i64::MIN, i64::MAX);
    let mut found: Vec<HistogramSample> = Vec::new();
    if chunk::decode_body_histograms(data, all, &mut found).is_err() {
        assert!(found.is_empty(), "a damaged chunk leaves nothing");
        return;
    }
    assert!(found.is_sorted_by(|a, b| a.t < b.t));
    assert!(found.iter().map(|sample| cost(&sample.histogram)).sum::<usize>() <= LIST_COST_MAX);
    assert_eq!(fitting(&found), found.len());
    assert!(found.iter().all(|sample| sample.histogram.check_layout().is_ok()));
    let Some(middle) = found.get(found.len() / 2).map(|sample| sample.t) else { return };
    let bytes = encode_mixed_chunk(&[], &found);
    let decoded = |span| {
        let mut found = Vec::new();
        decode_chunk_histograms(&bytes, span, &mut found).expect("what was encoded");
        found
    };
    let again = decoded(all);
    assert_eq!(again, found);
    assert!(again.iter().zip(&found).all(|(a, b)| a.histogram.hint == b.histogram.hint));
    let after = found.partition_point(|sample| sample.t <= middle);
    assert_eq!(decoded((middle, i64::MAX)), found[after..]);
    assert_eq!(decoded((i64::MIN, middle)), found[..after]);
}
