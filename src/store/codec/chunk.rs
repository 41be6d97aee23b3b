//! A sealed chunk: samples of one series that change no more.

use super::{
    COLUMN_SAMPLES_MAX, Damaged, checked,
    histograms::{decode_histograms, encode_histograms},
    put_sum,
    times::{decode_times, encode_times},
    values::{decode_values, encode_values},
    varint::{self, Bytes},
};
use crate::model::{HistogramSample, Sample};

/// Encodes samples of one series, oldest first, their times strictly increasing.
///
/// Shape: check sum (4 bytes), count, times, values.
pub fn encode_chunk(samples: &[Sample]) -> Vec<u8> {
    encode_mixed_chunk(samples, &[])
}

/// As [`encode_chunk`], with the histograms of the series.
///
/// Shape, if there are any: check sum, 0, the histograms with their length, and then the numbers as in a chunk
/// without histograms; when there are none, only their count. No chunk of numbers has the count 0, so that what
/// knows no histograms takes this for damaged and leaves it out.
pub fn encode_mixed_chunk(samples: &[Sample], histograms: &[HistogramSample]) -> Vec<u8> {
    let times: Vec<i64> = samples.iter().map(|sample| sample.t).collect();
    let values: Vec<f64> = samples.iter().map(|sample| sample.v).collect();
    let mut out = vec![0; 4];
    if !histograms.is_empty() {
        varint::put(&mut out, 0);
        let mut list = Vec::new();
        encode_histograms(histograms, &mut list);
        varint::put_bytes(&mut out, &list);
    }
    varint::put(&mut out, samples.len() as u64);
    if !samples.is_empty() || histograms.is_empty() {
        encode_times(&times, &mut out);
        encode_values(&values, &mut out);
    }
    put_sum(&mut out, 0);
    out.shrink_to_fit();
    out
}

/// How many numbers a chunk says that it has, for the room that they need; 0 where it has histograms, too, or is none.
pub fn count_of_chunk(bytes: &[u8]) -> usize {
    let body = bytes.get(4..).unwrap_or_default();
    Bytes::new(body).count(COLUMN_SAMPLES_MAX).unwrap_or(0)
}

/// Appends the numbers of a chunk with `from < t <= to` to `out`.
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
    let mut n = bytes.count(COLUMN_SAMPLES_MAX)?;
    if n == 0 {
        bytes.bytes()?;
        n = bytes.count(COLUMN_SAMPLES_MAX)?;
        if n == 0 {
            return Ok(());
        }
    }
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

/// Appends the histograms of a chunk with `from < t <= to` to `out`; of a chunk without any at no cost.
///
/// # Errors
///
/// When the bytes are no chunk; `out` then holds what it held.
pub fn decode_chunk_histograms(
    bytes: &[u8],
    span: (i64, i64),
    out: &mut Vec<HistogramSample>,
) -> Result<(), Damaged> {
    // Most chunks have none: those are told without a look at the rest.
    if bytes.get(4) != Some(&0) {
        return Ok(());
    }
    decode_body_histograms(checked(bytes)?, span, out)
}

/// As [`decode_chunk_histograms`], of bytes without a check sum: what a fuzzer should be let at.
///
/// # Errors
///
/// As [`decode_chunk_histograms`].
pub fn decode_body_histograms(
    body: &[u8],
    span: (i64, i64),
    out: &mut Vec<HistogramSample>,
) -> Result<(), Damaged> {
    let mut bytes = Bytes::new(body);
    if bytes.number()? != 0 {
        return Ok(());
    }
    let mut list = Bytes::new(bytes.bytes()?);
    let before = out.len();
    decode_histograms(&mut list, span, out)?;
    if list.is_empty() {
        return Ok(());
    }
    out.truncate(before);
    Err(Damaged("a list that is too long"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::{any_histograms, any_samples, same_histograms};

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
            decode_body_histograms(&noise, (i64::MIN, i64::MAX), &mut Vec::new()).ok();
        }

        #[test]
        fn both_kinds_come_back(
            samples in any_samples(100), histograms in any_histograms(60), at: prop::sample::Index, bit in 0u32..8,
        ) {
            prop_assume!(!samples.is_empty() && !histograms.is_empty());
            const ALL: (i64, i64) = (i64::MIN, i64::MAX);
            for samples in [samples.as_slice(), &[]] {
                let mut bytes = encode_mixed_chunk(samples, &histograms);
                let (mut numbers, mut others) = (Vec::new(), Vec::new());
                decode_chunk(&bytes, ALL, &mut numbers).unwrap();
                decode_chunk_histograms(&bytes, ALL, &mut others).unwrap();
                prop_assert_eq!(&numbers, samples);
                prop_assert!(same_histograms(&others, &histograms));
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                let both = decode_chunk(&bytes, ALL, &mut numbers)
                    .and_then(|()| decode_chunk_histograms(&bytes, ALL, &mut others));
                prop_assert!(both.is_err());
                prop_assert!(same_histograms(&others, &histograms));
            }
            let mut none = Vec::new();
            decode_chunk_histograms(&encode_chunk(&samples), ALL, &mut none).unwrap();
            prop_assert!(none.is_empty());
        }
    }
}
