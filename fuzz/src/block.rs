//! Pending blocks.

use watchroom::store::codec::{block, decode_block, encode_block};

/// Bytes become rows in order, each once, which come back when they are encoded.
pub fn check(data: &[u8]) {
    let Ok(rows) = block::decode_block_body(data) else { return };
    assert!(rows.len() <= block::BLOCK_ROWS_MAX);
    assert!(rows.is_sorted_by(|a, b| (a.series, a.sample.t) < (b.series, b.sample.t)));
    let bytes = encode_block(&rows);
    assert_eq!(decode_block(&bytes).as_deref(), Ok(&rows[..]));
    let backwards: Vec<_> = rows.iter().rev().copied().collect();
    assert_eq!(encode_block(&backwards), bytes, "the order of rows makes no difference");
}
