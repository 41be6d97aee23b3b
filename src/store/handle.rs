//! The shared handle: the head behind a lock, and the disk behind a queue.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::watch;

use super::{
    cardinality::Cardinality,
    config::StoreConfig,
    disk::{Disk, Restored, StoreError, reader::Wanted},
    durable::{Durable, PersistError},
    head::{Appended, Head},
    ids::SeriesId,
    index::Postings,
    reading::Reading,
    report::{Accepted, AppendReport, StorageState, StoreStats},
    select::{Found, Selected, Selection},
    series::Refused,
    taking::Taking,
    upkeep::Upkeep,
};
use crate::clock::Clock;
use crate::model::{
    Batch, HistogramSample, Labels, Matcher, STALE_NAN, Sample, SelectedSeries,
    limits::{AHEAD_MS_MAX, LATE_MS_MAX},
};

/// Appends and reads of samples; a clone is the same store.
///
/// Appends and reads of recent samples touch memory only. What must survive goes to
/// [`Store::persist`], which does not hold them up.
#[derive(Debug, Clone)]
pub struct Store(pub(super) Arc<Inner>);

/// What the clones of a store share.
#[derive(Debug)]
pub struct Inner {
    pub(super) config: StoreConfig,
    pub(super) disk: Option<Disk>,
    pub(super) upkeep: Mutex<Upkeep>,
    restored: Restored,
    pub(super) state: watch::Receiver<StorageState>,
    head: RwLock<Head>,
    stats: Mutex<StoreStats>,
}

impl Store {
    /// Makes a store that keeps nothing over a restart.
    pub fn in_memory() -> Self {
        let config = StoreConfig::default();
        let head = Head::new(config.series_max);
        let restored = Restored { generation: fastrand::u64(1..), ..Restored::default() };
        Self::new(config, head, (None, restored))
    }

    /// Opens the store in `folder`, and makes it when there is none. History is there at once: what
    /// is sealed is read when it is asked for.
    ///
    /// # Errors
    ///
    /// When the file is in use, was written by a newer version, or fails.
    pub fn open(folder: &Path, config: StoreConfig, clock: &Clock) -> Result<Self, StoreError> {
        let mut head = Head::new(config.series_max);
        let (disk, restored) = Disk::open(folder, &config, clock, &mut head)?;
        Ok(Self::new(config, head, (Some(disk), restored)))
    }

    fn new(config: StoreConfig, head: Head, (disk, restored): (Option<Disk>, Restored)) -> Self {
        let state = match &disk {
            Some(disk) => disk.state().clone(),
            None => watch::channel(StorageState::Ok).1,
        };
        Self(Arc::new(Inner {
            config,
            disk,
            upkeep: Mutex::new(Upkeep::new(&head)),
            restored,
            state,
            head: RwLock::new(head),
            stats: Mutex::default(),
        }))
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
        let span = now_ms.saturating_sub(LATE_MS_MAX)..=now_ms.saturating_add(AHEAD_MS_MAX);
        let in_time = |t: i64| match t {
            t if t < *span.start() => Err(Refused::TooOld),
            t if *span.end() < t => Err(Refused::TooNew),
            _ => Ok(()),
        };
        let mut taking = Taking::new(self.head_mut(), batch.samples.len());
        for (index, item) in batch.samples.iter().enumerate() {
            let appended =
                in_time(item.sample.t).and_then(|()| taking.head.append(&item.labels, item.sample));
            self.announce(&mut taking, &appended);
            taking.note(index, appended, item.sample);
        }
        for (index, item) in (batch.samples.len()..).zip(&batch.histograms) {
            let appended = in_time(item.sample.t)
                .and_then(|()| taking.head.append_histogram(&item.labels, &item.sample));
            self.announce(&mut taking, &appended);
            taking.note_histogram(index, appended, &item.sample);
        }
        self.counted(taking)
    }

