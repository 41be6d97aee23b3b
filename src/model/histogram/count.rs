//! What a histogram counts with.

use crate::model::Kahan;

/// A count that is a plain number or a compensated sum.
///
/// Adding histograms is the same work for both, and it is not little: one code for it.
pub trait Count: Copy {
    /// A count that starts with `v`.
    fn new(v: f64) -> Self;
    /// The count as a number.
    fn value(self) -> f64;
    /// Adds another.
    fn add(&mut self, other: Self);
    /// Multiplies.
    fn scale(&mut self, factor: f64);
    /// Divides.
    fn divide(&mut self, by: f64);
    /// Whether it is exactly zero.
    fn is_zero(self) -> bool;
    /// Whether it has overflowed.
    fn is_infinite(self) -> bool;
}

impl Count for f64 {
    fn new(v: f64) -> Self {
        v
    }
    fn value(self) -> f64 {
        self
    }
    fn add(&mut self, other: Self) {
        *self += other;
    }
    fn scale(&mut self, factor: f64) {
        *self *= factor;
    }
    fn divide(&mut self, by: f64) {
        *self /= by;
    }
    fn is_zero(self) -> bool {
        self == 0.0
    }
    fn is_infinite(self) -> bool {
        self.is_infinite()
    }
}

impl Count for Kahan {
    fn new(v: f64) -> Self {
        Self::new(v)
    }
    fn value(self) -> f64 {
        Self::value(&self)
    }
    fn add(&mut self, other: Self) {
        Self::add(self, other.sum);
        if other.lost != 0.0 {
            Self::add(self, other.lost);
        }
    }
    fn scale(&mut self, factor: f64) {
        self.sum *= factor;
        self.lost *= factor;
    }
    fn divide(&mut self, by: f64) {
        self.sum /= by;
        self.lost /= by;
    }
    fn is_zero(self) -> bool {
        self.sum == 0.0 && self.lost == 0.0
    }
    fn is_infinite(self) -> bool {
        self.sum.is_infinite()
    }
}
