//! One series in memory: its open chunk and the sealed ones that are still here.

pub mod mixed;

use std::{collections::VecDeque, sync::Arc};

use super::{codec, histograms::OpenHistograms, ids::SeriesId, open::OpenChunk};
use crate::model::{
    Labels, Sample,
    limits::{AHEAD_MS_MAX, HISTOGRAM_BOUNDS_MAX, HISTOGRAM_BUCKETS_MAX, LATE_MS_MAX},
};
pub use mixed::Unsealed;

/// Samples of a sealed chunk: 8 minutes at one a second.
pub const CHUNK_SAMPLES: usize = CHUNK_TARGET as usize;
/// The same, as a series keeps it.
pub const CHUNK_TARGET: u32 = 480;
/// The first chunk of a series has at least so many, and up to [`CHUNK_SAMPLES`], by its id: series
/// that began together then never again seal together.
pub const FIRST_CHUNK_SAMPLES: u32 = 240;

/// Samples that change no more, encoded.
#[derive(Debug, Clone)]
pub struct SealedChunk {
    /// The time of the oldest sample.
    pub t_min: i64,
    /// The time of the newest sample.
    pub t_max: i64,
    /// What [`codec::encode_mixed_chunk`] made.
    pub body: Arc<[u8]>,
    /// Whether the disk has it, so that memory may let it go.
    pub saved: bool,
}

impl SealedChunk {
    /// Seals samples; `None` when there are none.
    pub fn seal(samples: &Unsealed) -> Option<Self> {
        let body = Arc::from(codec::encode_mixed_chunk(&samples.samples, &samples.histograms));
        Some(Self { t_min: samples.oldest_t()?, t_max: samples.newest_t()?, body, saved: false })
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + 16 + self.body.len()
    }
}

/// Why the head does not take a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// There is another value at the same time.
    #[error("the series has another value at this time")]
    Duplicate,
    /// It is older than late samples may be.
    #[error("older than the {} s that a sample may be late", LATE_MS_MAX / 1_000)]
    TooOld,
    /// It is further ahead of the clock than samples may be.
    #[error("more than {} s ahead of the server's clock", AHEAD_MS_MAX / 1_000)]
    TooNew,
    /// There are as many series as there may be.
    #[error("a new series, and the server stores no more of them")]
    SeriesLimit,
    /// Its labels are none, too many or too long.
    #[error("labels out of limits")]
    LabelsLimit,
    /// The histogram has too many buckets.
    #[error("a histogram of more than {HISTOGRAM_BUCKETS_MAX} buckets")]
    BucketsLimit,
    /// The histogram has too many custom bounds.
    #[error("a histogram of more than {HISTOGRAM_BOUNDS_MAX} custom bounds")]
    BoundsLimit,
    /// The histogram's layout or buckets are none.
    #[error("not a histogram: its layout or the order of its buckets is wrong")]
    NoHistogram,
    /// There is no such series (any more).
    #[error("no such series")]
    NoSeries,
}

/// What became of a sample that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is the newest.
    Newest,
    /// It found its place between others.
    Late,
    /// It was there already.
    Known,
}

/// One series: samples up to `disk_to` are on disk only, then come sealed chunks, then the open one.
#[derive(Debug)]
pub struct Series {
    /// Its name in this store.
    pub id: SeriesId,
    /// How many samples the next sealed chunk takes.
    pub target: u32,
    /// Its labels, of shared strings.
    pub labels: Labels,
    /// The newest samples; may reach back over samples that are sealed too, see [`Series::sealed_to`].
    pub open: OpenChunk,
    /// Sealed chunks, oldest first.
    pub chunks: VecDeque<SealedChunk>,
    /// The newest sealed time; later samples are in the open chunk alone.
    pub sealed_to: i64,
    /// How many samples of the open chunk are not sealed, and how many histograms.
    pub unsealed: usize,
    /// Its histograms that are not sealed; mostly there are none, and then it is a word. Of a series that has them
    /// no sealed sample stays in the open chunk.
    pub histograms: Option<Box<OpenHistograms>>,
    /// The time of the unsealed sample that filled the next chunk.
    pub full_at: Option<i64>,
    /// The newest time that the disk has and memory may not; `None` when the disk has nothing.
    pub disk_to: Option<i64>,
    /// Unsealed samples up to here are on disk as a carried chunk.
    pub carried_to: i64,
    /// When the disk was asked last to carry its unsealed samples.
    pub carry_asked: i64,
}

