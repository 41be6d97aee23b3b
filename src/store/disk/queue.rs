//! What waits for the writer, bounded by bytes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::{sync::oneshot, time::Instant};

use super::super::{
    durable::{Durable, PersistError},
    ids::SeriesId,
    report::{Accepted, DiskStats},
    series::SealedChunk,
};
use crate::model::Labels;

/// Samples of a push that somebody waits for.
#[derive(Debug)]
pub struct DurableRows {
    /// The samples.
    pub rows: Accepted,
    /// Who waits; `None` once they were told that it takes too long.
    pub done: Option<oneshot::Sender<Result<(), PersistError>>>,
    /// Since when.
    pub since: Instant,
}

/// Unsealed samples of a slow series, as a chunk.
#[derive(Debug)]
pub struct Carried {
    /// The series.
    pub series: SeriesId,
    /// The newest time.
    pub t_max: i64,
    /// The encoded samples.
    pub body: Vec<u8>,
}

/// One piece of work for the writer.
#[derive(Debug)]
pub enum Job {
    /// Samples to write at once.
    Durable(DurableRows),
    /// Samples to write with the next block.
    Lazy(Accepted),
    /// Chunks to write.
    Save(Vec<(SeriesId, SealedChunk)>),
    /// Unsealed samples to write, in place of those carried before.
    Carry(Vec<Carried>),
    /// All samples older than this are sealed or carried.
    Trim(i64),
    /// Series that are gone.
    Forget(Vec<SeriesId>),
    /// The time, once a second.
    Tick {
        /// That of the clock, ms.
        now_ms: i64,
        /// That by which retention judges, ms.
        retention_ms: i64,
    },
    /// Write the open block, then tell.
    Flush(std::sync::mpsc::Sender<()>),
    /// Write everything, tell, and end.
    Close(std::sync::mpsc::Sender<()>),
}

/// What the writer has on disk now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// The chunk with this newest time.
    Saved(SeriesId, i64),
    /// The unsealed samples up to this time.
    Carried(SeriesId, i64),
}

/// The writer's side of the queue: what it took.
#[derive(Debug, Default)]
pub struct Drained {
    /// New series, before any of their samples.
    pub announced: Vec<(SeriesId, Labels)>,
    /// The work, in order.
    pub jobs: Vec<Job>,
    /// Whether the store is gone.
    pub closed: bool,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Drained,
    bytes: usize,
    acks: Vec<Ack>,
    stats: DiskStats,
}

/// What waits for the writer. Samples are bounded by bytes; the rest is bounded by who makes it
/// (`tick` keeps a number of chunks on the way, a series is announced once).
#[derive(Debug)]
pub struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    bytes_max: usize,
}

impl Queue {
    /// Makes a queue of at most `bytes_max` bytes of samples.
    pub fn new(bytes_max: usize) -> Self {
        Self { inner: Mutex::default(), filled: Condvar::new(), bytes_max }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the writer of a new series. Must come before its samples can, that is under the lock of
    /// the head.
    pub fn announce(&self, id: SeriesId, labels: Labels) {
        self.lock().waiting.announced.push((id, labels));
    }

    /// Queues samples that somebody waits for.
    ///
    /// # Errors
    ///
    /// When too many bytes wait, or the store is closed.
    pub fn persist(&self, rows: &Accepted) -> Result<Durable, PersistError> {
        let bytes = rows.bytes();
        let mut inner = self.lock();
        if inner.waiting.closed {
            return Err(PersistError::Closed);
        }
        // An empty queue takes anything: a push larger than the bound must not wait for ever.
        if inner.bytes > 0 && inner.bytes + bytes > self.bytes_max {
            return Err(PersistError::Pending);
        }
        inner.bytes += bytes;
        let (sender, receiver) = oneshot::channel();
        inner.waiting.jobs.push(Job::Durable(DurableRows {
            rows: rows.clone(),
            done: Some(sender),
            since: Instant::now(),
        }));
        drop(inner);
        self.filled.notify_one();
        Ok(Durable(receiver))
    }

    /// Queues samples that nobody waits for; when too many bytes wait they are left out and counted.
    pub fn persist_lazily(&self, rows: &Accepted) {
        let bytes = rows.bytes();
        let mut inner = self.lock();
        if inner.waiting.closed || inner.bytes > 0 && inner.bytes + bytes > self.bytes_max {
            inner.stats.rows_unwritten += rows.len() as u64;
            return;
        }
        inner.bytes += bytes;
        // No wake-up: they go with the next tick, within a second.
        inner.waiting.jobs.push(Job::Lazy(rows.clone()));
    }

    /// Queues other work.
    pub fn push(&self, job: Job) {
        let mut inner = self.lock();
        if !inner.waiting.closed {
            inner.waiting.jobs.push(job);
        }
        drop(inner);
        self.filled.notify_one();
    }

    /// Ends the writer when it looks next.
    pub fn close(&self) {
        self.lock().waiting.closed = true;
        self.filled.notify_one();
    }

    /// Takes what waits; blocks until there is something, or for `timeout`.
    pub fn drain(&self, timeout: Option<Duration>) -> Drained {
        let mut inner = self.lock();
        let idle = |inner: &mut Inner| inner.waiting.jobs.is_empty() && !inner.waiting.closed;
        inner = match timeout {
            None => self.filled.wait_while(inner, idle).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.filled.wait_timeout_while(inner, timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let closed = inner.waiting.closed;
        let drained = std::mem::take(&mut inner.waiting);
        inner.waiting.closed = closed;
        drained
    }

    /// Notes that so many bytes of samples wait no more.
    pub fn release(&self, bytes: usize) {
        let mut inner = self.lock();
        inner.bytes = inner.bytes.saturating_sub(bytes);
    }

    /// Notes what is on disk.
    pub fn ack(&self, acks: impl IntoIterator<Item = Ack>) {
        self.lock().acks.extend(acks);
    }

    /// Takes the notes of what is on disk.
    pub fn take_acks(&self) -> Vec<Ack> {
        std::mem::take(&mut self.lock().acks)
    }

    /// Changes the numbers.
    pub fn count(&self, change: impl FnOnce(&mut DiskStats)) {
        change(&mut self.lock().stats);
    }

    /// The numbers.
    pub fn stats(&self) -> DiskStats {
        let inner = self.lock();
        DiskStats { pending_bytes: inner.bytes, ..inner.stats }
    }
}
