//! Deltas between publications.

use watchroom::wire::fossil::{apply, delta, delta_text};

/// Bytes of the largest target that is made from a delta.
const TARGET_BYTES_MAX: usize = 64 << 10;

/// Any two bodies have a delta that is not much longer than the second, and makes it from the first; between texts it is
/// a text. Bytes that are no delta are refused.
///
/// The first byte says which part of the others is the source, in 256ths.
pub fn check(data: &[u8]) {
    let Some((part, rest)) = data.split_first() else { return };
    let (source, target) = rest.split_at(rest.len() * usize::from(*part) / 256);
    pair(source, target);
    pair(source, &pieces(source, target));
    if let Ok(made) = apply(source, target, TARGET_BYTES_MAX) {
        assert!(made.len() <= TARGET_BYTES_MAX);
        pair(source, &made);
    }
}

fn pair(source: &[u8], target: &[u8]) {
    let bytes = delta(source, target);
    assert!(bytes.len() <= target.len() + 16);
    assert_eq!(apply(source, &bytes, target.len()).as_deref(), Ok(target));
    let (source, target) = (String::from_utf8_lossy(source), String::from_utf8_lossy(target));
    let text = delta_text(&source, &target);
    assert_eq!(apply(source.as_bytes(), text.as_bytes(), target.len()).as_deref(), Ok(target.as_bytes()));
}

/// Parts of the source in another order: each three bytes are a place, a length and something new.
fn pieces(source: &[u8], plan: &[u8]) -> Vec<u8> {
    let mut target = Vec::new();
    for step in plan.chunks_exact(3) {
        let begin = source.len() * usize::from(step[0]) / 256;
        let end = source.len().min(begin + usize::from(step[1]));
        target.extend_from_slice(&source[begin..end]);
        target.push(step[2]);
    }
    target
}
