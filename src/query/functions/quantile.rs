//! Quantiles of values.

use std::cmp::Ordering;

/// Orders values with NaN before all others.
pub fn nan_first(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The `q`-quantile, between two values in proportion. Sorts `values`; NaN of none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices of a slice, at least 0 and below its length"
)]
pub fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(nan_first);
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = rank.floor();
    let weight = rank - lower;
    let lower = (lower as usize).min(last);
    let upper = (lower + 1).min(last);
    values[lower] * (1.0 - weight) + values[upper] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(q: f64, values: &[f64], expected: f64) {
        let got = quantile(q, &mut values.to_vec());
        assert!(got == expected || (got.is_nan() && expected.is_nan()), "{got}");
    }

    #[test]
    fn quantiles() {
        check(0.5, &[2.0, 0.0, 1.0], 1.0);
        check(0.75, &[0.0, 1.0], 0.75);
        check(-1.0, &[0.0], f64::NEG_INFINITY);
        check(2.0, &[0.0], f64::INFINITY);
        check(0.5, &[], f64::NAN);
        check(1.0, &[f64::NAN, 3.0], 3.0);
    }
}
