//! Compensated sums, as Prometheus computes them.

/// A sum with its compensation (Kahan, improved by Neumaier), so that small values are not lost
/// beside large ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kahan {
    /// The plain sum.
    pub sum: f64,
    /// What the plain sum has lost.
    pub lost: f64,
}

impl Kahan {
    /// A sum that starts with `first`.
    pub const fn new(first: f64) -> Self {
        Self { sum: first, lost: 0.0 }
    }

    /// Adds `value`.
    pub fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - total) + value;
        } else {
            self.lost += (value - total) + self.sum;
        }
        self.sum = total;
    }

    /// The sum.
    pub fn value(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_values_are_not_lost() {
        let mut sum = Kahan::default();
        for value in [1e100, 1.0, -1e100] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 1.0);
    }
}
