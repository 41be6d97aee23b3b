//! The head: every series, its newest samples, and the index over their labels.

use std::{collections::VecDeque, sync::Arc};

use rustc_hash::FxHashMap;

use super::{
    cardinality::Cardinality,
    ids::SeriesId,
    index::{Index, Postings, names_of, values_of},
    select::{Found, Selected},
    series::{Refused, SealedChunk, Series, Taken, Unsealed, mixed},
    symbols::Symbols,
};
use crate::model::{
    HistogramSample, Labels, Matcher, Sample,
    limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX},
};

/// Sealed samples that stay readable in the open chunk: five minutes at one a second, the longest
/// window that standing queries commonly have.
pub const TAIL_SAMPLES: usize = 300;
/// With more series than this no sealed sample stays in the open chunk: 5,000 × 300 × 3 bytes are
/// 4.5 MB, and the tails of 100,000 series would be 90.
pub const TAIL_SERIES_MAX: usize = 5_000;

/// What became of an appended sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its series.
    pub series: SeriesId,
    /// Whether the series is new.
    pub new_series: bool,
    /// How it was taken.
    pub taken: Taken,
}

/// Samples that are ready to be sealed.
#[derive(Debug)]
pub struct Due {
    /// Their series.
    pub series: SeriesId,
    /// The samples.
    pub samples: Unsealed,
}

/// Every series and its newest samples. Pure: it knows neither a clock nor a disk.
#[derive(Debug)]
pub struct Head {
    series_max: usize,
    next: u32,
    symbols: Symbols,
    index: Index,
    version: u64,
    by_labels: FxHashMap<Labels, SeriesId>,
    series: FxHashMap<SeriesId, Series>,
    /// The series of each sealed chunk in memory, in the order of sealing: the order of eviction.
    sealed: VecDeque<SeriesId>,
    /// Sealed chunks that the disk was not asked to save, with their newest times.
    unasked: VecDeque<(SeriesId, i64)>,
}

impl Head {
    /// Makes a head that takes at most `series_max` series.
    pub fn new(series_max: usize) -> Self {
        Self {
            series_max,
            next: 1,
            symbols: Symbols::default(),
            index: Index::default(),
            version: 0,
            by_labels: FxHashMap::default(),
            series: FxHashMap::default(),
            sealed: VecDeque::new(),
            unasked: VecDeque::new(),
        }
    }

    /// Appends a sample to the series with these labels; the first one makes the series.
    ///
    /// # Errors
    ///
    /// [`Refused`] says why the sample was not taken; then nothing has changed.
    pub fn append(&mut self, labels: &Labels, sample: Sample) -> Result<Appended, Refused> {
        let known = self.by_labels.get(labels).copied();
        let series = match known {
            Some(id) => id,
            None => self.add_series(labels)?,
        };
        let taken = self.append_ref(series, sample)?;
        Ok(Appended { series, new_series: known.is_none(), taken })
    }

    /// Appends a histogram, as [`Head::append`] does a sample.
    ///
    /// # Errors
    ///
    /// As [`Head::append`], and when the histogram is none or too large.
    pub fn append_histogram(
        &mut self,
        labels: &Labels,
        sample: &HistogramSample,
    ) -> Result<Appended, Refused> {
        mixed::check(&sample.histogram)?;
        let known = self.by_labels.get(labels).copied();
        let id = match known {
            Some(id) => id,
            None => self.add_series(labels)?,
        };
        let taken = self.series.get_mut(&id).ok_or(Refused::NoSeries)?.append_histogram(sample)?;
        Ok(Appended { series: id, new_series: known.is_none(), taken })
    }

    /// Appends a sample to a series that is there.
    ///
    /// # Errors
    ///
    /// As [`Head::append`].
    #[inline]
    pub fn append_ref(&mut self, id: SeriesId, sample: Sample) -> Result<Taken, Refused> {
        self.series.get_mut(&id).ok_or(Refused::NoSeries)?.append(sample)
    }

    #[cold]
    fn add_series(&mut self, labels: &Labels) -> Result<SeriesId, Refused> {
        if self.series.len() >= self.series_max {
            return Err(Refused::SeriesLimit);
        }
        let long = |label: &crate::model::Label| {
            label.name.len() > LABEL_NAME_BYTES_MAX || label.value.len() > LABEL_VALUE_BYTES_MAX
        };
        if labels.is_empty() || labels.len() > LABELS_MAX || labels.iter().any(long) {
            return Err(Refused::LabelsLimit);
        }
        let id = SeriesId(self.next);
        self.insert_series(id, labels);
        Ok(id)
    }

