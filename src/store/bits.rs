//! A string of bits that grows at its end.

/// Bits in the order in which they were pushed, the highest of each value first.
#[derive(Debug, Clone, Default)]
pub struct BitBuf {
    words: Vec<u64>,
    len: usize,
}

impl BitBuf {
    /// How many bits there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no bit.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory that the bits hold.
    pub fn bytes(&self) -> usize {
        self.words.capacity() * 8
    }

    /// Appends the lowest `bits` of `value`; `bits` is at most 64, and higher bits of `value` are 0.
    #[inline]
    pub fn push(&mut self, value: u64, bits: u32) {
        debug_assert!(bits <= 64 && (bits == 64 || value >> bits == 0));
        if bits == 0 {
            return;
        }
        let used = u32::from((self.len % 64).to_le_bytes()[0]);
        let room = 64 - used;
        self.len += bits as usize;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            if bits <= room {
                *last |= value << (room - bits);
                return;
            }
            let rest = bits - room;
            *last |= value >> rest;
            self.push_word(value << (64 - rest));
            return;
        }
        self.push_word(value << (64 - bits));
    }

    fn push_word(&mut self, word: u64) {
        if self.words.len() == self.words.capacity() {
            // A quarter more, not twice as much: a store holds a great many of these, half full.
            self.words.reserve_exact(self.words.len() / 4 + 4);
        }
        self.words.push(word);
    }

    /// Takes away all bits from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.len = len;
        self.words.truncate(len.div_ceil(64));
        let used = len % 64;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= !(u64::MAX >> used);
        }
    }

    /// A reader that starts at bit `at`.
    pub fn read_from(&self, at: usize) -> BitReader<'_> {
        BitReader { words: &self.words, at }
    }
}

/// Reads bits in the order in which they were pushed; past the end it reads zeros.
#[derive(Debug)]
pub struct BitReader<'a> {
    words: &'a [u64],
    at: usize,
}

impl BitReader<'_> {
    /// The next `bits` bits, at most 64.
    #[inline]
    pub fn take(&mut self, bits: u32) -> u64 {
        if bits == 0 {
            return 0;
        }
        let word = self.at / 64;
        let used = u32::from((self.at % 64).to_le_bytes()[0]);
        self.at += bits as usize;
        let here = self.words.get(word).copied().unwrap_or(0) << used;
        let room = 64 - used;
        if bits <= room {
            return here >> (64 - bits);
        }
        let next = self.words.get(word + 1).copied().unwrap_or(0);
        (here >> (64 - bits)) | (next >> (64 - (bits - room)))
    }

    /// Whether the next bit is set.
    #[inline]
    pub fn bit(&mut self) -> bool {
        self.take(1) == 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fitted((value, bits): (u64, u32)) -> (u64, u32) {
        (if bits == 64 { value } else { value & ((1 << bits) - 1) }, bits)
    }

    proptest! {
        #[test]
        fn what_was_pushed_is_read(
            pushed in prop::collection::vec((any::<u64>(), 0u32..=64).prop_map(fitted), 0..200),
            cut in 0usize..200,
        ) {
            let mut buf = BitBuf::default();
            let mut cut_at = 0;
            for (at, (value, bits)) in pushed.iter().enumerate() {
                if at == cut { cut_at = buf.len(); }
                buf.push(*value, *bits);
            }
            let kept = if cut < pushed.len() { cut } else { pushed.len() };
            if cut < pushed.len() { buf.truncate(cut_at); }
            // What is pushed after a cut must not mix with what was there.
            for (value, bits) in &pushed[kept..] { buf.push(*value, *bits); }
            let mut reader = buf.read_from(0);
            for (value, bits) in &pushed {
                prop_assert_eq!(reader.take(*bits), *value);
            }
            prop_assert_eq!(reader.take(64), 0);
        }
    }
}
