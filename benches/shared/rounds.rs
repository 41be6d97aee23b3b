//! Rounds: work is timed several times, and what is compared is timed in turns.

/// What each round measured.
pub(crate) fn rounds(count: usize, round: impl FnMut() -> f64) -> Vec<f64> {
    std::iter::repeat_with(round).take(count).collect()
}

/// What each round measured of two, one after the other in each round: a machine that is slow for a
/// moment is slow for both.
pub(crate) fn pairs(
    count: usize,
    mut first: impl FnMut() -> f64,
    mut second: impl FnMut() -> f64,
) -> (Vec<f64>, Vec<f64>) {
    (0..count).map(|_| (first(), second())).unzip()
}

/// Each measurement turned into the figure that is shown.
pub(crate) fn each(values: &[f64], figure: impl Fn(f64) -> f64) -> Vec<f64> {
    values.iter().map(|value| figure(*value)).collect()
}
