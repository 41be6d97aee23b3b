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

/// The mean of values that come one by one.
///
/// It divides the sum, which is exact for equal values, and only when the sum overflows goes on with
/// a running mean, as Prometheus does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mean {
    count: f64,
    total: Kahan,
    running: bool,
}

impl Mean {
    /// Adds `value`.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.total = Kahan::new(value);
            return;
        }
        if !self.running {
            let mut next = self.total;
            next.add(value);
            if !next.sum.is_infinite() {
                self.total = next;
                return;
            }
            self.running = true;
            self.total.sum /= self.count - 1.0;
            self.total.lost /= self.count - 1.0;
        }
        let weight = (self.count - 1.0) / self.count;
        self.total.sum *= weight;
        self.total.lost *= weight;
        self.total.add(value / self.count);
    }

    /// The mean; NaN of nothing.
    pub fn value(&self) -> f64 {
        if self.running {
            self.total.sum + self.total.lost
        } else {
            self.total.sum / self.count + self.total.lost / self.count
        }
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

    #[test]
    fn a_mean_survives_an_overflow() {
        let mut mean = Mean::default();
        for _ in 0..4 {
            mean.add(9.5e307);
        }
        assert_eq!(mean.value(), 9.5e307);
    }
}
