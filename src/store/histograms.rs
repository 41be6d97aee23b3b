//! The newest histograms of a series: the last ones as they are, those before them encoded.

use super::codec::{Bytes, Damaged, histograms};
use crate::model::HistogramSample;

/// Histograms that are encoded together. So many to twice as many stay as they are: at one a second a late one
/// mostly finds its place among them.
pub const PART_SAMPLES: usize = 32;
/// What histograms may weigh that are kept as they are, in numbers of 8 bytes: 64 KiB a series.
pub const PLAIN_COST_MAX: usize = 8_192;

/// Histograms that are encoded.
#[derive(Debug)]
struct Part {
    t_min: i64,
    t_max: i64,
    body: Box<[u8]>,
}

impl Part {
    fn new(samples: &[HistogramSample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let mut body = Vec::new();
        histograms::encode_histograms(samples, &mut body);
        Some(Self { t_min: first.t, t_max: last.t, body: body.into() })
    }

    fn read(&self, span: (i64, i64), out: &mut Vec<HistogramSample>) {
        let read: Result<(), Damaged> = histograms::decode_histograms(&mut Bytes::new(&self.body), span, out);
        debug_assert!(read.is_ok(), "what was encoded here");
    }
}

/// The newest histograms of one series, oldest first, their times strictly increasing.
#[derive(Debug, Default)]
pub struct OpenHistograms {
    parts: Vec<Part>,
    plain: Vec<HistogramSample>,
    plain_cost: usize,
    len: usize,
    cost: usize,
}

impl OpenHistograms {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What they weigh, decoded, in numbers of 8 bytes.
    pub fn cost(&self) -> usize {
        self.cost
    }

    /// The time of the oldest.
    pub fn first_t(&self) -> Option<i64> {
        self.parts.first().map(|part| part.t_min).or_else(|| self.plain.first().map(|sample| sample.t))
    }

    /// The newest: one is always kept as it is.
    pub fn last(&self) -> Option<&HistogramSample> {
        self.plain.last()
    }

    /// Bytes of memory, the struct itself among it.
    pub fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(|part| size_of::<Part>() + part.body.len()).sum();
        size_of::<Self>() + parts + self.plain.len() * size_of::<HistogramSample>() + 8 * self.plain_cost
    }

    /// Appends one, which must be newer than the last.
    pub fn push(&mut self, sample: HistogramSample) {
        let cost = histograms::cost(&sample.histogram);
        self.plain_cost += cost;
        self.cost += cost;
        self.len += 1;
        self.plain.push(sample);
        if 2 * PART_SAMPLES <= self.plain.len() {
            self.close(PART_SAMPLES);
        } else if PLAIN_COST_MAX < self.plain_cost && 1 < self.plain.len() {
            self.close(self.plain.len() - 1);
        }
    }

    /// Encodes the oldest plain ones.
    fn close(&mut self, n: usize) {
        let oldest: Vec<HistogramSample> = self.plain.drain(..n).collect();
        self.plain_cost -= oldest.iter().map(|sample| histograms::cost(&sample.histogram)).sum::<usize>();
        self.parts.extend(Part::new(&oldest));
    }

    /// Puts one between those that are there; its time must not be among them.
    ///
    /// *Cost*: what follows it is written again.
    pub fn insert(&mut self, sample: HistogramSample) {
        let later = self.split_after(sample.t);
        self.push(sample);
        later.into_iter().for_each(|sample| self.push(sample));
    }

    /// Takes off those that are newer than `t`.
    pub fn split_after(&mut self, t: i64) -> Vec<HistogramSample> {
        let all = (i64::MIN, i64::MAX);
        let mut kept = Vec::new();
        let whole = self.parts.partition_point(|part| part.t_max <= t);
        for part in self.parts.drain(whole..) {
            part.read(all, &mut kept);
        }
        kept.append(&mut self.plain);
        let later = kept.split_off(kept.partition_point(|sample| sample.t <= t));
        self.cost -= later.iter().map(|sample| histograms::cost(&sample.histogram)).sum::<usize>();
        self.len -= later.len();
        if kept.is_empty()
            && let Some(part) = self.parts.pop()
        {
            // The newest is always kept as it is.
            part.read(all, &mut kept);
        }
        self.plain_cost = kept.iter().map(|sample| histograms::cost(&sample.histogram)).sum();
        self.plain = kept;
        later
    }

