//! A series that has histograms: numbers and histograms in one order of times.

use std::sync::Arc;

use super::{CHUNK_SAMPLES, OpenChunk, Refused, Series, Taken};
use crate::model::{
    AnySample, CounterReset, Histogram, HistogramSample, Sample,
    histogram::Layout,
    limits::{HISTOGRAM_BOUNDS_MAX, HISTOGRAM_BUCKETS_MAX, LATE_MS_MAX},
};
use crate::store::codec::histograms::{LIST_COST_MAX, fitting};

/// What unsealed histograms may weigh until a chunk is due of them, however few they are: the late ones of a
/// minute still fit into a list.
const CHUNK_COST: usize = LIST_COST_MAX / 2;

/// Samples of a series of either kind, each kind oldest first.
#[derive(Debug, Clone, Default)]
pub struct Unsealed {
    /// The numbers.
    pub samples: Vec<Sample>,
    /// The histograms.
    pub histograms: Vec<HistogramSample>,
}

impl Unsealed {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of the oldest.
    pub fn oldest_t(&self) -> Option<i64> {
        let first =
            [self.samples.first().map(|sample| sample.t), self.histograms.first().map(|sample| sample.t)];
        first.into_iter().flatten().min()
    }

    /// The time of the newest.
    pub fn newest_t(&self) -> Option<i64> {
        let histogram = self.histograms.last().map(|sample| sample.t);
        histogram.max(self.samples.last().map(|sample| sample.t))
    }

    /// Leaves the oldest `n` at most, and no more histograms than one list takes.
    pub fn truncate(&mut self, n: usize) {
        let kept = fitting(&self.histograms);
        let heavy_from = self.histograms.get(kept).map_or(i64::MAX, |sample| sample.t);
        let end = self.times().get(n).copied().unwrap_or(i64::MAX).min(heavy_from);
        self.samples.truncate(self.samples.partition_point(|sample| sample.t < end));
        self.histograms.truncate(self.histograms.partition_point(|sample| sample.t < end));
    }

    /// Leaves out that the first histogram is no reset: the chunk before it may be gone once.
    fn begin(&mut self) {
        if let Some(first) =
            self.histograms.first_mut().filter(|one| one.histogram.hint == CounterReset::NotReset)
        {
            *first = with_hint(first, CounterReset::Unknown);
        }
    }

    fn times(&self) -> Vec<i64> {
        let histograms = self.histograms.iter().map(|sample| sample.t);
        let mut times: Vec<i64> = self.samples.iter().map(|sample| sample.t).chain(histograms).collect();
        times.sort_unstable();
        times
    }
}

/// Checks what the store needs to know of a histogram, whoever sent it.
///
/// # Errors
///
/// [`Refused::BucketsLimit`], [`Refused::BoundsLimit`], [`Refused::NoHistogram`].
pub fn check(histogram: &Histogram) -> Result<(), Refused> {
    if HISTOGRAM_BUCKETS_MAX < histogram.positive.len() + histogram.negative.len() {
        return Err(Refused::BucketsLimit);
    }
    if let Layout::Custom { bounds } = &histogram.layout
        && HISTOGRAM_BOUNDS_MAX < bounds.len()
    {
        return Err(Refused::BoundsLimit);
    }
    histogram.check_layout().map_err(|_| Refused::NoHistogram)
}

/// The same histogram with this hint.
fn with_hint(sample: &HistogramSample, hint: CounterReset) -> HistogramSample {
    if sample.histogram.hint == hint {
        return sample.clone();
    }
    let histogram = Histogram { hint, ..(*sample.histogram).clone() };
    HistogramSample::new(sample.t, Arc::new(histogram))
}

impl Series {
    /// Takes a histogram, which [`check`] found right.
    ///
    /// What is known of a reset is judged against the histogram before it: the hint that a sender gives counts
    /// where it says that there was one, or that it is a gauge.
    ///
    /// # Errors
    ///
    /// As [`Series::append`].
    pub fn append_histogram(&mut self, sample: &HistogramSample) -> Result<Taken, Refused> {
        let taken = self.place(&AnySample::Histogram(sample.clone()))?;
        if taken == Taken::Known {
            return Ok(taken);
        }
        let sample = self.judged(sample);
        let t = sample.t;
        let open = self.histograms.get_or_insert_default();
        if open.last().is_none_or(|last| last.t < t) {
            open.push(sample);
        } else {
            let mut later = open.split_after(t);
            open.push(sample);
            // What was known of the next one's reset was known against the one before this.
            if let Some(next) = later.first_mut().filter(|next| next.histogram.hint != CounterReset::Gauge) {
                *next = self.judged(&with_hint(next, CounterReset::Unknown));
            }
            let open = self.histograms.get_or_insert_default();
            later.into_iter().for_each(|sample| open.push(sample));
        }
        self.took_one();
        Ok(taken)
    }

