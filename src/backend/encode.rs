//! Batches as bytes, for their way to other nodes.
//!
//! The first byte is the version. A node reads its own version and every older one, so that nodes can be renewed one
//! by one; what is newer is told by [`Unreadable::Version`], and skipped. The decoder takes any bytes at all.
//!
//! Version 1: version, flags (bit 0: the body is deflated), node, run (8 bytes), sequence number, body. The body
//! names each string and each label set once, then come three columns: which label set, time as a difference to the
//! sample before, value as 8 bytes.
//!
//! Version 2: histograms. As version 1, but there are two columns: which label set, and each histogram as a list of
//! one, with its length. The numbers of a batch go as version 1, so that a node that knows no histograms leaves out
//! those alone; and they go last, with the step.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use rustc_hash::FxHashMap;

use crate::model::{Batch, BatchHistogram, BatchSample, Label, Labels, Sample, Source, limits::LABELS_MAX};
use crate::store::codec::{
    Bytes, Damaged,
    histograms::{LIST_COST_MAX, cost, decode_histograms, encode_histograms},
    varint,
};

/// The newest version that this node reads, and that it writes of histograms.
pub const VERSION: u8 = 2;
/// The version that it writes of numbers.
const NUMBERS: u8 = 1;
/// Bytes of one body before it is deflated: 100,000 samples with 30 bytes of labels each. A larger batch crosses in
/// parts, and what inflates to more is damaged.
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Below this, deflating costs more than it saves.
const DEFLATE_BYTES_MIN: usize = 1_024;
/// Items that a list makes room for before it has read one.
const ITEMS_AT_ONCE: usize = 1_024;
/// Bytes of the smallest sample: label set, time, value.
const SAMPLE_BYTES_MIN: usize = 10;
/// Bit 0 of the flags.
const DEFLATED: u8 = 1;

/// Where a parcel comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The node's name.
    pub node: String,
    /// Which run of its process: numbers begin anew with each.
    pub run: u64,
    /// Rises by one with each parcel of a run, sent or not: what is missing is lost.
    pub number: u64,
}

/// Why bytes are not a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A newer node wrote them.
    #[error("version {0} is newer than this node")]
    Version(u8),
    /// Nobody of ours wrote them.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

/// A part of a batch, as it is encoded.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    source: &'a Source,
    step: Option<i64>,
    samples: &'a [BatchSample],
}

/// A batch, or a part of one, without its head.
#[derive(Debug)]
pub struct Body {
    version: u8,
    deflated: bool,
    bytes: Vec<u8>,
}

/// The bodies of a batch: one, or several if it is larger than [`BODY_BYTES_MAX`].
///
/// Only the last carries the step, because it says that the source has delivered it.
///
/// *Cost:* 0.3 µs a sample in batches of 5,000, 1.2 µs in those of 50,000.
pub fn bodies(batch: &Batch) -> Vec<Body> {
    let mut out = Vec::with_capacity(1);
    if !batch.histograms.is_empty() {
        split_histograms(&batch.source, &batch.histograms, &mut out);
        if batch.samples.is_empty() && batch.step.is_none() {
            return out;
        }
    }
    split(Part { source: &batch.source, step: batch.step, samples: &batch.samples }, &mut out);
    out
}

fn split_histograms(source: &Source, histograms: &[BatchHistogram], out: &mut Vec<Body>) {
    let weight: usize = histograms.iter().map(|one| cost(&one.sample.histogram)).sum();
    let bytes = histograms_body(source, histograms);
    let fits = bytes.len() <= BODY_BYTES_MAX && weight <= LIST_COST_MAX;
    if fits || histograms.len() < 2 {
        out.push(Body::new(VERSION, bytes));
        return;
    }
    let (first, second) = histograms.split_at(histograms.len() / 2);
    split_histograms(source, first, out);
    split_histograms(source, second, out);
}

fn split(part: Part<'_>, out: &mut Vec<Body>) {
    let bytes = body(part);
    let count = part.samples.len();
    if bytes.len() <= BODY_BYTES_MAX || count < 2 {
        out.push(Body::new(NUMBERS, bytes));
        return;
    }
    let (first, second) = part.samples.split_at(count / 2);
    split(Part { step: None, samples: first, ..part }, out);
    split(Part { samples: second, ..part }, out);
}

