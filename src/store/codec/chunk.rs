//! A sealed chunk: samples of one series that change no more.

use super::{
    COLUMN_SAMPLES_MAX, Damaged, checked, put_sum,
    times::{decode_times, encode_times},
    values::{decode_values, encode_values},
    varint::{self, Bytes},
};
use crate::model::Sample;

/// Encodes samples of one series, oldest first, their times strictly increasing.
///
/// Shape: check sum (4 bytes), count, times, values.
pub fn encode_chunk(samples: &[Sample]) -> Vec<u8> {
    let times: Vec<i64> = samples.iter().map(|sample| sample.t).collect();
    let values: Vec<f64> = samples.iter().map(|sample| sample.v).collect();
    let mut out = vec![0; 4];
    varint::put(&mut out, samples.len() as u64);
    encode_times(&times, &mut out);
    encode_values(&values, &mut out);
    put_sum(&mut out, 0);
    out.shrink_to_fit();
    out
}

/// Appends the samples of a chunk with `from < t <= to` to `out`.
///
/// # Errors
///
/// When the bytes are no chunk; `out` then holds what it held.
pub fn decode_chunk(bytes: &[u8], (from, to): (i64, i64), out: &mut Vec<Sample>) -> Result<(), Damaged> {
    decode_body(checked(bytes)?, (from, to), out)
}

/// As [`decode_chunk`], of bytes without a check sum: what a fuzzer should be let at.
///
/// # Errors
///
/// As [`decode_chunk`].
pub fn decode_body(body: &[u8], (from, to): (i64, i64), out: &mut Vec<Sample>) -> Result<(), Damaged> {
    let mut bytes = Bytes::new(body);
    let n = bytes.count(COLUMN_SAMPLES_MAX)?;
    let times = decode_times(&mut bytes, n)?;
    let first = times.partition_point(|t| *t <= from);
    let end = times.partition_point(|t| *t <= to);
    if first >= end {
        return Ok(());
    }
    let values = decode_values(&mut bytes, n)?;
    out.extend((first..end).map(|at| Sample::new(times[at], values[at])));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::any_samples;

    proptest! {
        #[test]
        fn a_chunk_comes_back_to_the_bit(samples in any_samples(600), at: prop::sample::Index) {
            prop_assume!(!samples.is_empty());
            let bytes = encode_chunk(&samples);
            let mut got = Vec::new();
            decode_chunk(&bytes, (i64::MIN, i64::MAX), &mut got).unwrap();
            prop_assert_eq!(&got, &samples);
            let from = samples[at.index(samples.len())].t;
            got.clear();
            decode_chunk(&bytes, (from, i64::MAX), &mut got).unwrap();
            prop_assert_eq!(got, &samples[at.index(samples.len()) + 1..]);
        }

        #[test]
        fn damage_is_told(samples in any_samples(600), at: prop::sample::Index, bit in 0u32..8) {
            prop_assume!(!samples.is_empty());
            let mut bytes = encode_chunk(&samples);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let mut got = Vec::new();
            prop_assert!(decode_chunk(&bytes, (i64::MIN, i64::MAX), &mut got).is_err());
            // Without the check sum it may give other samples, but no panic.
            decode_body(&bytes[4..], (i64::MIN, i64::MAX), &mut got).ok();
        }

        #[test]
        fn any_bytes_are_taken(noise: Vec<u8>) {
            decode_chunk(&noise, (i64::MIN, i64::MAX), &mut Vec::new()).ok();
            decode_body(&noise, (i64::MIN, i64::MAX), &mut Vec::new()).ok();
        }
    }
}
