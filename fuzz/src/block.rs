//! Pending blocks.

use watchroom::store::codec::{Block, HistogramRow, block, decode_block, encode_block};

/// Bytes become rows in order, each once, which come back when they are encoded.
pub fn check(data: &[u8]) {
    let Ok(block) = block::decode_block_body(data) else { return };
    let Block { rows, histograms } = &block;
    assert!(rows.len() <= block::BLOCK_ROWS_MAX);
    assert!(rows.is_sorted_by(|a, b| (a.series, a.sample.t) < (b.series, b.sample.t)));
    assert!(histograms.is_sorted_by(|a, b| (a.series, a.sample.t) < (b.series, b.sample.t)));
    assert!(histograms.iter().map(HistogramRow::cost).sum::<usize>() <= block::BLOCK_COST_MAX);
    let bytes = encode_block(rows, histograms);
    assert_eq!(decode_block(&bytes).as_ref(), Ok(&block));
    let backwards: Vec<_> = rows.iter().rev().copied().collect();
    let others: Vec<_> = histograms.iter().rev().cloned().collect();
    assert_eq!(encode_block(&backwards, &others), bytes, "the order of rows makes no difference");
}
