//! What a histogram from outside must be.

use super::{Histogram, Layout, SCHEMA_MAX, SCHEMA_MIN};

/// Buckets of one histogram, both sides together. Exponential ones of clients have 160 by default,
/// and 2^16 finest ones span all numbers that occur.
pub const BUCKETS_MAX: usize = 65_536;

/// Why a histogram is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// The schema is neither exponential nor custom.
    #[error("the schema {0} is unknown: it is from {SCHEMA_MIN} to {SCHEMA_MAX}, or -53")]
    Schema(i64),
    /// The zero bucket's reach is negative or not finite.
    #[error("the zero bucket's threshold must be finite and not negative")]
    ZeroThreshold,
    /// Custom bounds do not rise, or are not finite.
    #[error("custom bounds must be finite and rise")]
    Bounds,
    /// A bucket is listed twice, not in order, or for no bound.
    #[error("buckets must be in order, each once, and have bounds")]
    Buckets,
    /// There is what custom bounds do not have.
    #[error("custom bounds have neither a zero bucket nor negative buckets")]
    NotCustom,
    /// A count is negative or not finite.
    #[error("counts must be finite and not negative")]
    Count,
    /// More than [`BUCKETS_MAX`].
    #[error("more than {BUCKETS_MAX} buckets")]
    TooMany,
}

impl Histogram {
    /// Checks the layout and the buckets' order, which all arithmetic relies on. Counts may be
    /// anything, as they are after subtractions.
    ///
    /// # Errors
    ///
    /// When they are not as the fields' comments say.
    pub fn check_layout(&self) -> Result<(), HistogramError> {
        if self.positive.len() + self.negative.len() > BUCKETS_MAX {
            return Err(HistogramError::TooMany);
        }
        let rises = |buckets: &[(i32, f64)]| buckets.is_sorted_by(|a, b| a.0 < b.0);
        if !rises(&self.positive) || !rises(&self.negative) {
            return Err(HistogramError::Buckets);
        }
        match &self.layout {
            Layout::Exponential { schema, zero_threshold } => {
                if !(SCHEMA_MIN..=SCHEMA_MAX).contains(schema) {
                    return Err(HistogramError::Schema(i64::from(*schema)));
                }
                if !(0.0..=f64::MAX).contains(zero_threshold) {
                    return Err(HistogramError::ZeroThreshold);
                }
            }
            Layout::Custom { bounds } => {
                if !bounds.iter().all(|bound| bound.is_finite()) || !bounds.is_sorted_by(|a, b| a < b) {
                    return Err(HistogramError::Bounds);
                }
                if self.zero != 0.0 || !self.negative.is_empty() {
                    return Err(HistogramError::NotCustom);
                }
                let known = |index: i32| usize::try_from(index).is_ok_and(|index| index <= bounds.len());
                if !self.positive.iter().all(|(index, _)| known(*index)) {
                    return Err(HistogramError::Buckets);
                }
            }
        }
        Ok(())
    }

    /// Checks what comes from outside: [`Histogram::check_layout`], and that counts are counts.
    ///
    /// # Errors
    ///
    /// When they are not.
    pub fn check(&self) -> Result<(), HistogramError> {
        self.check_layout()?;
        let counts = self.positive.iter().chain(&self.negative).map(|(_, count)| *count);
        let is_count = |count: f64| (0.0..=f64::MAX).contains(&count);
        if counts.chain([self.count, self.zero]).all(is_count) { Ok(()) } else { Err(HistogramError::Count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Histogram), expected: Option<HistogramError>) {
        let mut one = Histogram::empty(Layout::Exponential { schema: 3, zero_threshold: 0.0 });
        change(&mut one);
        assert_eq!(one.check().err(), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        check(|one| one.positive = vec![(-3, 1.0), (9, 0.0)], None);
        check(|one| one.positive = vec![(9, 1.0), (9, 1.0)], Some(HistogramError::Buckets));
        check(|one| one.positive = vec![(9, -1.0)], Some(HistogramError::Count));
        check(|one| one.zero = f64::NAN, Some(HistogramError::Count));
        check(|one| one.positive = (0..70_000).map(|i| (i, 1.0)).collect(), Some(HistogramError::TooMany));
        let exponential = |schema, zero_threshold| {
            move |one: &mut Histogram| one.layout = Layout::Exponential { schema, zero_threshold }
        };
        check(exponential(9, 0.0), Some(HistogramError::Schema(9)));
        check(exponential(0, f64::NAN), Some(HistogramError::ZeroThreshold));
        let custom = |bounds: &'static [f64], index| {
            move |one: &mut Histogram| {
                one.layout = Layout::Custom { bounds: bounds.into() };
                one.positive = vec![(index, 1.0)];
            }
        };
        check(custom(&[1.0, 2.0], 2), None);
        check(custom(&[1.0, 2.0], 3), Some(HistogramError::Buckets));
        check(custom(&[1.0, 2.0], -1), Some(HistogramError::Buckets));
        check(custom(&[2.0, 2.0], 0), Some(HistogramError::Bounds));
        check(custom(&[f64::INFINITY], 0), Some(HistogramError::Bounds));
    }
}