    /// Lets go those up to `t`.
    pub fn forget_to(&mut self, t: i64) {
        *self = {
            let mut rest = Self::default();
            self.split_after(t).into_iter().for_each(|sample| rest.push(sample));
            rest
        };
    }

    /// Appends to `out` those with `from < t <= to`.
    pub fn read(&self, from: i64, to: i64, out: &mut Vec<HistogramSample>) {
        for part in self.parts.iter().filter(|part| from < part.t_max && part.t_min <= to) {
            part.read((from, to), out);
        }
        out.extend(self.plain.iter().filter(|sample| from < sample.t && sample.t <= to).cloned());
    }

    /// The one at `t`, if there is one.
    pub fn at(&self, t: i64) -> Option<HistogramSample> {
        let mut found = Vec::new();
        self.read(t.checked_sub(1)?, t, &mut found);
        found.pop()
    }

    /// The newest that is older than `t`.
    pub fn before(&self, t: i64) -> Option<HistogramSample> {
        if let Some(found) = self.plain.iter().rev().find(|sample| sample.t < t) {
            return Some(found.clone());
        }
        let part = self.parts.iter().rev().find(|part| part.t_min < t)?;
        let mut found = Vec::new();
        part.read((i64::MIN, t.saturating_sub(1)), &mut found);
        found.pop()
    }

    /// The time of the oldest that is newer than `t`.
    pub fn first_after(&self, t: i64) -> Option<i64> {
        for part in self.parts.iter().filter(|part| t < part.t_max) {
            if t < part.t_min {
                return Some(part.t_min);
            }
            let mut found = Vec::new();
            part.read((t, i64::MAX), &mut found);
            if let Some(first) = found.first() {
                return Some(first.t);
            }
        }
        self.plain.iter().map(|sample| sample.t).find(|found| t < *found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::testing::{any_histograms, same_histograms};

    proptest! {
        #[test]
        fn it_holds_what_a_list_holds(
            samples in any_histograms(150), order: Vec<prop::sample::Index>, cut: prop::sample::Index,
        ) {
            prop_assume!(!samples.is_empty());
            // Some come late.
            let late: Vec<usize> = order.iter().take(8).map(|at| at.index(samples.len())).collect();
            let mut open = OpenHistograms::default();
            for (at, sample) in samples.iter().enumerate() {
                if !late.contains(&at) {
                    open.push(sample.clone());
                }
            }
            for (at, sample) in samples.iter().enumerate() {
                if late.contains(&at) && open.at(sample.t).is_none() {
                    open.insert(sample.clone());
                }
            }
            let read = |open: &OpenHistograms, from| {
                let mut found = Vec::new();
                open.read(from, i64::MAX, &mut found);
                found
            };
            prop_assert!(same_histograms(&read(&open, i64::MIN), &samples));
            let cost: usize = samples.iter().map(|sample| histograms::cost(&sample.histogram)).sum();
            prop_assert_eq!((open.len(), open.cost()), (samples.len(), cost));
            prop_assert_eq!(open.first_t(), Some(samples[0].t));
            let at = cut.index(samples.len());
            let t = samples[at].t;
            prop_assert!(same_histograms(&read(&open, t), &samples[at + 1..]));
            prop_assert_eq!(open.first_after(t), samples.get(at + 1).map(|sample| sample.t));
            prop_assert_eq!(open.before(t), at.checked_sub(1).map(|at| samples[at].clone()));
            prop_assert_eq!(open.at(t), Some(samples[at].clone()));
            open.forget_to(t);
            prop_assert!(same_histograms(&read(&open, i64::MIN), &samples[at + 1..]));
            prop_assert_eq!(open.last(), samples[at + 1..].last());
            prop_assert_eq!(open.len(), samples.len() - at - 1);
        }
    }
}