    /// Puts back a series that the disk knows, under the id that it had.
    pub fn insert_series(&mut self, id: SeriesId, labels: &Labels) -> &mut Series {
        self.next = self.next.max(id.0.saturating_add(1));
        self.version += 1;
        let labels = self.symbols.intern(labels);
        self.index.insert(id, &labels);
        self.by_labels.insert(labels.clone(), id);
        self.series.entry(id).or_insert_with(|| Series::new(id, labels))
    }

    /// Reserves the ids up to `next`, which a store before the restart may have given.
    pub fn reserve_ids(&mut self, next: u32) {
        self.next = self.next.max(next);
    }

    /// Takes series out, and their samples with them.
    pub fn remove_series(&mut self, ids: &[SeriesId]) {
        for id in ids {
            let Some(series) = self.series.remove(id) else { continue };
            self.index.remove(*id, &series.labels);
            self.by_labels.remove(&series.labels);
            self.version += 1;
        }
        self.symbols.sweep();
    }

    /// The series that satisfy every matcher, by id. What it gives stays right while
    /// [`Head::version`] stays the same.
    pub fn resolve(&self, matchers: &[Matcher]) -> Postings {
        self.index.select(matchers)
    }

    /// Grows when a series comes or goes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The series that satisfy every matcher, with their samples of `from < t <= to`: what memory
    /// has, and which part is on disk.
    pub fn select(&self, matchers: &[Matcher], from: i64, to: i64) -> Selected {
        self.select_ids(&self.resolve(matchers), from, to)
    }

    /// As [`Head::select`], of series that were resolved before; those that are gone are left out.
    pub fn select_ids(&self, ids: &[SeriesId], from: i64, to: i64) -> Selected {
        let series = ids.iter().filter_map(|id| self.series.get(id));
        Selected { series: series.map(|series| Found::new(series, from, to)).collect() }
    }

    /// The labels of the series that satisfy every matcher, by id.
    pub fn series(&self, matchers: &[Matcher]) -> Vec<Labels> {
        self.resolve(matchers).iter().filter_map(|id| self.labels(*id)).cloned().collect()
    }

    /// The labels of a series.
    pub fn labels(&self, id: SeriesId) -> Option<&Labels> {
        self.series.get(&id).map(|series| &series.labels)
    }

    /// The names of labels over the series that satisfy every matcher, sorted.
    pub fn label_names(&self, matchers: &[Matcher]) -> Vec<Arc<str>> {
        if matchers.is_empty() {
            return self.index.names();
        }
        names_of(self.resolve(matchers).iter().filter_map(|id| self.labels(*id)))
    }

    /// The values of label `name` over the series that satisfy every matcher, sorted.
    pub fn label_values(&self, name: &str, matchers: &[Matcher]) -> Vec<Arc<str>> {
        if matchers.is_empty() {
            return self.index.values(name);
        }
        values_of(self.resolve(matchers).iter().filter_map(|id| self.labels(*id)), name)
    }

    /// The series that satisfy every matcher and have a sample after `from`, ms.
    pub fn series_since(&self, matchers: &[Matcher], from: i64) -> Vec<Labels> {
        let found = self.resolve(matchers);
        let found = found.iter().filter_map(|id| self.series.get(id));
        let found = found.filter(|series| series.newest_t().is_some_and(|newest| from <= newest));
        found.map(|series| series.labels.clone()).collect()
    }

    /// What there is most of.
    pub fn cardinality(&self, most: usize) -> Cardinality {
        Cardinality::of(&self.index, self.iter(), most)
    }

