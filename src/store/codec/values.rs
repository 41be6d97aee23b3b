//! A column of values.

use super::{
    COLUMN_SAMPLES_MAX, Damaged,
    numbers::{pco_numbers, pco_put},
    varint::{self, Bytes},
};

/// Runs of (value, how often).
const RUNS: u8 = 0;
/// Whole numbers: the first, then differences.
const WHOLE: u8 = 1;
/// Whole numbers by pco.
const PCO_WHOLE: u8 = 2;
/// Doubles by pco.
const PCO: u8 = 3;
/// 8 bytes each.
const RAW: u8 = 4;

/// Below so many values pco's own head costs more than it saves.
const PCO_VALUES_MIN: usize = 16;
/// Doubles hold every whole number below this.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends the values, each bit of them. How many there are is kept by the caller.
pub fn encode_values(values: &[f64], out: &mut Vec<u8>) {
    let start = out.len();
    out.push(RAW);
    for value in values {
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
    let runs = values.chunk_by(|a, b| a.to_bits() == b.to_bits()).count();
    // A run costs about 4 bytes, and pco never less than 20.
    if runs * 4 < values.len() * 8 {
        keep_shorter(out, start, RUNS, |out| put_runs(values, out));
    }
    if runs <= 4 {
        return;
    }
    if let Some(whole) = whole_numbers(values) {
        keep_shorter(out, start, WHOLE, |out| put_whole(&whole, out));
        if values.len() >= PCO_VALUES_MIN {
            keep_shorter(out, start, PCO_WHOLE, |out| pco_put(&whole, out));
        }
    } else if values.len() >= PCO_VALUES_MIN {
        keep_shorter(out, start, PCO, |out| pco_put(values, out));
    }
}

/// Puts another encoding in the place of the one that begins at `start`, if it is shorter.
fn keep_shorter(out: &mut Vec<u8>, start: usize, kind: u8, put: impl FnOnce(&mut Vec<u8>) -> bool) {
    let mut other = vec![kind];
    if put(&mut other) && other.len() < out.len() - start {
        out.truncate(start);
        out.append(&mut other);
    }
}

fn put_runs(values: &[f64], out: &mut Vec<u8>) -> bool {
    let runs = || values.chunk_by(|a, b| a.to_bits() == b.to_bits());
    varint::put(out, runs().count() as u64);
    for run in runs() {
        // Most values end in zero bits: with the bytes turned round these cost nothing.
        varint::put(out, run[0].to_bits().swap_bytes());
        varint::put(out, run.len() as u64);
    }
    true
}

/// The values as whole numbers, if every one is one (and none is -0).
fn whole_numbers(values: &[f64]) -> Option<Vec<i64>> {
    values
        .iter()
        .map(|value| {
            #[expect(clippy::cast_possible_truncation, reason = "compared right after")]
            let whole = *value as i64;
            let same = value.abs() < WHOLE_MAX && (whole as f64).to_bits() == value.to_bits();
            same.then_some(whole)
        })
        .collect()
}

fn put_whole(whole: &[i64], out: &mut Vec<u8>) -> bool {
    let mut before = 0_i64;
    for value in whole {
        varint::put_signed(out, value.wrapping_sub(before));
        before = *value;
    }
    true
}

/// Reads `n` values.
///
/// # Errors
///
/// When the bytes are no column of `n` values.
pub fn decode_values(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<f64>, Damaged> {
    if n > COLUMN_SAMPLES_MAX {
        return Err(Damaged("count of values"));
    }
    match bytes.byte()? {
        RUNS => take_runs(bytes, n),
        WHOLE => {
            let mut value = 0_i64;
            (0..n)
                .map(|_| {
                    value = value.wrapping_add(bytes.signed()?);
                    Ok(value as f64)
                })
                .collect()
        }
        PCO_WHOLE => Ok(pco_numbers::<i64>(bytes, n)?.into_iter().map(|whole| whole as f64).collect()),
        PCO => pco_numbers::<f64>(bytes, n),
        RAW => {
            let (values, _) = bytes.take(n * 8)?.as_chunks::<8>();
            Ok(values.iter().map(|bits| f64::from_bits(u64::from_le_bytes(*bits))).collect())
        }
        _ => Err(Damaged("kind of values")),
    }
}

fn take_runs(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<f64>, Damaged> {
    let mut values = Vec::with_capacity(n);
    for _ in 0..bytes.count(n)? {
        let value = f64::from_bits(bytes.number()?.swap_bytes());
        let count = bytes.count(n - values.len())?;
        values.resize(values.len() + count, value);
    }
    if values.len() == n { Ok(values) } else { Err(Damaged("count of values")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::STALE_NAN;
    use crate::store::testing::any_samples;

    #[track_caller]
    fn check(values: &[f64], bytes_max: usize) {
        let mut out = Vec::new();
        encode_values(values, &mut out);
        assert!(out.len() <= bytes_max, "{} bytes", out.len());
        let mut bytes = Bytes::new(&out);
        let got = decode_values(&mut bytes, values.len()).unwrap();
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&got), bits(values));
        assert!(bytes.is_empty());
    }

    #[test]
    fn common_columns_are_short() {
        check(&[42.5; 480], 8);
        let counter: Vec<f64> = (0..480).map(|n| f64::from(n) * 100.0).collect();
        check(&counter, 60);
        check(&[], 2);
        check(&[-0.0, 0.0, STALE_NAN, f64::NAN, f64::from_bits(0xfff8_0000_dead_beef)], 50);
    }

    #[test]
    fn nan_payloads_survive_pco() {
        let mut values: Vec<f64> = (0..300).map(|n| f64::from(n).sqrt()).collect();
        for at in [0, 17, 299] {
            values[at] = STALE_NAN;
            values[(at + 40) % 300] = f64::from_bits(0xfff8_0000_dead_0000 + at as u64);
        }
        check(&values, 300 * 9);
    }

    proptest! {
        #[test]
        fn values_come_back(samples in any_samples(500)) {
            let values: Vec<f64> = samples.iter().map(|s| s.v).collect();
            check(&values, usize::MAX);
        }

        #[test]
        fn any_bytes_are_taken(kind in 0u8..6, mut noise: Vec<u8>, n in 0usize..600) {
            noise.insert(0, kind);
            decode_values(&mut Bytes::new(&noise), n).ok();
        }

        #[test]
        fn damaged_columns_are_taken(
            samples in any_samples(500),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            n in 0usize..600,
        ) {
            let values: Vec<f64> = samples.iter().map(|s| s.v).collect();
            let mut out = Vec::new();
            encode_values(&values, &mut out);
            let mut cut = 0;
            for (at, byte) in edits {
                cut = at.index(out.len());
                out[cut] = byte;
            }
            decode_values(&mut Bytes::new(&out), values.len()).ok();
            decode_values(&mut Bytes::new(&out), n).ok();
            decode_values(&mut Bytes::new(&out[..cut]), n).ok();
        }
    }
}