impl Series {
    /// Makes a series with no samples.
    pub fn new(id: SeriesId, labels: Labels) -> Self {
        let spread = CHUNK_TARGET - FIRST_CHUNK_SAMPLES;
        // Fibonacci hashing: neighbours land far apart.
        let offset = (u64::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32 % spread;
        Self {
            id,
            target: FIRST_CHUNK_SAMPLES + offset,
            labels,
            open: OpenChunk::default(),
            chunks: VecDeque::new(),
            sealed_to: i64::MIN,
            unsealed: 0,
            histograms: None,
            full_at: None,
            disk_to: None,
            carried_to: i64::MIN,
            carry_asked: i64::MIN,
        }
    }

    /// The time of the newest sample.
    pub fn newest_t(&self) -> Option<i64> {
        self.open_newest_t().or_else(|| self.chunks.back().map(|chunk| chunk.t_max)).or(self.disk_to)
    }

    /// Whether it has samples that are not in a sealed chunk alone.
    pub fn has_open(&self) -> bool {
        self.open_newest_t().is_some()
    }

    /// The time of the newest sample that is not in a sealed chunk alone.
    fn open_newest_t(&self) -> Option<i64> {
        let number = self.open.last().map(|sample| sample.t);
        number.max(self.histograms.as_ref().and_then(|open| open.last()).map(|sample| sample.t))
    }

    /// Takes a sample.
    ///
    /// # Errors
    ///
    /// When it is older than [`LATE_MS_MAX`] before the newest, or another value is at its time.
    #[inline]
    pub fn append(&mut self, sample: Sample) -> Result<Taken, Refused> {
        if self.histograms.is_some() {
            return self.append_beside(sample);
        }
        let taken = match self.open.last() {
            Some(last) if sample.t <= last.t => self.insert(last, sample)?,
            None if self.newest_t().is_some_and(|newest| sample.t <= newest) => {
                return Err(Refused::TooOld);
            }
            _ => {
                self.open.push(sample);
                Taken::Newest
            }
        };
        if taken != Taken::Known {
            self.unsealed += 1;
            if self.unsealed == self.target as usize {
                self.full_at = self.open.last().map(|last| last.t);
            }
        }
        Ok(taken)
    }

    #[cold]
    fn insert(&mut self, last: Sample, sample: Sample) -> Result<Taken, Refused> {
        let known = if sample.t == last.t { Some(last) } else { self.open.at(sample.t) };
        match known {
            Some(known) if known == sample => Ok(Taken::Known),
            Some(_) => Err(Refused::Duplicate),
            None if sample.t <= self.sealed_to || sample.t < last.t.saturating_sub(LATE_MS_MAX) => {
                Err(Refused::TooOld)
            }
            None => {
                self.open.insert(sample);
                Ok(Taken::Late)
            }
        }
    }

    /// Whether it is time to seal: the next chunk is full, and none of its samples is so new that a
    /// late one could still come before it; or no sample came since `idle_before`.
    pub fn is_due(&self, idle_before: i64) -> bool {
        let Some(last) = self.open_newest_t().filter(|_| self.unsealed > 0) else { return false };
        let settled = last.saturating_sub(LATE_MS_MAX);
        last < idle_before || self.full_at.is_some_and(|full_at| full_at < settled)
    }

    /// The samples that the next sealed chunk takes; none when it is not time.
    pub fn due(&self, idle_before: i64) -> Option<Unsealed> {
        if !self.is_due(idle_before) {
            return None;
        }
        let newest = self.open_newest_t()?;
        let all = newest < idle_before;
        let to = if all { newest } else { newest.saturating_sub(LATE_MS_MAX) - 1 };
        let most = if all { CHUNK_SAMPLES } else { self.target as usize };
        if self.histograms.is_some() {
            return self.due_beside(to, most, all);
        }
        let mut samples = Vec::with_capacity(self.unsealed);
        self.open.read(self.sealed_to, to, &mut samples);
        if !all && samples.len() < most {
            return None;
        }
        samples.truncate(most);
        (!samples.is_empty()).then_some(Unsealed { samples, ..Unsealed::default() })
    }

    /// Puts the sealed chunk of the `n` samples that [`Series::due`] gave in place.
    ///
    /// Of the samples that are sealed now, the newest `keep` stay in the open chunk, where a short
    /// window is read at little cost.
    pub fn seal(&mut self, chunk: SealedChunk, n: usize, keep: usize) {
        self.sealed_to = chunk.t_max;
        self.unsealed = self.unsealed.saturating_sub(n);
        self.target = CHUNK_TARGET;
        self.chunks.push_back(chunk);
        if self.histograms.is_some() {
            return self.sealed_beside();
        }
        let mut samples = Vec::with_capacity(self.open.len());
        self.open.read(i64::MIN, i64::MAX, &mut samples);
        let from = samples.len().saturating_sub(self.unsealed + keep);
        self.open = OpenChunk::from_samples(&samples[from..]);
        let full = samples.len() - self.unsealed + CHUNK_SAMPLES - 1;
        self.full_at = samples.get(full).map(|sample| sample.t);
    }

    /// Lets the oldest sealed chunk go if the disk has it, or else the oldest whose samples are all
    /// newer than `give_up_after`; gives its bytes.
    pub fn evict(&mut self, give_up_after: Option<i64>) -> Option<usize> {
        if self.chunks.front()?.saved {
            let chunk = self.chunks.pop_front()?;
            self.disk_to = Some(chunk.t_max);
            return Some(chunk.bytes());
        }
        let since = give_up_after?;
        let at = self.chunks.iter().position(|chunk| !chunk.saved && chunk.t_min > since)?;
        Some(self.chunks.remove(at)?.bytes())
    }

    /// The time from which on memory has every sample.
    pub fn memory_from(&self) -> Option<i64> {
        let numbers = self.open.first_t();
        let histograms = self.histograms.as_ref().and_then(|open| open.first_t());
        let open = [numbers, histograms].into_iter().flatten().min();
        let sealed = self.chunks.front().map(|chunk| chunk.t_min);
        match (open, sealed) {
            (Some(open), Some(sealed)) => Some(open.min(sealed)),
            (open, sealed) => open.or(sealed),
        }
    }

    /// The part of `from < t <= to` that only the disk has.
    pub fn on_disk(&self, from: i64, to: i64) -> Option<(i64, i64)> {
        let newest = self.disk_to?;
        let end = self.memory_from().map_or(newest, |memory| newest.min(memory - 1)).min(to);
        (from < end).then_some((from, end))
    }

    /// The time of the oldest sample that the disk has neither sealed nor carried.
    pub fn uncovered_from(&self) -> Option<i64> {
        let unsaved = self.chunks.iter().find(|chunk| !chunk.saved).map(|chunk| chunk.t_min);
        if unsaved.is_some() {
            return unsaved;
        }
        self.open_uncovered_from()
    }

    /// The time of the oldest unsealed sample that is not carried.
    pub fn open_uncovered_from(&self) -> Option<i64> {
        let covered = self.sealed_to.max(self.carried_to);
        let histograms = self.histograms.as_ref().and_then(|open| open.first_after(covered));
        [self.open.first_after(covered), histograms].into_iter().flatten().min()
    }

    /// Bytes of memory, its labels not counted: their strings are shared.
    pub fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(SealedChunk::bytes).sum();
        let histograms = self.histograms.as_ref().map_or(0, |open| open.bytes());
        size_of::<Self>() + self.open.bytes() + histograms + chunks + self.labels.len() * 40
    }
}
