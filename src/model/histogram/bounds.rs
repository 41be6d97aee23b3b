//! Where buckets end, and lists of buckets.

use super::{Count, Layout};

/// The upper bound of the bucket `index` above zero.
///
/// Beyond the last bound it is infinite, before the first negative infinite with custom bounds. The
/// bound that would be 2^1024 is the largest number, so that no finite observation lies above it.
#[expect(clippy::cast_precision_loss, reason = "indices are below 2^53")]
pub fn upper(layout: &Layout, index: i64) -> f64 {
    match layout {
        Layout::Exponential { schema, .. } => {
            // Exact: a power of two divides or multiplies the index.
            let exponent = index as f64 * f64::from(-i32::from(*schema)).exp2();
            if exponent == 1024.0 { f64::MAX } else { exponent.exp2() }
        }
        Layout::Custom { bounds } => match usize::try_from(index) {
            Ok(index) => bounds.get(index).copied().unwrap_or(f64::INFINITY),
            Err(_) => f64::NEG_INFINITY,
        },
    }
}

/// The index that a bucket has in a schema that is coarser by `by`.
const fn coarser(index: i32, by: u32) -> i32 {
    // Wide enough for the smallest index.
    let index = (((index as i64) - 1) >> by) + 1;
    #[expect(clippy::cast_possible_truncation, reason = "no further from zero than the index was")]
    return index as i32;
}

/// Buckets put together as a schema that is coarser by `by` has them.
pub fn reduced<C: Count>(buckets: impl IntoIterator<Item = (i32, C)>, by: u32) -> Vec<(i32, C)> {
    let mut found: Vec<(i32, C)> = Vec::new();
    for (index, count) in buckets {
        let index = coarser(index, by);
        match found.last_mut() {
            Some((last, sum)) if *last == index => sum.add(count),
            _ => found.push((index, count)),
        }
    }
    found
}

/// Adds buckets to others; both by rising index.
pub fn merge<C: Count>(into: &mut Vec<(i32, C)>, from: impl Iterator<Item = (i32, C)>) {
    let mut at = 0;
    for (index, count) in from {
        while into.get(at).is_some_and(|(there, _)| *there < index) {
            at += 1;
        }
        match into.get_mut(at) {
            Some((there, sum)) if *there == index => sum.add(count),
            _ => into.insert(at, (index, count)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: i8, index: i64, expected: f64) {
        assert_eq!(upper(&Layout::Exponential { schema, zero_threshold: 0.0 }, index), expected);
    }

    #[test]
    fn exponential_bounds() {
        check(0, 0, 1.0);
        check(0, 3, 8.0);
        check(0, -3, 0.125);
        check(2, 4, 2.0);
        check(1, 1, std::f64::consts::SQRT_2);
        check(-4, 1, 65_536.0);
        check(0, 1024, f64::MAX);
        check(0, 1025, f64::INFINITY);
        check(8, i64::from(i32::MIN) - 1, 0.0);
    }

    #[test]
    fn custom_bounds() {
        let layout = Layout::Custom { bounds: [1.0, 5.0].into() };
        let bounds = [-1, 0, 1, 2].map(|index| upper(&layout, index));
        assert_eq!(bounds, [f64::NEG_INFINITY, 1.0, 5.0, f64::INFINITY]);
    }

    #[test]
    fn coarser_buckets_hold_the_finer_ones() {
        let fine: Vec<(i32, f64)> = (-3..=4).map(|i| (i, 1.0)).collect();
        assert_eq!(reduced(fine.clone(), 1), [(-1, 2.0), (0, 2.0), (1, 2.0), (2, 2.0)]);
        assert_eq!(reduced(fine, 2), [(0, 4.0), (1, 4.0)]);
        assert_eq!(reduced([(i32::MIN, 1.0), (i32::MAX, 1.0)], 0), [(i32::MIN, 1.0), (i32::MAX, 1.0)]);
    }

    #[test]
    fn buckets_merge_in_order() {
        let mut into = vec![(1, 1.0), (4, 1.0)];
        merge(&mut into, [(0, 2.0), (4, 2.0), (9, 2.0)].into_iter());
        assert_eq!(into, [(0, 2.0), (1, 1.0), (4, 3.0), (9, 2.0)]);
    }
}
