//! A pending block: samples of many series that are in no sealed chunk yet.

use super::super::ids::SeriesId;
use super::{
    COLUMN_SAMPLES_MAX, Damaged, checked,
    histograms::{self, LIST_COST_MAX, decode_histograms, encode_histograms},
    put_sum,
    times::{decode_times, encode_times},
    values::{decode_values, encode_values},
    varint::{self, Bytes},
};
use crate::model::{HistogramSample, Sample};

/// One sample of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The series.
    pub series: SeriesId,
    /// Time and value.
    pub sample: Sample,
}

/// One histogram of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramRow {
    /// The series.
    pub series: SeriesId,
    /// Time and histogram.
    pub sample: HistogramSample,
}

impl HistogramRow {
    /// What it takes of [`BLOCK_COST_MAX`].
    pub fn cost(&self) -> usize {
        histograms::cost(&self.sample.histogram)
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + 8 * self.cost()
    }
}

/// What a block has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    /// The numbers, by series and then by time, each time of a series once.
    pub rows: Vec<Row>,
    /// The histograms, in the same order.
    pub histograms: Vec<HistogramRow>,
}

/// Samples that one block holds at most.
pub const BLOCK_ROWS_MAX: usize = COLUMN_SAMPLES_MAX;
/// What the histograms of one block weigh at most, in numbers of 8 bytes: 8 MiB decoded.
pub const BLOCK_COST_MAX: usize = LIST_COST_MAX;

/// Encodes rows in any order; of two with one series and one time the first counts.
///
/// Shape: check sum, count of series; for each: difference of its id, count, times (or the mark that
/// they are those of the series before), values. Then, if there are histograms: count of series; for each:
/// difference of its id, and its histograms with their length.
pub fn encode_block(rows: &[Row], histograms: &[HistogramRow]) -> Vec<u8> {
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
    if !histograms.is_empty() {
        put_histograms(histograms, &mut out);
    }
    put_sum(&mut out, 0);
    out
}

fn put_histograms(histograms: &[HistogramRow], out: &mut Vec<u8>) {
    let mut rows: Vec<&HistogramRow> = histograms.iter().collect();
    rows.sort_by_key(|row| (row.series, row.sample.t));
    rows.dedup_by_key(|row| (row.series, row.sample.t));
    varint::put(out, rows.chunk_by(|a, b| a.series == b.series).count() as u64);
    let mut id = 0;
    for of_one in rows.chunk_by(|a, b| a.series == b.series) {
        varint::put(out, u64::from(of_one[0].series.0 - id));
        id = of_one[0].series.0;
        let samples: Vec<HistogramSample> = of_one.iter().map(|row| row.sample.clone()).collect();
        let mut list = Vec::new();
        encode_histograms(&samples, &mut list);
        varint::put_bytes(out, &list);
    }
}

/// Decodes a block.
///
/// # Errors
///
/// When the bytes are no block.
pub fn decode_block(bytes: &[u8]) -> Result<Block, Damaged> {
    decode_block_body(checked(bytes)?)
}

/// As [`decode_block`], of bytes without a check sum: what a fuzzer should be let at.
///
/// # Errors
///
/// As [`decode_block`].
pub fn decode_block_body(body: &[u8]) -> Result<Block, Damaged> {
    let mut bytes = Bytes::new(body);
    let mut ids = Ids::default();
    let (mut times, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..bytes.count(BLOCK_ROWS_MAX)? {
        let series = ids.next(&mut bytes)?;
        let n = bytes.count(BLOCK_ROWS_MAX - rows.len())?;
        if n > 0 {
            times = decode_times(&mut bytes, n)?;
        }
        if times.len() > BLOCK_ROWS_MAX - rows.len() {
            return Err(Damaged("too many"));
        }
        let values = decode_values(&mut bytes, times.len())?;
        rows.extend(times.iter().zip(values).map(|(t, v)| Row { series, sample: Sample::new(*t, v) }));
    }
    let histograms = if bytes.is_empty() { Vec::new() } else { take_histograms(&mut bytes)? };
    Ok(Block { rows, histograms })
}

fn take_histograms(bytes: &mut Bytes<'_>) -> Result<Vec<HistogramRow>, Damaged> {
    let mut ids = Ids::default();
    let (mut rows, mut room) = (Vec::new(), BLOCK_COST_MAX);
    for _ in 0..bytes.count(BLOCK_ROWS_MAX)? {
        let series = ids.next(bytes)?;
        let (mut list, mut samples) = (Bytes::new(bytes.bytes()?), Vec::new());
        decode_histograms(&mut list, (i64::MIN, i64::MAX), &mut samples)?;
        for sample in samples {
            let row = HistogramRow { series, sample };
            room = room.checked_sub(row.cost()).ok_or(Damaged("too many histograms"))?;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Ids of series as their differences.
#[derive(Default)]
struct Ids {
    id: u32,
    is_begun: bool,
}

impl Ids {
    fn next(&mut self, bytes: &mut Bytes<'_>) -> Result<SeriesId, Damaged> {
        let step = u32::try_from(bytes.number()?).map_err(|_| Damaged("series"))?;
        if std::mem::replace(&mut self.is_begun, true) && step == 0 {
            return Err(Damaged("a series twice"));
        }
        self.id = self.id.checked_add(step).ok_or(Damaged("series"))?;
        Ok(SeriesId(self.id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::{any_histograms, any_samples, rows_of};

    proptest! {
        #[test]
        fn a_block_comes_back(columns in prop::collection::vec(any_samples(80), 0..12)) {
            let rows = rows_of(&columns);
            let got = decode_block(&encode_block(&rows, &[])).unwrap();
            prop_assert_eq!(got, Block { rows, histograms: Vec::new() });
        }

        #[test]
        fn both_kinds_come_back(
            columns in prop::collection::vec(any_samples(20), 0..4),
            lists in prop::collection::vec(any_histograms(40), 1..6),
        ) {
            let rows = rows_of(&columns);
            let ids = (0u32..).step_by(3).map(SeriesId);
            let histograms: Vec<HistogramRow> = ids
                .zip(lists)
                .flat_map(|(series, list)| list.into_iter().map(move |sample| HistogramRow { series, sample }))
                .collect();
            let backwards: Vec<HistogramRow> = histograms.iter().rev().cloned().collect();
            let got = decode_block(&encode_block(&rows, &backwards)).unwrap();
            prop_assert_eq!(got, Block { rows, histograms });
        }

        #[test]
        fn any_bytes_are_taken(
            noise: Vec<u8>,
            columns in prop::collection::vec(any_samples(40), 1..5),
            at: prop::sample::Index, bit in 0u32..8,
        ) {
            decode_block(&noise).ok();
            decode_block_body(&noise).ok();
            let mut bytes = encode_block(&rows_of(&columns), &[]);
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
        let block = decode_block(&encode_block(&[row(1.0), row(2.0)], &[])).unwrap();
        assert_eq!(block.rows, [row(1.0)]);
    }
}