impl Body {
    fn new(version: u8, bytes: Vec<u8>) -> Self {
        let deflated = if DEFLATE_BYTES_MIN <= bytes.len() { deflate(&bytes) } else { None };
        Self { version, deflated: deflated.is_some(), bytes: deflated.unwrap_or(bytes) }
    }
}

/// A body with its head.
pub fn parcel(origin: &Origin, body: &Body) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.bytes.len() + origin.node.len() + 32);
    out.push(body.version);
    out.push(if body.deflated { DEFLATED } else { 0 });
    varint::put_bytes(&mut out, origin.node.as_bytes());
    out.extend_from_slice(&origin.run.to_le_bytes());
    varint::put(&mut out, origin.number);
    out.extend_from_slice(&body.bytes);
    out
}

fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn body(part: Part<'_>) -> Vec<u8> {
    let (head, mut columns) = labels(part.samples.iter().map(|one| &one.labels));
    let mut before = 0_i64;
    for BatchSample { sample, .. } in part.samples {
        varint::put_signed(&mut columns, sample.t.wrapping_sub(before));
        before = sample.t;
    }
    for BatchSample { sample, .. } in part.samples {
        columns.extend_from_slice(&sample.v.to_bits().to_le_bytes());
    }
    whole(part.source, part.step, &head, &columns)
}

fn histograms_body(source: &Source, histograms: &[BatchHistogram]) -> Vec<u8> {
    let (head, mut columns) = labels(histograms.iter().map(|one| &one.labels));
    let mut list = Vec::new();
    for BatchHistogram { sample, .. } in histograms {
        list.clear();
        encode_histograms(std::slice::from_ref(sample), &mut list);
        varint::put_bytes(&mut columns, &list);
    }
    whole(source, None, &head, &columns)
}

fn whole(source: &Source, step: Option<i64>, head: &[u8], columns: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + columns.len() + 64);
    put_source(&mut out, source);
    put_step(&mut out, step);
    out.extend_from_slice(head);
    out.extend_from_slice(columns);
    out
}

/// Strings, label sets and how many samples there are; and of each sample which label set.
fn labels<'a>(of: impl ExactSizeIterator<Item = &'a Labels>) -> (Vec<u8>, Vec<u8>) {
    let mut strings = Strings::default();
    let mut sets: FxHashMap<&Labels, u64> = FxHashMap::default();
    let mut set_bytes = Vec::new();
    let count = of.len();
    let mut columns = Vec::with_capacity(count * 12);
    for labels in of {
        let next = sets.len() as u64;
        let set = *sets.entry(labels).or_insert_with(|| {
            varint::put(&mut set_bytes, labels.len() as u64);
            for label in labels.iter() {
                varint::put(&mut set_bytes, strings.place(&label.name));
                varint::put(&mut set_bytes, strings.place(&label.value));
            }
            next
        });
        varint::put(&mut columns, set);
    }
    let mut out = Vec::with_capacity(strings.bytes.len() + set_bytes.len() + 12);
    varint::put(&mut out, strings.places.len() as u64);
    out.extend_from_slice(&strings.bytes);
    varint::put(&mut out, sets.len() as u64);
    out.extend_from_slice(&set_bytes);
    varint::put(&mut out, count as u64);
    (out, columns)
}

/// Strings by the order in which they first came.
#[derive(Debug, Default)]
struct Strings<'a> {
    places: FxHashMap<&'a str, u64>,
    bytes: Vec<u8>,
}

impl<'a> Strings<'a> {
    fn place(&mut self, text: &'a str) -> u64 {
        let next = self.places.len() as u64;
        *self.places.entry(text).or_insert_with(|| {
            varint::put_bytes(&mut self.bytes, text.as_bytes());
            next
        })
    }
}

fn put_source(out: &mut Vec<u8>, source: &Source) {
    match source {
        Source::Pushed => out.push(0),
        Source::Scheduled { name, interval_ms } => {
            out.push(1);
            varint::put_bytes(out, name.as_bytes());
            varint::put_signed(out, *interval_ms);
        }
    }
}