    /// How many series there are.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Every series, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Series> {
        self.series.values()
    }

    /// One series, to change it.
    pub fn series_mut(&mut self, id: SeriesId) -> Option<&mut Series> {
        self.series.get_mut(&id)
    }

    /// At most `max` series of which a chunk is due. Of one that had no sample since `idle_before` all
    /// that is not sealed is due.
    pub fn due(&self, idle_before: i64, max: usize) -> Postings {
        let due = self.iter().filter(|series| series.is_due(idle_before));
        due.map(|series| series.id).take(max).collect()
    }

    /// The samples of these series that are due.
    pub fn due_samples(&self, ids: &[SeriesId], idle_before: i64) -> Vec<Due> {
        ids.iter()
            .filter_map(|id| {
                let samples = self.series.get(id)?.due(idle_before)?;
                Some(Due { series: *id, samples })
            })
            .collect()
    }

    /// Puts a sealed chunk of `n` due samples in place.
    pub fn seal(&mut self, id: SeriesId, chunk: SealedChunk, n: usize) {
        let keep = if self.series.len() > TAIL_SERIES_MAX { 0 } else { TAIL_SAMPLES };
        if let Some(series) = self.series.get_mut(&id) {
            self.unasked.push_back((id, chunk.t_max));
            series.seal(chunk, n, keep);
            self.sealed.push_back(id);
        }
    }

    /// Takes at most `max` chunks for the disk to save, in the order of sealing, each once.
    pub fn take_unasked(&mut self, max: usize) -> Vec<(SeriesId, SealedChunk)> {
        let asked = self.unasked.drain(..max.min(self.unasked.len()));
        let series = &self.series;
        asked
            .filter_map(|(id, t_max)| {
                let mut chunks = series.get(&id)?.chunks.iter().rev();
                Some((id, chunks.find(|chunk| chunk.t_max == t_max)?.clone()))
            })
            .collect()
    }

    /// Marks chunks as saved, which were sealed with these newest times.
    pub fn mark_saved(&mut self, saved: &[(SeriesId, i64)]) {
        for (id, t_max) in saved {
            let Some(series) = self.series.get_mut(id) else { continue };
            for chunk in series.chunks.iter_mut().filter(|chunk| chunk.t_max == *t_max) {
                chunk.saved = true;
            }
        }
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        let series: usize = self.iter().map(Series::bytes).sum();
        series + self.index.bytes() + self.symbols.len() * 64
    }

    /// Lets sealed chunks go, oldest first, until `bytes` are freed; gives how many went.
    ///
    /// Only chunks that the disk has; with `give_up_after`, also those whose samples are all newer:
    /// while the disk takes nothing, nothing of that time was acknowledged.
    pub fn evict(&mut self, bytes: usize, give_up_after: Option<i64>) -> usize {
        let (mut freed, mut count) = (0, 0);
        let mut kept = VecDeque::new();
        while freed < bytes {
            let Some(id) = self.sealed.pop_front() else { break };
            let Some(series) = self.series.get_mut(&id) else { continue };
            match series.evict(give_up_after) {
                Some(bytes) => {
                    freed += bytes;
                    count += 1;
                }
                None => kept.push_back(id),
            }
        }
        kept.append(&mut self.sealed);
        self.sealed = kept;
        count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::limits::LATE_MS_MAX;

    const START: i64 = 1_700_000_000_000;

    fn labels(n: usize) -> Labels {
        Labels::from_pairs([("__name__", "m".to_owned()), ("n", n.to_string())])
    }

    fn all() -> Vec<Matcher> {
        vec![Matcher::equal("__name__", "m")]
    }

    /// The plainest thing that could be right.
    #[derive(Default)]
    struct Model {
        series: BTreeMap<usize, BTreeMap<i64, f64>>,
    }

    impl Model {
        fn append(&mut self, n: usize, sample: Sample) -> Result<(), Refused> {
            let samples = self.series.entry(n).or_default();
            if let Some(v) = samples.get(&sample.t) {
                let same = v.to_bits() == sample.v.to_bits();
                return if same { Ok(()) } else { Err(Refused::Duplicate) };
            }
            let newest = samples.last_key_value().map(|(t, _)| *t);
            if newest.is_some_and(|newest| sample.t < newest - LATE_MS_MAX) {
                return Err(Refused::TooOld);
            }
            samples.insert(sample.t, sample.v);
            Ok(())
        }
    }

    fn seal_due(head: &mut Head) -> usize {
        let due = head.due_samples(&head.due(i64::MIN, usize::MAX), i64::MIN);
        for due in &due {
            let chunk = SealedChunk::seal(&due.samples).unwrap();
            head.seal(due.series, chunk, due.samples.len());
        }
        due.len()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Append(usize, i64, i32),
        Run(usize, usize),
        Seal,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            20 => (0usize..3, -90i64..20, 0i32..3).prop_map(|(n, t, v)| Step::Append(n, t, v)),
            2 => (0usize..3, 100usize..500).prop_map(|(n, count)| Step::Run(n, count)),
            3 => Just(Step::Seal),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_holds_what_a_map_holds(
            steps in prop::collection::vec(any_step(), 0..200), from in 0i64..1_500, to in 0i64..1_500,
        ) {
            let (mut head, mut model) = (Head::new(10), Model::default());
            let mut now = START;
            let mut append = |head: &mut Head, n, t, v| {
                let sample = Sample::new(t, v);
                let got = head.append(&labels(n), sample).map(|_| ());
                let expected = model.append(n, sample);
                // What is sealed is too old to be compared: the head says so and does not look.
                let sealed = got == Err(Refused::TooOld) && expected != Ok(());
                assert!(got == expected || sealed, "{got:?} {expected:?}");
            };
            for step in steps {
                match step {
                    Step::Append(n, seconds, v) => {
                        append(&mut head, n, now + seconds * 1_000, f64::from(v));
                        now += 700;
                    }
                    Step::Run(n, count) => for at in 0..count {
                        now += 1_000;
                        append(&mut head, n, now, at as f64);
                    },
                    Step::Seal => { seal_due(&mut head); }
                }
            }
            for (from, to) in [(START + from * 1_000, START + to * 1_000), (i64::MIN, i64::MAX)] {
                let selected = head.select(&all(), from, to).decode_memory(&mut 0);
                prop_assert_eq!(selected.len(), head.series_count());
                for series in selected {
                    let n: usize = series.labels.get("n").unwrap().parse().unwrap();
                    let expected: Vec<Sample> = model.series[&n].iter()
                        .filter(|(t, _)| **t > from && **t <= to)
                        .map(|(t, v)| Sample::new(*t, *v)).collect();
                    prop_assert_eq!(series.samples, expected);
                }
            }
        }
    }

    #[test]
    fn aligned_series_do_not_seal_together() {
        let mut head = Head::new(1_000);
        let mut most = 0;
        for t in 0..1_800 {
            for n in 0..300 {
                head.append(&labels(n), Sample::new(START + t * 1_000, t as f64)).unwrap();
            }
            most = most.max(seal_due(&mut head));
        }
        assert!(most <= 12, "{most} at once");
    }

    #[test]
    fn limits_refuse_and_change_nothing() {
        let mut head = Head::new(1);
        let sample = Sample::new(START, 1.0);
        assert_eq!(head.append(&Labels::empty(), sample), Err(Refused::LabelsLimit));
        let long = labels(0).with("x", &"y".repeat(LABEL_VALUE_BYTES_MAX + 1));
        assert_eq!(head.append(&long, sample), Err(Refused::LabelsLimit));
        assert!(head.append(&labels(0), sample).unwrap().new_series);
        assert_eq!(head.append(&labels(1), sample), Err(Refused::SeriesLimit));
        assert_eq!(head.append_ref(SeriesId(9), sample), Err(Refused::NoSeries));
        assert_eq!(head.label_values("n", &[]), [Arc::from("0")]);
        head.remove_series(&[SeriesId(1)]);
        assert!(head.append(&labels(1), sample).unwrap().new_series);
        assert_eq!(head.label_values("n", &all()), [Arc::from("1")]);
    }

    #[test]
    fn only_what_is_saved_is_evicted() {
        let mut head = Head::new(1);
        for t in 0..2_000 {
            head.append(&labels(0), Sample::new(START + t * 1_000, t as f64)).unwrap();
            seal_due(&mut head);
        }
        assert_eq!(head.evict(usize::MAX, None), 0);
        let id = SeriesId(1);
        let chunks: Vec<_> = head.series_mut(id).unwrap().chunks.iter().cloned().collect();
        head.mark_saved(&[(id, chunks[0].t_max)]);
        assert_eq!(head.evict(usize::MAX, None), 1);
        let found = head.select(&all(), i64::MIN, i64::MAX).series.remove(0);
        assert_eq!(found.on_disk, Some((i64::MIN, chunks[0].t_max)));
        assert_eq!(found.decode(&mut 0).samples[0].t, chunks[1].t_min);
        // Given up: all but what is older than the time from which the disk took nothing.
        assert_eq!(head.evict(usize::MAX, Some(chunks[1].t_min)), chunks.len() - 2);
    }
}
