//! Bytes of samples at rest: sealed chunks and pending blocks.
//!
//! Each begins with a check sum, so that a damaged page is told before a decoder sees it; the
//! decoders behind it still take any bytes at all and answer with [`Damaged`], never with a panic.

pub mod block;
pub mod chunk;
pub mod histograms;
pub mod numbers;
pub mod times;
pub mod values;
pub mod varint;

use xxhash_rust::xxh3::xxh3_64;

pub use block::{Block, HistogramRow, Row, decode_block, encode_block};
pub use chunk::{count_of_chunk, decode_chunk, decode_chunk_histograms, encode_chunk, encode_mixed_chunk};
pub use varint::Bytes;

/// Samples that one column holds at most: 512 KiB of values, so that a damaged length asks for no
/// more memory than that.
pub const COLUMN_SAMPLES_MAX: usize = 65_536;

/// Bytes that no encoder of ours wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("damaged samples: {0}")]
pub struct Damaged(
    /// What was wrong with them.
    pub &'static str,
);

/// Puts the check sum of what follows `start` into the 4 bytes at `start`.
pub fn put_sum(out: &mut [u8], start: usize) {
    if let Some((sum, body)) = out[start..].split_first_chunk_mut::<4>() {
        *sum = sum_of(body);
    }
}

/// Takes the check sum off and compares it.
///
/// # Errors
///
/// When there are fewer than 4 bytes or the sum is another.
pub fn checked(bytes: &[u8]) -> Result<&[u8], Damaged> {
    let (sum, body) = bytes.split_first_chunk::<4>().ok_or(Damaged("too short"))?;
    if *sum == sum_of(body) { Ok(body) } else { Err(Damaged("check sum")) }
}

fn sum_of(body: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(body).to_le_bytes();
    [a, b, c, d]
}
