//! What the store does once a second: seal, save, carry, let go.

use std::sync::PoisonError;

use super::{
    codec::encode_mixed_chunk,
    config::IDLE_MS,
    disk::{
        Disk,
        queue::{Ack, Carried, Job},
    },
    handle::Store,
    head::Head,
    ids::SeriesId,
    report::StorageState,
    retention_clock::RetentionClock,
    series::{SealedChunk, Series},
};
use crate::model::limits::LATE_MS_MAX;

/// Chunks that one tick seals: 100,000 series at one sample a second need 208, and 512 take 15 ms of
/// one core.
pub const SEALS_PER_TICK: usize = 512;
/// Chunks that are sealed between two holds of the head's lock.
pub const SEALS_PER_HOLD: usize = 32;
/// Chunks on their way to the disk: 4 ticks' worth, about 1 MB.
pub const SAVES_MAX: usize = 2_048;
/// Unsealed samples older than this are carried, so that pending rows can go, ms. A series with one
/// sample a second is sealed at 9 minutes, and never comes so far.
pub const CARRY_MS: i64 = 900_000;
/// What is carried reaches up to so long ago, ms: beyond it nothing can come late.
pub const CARRY_SETTLED_MS: i64 = 300_000;
/// Series that one tick carries.
pub const CARRIES_PER_TICK: usize = 256;
/// Time between two looks at pending rows and at series that are gone, ms.
pub const SWEEP_MS: i64 = 10_000;

/// What ticks remember.
#[derive(Debug)]
pub struct Upkeep {
    saves_on_the_way: usize,
    swept_at: Option<i64>,
    retention_clock: RetentionClock,
}

impl Upkeep {
    /// Begins with the samples that were restored.
    pub fn new(head: &Head) -> Self {
        let newest = head.iter().filter_map(Series::newest_t).max();
        Self { saves_on_the_way: 0, swept_at: None, retention_clock: RetentionClock::new(newest) }
    }
}

impl Store {
    /// Seals chunks that are full, hands them to the disk, lets go what the disk has when memory is
    /// short, and drops series that are beyond retention. To be called once a second.
    ///
    /// Does not wait for the disk. Cost: up to 20 ms of one core; call it off the runtime threads.
    pub fn tick(&self, now_ms: i64) {
        let mut upkeep = self.0.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(disk) = &self.0.disk {
            self.note_acks(disk, &mut upkeep);
        }
        let retention_ms = upkeep.retention_clock.tick(now_ms);
        let seals = self.seal(now_ms);
        if let Some(disk) = &self.0.disk {
            self.save(disk, &mut upkeep);
            self.carry(disk, now_ms);
        }
        let since_sweep = upkeep.swept_at.map_or(i64::MAX, |at| now_ms.saturating_sub(at));
        if !(0..SWEEP_MS).contains(&since_sweep) {
            upkeep.swept_at = Some(now_ms);
            self.sweep(now_ms, retention_ms);
        }
        self.evict();
        self.stats_mut().seals += seals as u64;
        if let Some(disk) = &self.0.disk {
            disk.queue().push(Job::Tick { now_ms, retention_ms });
        }
    }

    fn note_acks(&self, disk: &Disk, upkeep: &mut Upkeep) {
        let acks = disk.queue().take_acks();
        if acks.is_empty() {
            return;
        }
        let mut saved = Vec::with_capacity(acks.len());
        let mut head = self.head_mut();
        for ack in acks {
            match ack {
                Ack::Saved(id, t_max) => saved.push((id, t_max)),
                Ack::Carried(id, t_max) => {
                    if let Some(series) = head.series_mut(id) {
                        series.carried_to = series.carried_to.max(t_max);
                    }
                }
            }
        }
        head.mark_saved(&saved);
        upkeep.saves_on_the_way = upkeep.saves_on_the_way.saturating_sub(saved.len());
    }

