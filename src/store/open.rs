//! The open chunk: the newest samples of a series, written bit by bit.

use crate::model::Sample;

use super::bits::{BitBuf, BitReader};

/// Samples between two places from which reading can start. The newest few seconds of a series
/// then cost at most this many samples to decode, and such a place costs 40 bytes.
pub const RESTART_SAMPLES: usize = 64;

/// What the next sample is written against.
#[derive(Debug, Clone, Copy)]
struct State {
    t: i64,
    delta: i64,
    v: u64,
    leading: u8,
    width: u8,
    /// The bit at which the next sample begins.
    bit: u32,
}

/// The newest samples of one series, oldest first, their times strictly increasing.
///
/// Times are kept as the difference of differences, values as the XOR with the one before, so that
/// every bit of a value (the payload of a NaN too) comes back. A regular constant costs 2 bits a
/// sample.
///
/// Source: Pelkonen et al., "Gorilla: a fast, scalable, in-memory time series database", 2015; the
/// widths of time differences are for milliseconds.
#[derive(Debug, Clone, Default)]
pub struct OpenChunk {
    bits: BitBuf,
    /// The state after sample 0, 64, 128, …
    restarts: Vec<State>,
    last: Option<State>,
    len: usize,
}

impl OpenChunk {
    /// Makes a chunk of samples that are in order.
    pub fn from_samples(samples: &[Sample]) -> Self {
        let mut chunk = Self::default();
        for sample in samples {
            chunk.push(*sample);
        }
        chunk
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The time of the oldest sample.
    pub fn first_t(&self) -> Option<i64> {
        self.restarts.first().map(|state| state.t)
    }

    /// The newest sample.
    pub fn last(&self) -> Option<Sample> {
        self.last.map(|state| Sample::new(state.t, f64::from_bits(state.v)))
    }

    /// Bytes of memory beside the struct itself.
    pub fn bytes(&self) -> usize {
        self.bits.bytes() + self.restarts.capacity() * size_of::<State>()
    }

    /// Appends a sample, which must be newer than the last.
    #[inline]
    pub fn push(&mut self, sample: Sample) {
        let next = match self.last {
            None => State { t: sample.t, delta: 0, v: sample.v.to_bits(), leading: 0, width: 0, bit: 0 },
            Some(last) => self.write(last, sample),
        };
        if self.len.is_multiple_of(RESTART_SAMPLES) {
            if self.restarts.len() == self.restarts.capacity() {
                self.restarts.reserve_exact(2);
            }
            self.restarts.push(next);
        }
        self.last = Some(next);
        self.len += 1;
    }

    fn write(&mut self, last: State, sample: Sample) -> State {
        let delta = sample.t.wrapping_sub(last.t);
        let dod = delta.wrapping_sub(last.delta);
        let v = sample.v.to_bits();
        // At regular times the one bit of the time goes with those of the value.
        if dod != 0 {
            write_time(&mut self.bits, dod);
        }
        let zeros = u32::from(dod == 0);
        let (leading, width) = write_value(&mut self.bits, zeros, &last, v);
        let bit = u32::try_from(self.bits.len()).expect("a chunk is far below 4 gigabits");
        State { t: sample.t, delta, v, leading, width, bit }
    }

    /// Puts a sample between those that are there; its time must not be among them.
    ///
    /// Cost: what follows it is written again.
    pub fn insert(&mut self, sample: Sample) {
        let before = self.restarts.partition_point(|state| state.t < sample.t);
        let Some(at) = before.checked_sub(1) else {
            let mut samples = vec![sample];
            self.read(i64::MIN, i64::MAX, &mut samples);
            *self = Self::from_samples(&samples);
            return;
        };
        let from = self.restarts[at];
        let mut tail = Vec::with_capacity(self.len - at * RESTART_SAMPLES);
        self.read_from(at, i64::MAX, &mut |sample| tail.push(sample));
        self.bits.truncate(from.bit as usize);
        self.restarts.truncate(at + 1);
        self.last = Some(from);
        self.len = at * RESTART_SAMPLES + 1;
        let place = tail.partition_point(|kept| kept.t < sample.t);
        tail.insert(place, sample);
        for kept in &tail[1..] {
            self.push(*kept);
        }
    }

    /// The sample at `t`, if there is one.
    pub fn at(&self, t: i64) -> Option<Sample> {
        let before = self.restarts.partition_point(|state| state.t <= t);
        let mut found = None;
        self.read_from(before.checked_sub(1)?, t, &mut |sample| {
            if sample.t == t {
                found = Some(sample);
            }
        });
        found
    }

    /// Appends to `out` the samples with `from < t <= to`.
    ///
    /// Cost: it starts at most [`RESTART_SAMPLES`] before `from`.
    pub fn read(&self, from: i64, to: i64, out: &mut Vec<Sample>) {
        match self.last {
            Some(last) if last.t > from => {}
            _ => return,
        }
        let before = self.restarts.partition_point(|state| state.t <= from);
        let start = before.saturating_sub(1);
        out.reserve(self.len - start * RESTART_SAMPLES);
        self.read_from(start, to, &mut |sample| {
            if sample.t > from {
                out.push(sample);
            }
        });
    }

    /// The time of the oldest sample that is newer than `t`.
    pub fn first_after(&self, t: i64) -> Option<i64> {
        if self.last?.t <= t {
            return None;
        }
        let before = self.restarts.partition_point(|state| state.t <= t);
        let Some(at) = before.checked_sub(1) else { return self.first_t() };
        let mut state = *self.restarts.get(at)?;
        let mut bits = self.bits.read_from(state.bit as usize);
        while state.t <= t {
            read_next(&mut bits, &mut state);
        }
        Some(state.t)
    }

    /// Gives every sample from restart `at` on, up to and with time `to`.
    fn read_from(&self, at: usize, to: i64, give: &mut impl FnMut(Sample)) {
        let Some(mut state) = self.restarts.get(at).copied() else { return };
        let mut bits = self.bits.read_from(state.bit as usize);
        for index in at * RESTART_SAMPLES..self.len {
            if index > at * RESTART_SAMPLES {
                read_next(&mut bits, &mut state);
            }
            if state.t > to {
                return;
            }
            give(Sample::new(state.t, f64::from_bits(state.v)));
        }
    }
}

/// The classes of a time's second difference after zigzag: prefix, its bits, bits of the number.
const TIME_CLASSES: [(u64, u32, u32); 4] = [(0b10, 2, 6), (0b110, 3, 13), (0b1110, 4, 20), (0b11110, 5, 32)];

/// Writes a time's second difference, which is not 0: that is one bit, which is 0.
#[inline]
fn write_time(bits: &mut BitBuf, dod: i64) {
    let zigzag = ((dod << 1) ^ (dod >> 63)) as u64;
    for (prefix, prefix_bits, width) in TIME_CLASSES {
        if zigzag >> width == 0 {
            bits.push((prefix << width) | zigzag, prefix_bits + width);
            return;
        }
    }
    bits.push(0b11111, 5);
    bits.push(zigzag, 64);
}

#[inline]
fn read_time(bits: &mut BitReader<'_>) -> i64 {
    if !bits.bit() {
        return 0;
    }
    let mut width = 64;
    for (_, _, class_width) in TIME_CLASSES {
        if !bits.bit() {
            width = class_width;
            break;
        }
    }
    let zigzag = bits.take(width);
    ((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64)
}

/// Writes `zeros` zeros and a value; gives the window (leading zeros, width) that the next one may use again.
#[inline]
fn write_value(bits: &mut BitBuf, zeros: u32, last: &State, v: u64) -> (u8, u8) {
    let xor = v ^ last.v;
    if xor == 0 {
        bits.push(0, zeros + 1);
        return (last.leading, last.width);
    }
    let leading = xor.leading_zeros().min(31);
    let trailing = xor.trailing_zeros();
    let (old_leading, old_width) = (u32::from(last.leading), u32::from(last.width));
    if old_width != 0 && leading >= old_leading && trailing >= 64 - old_leading - old_width {
        push_both(bits, (0b10, zeros + 2), (xor >> (64 - old_leading - old_width), old_width));
        return (last.leading, last.width);
    }
    let width = 64 - leading - trailing;
    let window = (0b11 << 11) | (u64::from(leading) << 6) | u64::from(width - 1);
    push_both(bits, (window, zeros + 13), (xor >> trailing, width));
    let narrow = |n: u32| u8::try_from(n).expect("at most 64");
    (narrow(leading), narrow(width))
}

/// Writes two values with their widths, at once where they fit into a word.
#[inline]
fn push_both(bits: &mut BitBuf, (head, head_width): (u64, u32), (tail, width): (u64, u32)) {
    if head_width + width <= 64 && width < 64 {
        bits.push((head << width) | tail, head_width + width);
    } else {
        bits.push(head, head_width);
        bits.push(tail, width);
    }
}

#[inline]
fn read_next(bits: &mut BitReader<'_>, state: &mut State) {
    state.delta = state.delta.wrapping_add(read_time(bits));
    state.t = state.t.wrapping_add(state.delta);
    if !bits.bit() {
        return;
    }
    if bits.bit() {
        let window = bits.take(11);
        state.leading = u8::try_from(window >> 6).expect("5 bits");
        state.width = u8::try_from(window & 63).expect("6 bits") + 1;
    }
    let shift = 64 - u32::from(state.leading) - u32::from(state.width);
    state.v ^= bits.take(u32::from(state.width)) << shift;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::{any_samples, any_value};

    #[track_caller]
    fn check(chunk: &OpenChunk, from: i64, to: i64, samples: &[Sample]) {
        let mut got = Vec::new();
        chunk.read(from, to, &mut got);
        let expected: Vec<Sample> = samples.iter().copied().filter(|s| s.t > from && s.t <= to).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_regular_constant_costs_two_bits() {
        let mut chunk = OpenChunk::default();
        for t in 0..480 {
            chunk.push(Sample::new(t * 1_000, 42.5));
        }
        assert!(chunk.bits.len() < 2 * 480 + 40, "{}", chunk.bits.len());
    }

    proptest! {
        #[test]
        fn it_gives_back_every_bit(
            samples in any_samples(400),
            from in 0usize..400, to in 0usize..400,
        ) {
            let chunk = OpenChunk::from_samples(&samples);
            check(&chunk, i64::MIN, i64::MAX, &samples);
            let time = |at: usize| samples.get(at).map_or(i64::MAX, |s| s.t);
            check(&chunk, time(from), time(to), &samples);
            check(&chunk, time(from).saturating_sub(1), time(to), &samples);
            if let Some(sample) = samples.get(from) {
                prop_assert_eq!(chunk.at(sample.t), Some(*sample));
            }
        }

        #[test]
        fn a_late_sample_finds_its_place(
            mut samples in any_samples(300), at in 0usize..300, v in any_value(),
        ) {
            prop_assume!(!samples.is_empty());
            let removed = samples.remove(at % samples.len());
            let late = Sample::new(removed.t, v);
            let mut chunk = OpenChunk::from_samples(&samples);
            chunk.insert(late);
            let place = samples.partition_point(|s| s.t < late.t);
            samples.insert(place, late);
            prop_assert_eq!(chunk.len(), samples.len());
            check(&chunk, i64::MIN, i64::MAX, &samples);
        }
    }
}
