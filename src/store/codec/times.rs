//! A column of times.

use super::{
    COLUMN_SAMPLES_MAX, Damaged,
    numbers::{pco_numbers, pco_put},
    varint::{self, Bytes},
};

/// `first`, then one difference for all.
const REGULAR: u8 = 0;
/// `first`, then runs of (difference, how often).
const RUNS: u8 = 1;
/// `first`, the first difference, then differences of differences as numbers.
const SECOND: u8 = 2;
/// `first`, then the differences by pco.
const PCO: u8 = 3;
/// More runs than this are better told one by one.
const RUNS_MAX: usize = 6;
/// Below so many times pco's own head costs more than it saves.
const PCO_TIMES_MIN: usize = 32;

/// Appends the times, which strictly increase. How many there are is kept by the caller.
pub fn encode_times(times: &[i64], out: &mut Vec<u8>) {
    let Some(first) = times.first() else { return };
    let deltas: Vec<u64> = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) as u64).collect();
    let runs = runs_of(&deltas);
    let kind_at = out.len();
    out.push(REGULAR);
    varint::put_signed(out, *first);
    match runs.as_slice() {
        [] => varint::put(out, 0),
        [(delta, _)] => varint::put(out, *delta),
        runs if runs.len() <= RUNS_MAX => {
            out[kind_at] = RUNS;
            varint::put(out, runs.len() as u64);
            for (delta, count) in runs {
                varint::put(out, *delta);
                varint::put(out, *count as u64);
            }
        }
        _ => {
            let (kind, body) = irregular(&deltas);
            out[kind_at] = kind;
            out.extend_from_slice(&body);
        }
    }
}

fn runs_of(deltas: &[u64]) -> Vec<(u64, usize)> {
    deltas.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
}

/// The shorter of both ways.
fn irregular(deltas: &[u64]) -> (u8, Vec<u8>) {
    let mut second = Vec::with_capacity(deltas.len() + 8);
    let mut before = 0_u64;
    for delta in deltas {
        varint::put_signed(&mut second, delta.wrapping_sub(before) as i64);
        before = *delta;
    }
    if deltas.len() >= PCO_TIMES_MIN {
        let mut pco = Vec::new();
        if pco_put(deltas, &mut pco) && pco.len() < second.len() {
            return (PCO, pco);
        }
    }
    (SECOND, second)
}

/// Reads `n` times.
///
/// # Errors
///
/// When the bytes are no column of `n` times that strictly increase.
pub fn decode_times(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<i64>, Damaged> {
    if n == 0 || n > COLUMN_SAMPLES_MAX {
        return Err(Damaged("count of times"));
    }
    let kind = bytes.byte()?;
    let mut times = Column { times: Vec::with_capacity(n), last: bytes.signed()? };
    times.times.push(times.last);
    match kind {
        REGULAR => {
            let delta = bytes.number()?;
            times.steps(delta, n - 1)?;
        }
        RUNS => {
            for _ in 0..bytes.count(RUNS_MAX)? {
                let delta = bytes.number()?;
                let count = bytes.count(n - times.times.len())?;
                times.steps(delta, count)?;
            }
        }
        SECOND => {
            let mut delta = 0_u64;
            for _ in 1..n {
                delta = delta.wrapping_add(bytes.signed()? as u64);
                times.step(delta)?;
            }
        }
        PCO => {
            for delta in pco_numbers::<u64>(bytes, n - 1)? {
                times.step(delta)?;
            }
        }
        _ => return Err(Damaged("kind of times")),
    }
    if times.times.len() == n { Ok(times.times) } else { Err(Damaged("count of times")) }
}

struct Column {
    times: Vec<i64>,
    last: i64,
}

impl Column {
    /// Adds `count` times, each `delta` after the one before.
    fn steps(&mut self, delta: u64, count: usize) -> Result<(), Damaged> {
        if count == 0 {
            return Ok(());
        }
        let whole = delta.checked_mul(count as u64).and_then(|whole| self.last.checked_add_unsigned(whole));
        let end = whole.filter(|_| 0 < delta).ok_or(Damaged("times do not increase"))?;
        // The last one fits, so all before it do.
        let (first, delta) = (self.last, delta.cast_signed());
        self.times.extend((1..=count as i64).map(|nth| first.wrapping_add(delta.wrapping_mul(nth))));
        self.last = end;
        Ok(())
    }

    fn step(&mut self, delta: u64) -> Result<(), Damaged> {
        let next = self.last.checked_add_unsigned(delta).filter(|next| *next > self.last);
        self.last = next.ok_or(Damaged("times do not increase"))?;
        self.times.push(self.last);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::any_samples;

    #[track_caller]
    fn check(times: &[i64], bytes_max: usize) {
        let mut out = Vec::new();
        encode_times(times, &mut out);
        assert!(out.len() <= bytes_max, "{} bytes", out.len());
        let mut bytes = Bytes::new(&out);
        assert_eq!(decode_times(&mut bytes, times.len()).as_deref(), Ok(times));
        assert!(bytes.is_empty());
    }

    #[test]
    fn regular_times_cost_nothing() {
        let regular: Vec<i64> = (0..480).map(|n| 1_700_000_000_000 + n * 1_000).collect();
        check(&regular, 9);
        let gap: Vec<i64> =
            regular.iter().map(|t| if *t > 1_700_000_100_000 { t + 7_000 } else { *t }).collect();
        check(&gap, 20);
        check(&[5], 4);
        check(&[i64::MIN, i64::MAX], 40);
    }

    proptest! {
        #[test]
        fn times_come_back(samples in any_samples(500)) {
            prop_assume!(!samples.is_empty());
            let times: Vec<i64> = samples.iter().map(|s| s.t).collect();
            check(&times, usize::MAX);
        }

        #[test]
        fn any_bytes_are_taken(kind in 0u8..5, mut noise: Vec<u8>, n in 0usize..600) {
            noise.insert(0, kind);
            decode_times(&mut Bytes::new(&noise), n).ok();
        }
    }
}
