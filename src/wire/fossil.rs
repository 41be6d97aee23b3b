//! Fossil deltas: what a publication changed in the one before, as Centrifugo's clients read it.
//!
//! The format is that of the Fossil version control system:
//!
//! ```text
//! delta  = length "\n" { copy | insert } checksum ";"
//! copy   = count "@" offset ","      bytes of the source
//! insert = count ":" bytes           so many, as they are
//! ```
//!
//! Length and checksum are the target's. Numbers have 32 bits and base 64, the first digit weighs most.

/// Bytes of the source that are looked up at once. Eight are one load, and about what the shortest copy costs.
const BLOCK: usize = 8;
/// Blocks of the source that can be found: the index of the largest source takes 512 KiB.
const BLOCKS_MAX: usize = 1 << 16;
/// Blocks with the same hash that are compared. A source that repeats itself has many, and all are about as good.
const CANDIDATES_MAX: usize = 8;
/// Bytes of a match that need no better one.
const GOOD_BYTES: usize = 256;
/// Bytes that are compared at once.
const STRIDE: usize = 32;
/// Digits by their value.
const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";

/// Why a delta cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// It is cut off, or has other characters than the format has there.
    #[error("not a delta")]
    Malformed,
    /// It copies what the source does not have: it was made for another one.
    #[error("a copy from past the end of the source")]
    Source,
    /// Its pieces are not as long as it says.
    #[error("pieces of another length than the target's")]
    Length,
    /// Its pieces are not what it was made from.
    #[error("another checksum than the target's")]
    Checksum,
    /// The target is longer than the caller takes.
    #[error("a target past the limit")]
    TooBig,
}

/// A delta that makes `target` from `source`.
///
/// Never fails, and may be longer than the target: then the target itself is what to send. Both must have less than
/// 4 GiB, which is what the format's numbers can say.
///
/// *Cost*: linear in both, and 512 KiB at most beside the delta. What only changed in its middle is not indexed.
pub fn delta(source: &[u8], target: &[u8]) -> Vec<u8> {
    encode(source, target, Borders::Bytes)
}

/// As [`delta`], of two texts, so that it is a text, too: no character is cut in two.
///
/// Offsets and lengths in it are still those of bytes.
pub fn delta_text(source: &str, target: &str) -> String {
    let bytes = encode(source.as_bytes(), target.as_bytes(), Borders::Characters);
    // All pieces begin and end with characters, so nothing is ever replaced.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Makes the target again from the source that a delta was made for.
///
/// # Errors
///
/// [`ApplyError`]. A few bytes can name a long target, so one of more than `bytes_max` is not made.
pub fn apply(source: &[u8], delta: &[u8], bytes_max: usize) -> Result<Vec<u8>, ApplyError> {
    let mut reader = Reader { rest: delta };
    let length = reader.number()?;
    reader.expect(b'\n')?;
    if bytes_max < length {
        return Err(ApplyError::TooBig);
    }
    let mut target = Vec::new();
    loop {
        let count = reader.number()?;
        let piece = match reader.byte()? {
            b'@' => {
                let offset = reader.number()?;
                reader.expect(b',')?;
                source.get(offset..).and_then(|rest| rest.get(..count)).ok_or(ApplyError::Source)?
            }
            b':' => reader.take(count)?,
            b';' if !reader.rest.is_empty() => return Err(ApplyError::Malformed),
            b';' if target.len() != length => return Err(ApplyError::Length),
            b';' if checksum(&target) as usize != count => return Err(ApplyError::Checksum),
            b';' => return Ok(target),
            _ => return Err(ApplyError::Malformed),
        };
        if length < target.len() + piece.len() {
            return Err(ApplyError::Length);
        }
        target.extend_from_slice(piece);
    }
}

/// Where pieces may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Borders {
    Bytes,
    Characters,
}

/// Bytes that source and target share.
#[derive(Debug, Clone, Copy)]
struct Match {
    source: usize,
    target: usize,
    length: usize,
}

fn encode(source: &[u8], target: &[u8], borders: Borders) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    number(target.len(), &mut out);
    out.push(b'\n');
    let mut writer = Writer { target, borders, out, done: 0 };
    // Most publications differ from the one before in a few places of the same text.
    let head = common_head(source, target);
    writer.copy(Match { source: 0, target: 0, length: head });
    let tail = common_tail(source, &target[head..]);
    let end = target.len() - tail;
    if head + BLOCK <= end && BLOCK <= source.len() {
        writer.search(source, head, end);
    }
    writer.copy(Match { source: source.len() - tail, target: end, length: tail });
    writer.literal(target.len());
    number(checksum(target) as usize, &mut writer.out);
    writer.out.push(b';');
    writer.out
}

/// Writes pieces of the target, in order.
struct Writer<'a> {
    target: &'a [u8],
    borders: Borders,
    out: Vec<u8>,
    /// Bytes of the target that are written.
    done: usize,
}