    fn announce(&self, taking: &mut Taking<'_>, appended: &Result<Appended, Refused>) {
        if let Ok(Appended { series, new_series: true, .. }) = *appended
            && let Some(labels) = taking.head.labels(series)
        {
            // Under the lock: another push must not persist a sample of it before.
            if let Some(disk) = &self.0.disk {
                disk.queue().announce(series, labels.clone());
            }
            taking.report.new_series.push((series, labels.clone()));
        }
    }

    /// Ends series with a staleness marker at the given times, which may be long ago: after an
    /// unclean restart, right after their newest samples. A marker that is not newer than the newest
    /// sample by far is a late sample like any other.
    pub fn mark_stale(&self, ends: &[(SeriesId, i64)]) -> AppendReport {
        let mut taking = Taking::new(self.head_mut(), ends.len());
        for (index, (id, t)) in ends.iter().enumerate() {
            let sample = Sample::new(*t, STALE_NAN);
            let taken = taking.head.append_ref(*id, sample);
            let appended = taken.map(|taken| Appended { series: *id, new_series: false, taken });
            taking.note(index, appended, sample);
        }
        self.counted(taking)
    }

    fn counted(&self, taking: Taking<'_>) -> AppendReport {
        let report = taking.finish();
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
        match &self.0.disk {
            Some(disk) if !rows.is_empty() => disk.queue().persist(rows),
            _ => Ok(Durable::done()),
        }
    }

    /// Writes samples to disk within about 10 s, for sources whose samples nobody acknowledges.
    pub fn persist_lazily(&self, rows: &Accepted) {
        if let Some(disk) = &self.0.disk
            && !rows.is_empty()
        {
            disk.queue().persist_lazily(rows);
        }
    }

    /// The samples of each selection, series by id, from memory and disk.
    ///
    /// *Blocks* when a part is on disk: call it off the runtime threads.
    ///
    /// # Errors
    ///
    /// When the file fails, or there are more samples than [`StoreConfig::select_samples_max`].
    pub fn select(&self, selections: &[Selection]) -> Result<Vec<Vec<SelectedSeries>>, StoreError> {
        let samples_max = self.0.config.select_samples_max;
        let mut room = samples_max;
        let mut decode = |found: Found| {
            let one = self.decode_one(&found);
            let weight = weight_of(&one.samples, &one.histograms);
            room = room.checked_sub(weight).ok_or(StoreError::TooMany(samples_max))?;
            Ok(one)
        };
        let found = self.read(selections)?.into_selections();
        found.into_iter().map(|series| series.into_iter().map(&mut decode).collect()).collect()
    }

    /// As [`Store::select`], each series decoded only when it is read.
    ///
    /// *Blocks* when a part is on disk.
    ///
    /// # Errors
    ///
    /// When the file fails, or what is on disk has more bytes than [`StoreConfig::read_bytes_max`].
    pub fn read(&self, selections: &[Selection]) -> Result<Reading, StoreError> {
        let mut room = self.0.config.read_bytes_max;
        let mut load = |selection: &Selection| {
            let Selection { matchers, from, to } = selection;
            let selected = self.head().select(matchers, *from, *to);
            self.load(selected, &mut room)
        };
        let found = selections.iter().map(&mut load).collect::<Result<_, _>>()?;
        Ok(Reading::new(self.clone(), found))
    }

    /// Reads what is on disk only.
    pub(super) fn load(&self, mut selected: Selected, room: &mut usize) -> Result<Vec<Found>, StoreError> {
        if !selected.needs_disk() {
            return Ok(selected.series);
        }
        let disk = self.0.disk.as_ref().ok_or(StoreError::Closed)?;
        let (mut wanted, mut parts) = (Vec::new(), Vec::new());
        for found in &mut selected.series {
            let Some((from, to)) = found.on_disk else { continue };
            wanted.push(Wanted { series: found.id, from, to });
            parts.push(&mut found.older);
        }
        let too_much = |error| match error {
            StoreError::TooMuch(_) => StoreError::TooMuch(self.0.config.read_bytes_max),
            error => error,
        };
        for (part, bodies) in parts.into_iter().zip(disk.load(&wanted, *room).map_err(too_much)?) {
            *room -= bodies.size();
            *part = bodies;
        }
        Ok(selected.series)
    }

