//! Histograms as Prometheus writes them.

use std::fmt;

use super::{Bucket, Histogram};

impl fmt::Display for Histogram {
    /// Count, sum, and the populated buckets from the lowest to the highest, as in
    /// `{count:3, sum:4, (1,2]:3}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", short(self.count), short(self.sum))?;
        let zero = (self.zero != 0.0).then(|| self.zero_bucket());
        let below = self.negative_buckets().rev();
        for bucket in below.chain(zero).chain(self.positive_buckets()).filter(|bucket| bucket.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Bucket {
    /// The bounds in mathematicians' brackets, and the count.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) =
            (if self.lower_inclusive { '[' } else { '(' }, if self.upper_inclusive { ']' } else { ')' });
        let [lower, upper, count] = [self.lower, self.upper, self.count].map(short);
        write!(f, "{open}{lower},{upper}{close}:{count}")
    }
}

/// A number as Go's `%g` writes it: with as many digits as it needs, and an exponent below 1e-4 and
/// from 1e6 on.
pub fn short(v: f64) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    if v == 0.0 || (1e-4..1e6).contains(&v.abs()) {
        return v.to_string();
    }
    let text = format!("{v:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Layout;

    #[test]
    fn buckets_in_order() {
        let one = Histogram {
            count: 4.5,
            sum: -1e-7,
            zero: 1.0,
            positive: vec![(0, 1.0), (1, 0.0), (3, 2.0)],
            negative: vec![(1, 0.5)],
            ..Histogram::empty(Layout::Exponential { schema: 0, zero_threshold: 0.25 })
        };
        let expected = "{count:4.5, sum:-1e-07, [-2,-1):0.5, [-0.25,0.25]:1, (0.5,1]:1, (4,8]:2}";
        assert_eq!(one.to_string(), expected);
        let custom = Histogram {
            count: 3.0,
            positive: vec![(0, 1.0), (2, 2.0)],
            ..Histogram::empty(Layout::Custom { bounds: [5.0, 10.0].into() })
        };
        assert_eq!(custom.to_string(), "{count:3, sum:0, [-Inf,5]:1, (10,+Inf]:2}");
    }
}
