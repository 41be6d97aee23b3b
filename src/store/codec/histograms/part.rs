//! A part: histograms with the same layout and the same buckets.

use std::sync::Arc;

use super::super::{
    COLUMN_SAMPLES_MAX, Damaged,
    values::{decode_values, encode_values},
    varint::{self, Bytes},
};
use super::{PART_SAMPLES_MAX, cost};
use crate::model::{
    CounterReset, Histogram, HistogramSample,
    histogram::{BUCKETS_MAX, Layout, SCHEMA_CUSTOM},
};

/// The counts are what the buckets add up to, and not written.
const SUMMED: u8 = 1;
/// All buckets are one column, bucket after bucket: a short column costs more than it holds.
const JOINED: u8 = 2;
/// Below so many samples buckets are joined.
const JOINED_BELOW: usize = 16;

/// Whether two histograms may be in one part.
pub(super) fn together(a: &Histogram, b: &Histogram) -> bool {
    let same_layout = match (&a.layout, &b.layout) {
        (
            Layout::Exponential { schema, zero_threshold },
            Layout::Exponential { schema: other, zero_threshold: threshold },
        ) => schema == other && zero_threshold.to_bits() == threshold.to_bits(),
        (Layout::Custom { bounds }, Layout::Custom { bounds: others }) => {
            Arc::ptr_eq(bounds, others)
                || bounds.len() == others.len()
                    && bounds.iter().zip(&**others).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        _ => false,
    };
    let same_buckets =
        |a: &[(i32, f64)], b: &[(i32, f64)]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0);
    same_layout && same_buckets(&a.positive, &b.positive) && same_buckets(&a.negative, &b.negative)
}

/// How many samples like this one a part takes.
pub(super) fn samples_max(histogram: &Histogram) -> usize {
    (COLUMN_SAMPLES_MAX / cost(histogram)).clamp(1, PART_SAMPLES_MAX)
}

/// Encodes samples that may be in one part; one at least.
///
/// Shape: count, layout, indices of the buckets above and below zero, hints, flags, counts, sums, zero buckets,
/// buckets.
pub(super) fn encode(samples: &[HistogramSample]) -> Vec<u8> {
    let mut out = Vec::new();
    varint::put(&mut out, samples.len() as u64);
    let first = &samples[0].histogram;
    put_layout(&first.layout, &mut out);
    put_indices(&first.positive, &mut out);
    put_indices(&first.negative, &mut out);
    put_hints(samples, &mut out);
    let summed = samples.iter().all(|one| one.histogram.count.to_bits() == total(&one.histogram).to_bits());
    let joined = samples.len() < JOINED_BELOW;
    out.push(if summed { SUMMED } else { 0 } | if joined { JOINED } else { 0 });
    let column = |of: &dyn Fn(&Histogram) -> f64| -> Vec<f64> {
        samples.iter().map(|sample| of(&sample.histogram)).collect()
    };
    if !summed {
        encode_values(&column(&|histogram| histogram.count), &mut out);
    }
    encode_values(&column(&|histogram| histogram.sum), &mut out);
    encode_values(&column(&|histogram| histogram.zero), &mut out);
    let buckets = (0..first.positive.len())
        .map(|at| column(&|histogram| histogram.positive[at].1))
        .chain((0..first.negative.len()).map(|at| column(&|histogram| histogram.negative[at].1)));
    if joined {
        encode_values(&buckets.flatten().collect::<Vec<f64>>(), &mut out);
    } else {
        buckets.for_each(|bucket| encode_values(&bucket, &mut out));
    }
    out
}

/// What the buckets add up to, always in the same order.
fn total(histogram: &Histogram) -> f64 {
    let buckets = histogram.positive.iter().chain(&histogram.negative).map(|(_, count)| *count);
    buckets.fold(histogram.zero, |sum, count| sum + count)
}

fn put_layout(layout: &Layout, out: &mut Vec<u8>) {
    varint::put_signed(out, i64::from(layout.schema()));
    match layout {
        // Most thresholds are powers of two: with the bytes turned round they are short.
        Layout::Exponential { zero_threshold, .. } => {
            varint::put(out, zero_threshold.to_bits().swap_bytes());
        }
        Layout::Custom { bounds } => {
            varint::put(out, bounds.len() as u64);
            encode_values(bounds, out);
        }
    }
}

/// The number of buckets, the first one's index, then the steps less one.
fn put_indices(buckets: &[(i32, f64)], out: &mut Vec<u8>) {
    varint::put(out, buckets.len() as u64);
    let mut before = None;
    for (index, _) in buckets {
        match before {
            None => varint::put_signed(out, i64::from(*index)),
            Some(before) => varint::put_signed(out, i64::from(*index) - i64::from(before) - 1),
        }
        before = Some(*index);
    }
}

