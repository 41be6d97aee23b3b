//! Histograms of one series.
//!
//! What repeats from sample to sample (schema, zero threshold, custom bounds, which buckets there are) is written
//! once for each part; the numbers are columns, one a bucket, and each column takes the shortest way that
//! [`encode_values`](super::values::encode_values) knows.

mod part;

use std::{ops::Range, sync::Arc};

use super::{
    COLUMN_SAMPLES_MAX, Damaged,
    times::{decode_times, encode_times},
    varint::{self, Bytes},
};
use crate::model::{Histogram, HistogramSample, histogram::Layout};

/// What the histograms of one list weigh at most, in numbers of 8 bytes: 8 MiB decoded. 480 samples of 1,000
/// buckets.
pub const LIST_COST_MAX: usize = 1 << 20;
/// Samples that a part holds at most: a window of five minutes then decodes two or three parts.
const PART_SAMPLES_MAX: usize = 240;

/// What a histogram takes of [`LIST_COST_MAX`].
pub fn cost(histogram: &Histogram) -> usize {
    let bounds = match &histogram.layout {
        Layout::Exponential { .. } => 0,
        Layout::Custom { bounds } => bounds.len(),
    };
    histogram.weight() + bounds
}

/// Of histograms that come in order, how many may be in one list: one at least.
pub fn fitting<'a>(histograms: impl IntoIterator<Item = &'a HistogramSample>) -> usize {
    let mut room = LIST_COST_MAX;
    let mut count = 0;
    for sample in histograms {
        let Some(left) = room.checked_sub(cost(&sample.histogram)) else { return count.max(1) };
        (room, count) = (left, count + 1);
    }
    count
}

/// Appends histograms of one series, oldest first, their times strictly increasing. At most [`fitting`] of them
/// can be read again.
///
/// Shape: count, times, and parts with their lengths until the count is reached.
pub fn encode_histograms(samples: &[HistogramSample], out: &mut Vec<u8>) {
    varint::put(out, samples.len() as u64);
    if samples.is_empty() {
        return;
    }
    let times: Vec<i64> = samples.iter().map(|sample| sample.t).collect();
    encode_times(&times, out);
    let together = |a: &HistogramSample, b: &HistogramSample| part::together(&a.histogram, &b.histogram);
    for alike in samples.chunk_by(together) {
        for samples in alike.chunks(part::samples_max(&alike[0].histogram)) {
            varint::put_bytes(out, &part::encode(samples));
        }
    }
}

/// Reads histograms, and appends those with `from < t <= to` to `out`.
///
/// *Cost*: parts outside the span are skipped.
///
/// # Errors
///
/// When the bytes are no list of histograms, or have more than [`LIST_COST_MAX`] in the span; `out` then holds
/// what it held.
pub fn decode_histograms(
    bytes: &mut Bytes<'_>,
    (from, to): (i64, i64),
    out: &mut Vec<HistogramSample>,
) -> Result<(), Damaged> {
    let n = bytes.count(COLUMN_SAMPLES_MAX)?;
    if n == 0 {
        return Ok(());
    }
    let times = decode_times(bytes, n)?;
    // Nothing is older than the least time: who asks from there asks for all.
    let first = times.partition_point(|t| *t <= from && from != i64::MIN);
    let wanted = first..times.partition_point(|t| *t <= to);
    let before = out.len();
    let read = parts(bytes, &times, &wanted, out);
    if read.is_err() {
        out.truncate(before);
    }
    read
}

fn parts(
    bytes: &mut Bytes<'_>,
    times: &[i64],
    wanted: &Range<usize>,
    out: &mut Vec<HistogramSample>,
) -> Result<(), Damaged> {
    let (mut first, mut room) = (0, LIST_COST_MAX);
    while first < times.len() {
        let mut body = Bytes::new(bytes.bytes()?);
        let n = body.count(PART_SAMPLES_MAX.min(times.len() - first))?;
        if n == 0 {
            return Err(Damaged("an empty part"));
        }
        let last = first + n;
        if first < wanted.end && wanted.start < last {
            let histograms = part::decode(&mut body, n, &mut room)?;
            let inside = wanted.start.max(first)..wanted.end.min(last);
            let taken = histograms.into_iter().zip(&times[first..last]).skip(inside.start - first);
            out.extend(
                taken.take(inside.len()).map(|(histogram, t)| HistogramSample::new(*t, Arc::new(histogram))),
            );
        }
        first = last;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
