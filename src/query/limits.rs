//! What one evaluation may use.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::QueryError;

/// Values that one evaluation may compute, the inner ones counted: as Prometheus's default.
///
/// At 8 bytes each 400 MB if none were freed; a chart of 500 series and 600 steps computes 300,000
/// for each operator.
pub const SAMPLES_MAX: usize = 50_000_000;
/// Samples that a function may look at in its windows for each value it may compute.
///
/// A value costs some 10 ns, a look 3: with [`SAMPLES_MAX`] two seconds and a half. 100 series over
/// an hour's windows by the second, at 600 steps, are 216 million looks, a quarter of the limit.
pub const LOOKS_PER_SAMPLE: usize = 16;
/// Samples that one evaluation may read, those of each selector counted.
///
/// They are read one series after the other, so that they cost time more than memory: some 10 ns each, a second in all.
/// 1,000 series by the second over a day are 86 million.
pub const READ_SAMPLES_MAX: usize = 100_000_000;
/// Series that any part of a query may have: a fifth of what the store holds.
pub const SERIES_MAX: usize = 20_000;
/// Steps of a range query, as Prometheus's HTTP API: 3 hours by the second, a week by the minute.
pub const STEPS_MAX: usize = 11_000;
/// Bytes of a query's text. The longest of Node Exporter Full has 600.
pub const QUERY_BYTES_MAX: usize = 16_384;
/// Operators, signs and open brackets of one query together. It bounds the depth of the tree, which
/// is walked by recursion: 256 levels of about 2 KiB are a quarter of a thread's 2 MiB stack.
pub const DEPTH_MAX: usize = 256;
/// Regular expressions of one query. With [`REGEX_BYTES_MAX`] 64 MB for a query that is made to hurt;
/// one that is not needs some KiB.
pub const REGEXES_MAX: usize = 64;
/// Bytes of a regular expression when compiled. An alternation of 1,000 host names has 300 KB.
pub const REGEX_BYTES_MAX: usize = 1 << 20;
/// The longest range, offset or resolution, ms: 200 years. With [`TIME_MS_MAX`] and [`DEPTH_MAX`] no
/// sum of times comes near the end of an `i64`.
pub const SPAN_MS_MAX: i64 = 200 * 365 * 86_400_000;
/// The latest time that is evaluated, and its negative the earliest, ms: the range of a JavaScript
/// date.
pub const TIME_MS_MAX: i64 = 8_640_000_000_000_000;

/// Values that are computed between two looks at the clock: at some 10 ns each, a tenth of a millisecond.
const LOOK_SAMPLES: usize = 10_000;

/// The limits of one evaluation.
#[derive(Debug, Clone)]
pub struct EvalLimits {
    /// Values computed in all, see [`SAMPLES_MAX`].
    pub samples_max: usize,
    /// Samples read in all, see [`READ_SAMPLES_MAX`].
    pub read_max: usize,
    /// Series of any intermediate vector, see [`SERIES_MAX`].
    pub series_max: usize,
    /// Steps of the query, see [`STEPS_MAX`].
    pub steps_max: usize,
    /// When it is given up, and how long that was.
    pub time: Option<(Instant, Duration)>,
    /// Set when nobody waits for it any more.
    pub cancelled: Option<Arc<AtomicBool>>,
}

impl Default for EvalLimits {
    fn default() -> Self {
        Self {
            samples_max: SAMPLES_MAX,
            read_max: READ_SAMPLES_MAX,
            series_max: SERIES_MAX,
            steps_max: STEPS_MAX,
            time: None,
            cancelled: None,
        }
    }
}

/// Counts what an evaluation has used.
#[derive(Debug)]
pub struct Budget<'a> {
    limits: &'a EvalLimits,
    used: Cell<usize>,
    read: Cell<usize>,
    /// Values computed since the last look at the clock.
    unlooked: Cell<usize>,
}

impl<'a> Budget<'a> {
    /// A budget of which nothing is used.
    pub fn new(limits: &'a EvalLimits) -> Self {
        Self { limits, used: Cell::new(0), read: Cell::new(0), unlooked: Cell::new(0) }
    }

    /// Takes `count` values, before they are allocated.
    ///
    /// # Errors
    ///
    /// When that is more than is left, the time is over, or nobody waits for it.
    pub fn samples(&self, count: usize) -> Result<(), QueryError> {
        let used = self.used.get().saturating_add(count);
        self.used.set(used);
        if used > self.limits.samples_max {
            return Err(QueryError::Limit { name: "samples", max: self.limits.samples_max });
        }
        self.pass(count)
    }

    /// Counts `count` samples that were read.
    ///
    /// # Errors
    ///
    /// As [`Budget::samples`].
    pub fn read(&self, count: usize) -> Result<(), QueryError> {
        let read = self.read.get().saturating_add(count);
        self.read.set(read);
        if read > self.limits.read_max {
            return Err(QueryError::Limit { name: "stored samples", max: self.limits.read_max });
        }
        self.pass(count)
    }

    /// How many samples were read.
    pub const fn samples_read(&self) -> usize {
        self.read.get()
    }

    /// Looks at the clock after as much work as takes a while.
    fn pass(&self, count: usize) -> Result<(), QueryError> {
        let unlooked = self.unlooked.get().saturating_add(count);
        if unlooked < LOOK_SAMPLES {
            self.unlooked.set(unlooked);
            return Ok(());
        }
        self.unlooked.set(0);
        self.look()
    }

    fn look(&self) -> Result<(), QueryError> {
        if self.limits.cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Relaxed)) {
            return Err(QueryError::Cancelled);
        }
        match self.limits.time {
            Some((until, allowed)) if until <= Instant::now() => Err(QueryError::Time(allowed)),
            _ => Ok(()),
        }
    }

    /// Gives back `count` values that turned out not to be kept.
    pub fn give_back(&self, count: usize) {
        self.used.set(self.used.get().saturating_sub(count));
    }

    /// Checks that a vector of `count` series is allowed.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn series(&self, count: usize) -> Result<(), QueryError> {
        if count > self.limits.series_max {
            return Err(QueryError::Limit { name: "series", max: self.limits.series_max });
        }
        Ok(())
    }
}
