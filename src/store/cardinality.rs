//! What there is most of: which metrics and labels make the series many.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::{index::Index, series::Series};
use crate::model::METRIC_NAME;

/// A name with how many there are of it.
pub type Counted = (Arc<str>, usize);

/// What the store has most of; each list has the most first, and of equals the names in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Series.
    pub series: usize,
    /// Different pairs of label and value.
    pub pairs: usize,
    /// Chunks in memory, open ones counted.
    pub chunks: usize,
    /// The newest sample's time, ms.
    pub newest: Option<i64>,
    /// The oldest time from which on memory has samples, ms.
    pub oldest: Option<i64>,
    /// Series of each metric.
    pub metrics: Vec<Counted>,
    /// Values of each label.
    pub labels: Vec<Counted>,
    /// Bytes of all values of each label, as many times as they stand in series.
    pub label_bytes: Vec<Counted>,
    /// Series of each pair, written `label=value`.
    pub label_values: Vec<Counted>,
}

impl Cardinality {
    /// Counts.
    pub fn of<'a>(index: &Index, series: impl Iterator<Item = &'a Series>, most: usize) -> Self {
        let mut found = Self::default();
        for one in series {
            found.series += 1;
            found.chunks += one.chunks.len() + usize::from(one.has_open());
            found.newest = found.newest.max(one.newest_t());
            found.oldest = match (found.oldest, one.memory_from()) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        let (mut metrics, mut labels) = (Top::new(most), Top::new(most));
        let (mut bytes, mut pairs) = (Top::new(most), Top::new(most));
        for (value, count) in index.counts(METRIC_NAME) {
            metrics.offer(count, value, Arc::clone);
        }
        for (name, values) in index.labels() {
            let (mut all, mut total) = (0, 0);
            for (value, count) in values {
                all += 1;
                total += value.len() * count;
                pairs.offer(count, &(name, value), |(name, value)| format!("{name}={value}").into());
            }
            found.pairs += all;
            labels.offer(all, name, Arc::clone);
            bytes.offer(total, name, Arc::clone);
        }
        (found.metrics, found.labels) = (metrics.list(), labels.list());
        (found.label_bytes, found.label_values) = (bytes.list(), pairs.list());
        found
    }
}

/// The greatest of many, of which names are made only for those that stay.
struct Top {
    most: usize,
    heap: BinaryHeap<Reverse<(usize, Reverse<Arc<str>>)>>,
}

impl Top {
    fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new() }
    }

    fn offer<T>(&mut self, count: usize, of: &T, name: impl Fn(&T) -> Arc<str>) {
        let least = self.heap.peek().map_or(0, |Reverse((least, _))| *least);
        if self.most <= self.heap.len() && count < least {
            return;
        }
        self.heap.push(Reverse((count, Reverse(name(of)))));
        if self.most < self.heap.len() {
            self.heap.pop();
        }
    }

    fn list(self) -> Vec<Counted> {
        let sorted = self.heap.into_sorted_vec();
        sorted.into_iter().map(|Reverse((count, Reverse(name)))| (name, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Labels, Sample};
    use crate::store::head::Head;

    #[test]
    fn the_most_come_first() {
        let mut head = Head::new(100);
        for n in 0..6 {
            let (metric, host) = (if n < 4 { "b" } else { "a" }, format!("host-{n}"));
            let labels = Labels::from_pairs([("__name__", metric), ("host", &host), ("zone", "x")]);
            head.append(&labels, Sample::new(1_000 + n, 1.0)).unwrap();
        }
        let found = head.cardinality(2);
        assert_eq!((found.series, found.pairs, found.chunks), (6, 9, 6));
        assert_eq!((found.oldest, found.newest), (Some(1_000), Some(1_005)));
        let named = |list: &[(&str, usize)]| -> Vec<Counted> {
            list.iter().map(|(name, count)| (Arc::from(*name), *count)).collect()
        };
        assert_eq!(found.metrics, named(&[("b", 4), ("a", 2)]));
        assert_eq!(found.labels, named(&[("host", 6), ("__name__", 2)]));
        assert_eq!(found.label_bytes, named(&[("host", 36), ("__name__", 6)]));
        assert_eq!(found.label_values, named(&[("zone=x", 6), ("__name__=b", 4)]));
    }
}