/// Runs of (hint, how often), until all samples have one.
fn put_hints(samples: &[HistogramSample], out: &mut Vec<u8>) {
    for run in samples.chunk_by(|a, b| a.histogram.hint == b.histogram.hint) {
        out.push(match run[0].histogram.hint {
            CounterReset::Unknown => 0,
            CounterReset::Reset => 1,
            CounterReset::NotReset => 2,
            CounterReset::Gauge => 3,
        });
        varint::put(out, run.len() as u64);
    }
}

/// Reads what follows the count: `n` histograms, which may cost `room`, and reduce it.
pub(super) fn decode(bytes: &mut Bytes<'_>, n: usize, room: &mut usize) -> Result<Vec<Histogram>, Damaged> {
    let layout = take_layout(bytes)?;
    let positive = take_indices(bytes)?;
    let negative = take_indices(bytes)?;
    let buckets = positive.len() + negative.len();
    let empty = |indices: &[i32]| indices.iter().map(|index| (*index, 0.0)).collect();
    let shape =
        Histogram { positive: empty(&positive), negative: empty(&negative), ..Histogram::empty(layout) };
    shape.check_layout().map_err(|_| Damaged("layout of histograms"))?;
    // Before there is room for them: a few bytes can say that all values are the same.
    *room = room.checked_sub(n * cost(&shape)).ok_or(Damaged("too many buckets"))?;
    let hints = take_hints(bytes, n)?;
    let flags = bytes.byte()?;
    if flags & !(SUMMED | JOINED) != 0 {
        return Err(Damaged("flags of histograms"));
    }
    let counts = if flags & SUMMED == 0 { Some(decode_values(bytes, n)?) } else { None };
    let sums = decode_values(bytes, n)?;
    let zeros = decode_values(bytes, n)?;
    let columns = if flags & JOINED == 0 {
        (0..buckets).map(|_| decode_values(bytes, n)).collect::<Result<Vec<_>, _>>()?
    } else {
        decode_values(bytes, n * buckets)?.chunks(n).map(<[f64]>::to_vec).collect()
    };
    if !bytes.is_empty() {
        return Err(Damaged("a part that is too long"));
    }
    let (above, below) = columns.split_at(positive.len());
    let with = |indices: &[i32], columns: &[Vec<f64>], at: usize| {
        indices.iter().zip(columns).map(|(index, column)| (*index, column[at])).collect()
    };
    let histogram = |at: usize| {
        let mut histogram = Histogram {
            layout: shape.layout.clone(),
            hint: hints[at],
            count: 0.0,
            sum: sums[at],
            zero: zeros[at],
            positive: with(&positive, above, at),
            negative: with(&negative, below, at),
        };
        histogram.count = counts.as_ref().map_or_else(|| total(&histogram), |counts| counts[at]);
        if histogram.layout.is_custom() && histogram.zero != 0.0 {
            return Err(Damaged("a zero bucket beside custom bounds"));
        }
        Ok(histogram)
    };
    (0..n).map(histogram).collect()
}

fn take_layout(bytes: &mut Bytes<'_>) -> Result<Layout, Damaged> {
    let schema = i8::try_from(bytes.signed()?).map_err(|_| Damaged("schema"))?;
    if schema != SCHEMA_CUSTOM {
        let zero_threshold = f64::from_bits(bytes.number()?.swap_bytes());
        return Ok(Layout::Exponential { schema, zero_threshold });
    }
    let n = bytes.count(BUCKETS_MAX)?;
    Ok(Layout::Custom { bounds: decode_values(bytes, n)?.into() })
}

fn take_indices(bytes: &mut Bytes<'_>) -> Result<Vec<i32>, Damaged> {
    // Each takes a byte at least.
    let n = bytes.count(BUCKETS_MAX.min(bytes.rest().len()))?;
    let mut indices = Vec::with_capacity(n);
    let mut next = 0_i64;
    for _ in 0..n {
        let index = next.checked_add(bytes.signed()?).and_then(|index| i32::try_from(index).ok());
        let index = index.ok_or(Damaged("index of a bucket"))?;
        indices.push(index);
        next = i64::from(index) + 1;
    }
    Ok(indices)
}

fn take_hints(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<CounterReset>, Damaged> {
    let mut hints = Vec::with_capacity(n);
    while hints.len() < n {
        let hint = match bytes.byte()? {
            0 => CounterReset::Unknown,
            1 => CounterReset::Reset,
            2 => CounterReset::NotReset,
            3 => CounterReset::Gauge,
            _ => return Err(Damaged("hint")),
        };
        let count = bytes.count(n - hints.len())?;
        if count == 0 {
            return Err(Damaged("count of hints"));
        }
        hints.resize(hints.len() + count, hint);
    }
    Ok(hints)
}