    /// Takes a number, beside histograms.
    #[cold]
    pub(super) fn append_beside(&mut self, sample: Sample) -> Result<Taken, Refused> {
        let taken = self.place(&AnySample::Float(sample))?;
        match taken {
            Taken::Known => return Ok(taken),
            _ if self.open.last().is_none_or(|last| last.t < sample.t) => self.open.push(sample),
            _ => self.open.insert(sample),
        }
        self.took_one();
        Ok(taken)
    }

    fn took_one(&mut self) {
        self.unsealed += 1;
        if self.unsealed == self.target as usize || self.full_at.is_none() && self.is_heavy() {
            self.full_at = self.newest_t();
        }
    }

    /// How a sample would be taken.
    fn place(&self, sample: &AnySample) -> Result<Taken, Refused> {
        let t = sample.t();
        let Some(newest) = self.newest_t().filter(|newest| t <= *newest) else { return Ok(Taken::Newest) };
        let number = self.open.at(t).map(AnySample::Float);
        let known = number.or_else(|| self.histograms.as_ref()?.at(t).map(AnySample::Histogram));
        match known {
            Some(known) if known == *sample => Ok(Taken::Known),
            Some(_) => Err(Refused::Duplicate),
            None if t <= self.sealed_to || t < newest.saturating_sub(LATE_MS_MAX) => Err(Refused::TooOld),
            None => Ok(Taken::Late),
        }
    }

    /// The histogram with what is known of a reset between it and the sample before it, a histogram too.
    fn judged(&self, sample: &HistogramSample) -> HistogramSample {
        let before = self.histograms.as_ref().and_then(|open| open.before(sample.t));
        // A number in between, such as a staleness marker, ends what is known.
        let before = before.filter(|before| self.open.first_after(before.t).is_none_or(|t| sample.t < t));
        let hint = match (sample.histogram.hint, before) {
            (hint @ (CounterReset::Gauge | CounterReset::Reset), _) => hint,
            (_, Some(before)) if before.histogram.hint != CounterReset::Gauge => {
                let now = with_hint(sample, CounterReset::Unknown);
                if now.histogram.is_reset_after(&before.histogram) {
                    CounterReset::Reset
                } else if now.histogram.layout == before.histogram.layout {
                    CounterReset::NotReset
                } else {
                    CounterReset::Unknown
                }
            }
            _ => CounterReset::Unknown,
        };
        with_hint(sample, hint)
    }

    /// The unsealed samples up to `to`.
    pub fn unsealed_to(&self, to: i64) -> Unsealed {
        let mut found = Unsealed::default();
        self.open.read(self.sealed_to, to, &mut found.samples);
        if let Some(open) = &self.histograms {
            open.read(self.sealed_to, to, &mut found.histograms);
        }
        found
    }

    /// The samples that the next sealed chunk takes, of those that nothing late can come before.
    pub(super) fn due_beside(&self, to: i64, most: usize, all: bool) -> Option<Unsealed> {
        let mut found = self.unsealed_to(to);
        if !all && found.len() < most && !self.is_heavy() {
            return None;
        }
        found.truncate(most);
        found.begin();
        (!found.is_empty()).then_some(found)
    }

    /// Whether the histograms alone fill a chunk.
    pub(super) fn is_heavy(&self) -> bool {
        self.histograms.as_ref().is_some_and(|open| CHUNK_COST <= open.cost())
    }

    /// Lets go of what is sealed now.
    pub(super) fn sealed_beside(&mut self) {
        if let Some(open) = &mut self.histograms {
            open.forget_to(self.sealed_to);
        }
        let left = self.unsealed_to(i64::MAX);
        self.open = OpenChunk::from_samples(&left.samples);
        let heavy = self.is_heavy().then(|| left.newest_t()).flatten();
        self.full_at = left.times().get(CHUNK_SAMPLES - 1).copied().or(heavy);
    }
}

#[cfg(test)]
mod tests;
