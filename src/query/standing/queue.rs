//! The samples of a window, encoded: they come at one end and go at the other.

use std::collections::VecDeque;

use crate::model::Sample;

/// What the next sample is written or read against.
#[derive(Debug, Clone, Copy)]
struct State {
    t: i64,
    delta: i64,
    v: u64,
}

/// Samples, oldest first, their times strictly increasing.
///
/// A sample is a byte that says what follows, the second difference of times if it is not 0, and the bytes in which the
/// value differs from the one before: at regular times some 4 bytes of a counter, where a sample itself has 16.
#[derive(Debug, Default)]
pub struct Queue {
    bytes: VecDeque<u8>,
    ends: Option<(State, State)>,
    len: usize,
}

/// Says that a difference of times follows.
const IRREGULAR: u8 = 0x80;

impl Queue {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The oldest and the newest.
    pub fn ends(&self) -> Option<(Sample, Sample)> {
        let sample = |state: State| Sample::new(state.t, f64::from_bits(state.v));
        self.ends.map(|(first, last)| (sample(first), sample(last)))
    }

    /// Bytes of memory beside the struct itself.
    pub fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Appends a sample, which must be newer than the last.
    pub fn push(&mut self, sample: Sample) {
        self.len += 1;
        let v = sample.v.to_bits();
        let Some((_, last)) = &mut self.ends else {
            let state = State { t: sample.t, delta: 0, v };
            self.ends = Some((state, state));
            return;
        };
        let delta = sample.t.wrapping_sub(last.t);
        write(&mut self.bytes, delta.wrapping_sub(last.delta), v ^ last.v);
        *last = State { t: sample.t, delta, v };
    }

    /// Takes the oldest off.
    pub fn pop(&mut self) {
        match &mut self.ends {
            Some((first, _)) if 1 < self.len => {
                self.len -= 1;
                let (dod, xor) = read(&mut || self.bytes.pop_front());
                *first = next(*first, dod, xor);
            }
            _ => *self = Self { bytes: std::mem::take(&mut self.bytes), ..Self::default() },
        }
    }

    /// All of them.
    pub fn samples(&self) -> Vec<Sample> {
        let Some((mut state, _)) = self.ends else { return Vec::new() };
        let mut bytes = self.bytes.iter().copied();
        let mut samples = Vec::with_capacity(self.len);
        samples.push(Sample::new(state.t, f64::from_bits(state.v)));
        for _ in 1..self.len {
            let (dod, xor) = read(&mut || bytes.next());
            state = next(state, dod, xor);
            samples.push(Sample::new(state.t, f64::from_bits(state.v)));
        }
        samples
    }
}

const fn next(state: State, dod: i64, xor: u64) -> State {
    let delta = state.delta.wrapping_add(dod);
    State { t: state.t.wrapping_add(delta), delta, v: state.v ^ xor }
}

fn write(bytes: &mut VecDeque<u8>, dod: i64, xor: u64) {
    let irregular = if dod == 0 { 0 } else { IRREGULAR };
    let shape = if xor == 0 {
        0
    } else {
        let (low, high) = (xor.trailing_zeros() / 8, xor.leading_zeros() / 8);
        // At most 8 * 7 + 8.
        u8::try_from(low * 8 + (8 - low - high)).unwrap_or_default()
    };
    bytes.push_back(irregular | shape);
    if dod != 0 {
        write_time(bytes, dod);
    }
    let (low, n) = parts(shape);
    bytes.extend(&xor.to_le_bytes()[low..low + n]);
}

#[cold]
fn write_time(bytes: &mut VecDeque<u8>, dod: i64) {
    let mut zigzag = ((dod << 1) ^ (dod >> 63)).cast_unsigned();
    while 0x80 <= zigzag {
        bytes.push_back(zigzag.to_le_bytes()[0] | 0x80);
        zigzag >>= 7;
    }
    bytes.push_back(zigzag.to_le_bytes()[0]);
}

/// Where the bytes of a value that differ begin, and how many they are.
fn parts(shape: u8) -> (usize, usize) {
    if shape == 0 { (0, 0) } else { (usize::from((shape - 1) / 8), usize::from((shape - 1) % 8) + 1) }
}

fn read(byte: &mut impl FnMut() -> Option<u8>) -> (i64, u64) {
    let mut byte = || byte().unwrap_or_default();
    let head = byte();
    let mut dod = 0;
    if head & IRREGULAR != 0 {
        let (mut zigzag, mut shift) = (0, 0);
        loop {
            let part = byte();
            zigzag |= u64::from(part & 0x7f) << shift;
            if part & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        dod = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
    }
    let (low, n) = parts(head & !IRREGULAR);
    let xor = (low..low + n).fold(0, |xor, at| xor | (u64::from(byte()) << (8 * at)));
    (dod, xor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps() -> impl Strategy<Value = Vec<(i64, f64, bool)>> {
        let dt = prop_oneof![4 => Just(1_000i64), 1 => 1..200_000i64, 1 => 1..i64::MAX / 1_000];
        let v = prop_oneof![(0..1_000i32).prop_map(f64::from), any::<f64>(), Just(f64::NAN), Just(1.0)];
        prop::collection::vec((dt, v, any::<bool>()), 0..100)
    }

    proptest! {
        #[test]
        fn what_comes_goes_in_its_order(steps in steps()) {
            let (mut queue, mut plain) = (Queue::default(), VecDeque::new());
            let mut t = -5_000;
            for (dt, v, pop) in steps {
                t += dt;
                queue.push(Sample::new(t, v));
                plain.push_back((t, v.to_bits()));
                if pop {
                    queue.pop();
                    plain.pop_front();
                }
                let bits = |sample: Sample| (sample.t, sample.v.to_bits());
                let ends = queue.ends().map(|(first, last)| (bits(first), bits(last)));
                prop_assert_eq!(ends, plain.front().copied().zip(plain.back().copied()));
                prop_assert_eq!(queue.len(), plain.len());
                prop_assert!(queue.samples().into_iter().map(bits).eq(plain.iter().copied()));
            }
        }
    }

    #[test]
    fn a_counter_takes_few_bytes() {
        let mut queue = Queue::default();
        (0..3_600).for_each(|n| {
            queue.push(Sample::new(n * 1_000, 1e6 + f64::from(i32::try_from(n).unwrap()) * 37.0))
        });
        assert!(queue.bytes.len() < 4 * 3_600, "{}", queue.bytes.len());
    }
}
