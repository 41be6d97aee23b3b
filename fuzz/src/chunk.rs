//! Sealed chunks.

use watchroom::model::Sample;
use watchroom::store::codec::{COLUMN_SAMPLES_MAX, chunk, decode_chunk, encode_chunk};

/// Bytes become samples in order, which come back when they are encoded, whole and in part.
pub fn check(data: &[u8]) {
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
