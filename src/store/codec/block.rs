//! A pending block: samples of many series that are in no sealed chunk yet.

use super::super::ids::SeriesId;
use super::{
    COLUMN_SAMPLES_MAX, Damaged, checked, put_sum,
    times::{decode_times, encode_times},
    values::{decode_values, encode_values},
    varint::{self, Bytes},
};
use crate::model::Sample;

/// One sample of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The series.
    pub series: SeriesId,
    /// Time and value.
    pub sample: Sample,
}

/// Samples that one block holds at most.
pub const BLOCK_ROWS_MAX: usize = COLUMN_SAMPLES_MAX;

/// Encodes rows in any order; of two with one series and one time the first counts.
///
/// Shape: check sum, count of series; for each: difference of its id, count, times (or the mark that
/// they are those of the series before), values.
pub fn encode_block(rows: &[Row]) -> Vec<u8> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (row.series, row.sample.t));
    rows.dedup_by_key(|row| (row.series, row.sample.t));
    let mut out = vec![0; 4];
    varint::put(&mut out, rows.chunk_by(|a, b| a.series == b.series).count() as u64);
    let (mut id, mut times_before) = (0, Vec::new());
    for column in rows.chunk_by(|a, b| a.series == b.series) {
        varint::put(&mut out, u64::from(column[0].series.0 - id));
        id = column[0].series.0;
        let times: Vec<i64> = column.iter().map(|row| row.sample.t).collect();
        let values: Vec<f64> = column.iter().map(|row| row.sample.v).collect();
        if times == times_before {
            varint::put(&mut out, 0);
        } else {
            varint::put(&mut out, times.len() as u64);
            encode_times(&times, &mut out);
            times_before = times;
        }
        encode_values(&values, &mut out);
    }
    put_sum(&mut out, 0);
    out
}

/// Decodes the rows of a block, by series and then by time, each time of a series once.
///
/// # Errors
///
/// When the bytes are no block.
pub fn decode_block(bytes: &[u8]) -> Result<Vec<Row>, Damaged> {
    decode_block_body(checked(bytes)?)
}

/// As [`decode_block`], of bytes without a check sum: what a fuzzer should be let at.
///
/// # Errors
///
/// As [`decode_block`].
pub fn decode_block_body(body: &[u8]) -> Result<Vec<Row>, Damaged> {
    let mut bytes = Bytes::new(body);
    let (mut id, mut times, mut rows) = (0_u32, Vec::new(), Vec::new());
    for nth in 0..bytes.count(BLOCK_ROWS_MAX)? {
        let step = u32::try_from(bytes.number()?).map_err(|_| Damaged("series"))?;
        if nth > 0 && step == 0 {
            return Err(Damaged("a series twice"));
        }
        id = id.checked_add(step).ok_or(Damaged("series"))?;
        let n = bytes.count(BLOCK_ROWS_MAX - rows.len())?;
        if n > 0 {
            times = decode_times(&mut bytes, n)?;
        }
        if times.len() > BLOCK_ROWS_MAX - rows.len() {
            return Err(Damaged("too many"));
        }
        let values = decode_values(&mut bytes, times.len())?;
        rows.extend(
            times.iter().zip(values).map(|(t, v)| Row { series: SeriesId(id), sample: Sample::new(*t, v) }),
        );
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::{any_samples, rows_of};

    proptest! {
        #[test]
        fn a_block_comes_back(columns in prop::collection::vec(any_samples(80), 0..12)) {
            let rows = rows_of(&columns);
            let got = decode_block(&encode_block(&rows)).unwrap();
            prop_assert_eq!(got, rows);
        }

        #[test]
        fn any_bytes_are_taken(
            noise: Vec<u8>,
            columns in prop::collection::vec(any_samples(40), 1..5),
            at: prop::sample::Index, bit in 0u32..8,
        ) {
            decode_block(&noise).ok();
            decode_block_body(&noise).ok();
            let mut bytes = encode_block(&rows_of(&columns));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(decode_block(&bytes).is_err());
            if at >= 4 {
                decode_block_body(&bytes[4..]).ok();
            }
        }
    }

    #[test]
    fn a_series_that_comes_twice_is_damage() {
        let mut body = Vec::new();
        varint::put(&mut body, 2);
        for step in [3, 0] {
            varint::put(&mut body, step);
            varint::put(&mut body, 1);
            encode_times(&[7], &mut body);
            encode_values(&[1.0], &mut body);
        }
        assert_eq!(decode_block_body(&body), Err(Damaged("a series twice")));
    }

    #[test]
    fn the_first_of_two_counts() {
        let row = |v| Row { series: SeriesId(3), sample: Sample::new(7, v) };
        assert_eq!(decode_block(&encode_block(&[row(1.0), row(2.0)])).unwrap(), [row(1.0)]);
    }
}