fn put_step(out: &mut Vec<u8>, step: Option<i64>) {
    match step {
        None => out.push(0),
        Some(step) => {
            out.push(1);
            varint::put_signed(out, step);
        }
    }
}

/// Bytes whose head is read: who sent them is known before they are inflated.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// Who sent it.
    pub origin: Origin,
    version: u8,
    deflated: bool,
    body: &'a [u8],
}

impl<'a> Parcel<'a> {
    /// Reads the head.
    ///
    /// # Errors
    ///
    /// [`Unreadable`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let mut bytes = Bytes::new(bytes);
        let version = match bytes.byte()? {
            0 => return Err(Damaged("version 0").into()),
            known @ NUMBERS..=VERSION => known,
            newer => return Err(Unreadable::Version(newer)),
        };
        let flags = bytes.byte()?;
        if flags & !DEFLATED != 0 {
            return Err(Damaged("flags").into());
        }
        let node = text(&mut bytes)?.to_owned();
        let run = eight(&mut bytes)?;
        let number = bytes.number()?;
        let origin = Origin { node, run, number };
        Ok(Self { origin, version, deflated: flags == DEFLATED, body: bytes.rest() })
    }

    /// Reads the batch.
    ///
    /// *Cost:* inflates up to [`BODY_BYTES_MAX`].
    ///
    /// # Errors
    ///
    /// [`Damaged`].
    pub fn batch(&self) -> Result<Batch, Damaged> {
        if !self.deflated {
            return read(self.version, self.body);
        }
        let mut body = Vec::new();
        let mut inflated = DeflateDecoder::new(self.body).take(BODY_BYTES_MAX as u64 + 1);
        inflated.read_to_end(&mut body).map_err(|_| Damaged("deflated body"))?;
        read(self.version, &body)
    }
}

fn read(version: u8, body: &[u8]) -> Result<Batch, Damaged> {
    // A single sample can be larger than the limit only if its labels are; such labels are refused on arrival.
    if BODY_BYTES_MAX < body.len() {
        return Err(Damaged("body too long"));
    }
    let mut bytes = Bytes::new(body);
    let source = match bytes.byte()? {
        0 => Source::Pushed,
        1 => Source::Scheduled { name: text(&mut bytes)?.to_owned(), interval_ms: bytes.signed()? },
        _ => return Err(Damaged("source")),
    };
    let step = match bytes.byte()? {
        0 => None,
        1 => Some(bytes.signed()?),
        _ => return Err(Damaged("step")),
    };
    // Lists are bounded by what must follow them, so that few bytes cannot ask for much memory: a string is in a
    // label, two to a label of two bytes; a label set is in a sample, which takes ten.
    let most = bytes.rest().len();
    let strings = list(&mut bytes, most / 2, |bytes| text(bytes).map(Arc::<str>::from))?;
    let string = |bytes: &mut Bytes<'_>| {
        let place = bytes.count(usize::MAX)?;
        strings.get(place).cloned().ok_or(Damaged("string"))
    };
    let label = |bytes: &mut Bytes<'_>| Ok(Label { name: string(bytes)?, value: string(bytes)? });
    let most = bytes.rest().len() / (1 + SAMPLE_BYTES_MIN);
    let sets = list(&mut bytes, most, |bytes| list(bytes, LABELS_MAX, label).map(Labels::new))?;
    let most = bytes.rest().len() / SAMPLE_BYTES_MIN;
    let of = list(&mut bytes, most, |bytes| {
        let place = bytes.count(usize::MAX)?;
        sets.get(place).cloned().ok_or(Damaged("label set"))
    })?;
    let mut batch = Batch::new(source, step, Vec::new());
    if version == NUMBERS {
        batch.samples = columns(&mut bytes, of)?;
    } else {
        batch.histograms = histograms(&mut bytes, of)?;
    }
    if bytes.is_empty() { Ok(batch) } else { Err(Damaged("too long")) }
}

