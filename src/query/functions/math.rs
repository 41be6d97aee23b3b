//! Functions of one value.

use std::f64::consts::PI;

/// One value to one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "PromQL's names")]
pub enum MathFunction {
    Abs,
    Ceil,
    Floor,
    Sgn,
    Sqrt,
    Exp,
    Ln,
    Log2,
    Log10,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Deg,
    Rad,
}

impl MathFunction {
    /// The function that PromQL calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "ceil" => Self::Ceil,
            "floor" => Self::Floor,
            "sgn" => Self::Sgn,
            "sqrt" => Self::Sqrt,
            "exp" => Self::Exp,
            "ln" => Self::Ln,
            "log2" => Self::Log2,
            "log10" => Self::Log10,
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "tan" => Self::Tan,
            "asin" => Self::Asin,
            "acos" => Self::Acos,
            "atan" => Self::Atan,
            "sinh" => Self::Sinh,
            "cosh" => Self::Cosh,
            "tanh" => Self::Tanh,
            "asinh" => Self::Asinh,
            "acosh" => Self::Acosh,
            "atanh" => Self::Atanh,
            "deg" => Self::Deg,
            "rad" => Self::Rad,
            _ => return None,
        })
    }

    /// The function of `v`.
    pub fn apply(self, v: f64) -> f64 {
        match self {
            Self::Abs => v.abs(),
            Self::Ceil => v.ceil(),
            Self::Floor => v.floor(),
            // Not `signum`, which makes 1 of 0.
            Self::Sgn if v > 0.0 => 1.0,
            Self::Sgn if v < 0.0 => -1.0,
            Self::Sgn => v,
            Self::Sqrt => v.sqrt(),
            Self::Exp => v.exp(),
            Self::Ln => v.ln(),
            Self::Log2 => v.log2(),
            Self::Log10 => v.log10(),
            Self::Sin => v.sin(),
            Self::Cos => v.cos(),
            Self::Tan => v.tan(),
            Self::Asin => v.asin(),
            Self::Acos => v.acos(),
            Self::Atan => v.atan(),
            Self::Sinh => v.sinh(),
            Self::Cosh => v.cosh(),
            Self::Tanh => v.tanh(),
            Self::Asinh => v.asinh(),
            Self::Acosh => v.acosh(),
            Self::Atanh => v.atanh(),
            Self::Deg => v * 180.0 / PI,
            Self::Rad => v * PI / 180.0,
        }
    }
}

/// A value with bounds that are scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "PromQL's names")]
pub enum BoundFunction {
    Clamp,
    ClampMin,
    ClampMax,
    Round,
}

impl BoundFunction {
    /// The function that PromQL calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "clamp" => Self::Clamp,
            "clamp_min" => Self::ClampMin,
            "clamp_max" => Self::ClampMax,
            "round" => Self::Round,
            _ => return None,
        })
    }

    /// The function of `v` and its scalars; `None` when the bounds leave nothing.
    pub fn apply(self, v: f64, first: f64, second: f64) -> Option<f64> {
        match self {
            Self::Clamp if second < first => None,
            Self::Clamp => Some(max(first, min(second, v))),
            Self::ClampMin => Some(max(first, v)),
            Self::ClampMax => Some(min(first, v)),
            Self::Round => {
                // Dividing by the inverse keeps 0.1 and its like exact, as Prometheus found.
                let inverse = 1.0 / first;
                Some((v * inverse + 0.5).floor() / inverse)
            }
        }
    }
}

/// The larger one; NaN if either is.
fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// The smaller one; NaN if either is.
fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round(v: f64, to: f64, expected: f64) {
        assert_eq!(BoundFunction::Round.apply(v, to, 0.0), Some(expected));
    }

    #[test]
    fn halves_round_up() {
        check_round(0.5, 1.0, 1.0);
        check_round(-0.5, 1.0, 0.0);
        check_round(-1.5, 1.0, -1.0);
        check_round(2.15, 0.1, 2.2);
    }

    #[test]
    fn bounds_that_cross_leave_nothing() {
        assert_eq!(BoundFunction::Clamp.apply(1.0, 5.0, -5.0), None);
        assert!(BoundFunction::Clamp.apply(1.0, 0.0, f64::NAN).is_some_and(f64::is_nan));
    }
}
