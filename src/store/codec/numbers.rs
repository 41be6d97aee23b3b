//! Numbers by pco.

use pco::{
    ChunkConfig,
    data_types::Number,
    standalone::{DecompressorItem, FileDecompressor, simple_compress},
};

use super::{
    COLUMN_SAMPLES_MAX, Damaged,
    varint::{self, Bytes},
};

/// The level: 4 and 8 give the same size on metrics, and 4 costs a third (25 µs for 480 values).
const PCO_LEVEL: usize = 4;
/// Bits of the largest window that pco looks back over: it is no larger than the column.
const WINDOW_BITS_MAX: u128 = COLUMN_SAMPLES_MAX.ilog2() as u128;

/// Appends numbers by pco, with their length; `false` when pco refuses, and then nothing counts.
pub fn pco_put<T: Number>(numbers: &[T], out: &mut Vec<u8>) -> bool {
    let config = ChunkConfig::default().with_compression_level(PCO_LEVEL);
    let Ok(bytes) = simple_compress(numbers, &config) else { return false };
    varint::put_bytes(out, &bytes);
    true
}

/// Reads `n` numbers by pco.
///
/// *Cost*: memory for the numbers, and as much again at most.
///
/// # Errors
///
/// When the bytes are not exactly `n` numbers.
pub fn pco_numbers<T: Number + Default>(bytes: &mut Bytes<'_>, n: usize) -> Result<Vec<T>, Damaged> {
    let damaged = |_| Damaged("pco");
    let (file, rest) = FileDecompressor::new(bytes.bytes()?).map_err(damaged)?;
    check_head(rest, n)?;
    let DecompressorItem::Chunk(mut chunk) = file.chunk_decompressor::<T, _>(rest).map_err(damaged)? else {
        return Err(Damaged("count of numbers"));
    };
    let mut numbers = vec![T::default(); n];
    let progress = chunk.read(&mut numbers).map_err(damaged)?;
    // One chunk, and the mark of the end.
    if progress.finished && progress.n_processed == n && chunk.into_src() == [0] {
        Ok(numbers)
    } else {
        Err(Damaged("count of numbers"))
    }
}

/// Refuses what would make pco ask for much memory before it finds that the bytes end: another count of numbers, a
/// dictionary (the encoder makes none; up to 256 MiB), a window to look back over that is larger than a column
/// (up to 128 MiB).
///
/// *Source*: pco's `docs/format.md`. A chunk begins with the kind of number (8 bits) and the count less one (24);
/// then come, the lowest bit of a byte first, the mode (4), what it needs, the kind of differences (4), and for those
/// that look back, the window's bits less one (5).
fn check_head(chunk: &[u8], n: usize) -> Result<(), Damaged> {
    let mut head = [0; 16];
    let known = chunk.len().min(head.len());
    head[..known].copy_from_slice(&chunk[..known]);
    let bits = u128::from_le_bytes(head);
    let field = |at: u32, width: u32| (bits >> at) & ((1 << width) - 1);
    if field(8, 24) + 1 != n as u128 {
        return Err(Damaged("count of numbers"));
    }
    let needs = match field(32, 4) {
        // As they are.
        0 => 0,
        // Multiples of a number of 64 bits.
        1 | 2 => 64,
        // Rounded to so many bits.
        3 => 8,
        _ => return Err(Damaged("mode of pco")),
    };
    let differences = field(36 + needs, 4);
    if differences == 2 && WINDOW_BITS_MAX < field(40 + needs, 5) + 1 {
        return Err(Damaged("window of pco"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numbers: &[f64]) {
        let mut out = Vec::new();
        assert!(pco_put(numbers, &mut out));
        assert_eq!(pco_numbers::<f64>(&mut Bytes::new(&out), numbers.len()).as_deref(), Ok(numbers));
        let other = pco_numbers::<f64>(&mut Bytes::new(&out), numbers.len() + 1);
        assert_eq!(other, Err(Damaged("count of numbers")));
    }

    #[test]
    fn numbers_of_every_mode_come_back() {
        let roots: Vec<f64> = (0..300).map(|n| f64::from(n).sqrt()).collect();
        let tenths: Vec<f64> = (0..300).map(|n| f64::from(n * 7 % 31) * 0.1).collect();
        let rounded: Vec<f64> = (0..300_u16).map(|n| f64::from(f32::from(n).sqrt())).collect();
        let again: Vec<f64> = (0..4_000).map(|n| roots[n % 7 * 40 + n % 5]).collect();
        let most: Vec<f64> = again.iter().cycle().take(COLUMN_SAMPLES_MAX).copied().collect();
        for numbers in [&roots, &tenths, &rounded, &again, &most] {
            check(numbers);
        }
    }

    #[test]
    fn what_asks_for_much_memory_is_refused() {
        // 64 doubles; then mode and differences, and the window's bits.
        let head =
            |mode_and_differences, window| check_head(&[5, 63, 0, 0, mode_and_differences, window], 64);
        assert_eq!(head(0x00, 0), Ok(()));
        assert_eq!(head(0x20, 15), Ok(()));
        assert_eq!(head(0x20, 16), Err(Damaged("window of pco")));
        assert_eq!(head(0x04, 0), Err(Damaged("mode of pco")));
        assert_eq!(check_head(&[5, 63, 0, 1, 0, 0], 64), Err(Damaged("count of numbers")));
    }
}