fn histograms(bytes: &mut Bytes<'_>, of: Vec<Labels>) -> Result<Vec<BatchHistogram>, Damaged> {
    let mut histograms = Vec::with_capacity(of.len().min(ITEMS_AT_ONCE));
    let mut room = LIST_COST_MAX;
    for labels in of {
        let (mut list, mut found) = (Bytes::new(bytes.bytes()?), Vec::new());
        decode_histograms(&mut list, (i64::MIN, i64::MAX), &mut found)?;
        let sample = found.pop().filter(|_| found.is_empty() && list.is_empty());
        let sample = sample.ok_or(Damaged("not one histogram"))?;
        room = room.checked_sub(cost(&sample.histogram)).ok_or(Damaged("too many histograms"))?;
        histograms.push(BatchHistogram { labels, sample });
    }
    Ok(histograms)
}

fn columns(bytes: &mut Bytes<'_>, of: Vec<Labels>) -> Result<Vec<BatchSample>, Damaged> {
    let mut times = Vec::with_capacity(of.len());
    let mut time = 0_i64;
    for _ in &of {
        time = time.wrapping_add(bytes.signed()?);
        times.push(time);
    }
    let mut samples = Vec::with_capacity(of.len());
    for (labels, time) in of.into_iter().zip(times) {
        let value = f64::from_bits(eight(bytes)?);
        samples.push(BatchSample { labels, sample: Sample::new(time, value) });
    }
    Ok(samples)
}

/// A count, at most `most`, and that many items. A damaged count asks for little memory before the bytes end.
fn list<'a, T>(
    bytes: &mut Bytes<'a>,
    most: usize,
    mut item: impl FnMut(&mut Bytes<'a>) -> Result<T, Damaged>,
) -> Result<Vec<T>, Damaged> {
    let count = bytes.count(most)?;
    let mut items = Vec::with_capacity(count.min(ITEMS_AT_ONCE));
    for _ in 0..count {
        items.push(item(bytes)?);
    }
    Ok(items)
}

fn text<'a>(bytes: &mut Bytes<'a>) -> Result<&'a str, Damaged> {
    std::str::from_utf8(bytes.bytes()?).map_err(|_| Damaged("not UTF-8"))
}

