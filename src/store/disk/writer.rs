//! The one thread that writes.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use rusqlite::Connection;
use tokio::{sync::watch, time::Instant};

use super::super::{
    durable::PersistError,
    ids::SeriesId,
    report::{Accepted, StorageState},
};
use super::{
    block::{FLUSH_MS, PendingBlock},
    pace::Pace,
    queue::{Drained, Job, Queue},
    restore::PendingRow,
    retention::{self, Retention},
    transaction::{Done, Work, commit},
};
use crate::clock::Clock;
use crate::model::Labels;

/// The wait before a failed commit is tried again, first and longest.
pub const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long somebody waits for a disk that takes nothing: clients give up after some 10 s.
pub const PERSIST_WAIT_MAX: Duration = Duration::from_secs(8);
/// Ticks between two looks at retention.
const RETENTION_TICKS: u32 = 10;

/// The writer's own state: what waits, and what it knows of the file.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    queue: Arc<Queue>,
    state: watch::Sender<StorageState>,
    clock: Clock,
    retention: Retention,
    pace: Pace,
    announced: Vec<(SeriesId, Labels)>,
    jobs: Vec<Job>,
    /// The last one is being filled; those before it are full and wait to be written.
    blocks: Vec<PendingBlock>,
    closed: Vec<PendingRow>,
    next_row: i64,
    now_ms: i64,
    flushed_at: Option<i64>,
    ticks: u32,
    /// Retention deleted as much as one step may: the next tick looks again.
    behind: bool,
    flush: bool,
    /// When a failed commit is tried again, and how long the wait was.
    retry: Option<(Instant, Duration)>,
    ending: Option<mpsc::Sender<()>>,
}

impl Writer {
    /// Makes a writer that keeps everything.
    pub fn new(
        connection: Connection,
        queue: Arc<Queue>,
        state: watch::Sender<StorageState>,
        clock: Clock,
    ) -> Self {
        let now_ms = clock.now_ms();
        Self {
            connection,
            queue,
            state,
            clock,
            retention: Retention { ms: i64::MAX, bytes: u64::MAX },
            pace: Pace::default(),
            announced: Vec::new(),
            jobs: Vec::new(),
            blocks: vec![PendingBlock::default()],
            closed: Vec::new(),
            next_row: 1,
            now_ms,
            flushed_at: None,
            ticks: 0,
            behind: false,
            flush: false,
            retry: None,
            ending: None,
        }
    }

    /// Sets how much is kept.
    #[must_use]
    pub fn with_retention(mut self, ms: i64, bytes: u64) -> Self {
        self.retention = Retention { ms, bytes };
        self
    }

    /// Sets the rows of `pending` that the file had when it was opened.
    #[must_use]
    pub fn with_rows(mut self, rows: Vec<PendingRow>) -> Self {
        self.next_row = rows.last().map_or(1, |row| row.id + 1);
        self.closed = rows;
        self
    }

    /// Writes until the store is closed.
    pub fn run(mut self) {
        loop {
            let wait = self.retry.map(|(at, _)| at.saturating_duration_since(Instant::now()));
            let drained = self.queue.drain(wait);
            let closed = drained.closed;
            self.take(drained);
            self.refuse_the_patient();
            // What comes while the disk takes nothing must not make it be tried more often.
            let may_try = self.retry.is_none_or(|(at, _)| Instant::now() >= at);
            if may_try && self.has_work() {
                self.try_commit();
            }
            if self.retry.is_none()
                && let Some(ending) = self.ending.take()
            {
                self.end(&ending);
                return;
            }
            if closed {
                return;
            }
        }
    }