impl Writer<'_> {
    /// Copies what it finds of `target[at..end]` in the source; leaves out what is not worth it.
    fn search(&mut self, source: &[u8], mut at: usize, end: usize) {
        let index = Index::new(source);
        while at + BLOCK <= end {
            let found = index.longest(source, &self.target[..end], at, self.done);
            at = if found.is_some_and(|found| self.copy(found)) { self.done } else { at + 1 };
        }
    }

    /// Writes what is before a match, and the match, unless that takes more bytes than it saves.
    fn copy(&mut self, found: Match) -> bool {
        let Match { source, target, length } = self.within_borders(found);
        // The piece's own bytes, and two for the head of what follows.
        if length <= digits(length) + digits(source) + 4 {
            return false;
        }
        self.literal(target);
        number(length, &mut self.out);
        self.out.push(b'@');
        number(source, &mut self.out);
        self.out.push(b',');
        self.done = target + length;
        true
    }

    fn literal(&mut self, end: usize) {
        let piece = &self.target[self.done..end];
        if !piece.is_empty() {
            number(piece.len(), &mut self.out);
            self.out.push(b':');
            self.out.extend_from_slice(piece);
            self.done = end;
        }
    }

    /// The part of a match that begins and ends with characters of the target; so it does in the source, which has the
    /// same bytes there.
    fn within_borders(&self, mut found: Match) -> Match {
        if self.borders == Borders::Bytes {
            return found;
        }
        let is_inside = |at: usize| self.target.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        while 0 < found.length && is_inside(found.target) {
            found = Match { source: found.source + 1, target: found.target + 1, length: found.length - 1 };
        }
        while 0 < found.length && is_inside(found.target + found.length) {
            found.length -= 1;
        }
        found
    }
}

/// Where blocks of a source are, by their hash.
struct Index {
    /// The first block of each hash, and one more than its number.
    heads: Vec<u32>,
    /// The next block of the same hash, likewise.
    next: Vec<u32>,
    /// Bytes from one block to the next.
    step: usize,
    shift: u32,
}

impl Index {
    fn new(source: &[u8]) -> Self {
        let step = source.len().div_ceil(BLOCKS_MAX).next_multiple_of(BLOCK);
        let count = source.len().saturating_sub(BLOCK) / step + 1;
        let bits = count.next_power_of_two().trailing_zeros().max(1);
        let mut index =
            Self { heads: vec![0; 1 << bits], next: vec![0; count], step, shift: u64::BITS - bits };
        // From the last to the first, so that the first of a hash is found first.
        for block in (0..count).rev() {
            if let Some(slot) = index.slot(source, block * step) {
                index.next[block] = index.heads[slot];
                index.heads[slot] = u32::try_from(block + 1).unwrap_or(0);
            }
        }
        index
    }

    fn slot(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let block = u64::from_le_bytes(*bytes.get(at..)?.first_chunk::<BLOCK>()?);
        // Fibonacci hashing: the upper bits of the product depend on all of the block.
        usize::try_from(block.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift).ok()
    }

    /// The longest of the first matches that have the block at `at`. They reach back to `from` at most.
    fn longest(&self, source: &[u8], target: &[u8], at: usize, from: usize) -> Option<Match> {
        let mut best: Option<Match> = None;
        let mut block = self.heads[self.slot(target, at)?] as usize;
        for _ in 0..CANDIDATES_MAX {
            let Some(number) = block.checked_sub(1) else { break };
            let place = number * self.step;
            let ahead = common_head(&source[place..], &target[at..]);
            if BLOCK <= ahead {
                let back = common_tail(&source[..place], &target[from..at]);
                let length = back + ahead;
                if best.is_none_or(|best| best.length < length) {
                    best = Some(Match { source: place - back, target: at - back, length });
                }
                if GOOD_BYTES <= length {
                    break;
                }
            }
            block = self.next[number] as usize;
        }
        best
    }
}

fn common_head(a: &[u8], b: &[u8]) -> usize {
    let strides = a.chunks_exact(STRIDE).zip(b.chunks_exact(STRIDE));
    let whole = strides.take_while(|(a, b)| a == b).count() * STRIDE;
    whole + a[whole..].iter().zip(&b[whole..]).take_while(|(a, b)| a == b).count()
}

fn common_tail(a: &[u8], b: &[u8]) -> usize {
    let strides = a.rchunks_exact(STRIDE).zip(b.rchunks_exact(STRIDE));
    let whole = strides.take_while(|(a, b)| a == b).count() * STRIDE;
    let (a, b) = (&a[..a.len() - whole], &b[..b.len() - whole]);
    whole + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// The sum of all big-endian words; the last is filled up with zeros.
fn checksum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    let sum = words.iter().fold(0_u32, |sum, word| sum.wrapping_add(u32::from_be_bytes(*word)));
    sum.wrapping_add(u32::from_be_bytes(last))
}

fn digits(value: usize) -> usize {
    value.checked_ilog2().map_or(1, |log| log as usize / 6 + 1)
}

fn number(value: usize, out: &mut Vec<u8>) {
    for place in (0..digits(value)).rev() {
        out.push(DIGITS[value >> (6 * place) & 63]);
    }
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        b'_' => 36,
        b'a'..=b'z' => byte - b'a' + 37,
        b'~' => 63,
        _ => return None,
    }))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ApplyError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ApplyError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, ApplyError> {
        self.take(1).map(|taken| taken[0])
    }

    fn expect(&mut self, expected: u8) -> Result<(), ApplyError> {
        if self.byte()? == expected { Ok(()) } else { Err(ApplyError::Malformed) }
    }

    /// A number of 32 bits, without a sign.
    fn number(&mut self) -> Result<usize, ApplyError> {
        let mut value = None;
        while let Some(digit) = self.rest.first().and_then(|byte| digit(*byte)) {
            let more = value.unwrap_or(0_u32).checked_mul(64).ok_or(ApplyError::Malformed)?;
            value = Some(more | digit);
            self.rest = &self.rest[1..];
        }
        value.map(|value| value as usize).ok_or(ApplyError::Malformed)
    }
}

#[cfg(test)]
mod tests;
