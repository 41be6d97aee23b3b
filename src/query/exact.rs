//! Sums without rounding, from which values can be taken away again.

/// A sum of numbers that are neither tiny nor huge, as a fixed point number of 256 bits: exact, whatever the order, and
/// rounded once when it is read.
///
/// A window that slides adds what comes and takes away what goes, and has the very sum that it would have from its
/// samples alone. *Cost:* some 2 ns a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exact {
    /// The whole part, rounded down.
    whole: i128,
    /// The rest, in units of 2⁻¹²⁸.
    rest: u128,
}

/// The smallest exponent of a value that is taken, as bits of a number have it: 2⁻⁷⁵, whose last bit is 2⁻¹²⁷.
const EXPONENT_MIN: u64 = 1_023 - 75;
/// The largest one: values are below 2⁹⁶, so that 2³⁰ of them cannot overflow.
const EXPONENT_MAX: u64 = 1_023 + 95;
/// The exponent of a number whose last bit is one unit of the rest.
const UNIT: u64 = 1_023 + 52 - 128;
/// The bits of a number after its leading one.
const FRACTION: u64 = (1 << 52) - 1;

impl Exact {
    /// Whether a value can be in an exact sum. Others are tiny, huge, infinite, or no numbers.
    pub const fn takes(v: f64) -> bool {
        let exponent = (v.to_bits() >> 52) & 0x7ff;
        (EXPONENT_MIN <= exponent && exponent <= EXPONENT_MAX) || v == 0.0
    }

    /// Adds a value that [`Exact::takes`].
    pub fn add(&mut self, v: f64) {
        self.change(v, v.is_sign_negative());
    }

    /// Takes a value away that was added.
    pub fn remove(&mut self, v: f64) {
        self.change(v, v.is_sign_positive());
    }

    fn change(&mut self, v: f64, negative: bool) {
        if v == 0.0 {
            return;
        }
        let bits = v.to_bits();
        let mantissa = u128::from((bits & FRACTION) | (1 << 52));
        // Sums that are read and taken away are larger than what is taken, but never smaller than a unit.
        let shift = ((bits >> 52) & 0x7ff).saturating_sub(UNIT);
        let (whole, rest) = if shift < 128 {
            // In two steps: none of them is a shift by all bits.
            ((mantissa >> 1) >> (127 - shift), mantissa << shift)
        } else {
            (mantissa << (shift - 128), 0)
        };
        let whole = whole.cast_signed();
        if negative {
            let (left, borrow) = self.rest.overflowing_sub(rest);
            self.rest = left;
            self.whole = self.whole.wrapping_sub(whole).wrapping_sub(i128::from(borrow));
        } else {
            let (sum, carry) = self.rest.overflowing_add(rest);
            self.rest = sum;
            self.whole = self.whole.wrapping_add(whole).wrapping_add(i128::from(carry));
        }
    }

    /// The sum, to the nearest number; half way to the even one.
    pub fn value(self) -> f64 {
        let negative = self.whole < 0;
        let (whole, rest) = if negative {
            let (rest, borrow) = 0u128.overflowing_sub(self.rest);
            (self.whole.wrapping_neg().wrapping_sub(i128::from(borrow)), rest)
        } else {
            (self.whole, self.rest)
        };
        let magnitude =
            if whole == 0 { scaled(rest, false, -128) } else { above(whole.cast_unsigned(), rest) };
        if negative { -magnitude } else { magnitude }
    }

    /// The mean of `n` values.
    ///
    /// What rounding the sum loses is divided, too: the mean of equal values is that value.
    pub fn mean(self, n: f64) -> f64 {
        let head = self.value();
        let mut tail = self;
        tail.remove(head);
        head / n + tail.value() / n
    }
}

/// A number of 256 bits whose upper half is not 0.
fn above(whole: u128, rest: u128) -> f64 {
    let zeros = whole.leading_zeros();
    let top = if zeros == 0 { whole } else { (whole << zeros) | (rest >> (128 - zeros)) };
    let left = if zeros == 0 { rest } else { rest << zeros };
    scaled(top, left != 0, -i32::try_from(zeros).unwrap_or_default())
}

