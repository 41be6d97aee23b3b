//! Means by compensated sums, as Prometheus computes them.

pub use crate::model::Kahan;

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
    fn a_mean_survives_an_overflow() {
        let mut mean = Mean::default();
        for _ in 0..4 {
            mean.add(9.5e307);
        }
        assert_eq!(mean.value(), 9.5e307);
    }
}