    /// As [`Store::select`], from memory alone; `None` when a part is on disk. Never blocks for long.
    pub fn select_recent(&self, selections: &[Selection]) -> Option<Vec<Vec<SelectedSeries>>> {
        selections
            .iter()
            .map(|selection| {
                let Selection { matchers, from, to } = selection;
                let selected = self.head().select(matchers, *from, *to);
                (!selected.needs_disk()).then(|| self.decode(&selected))
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
        (!selected.needs_disk()).then(|| self.decode(&selected))
    }

    fn decode(&self, selected: &Selected) -> Vec<SelectedSeries> {
        let mut damaged = 0;
        let series = selected.decode_memory(&mut damaged);
        self.count_damaged(damaged);
        series
    }

    pub(super) fn decode_one(&self, found: &Found) -> SelectedSeries {
        let mut damaged = 0;
        let series = found.decode(&mut damaged);
        self.count_damaged(damaged);
        series
    }

    fn count_damaged(&self, damaged: usize) {
        if damaged > 0 {
            self.stats_mut().damaged_chunks += damaged as u64;
        }
    }

    /// The labels of the series that satisfy every matcher, by id.
    pub fn series(&self, matchers: &[Matcher]) -> Vec<Labels> {
        self.head().series(matchers)
    }

    /// As [`Store::series`], of those that have a sample at or after `from`, ms.
    pub fn series_since(&self, matchers: &[Matcher], from: i64) -> Vec<Labels> {
        self.head().series_since(matchers, from)
    }

    /// What there is most of: at most `most` of each list.
    ///
    /// *Cost*: a pass over all labels, under the lock that appends wait for; some ms at 100,000 series.
    pub fn cardinality(&self, most: usize) -> Cardinality {
        self.head().cardinality(most)
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

    /// How the disk does, and how that changes.
    pub fn storage_state(&self) -> watch::Receiver<StorageState> {
        self.0.state.clone()
    }

    /// The store in numbers.
    pub fn stats(&self) -> StoreStats {
        let mut stats = *self.stats_mut();
        stats.series = self.head().series_count();
        if let Some(disk) = &self.0.disk {
            stats.disk = disk.queue().stats();
        }
        stats
    }

    /// What the file told when it was opened.
    pub fn restored(&self) -> Restored {
        self.0.restored
    }

    /// Whether the process before this one ended without [`Store::shutdown`]: its series then end
    /// without a marker.
    pub fn unclean_restart(&self) -> bool {
        self.0.restored.unclean
    }

    /// A number that the store's file has had since it was made: offsets of a store with another one
    /// mean nothing here.
    pub fn generation(&self) -> u64 {
        self.0.restored.generation
    }

    /// How long samples are kept, ms.
    pub fn retention_ms(&self) -> i64 {
        self.0.config.retention_ms
    }

    /// Writes everything that waits, lazy samples too, and tells whether that was done within
    /// [`SHUTDOWN_WAIT`](super::disk::SHUTDOWN_WAIT).
    ///
    /// *Blocks*.
    pub fn flush(&self) -> bool {
        self.0.disk.as_ref().is_none_or(Disk::flush)
    }

    /// Writes everything that waits and closes the file, within
    /// [`SHUTDOWN_WAIT`](super::disk::SHUTDOWN_WAIT). Later calls do nothing.
    ///
    /// *Blocks*.
    pub fn shutdown(&self) {
        if let Some(disk) = &self.0.disk {
            disk.shutdown();
        }
    }
}

/// What samples count towards [`StoreConfig::select_samples_max`]: a number one, a histogram as many as take its
/// memory.
pub(super) fn weight_of(samples: &[Sample], histograms: &[HistogramSample]) -> usize {
    let weight = |one: &HistogramSample| one.histogram.weight() * size_of::<f64>() / size_of::<Sample>();
    samples.len() + histograms.iter().map(weight).sum::<usize>()
}