    /// Encodes outside the lock: what is due does not change any more.
    fn seal(&self, now_ms: i64) -> usize {
        let idle_before = now_ms.saturating_sub(IDLE_MS);
        let due = self.head().due(idle_before, SEALS_PER_TICK);
        for ids in due.chunks(SEALS_PER_HOLD) {
            let samples = self.head().due_samples(ids, idle_before);
            let sealed: Vec<(SeriesId, usize, SealedChunk)> = samples
                .iter()
                .filter_map(|due| Some((due.series, due.samples.len(), SealedChunk::seal(&due.samples)?)))
                .collect();
            let mut head = self.head_mut();
            for (id, n, chunk) in sealed {
                head.seal(id, chunk, n);
            }
        }
        due.len()
    }

    fn save(&self, disk: &Disk, upkeep: &mut Upkeep) {
        let room = SAVES_MAX.saturating_sub(upkeep.saves_on_the_way);
        let chunks = self.head_mut().take_unasked(room);
        if !chunks.is_empty() {
            upkeep.saves_on_the_way += chunks.len();
            disk.queue().push(Job::Save(chunks));
        }
    }

    fn carry(&self, disk: &Disk, now_ms: i64) {
        let old = now_ms.saturating_sub(CARRY_MS);
        let settled = now_ms.saturating_sub(CARRY_SETTLED_MS);
        let mut head = self.head_mut();
        let slow: Vec<SeriesId> = head
            .iter()
            .filter(|series| series.carry_asked <= settled || series.carry_asked > now_ms)
            .filter(|series| series.open_uncovered_from().is_some_and(|t| t < old))
            .map(|series| series.id)
            .take(CARRIES_PER_TICK)
            .collect();
        let mut carried = Vec::with_capacity(slow.len());
        for id in slow {
            let Some(series) = head.series_mut(id) else { continue };
            series.carry_asked = now_ms;
            let mut samples = series.unsealed_to(settled);
            samples.truncate(usize::MAX);
            let Some(t_max) = samples.newest_t() else { continue };
            let body = encode_mixed_chunk(&samples.samples, &samples.histograms);
            carried.push(Carried { series: id, t_max, body });
        }
        drop(head);
        if !carried.is_empty() {
            disk.queue().push(Job::Carry(carried));
        }
    }

    /// Tells the disk which pending rows may go, and drops series of which nothing is kept.
    fn sweep(&self, now_ms: i64, retention_ms: i64) {
        let cutoff = retention_ms.saturating_sub(self.0.config.retention_ms);
        let (gone, uncovered) = {
            let head = self.head();
            let gone: Vec<SeriesId> = head
                .iter()
                .filter(|series| series.newest_t().is_none_or(|newest| newest < cutoff))
                .map(|series| series.id)
                .collect();
            (gone, uncovered_from(&head))
        };
        if !gone.is_empty() {
            self.head_mut().remove_series(&gone);
        }
        if let Some(disk) = &self.0.disk {
            if !gone.is_empty() {
                disk.queue().push(Job::Forget(gone));
            }
            // What is appended from now on is at most so old.
            let coming = now_ms.saturating_sub(2 * LATE_MS_MAX);
            disk.queue().push(Job::Trim(uncovered.map_or(coming, |t| t.min(coming))));
        }
    }

    fn evict(&self) {
        let bytes = self.head().bytes();
        let max = self.0.config.head_bytes_max;
        let mut stats = self.stats_mut();
        stats.head_bytes = bytes;
        let Some(over) = bytes.checked_sub(max).filter(|over| *over > 0) else { return };
        let refusing = match &*self.0.state.borrow() {
            StorageState::Refusing { since, .. } => Some(*since),
            StorageState::Ok | StorageState::Slow { .. } => None,
        };
        let mut head = self.head_mut();
        stats.evictions += head.evict(over, None) as u64;
        // With no disk nothing is ever saved. With one that refuses, memory may double first.
        let (give_up_after, over) = match (&self.0.disk, refusing) {
            (None, _) => (Some(i64::MIN), over),
            (Some(_), Some(since)) => (Some(since), over.saturating_sub(max)),
            (Some(_), None) => return,
        };
        if over > 0 {
            let lost = head.evict(over, give_up_after) as u64;
            stats.evictions += lost;
            stats.lost_chunks += lost;
        }
    }
}

/// The oldest time that only memory and pending rows have.
fn uncovered_from(head: &Head) -> Option<i64> {
    head.iter().filter_map(|series| series.uncovered_from()).min()
}