    fn take(&mut self, drained: Drained) {
        self.announced.extend(drained.announced);
        for job in drained.jobs {
            match job {
                Job::Lazy(rows) => self.fill(&rows, true),
                Job::Tick { now_ms, retention_ms } => self.tick(now_ms, retention_ms),
                Job::Close(ending) => {
                    self.flush = true;
                    self.ending = Some(ending);
                }
                Job::Durable(durable) => {
                    self.fill(&durable.rows, false);
                    self.jobs.push(Job::Durable(durable));
                }
                Job::Flush(told) => {
                    self.flush = true;
                    self.jobs.push(Job::Flush(told));
                }
                Job::Trim(before) => {
                    // The last one counts; they would pile up while the disk takes nothing.
                    self.jobs.retain(|job| !matches!(job, Job::Trim(_)));
                    self.jobs.push(Job::Trim(before));
                }
                job @ (Job::Save(_) | Job::Carry(_) | Job::Forget(_)) => self.jobs.push(job),
            }
        }
    }

    /// Puts rows into the block that is being filled, and begins another when it is full.
    fn fill(&mut self, rows: &Accepted, lazy: bool) {
        let mut places = (0, 0);
        while !self.open_block().fill(rows, &mut places, lazy) {
            self.begin_block();
        }
    }

    fn open_block(&mut self) -> &mut PendingBlock {
        self.blocks.last_mut().expect("there is always one")
    }

    /// Closes the open block and begins another. The full ones that are kept all lack something on
    /// disk, and are written by the next commit.
    fn begin_block(&mut self) {
        let next = PendingBlock { since: Some(self.now_ms), ..PendingBlock::default() };
        let block = std::mem::replace(self.open_block(), next);
        if block.is_dirty() {
            let open = self.blocks.len() - 1;
            self.blocks.insert(open, block);
            self.flush = true;
        } else if let Some(id) = block.id {
            self.closed.push(PendingRow { id, t_max: block.t_max() });
        }
    }

    fn tick(&mut self, now_ms: i64, retention_ms: i64) {
        self.now_ms = now_ms;
        self.ticks = self.ticks.wrapping_add(1);
        let flushed_at = *self.flushed_at.get_or_insert(now_ms);
        self.open_block().since.get_or_insert(now_ms);
        // The clock may have been set back.
        if now_ms >= flushed_at.saturating_add(FLUSH_MS) || now_ms < flushed_at {
            self.flush = true;
        }
        if self.open_block().is_over(now_ms) {
            self.begin_block();
        }
        let asked = self.jobs.iter().any(|job| matches!(job, Job::Tick { .. }));
        if (self.ticks.is_multiple_of(RETENTION_TICKS) || self.behind) && !asked {
            self.jobs.push(Job::Tick { now_ms, retention_ms });
        }
    }

    fn has_work(&self) -> bool {
        self.flush || !self.jobs.is_empty()
    }

    fn try_commit(&mut self) {
        let judged_at = self.jobs.iter().find_map(|job| match job {
            Job::Tick { retention_ms, .. } => Some(*retention_ms),
            _ => None,
        });
        let dirty = self.blocks.iter().take_while(|block| self.flush && block.is_dirty()).count();
        let work = Work {
            announced: &self.announced,
            jobs: &self.jobs,
            blocks: &self.blocks[..dirty],
            loose: !self.flush,
            closed: &self.closed,
            next_row: self.next_row,
            retention: judged_at.map(|at| (self.retention, at)),
        };
        let began = Instant::now();
        match commit(&mut self.connection, &work) {
            Ok(done) => self.committed(done, began.elapsed(), judged_at.is_some()),
            Err(error) => self.failed(&error),
        }
    }