fn eight(bytes: &mut Bytes<'_>) -> Result<u64, Damaged> {
    let taken = bytes.take(8)?;
    taken.try_into().map(u64::from_le_bytes).map_err(|_| Damaged("too short"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{CounterReset, Histogram, HistogramSample, STALE_NAN, histogram::Layout};

    fn origin() -> Origin {
        Origin { node: "web-03".to_owned(), run: u64::MAX, number: 7 }
    }

    #[track_caller]
    fn check(batch: &Batch) {
        let bodies = bodies(batch);
        let (mut samples, mut histograms) = (Vec::new(), Vec::new());
        let mut steps = Vec::new();
        for body in &bodies {
            let bytes = parcel(&origin(), body);
            let parcel = Parcel::open(&bytes).unwrap();
            assert_eq!(parcel.origin, origin());
            let read = parcel.batch().unwrap();
            assert_eq!(read.source, batch.source);
            steps.push(read.step);
            samples.extend(read.samples);
            histograms.extend(read.histograms);
        }
        assert_eq!(histograms.len(), batch.histograms.len());
        for (read, sent) in histograms.iter().zip(&batch.histograms) {
            assert_eq!((&read.labels, &read.sample), (&sent.labels, &sent.sample));
            assert_eq!(read.sample.histogram.hint, sent.sample.histogram.hint);
        }
        assert_eq!(steps.pop().unwrap(), batch.step);
        assert!(steps.iter().all(Option::is_none));
        assert_eq!(samples.len(), batch.samples.len());
        for (read, sent) in samples.iter().zip(&batch.samples) {
            assert_eq!(read.labels, sent.labels);
            assert_eq!(read.sample, sent.sample);
        }
    }

    fn sample(labels: &[(&str, &str)], t: i64, v: f64) -> BatchSample {
        BatchSample { labels: Labels::from_pairs(labels.iter().copied()), sample: Sample::new(t, v) }
    }

    #[test]
    fn a_batch_comes_back_to_the_bit() {
        let cpu = [("__name__", "cpu"), ("core", "0")];
        let samples = vec![
            sample(&cpu, 2_000, STALE_NAN),
            sample(&[("__name__", "up")], i64::MIN, f64::from_bits(0xfff8_0000_dead_beef)),
            sample(&cpu, i64::MAX, -0.0),
            sample(&[], 1_000, f64::INFINITY),
        ];
        let source = Source::Scheduled { name: "host@web-03".to_owned(), interval_ms: 1_000 };
        check(&Batch::new(source, Some(2_000), samples));
        check(&Batch::new(Source::Pushed, None, Vec::new()));
    }

    fn histogram(labels: &[(&str, &str)], t: i64, buckets: i32) -> BatchHistogram {
        let layout = Layout::Exponential { schema: 3, zero_threshold: 1e-9 };
        let positive: Vec<(i32, f64)> = (0..buckets).map(|index| (index * 2, f64::from(index))).collect();
        let hint = CounterReset::Gauge;
        let histogram = Histogram { count: 7.5, sum: -1.25, positive, hint, ..Histogram::empty(layout) };
        let sample = HistogramSample::new(t, Arc::new(histogram));
        BatchHistogram { labels: Labels::from_pairs(labels.iter().copied()), sample }
    }

    #[test]
    fn histograms_come_before_the_numbers() {
        let cpu = [("__name__", "cpu"), ("core", "0")];
        let samples = vec![sample(&cpu, 2_000, 1.0)];
        let histograms = vec![histogram(&cpu, 1_000, 20), histogram(&[("__name__", "up")], i64::MIN, 0)];
        let batch = Batch { histograms, ..Batch::new(Source::Pushed, Some(2_000), samples) };
        check(&batch);
        let versions: Vec<u8> = bodies(&batch).iter().map(|body| parcel(&origin(), body)[0]).collect();
        assert_eq!(versions, [VERSION, NUMBERS]);
        let lone = Batch { samples: Vec::new(), step: None, ..batch.clone() };
        check(&lone);
        assert_eq!(bodies(&lone).len(), 1);
        // Numbers are told as ever: what knows histograms is not needed to read them.
        let plain = Batch { histograms: Vec::new(), ..batch };
        assert_eq!(parcel(&origin(), &bodies(&plain)[0])[0], NUMBERS);
    }

    #[test]
    fn many_histograms_cross_in_parts() {
        let histograms = (0..400).map(|at| histogram(&[("at", &at.to_string())], at, 2_048)).collect();
        let batch = Batch { histograms, ..Batch::new(Source::Pushed, None, Vec::new()) };
        assert!(1 < bodies(&batch).len());
        check(&batch);
    }

    #[test]
    fn a_large_batch_crosses_in_parts() {
        let wide = "x".repeat(2_000);
        let samples = (0..3_000).map(|at| sample(&[("at", &format!("{wide}{at}"))], at, 1.0)).collect();
        let batch = Batch::new(Source::Pushed, Some(4), samples);
        assert!(1 < bodies(&batch).len());
        check(&batch);
    }

    #[test]
    fn a_newer_version_is_told() {
        assert_eq!(Parcel::open(&[VERSION + 1, 9, 9]).unwrap_err(), Unreadable::Version(VERSION + 1));
    }

    proptest! {
        #[test]
        fn any_batch_comes_back(
            rows in prop::collection::vec(("[a-c]{1,2}", "[a-cä]{0,3}", any::<i64>(), any::<u64>()), 0..80),
            step: Option<i64>,
        ) {
            let samples = rows
                .iter()
                .map(|(name, value, t, bits)| sample(&[(name, value), ("job", "x")], *t, f64::from_bits(*bits)))
                .collect();
            check(&Batch::new(Source::Pushed, step, samples));
        }

        #[test]
        fn any_bytes_are_taken(noise: Vec<u8>, deflated: bool, version in 1..=VERSION) {
            let bytes = parcel(&origin(), &Body { version, deflated, bytes: noise.clone() });
            // Whatever it is, it is no panic.
            drop(Parcel::open(&bytes).unwrap().batch());
            drop(Parcel::open(&noise).map(|parcel| parcel.batch()));
        }

        #[test]
        fn damage_is_no_panic(at: prop::sample::Index, bit in 0..8_u8) {
            let samples = vec![sample(&[("a", "b")], 1, 2.0), sample(&[("a", "c")], 3, 4.0)];
            let bodies = bodies(&Batch::new(Source::Pushed, None, samples));
            let mut bytes = parcel(&origin(), &bodies[0]);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            drop(Parcel::open(&bytes).map(|parcel| parcel.batch()));
        }
    }
}