/// `bits` and less than one more if there is `more`, times 2 to the `exponent`.
#[expect(clippy::cast_precision_loss, reason = "it is rounded here, to the nearest even number")]
fn scaled(bits: u128, more: bool, exponent: i32) -> f64 {
    // A bit far below the last place decides what would be half way. Where there is more, `bits` has all its bits.
    let value = (bits | u128::from(more)) as f64;
    value * 2f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Exact {
        let mut sum = Exact::default();
        values.iter().for_each(|&v| sum.add(v));
        sum
    }

    #[test]
    fn sums_are_rounded_once() {
        assert_eq!(of(&[]).value().to_bits(), 0.0f64.to_bits());
        assert_eq!(of(&[-0.0, 0.0]).value().to_bits(), 0.0f64.to_bits());
        assert_eq!(of(&[2f64.powi(95), 1.0, -2f64.powi(95)]).value(), 1.0);
        assert_eq!(of(&[2f64.powi(-75), 1.0, -1.0]).value(), 2f64.powi(-75));
        assert_eq!(of(&[0.1; 10]).value(), 1.0);
        assert_eq!(of(&[-0.1; 10]).value(), -1.0);
        // Half way between two numbers, and a little more.
        let half = 2f64.powi(53);
        assert_eq!(of(&[half, 1.0]).value(), half);
        assert_eq!(of(&[half, 1.0, 2f64.powi(-75)]).value(), half + 2.0);
        assert_eq!(of(&[half, 2.0, 1.0]).value(), half + 4.0);
        assert_eq!(of(&[-half, -1.0, 2f64.powi(-75)]).value(), -half);
    }

    #[test]
    fn the_mean_of_equal_values_is_that_value() {
        for v in [0.1, 1e-20, 1e25, -7.3] {
            for n in 1..200u32 {
                assert_eq!(of(&vec![v; n as usize]).mean(f64::from(n)), v, "{n} of {v}");
            }
        }
    }

    #[test]
    fn what_is_tiny_huge_or_no_number_is_not_taken() {
        for v in [0.0, -0.0, 1.0, -1e28, 1e-22, 2f64.powi(-75), 2f64.powi(96) - 2f64.powi(43)] {
            assert!(Exact::takes(v), "{v}");
        }
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2f64.powi(96), 2f64.powi(-76), 5e-324, -1e300] {
            assert!(!Exact::takes(v), "{v}");
        }
    }

    fn taken() -> impl Strategy<Value = f64> {
        let any = any::<f64>().prop_filter("taken", |v| Exact::takes(*v));
        prop_oneof![any, -1e6..1e6, (-100i32..100).prop_map(f64::from), -1e-18..1e-18, -1e28..1e28]
            .prop_filter("taken", |v| Exact::takes(*v))
    }

    proptest! {
        #[test]
        fn whole_numbers_are_as_in_128_bits(values in prop::collection::vec(-(1i64 << 53)..(1 << 53), 0..50), shift in -20i32..40) {
            let scale = 2f64.powi(shift);
            #[expect(clippy::cast_precision_loss, reason = "below 2^53, or rounded as is wanted")]
            let (values, sum) = (
                values.iter().map(|&v| v as f64 * scale).collect::<Vec<f64>>(),
                values.iter().map(|&v| i128::from(v)).sum::<i128>() as f64 * scale,
            );
            prop_assert_eq!(of(&values).value(), sum);
        }

        #[test]
        fn what_is_taken_away_was_never_there(
            kept in prop::collection::vec(taken(), 0..20),
            gone in prop::collection::vec(taken(), 0..20),
        ) {
            let mut sum = of(&kept);
            gone.iter().for_each(|&v| sum.add(v));
            gone.iter().rev().for_each(|&v| sum.remove(v));
            prop_assert_eq!(sum, of(&kept));
            let mut turned = kept.clone();
            turned.reverse();
            prop_assert_eq!(of(&turned).value().to_bits(), sum.value().to_bits());
        }

        #[test]
        fn a_negated_sum_is_the_negative(values in prop::collection::vec(taken(), 1..20)) {
            let negated: Vec<f64> = values.iter().map(|v| -v).collect();
            prop_assert_eq!(of(&negated).value(), -of(&values).value());
        }
    }
}