    fn committed(&mut self, done: Done, took: Duration, retention_due: bool) {
        self.announced.clear();
        self.next_row = done.next_row;
        if retention_due {
            self.behind = i64::try_from(done.deleted).is_ok_and(|deleted| retention::DELETED_MAX <= deleted);
        }
        self.closed.retain(|row| row.t_max >= done.trimmed);
        let mut released = self.blocks_written(&done);
        let open = self.open_block();
        open.loose.extend(done.loose.iter().map(|row| row.id));
        for job in std::mem::take(&mut self.jobs) {
            match job {
                Job::Durable(durable) => {
                    released += durable.rows.bytes();
                    if let Some(waiting) = durable.done {
                        // Who waited may have gone.
                        waiting.send(Ok(())).ok();
                    }
                }
                Job::Flush(told) => {
                    told.send(()).ok();
                }
                _ => {}
            }
        }
        self.queue.release(released);
        self.queue.ack(done.acks);
        if retention_due && let Err(error) = retention::give_back(&self.connection, self.retention) {
            tracing::debug!(error = %error, "the samples' file keeps its free pages");
        }
        let size = retention::file_size(&self.connection).unwrap_or_default();
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.queue.count(|stats| {
            stats.commits += 1;
            stats.commit_ms_last = ms;
            stats.commit_ms_max = stats.commit_ms_max.max(ms);
            stats.chunks_deleted += done.deleted as u64;
            (stats.file_bytes, stats.free_bytes) = (size.bytes, size.free);
        });
        self.retry = None;
        let slow = self.pace.commit(took);
        self.show(slow);
    }

    /// Notes which blocks are on disk, and lets the full ones go; gives the bytes that wait no more.
    fn blocks_written(&mut self, done: &Done) -> usize {
        if self.flush {
            self.flush = false;
            self.flushed_at = Some(self.now_ms);
        }
        let mut released = 0;
        for (block, id) in self.blocks.iter_mut().zip(&done.block_ids) {
            released += std::mem::take(&mut block.lazy);
            block.id = Some(*id);
            block.written = block.len();
            block.loose.clear();
        }
        let full = self.blocks.len() - 1;
        let mut at = 0;
        let closed = &mut self.closed;
        self.blocks.retain(|block| {
            at += 1;
            let gone = at <= full && !block.is_dirty();
            if gone && let Some(id) = block.id {
                closed.push(PendingRow { id, t_max: block.t_max() });
            }
            !gone
        });
        released
    }

    fn show(&self, slow: bool) {
        let now_ms = self.clock.now_ms();
        self.state.send_if_modified(|state| {
            let next = match (&*state, slow) {
                (StorageState::Slow { .. }, true) | (StorageState::Ok, false) => return false,
                (_, true) => StorageState::Slow { since: now_ms },
                (_, false) => StorageState::Ok,
            };
            *state = next;
            true
        });
    }

    fn failed(&mut self, error: &rusqlite::Error) {
        let now_ms = self.clock.now_ms();
        self.queue.count(|stats| stats.commit_errors += 1);
        let wait = self.retry.map_or(RETRY.0, |(_, wait)| (wait * 2).min(RETRY.1));
        self.retry = Some((Instant::now() + wait, wait));
        self.state.send_if_modified(|state| {
            if matches!(state, StorageState::Refusing { .. }) {
                return false;
            }
            *state = StorageState::Refusing { since: now_ms, reason: Arc::from(error.to_string()) };
            true
        });
    }

    /// Tells those who waited too long; their samples go on waiting.
    fn refuse_the_patient(&mut self) {
        if self.retry.is_none() {
            return;
        }
        for job in &mut self.jobs {
            if let Job::Durable(durable) = job
                && durable.since.elapsed() >= PERSIST_WAIT_MAX
                && let Some(waiting) = durable.done.take()
            {
                waiting.send(Err(PersistError::Refused)).ok();
            }
        }
    }

    fn end(&self, ending: &mpsc::Sender<()>) {
        let clean = self.connection.execute("UPDATE meta SET value = 1 WHERE name = 'clean'", []);
        let cut = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = clean.and(cut) {
            tracing::warn!(error = %error, "the samples' file was not closed cleanly");
        }
        // Who asked may have stopped waiting.
        ending.send(()).ok();
    }
}

impl Drop for Writer {
    /// A bug must not look like a disk that only takes its time.
    fn drop(&mut self) {
        self.queue.close();
        if std::thread::panicking() {
            let reason = Arc::from("the writer of samples panicked");
            let since = self.clock.now_ms();
            self.state.send_replace(StorageState::Refusing { since, reason });
        }
    }
}
