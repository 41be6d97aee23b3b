//! The one thread that writes: all that waits goes into one transaction.

use std::sync::{
    Arc,
    mpsc::{self as blocking},
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use serde_json::value::RawValue;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::Instant,
};

use super::{
    Commit, JournalError, LocalKind, Written,
    counters::Counters,
    retention::{self, Retention, Times},
    transaction::{File, Streams},
};
use crate::clock::Clock;
use crate::store::retention_clock::RetentionClock;

/// Jobs that one transaction takes: 1,000 commits of two events are written in 20 ms.
const GROUP_MAX: usize = 1_024;
/// Ticks, which are seconds, between two looks at retention.
const RETENTION_TICKS: u32 = 10;
/// Free pages that one look gives back to the file system: 512 KiB.
const GIVEN_BACK_PAGES: usize = 128;

/// What an author is told, on the thread of the writer.
pub(super) type Told = Box<dyn FnOnce(Result<Written, JournalError>) + Send>;

/// One piece of work.
pub(super) enum Job {
    /// Appends and records.
    Commit {
        /// What to write.
        commit: Commit,
        /// Who waits.
        told: Told,
        /// Its place among what waits.
        room: OwnedSemaphorePermit,
    },
    /// What this node keeps for itself.
    Keep {
        /// Of this kind.
        kind: LocalKind,
        /// Keys with their new values; those without go.
        changes: Vec<(String, Option<Box<RawValue>>)>,
        /// Who waits.
        told: Told,
        /// Its place among what waits.
        room: OwnedSemaphorePermit,
    },
    /// A second has passed.
    Tick,
    /// The end: tell when all before it is written.
    Close(blocking::Sender<()>),
}

/// The thread's state.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) clock: Clock,
    pub(super) generation: i64,
    pub(super) retention: Retention,
    pub(super) counters: Counters,
    pub(super) streams: Streams,
    pub(super) judged: RetentionClock,
    pub(super) ticks: u32,
    /// Whether the last commit was refused.
    pub(super) refuses: bool,
}

impl Writer {
    /// Writes until it is told to end, or nobody is left.
    pub(super) fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP_MAX {
                match self.jobs.try_recv() {
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            let mut ending = None;
            let mut ticked = false;
            let mut work = Vec::with_capacity(group.len());
            for job in group {
                match job {
                    Job::Tick => ticked = true,
                    Job::Close(told) => ending = Some(told),
                    job @ (Job::Commit { .. } | Job::Keep { .. }) => work.push(job),
                }
            }
            self.write(work);
            if let Some(told) = ending {
                drop(self.connection);
                // Who waited may have gone.
                told.send(()).ok();
                return;
            }
            if ticked {
                self.tick();
            }
        }
    }

    fn write(&mut self, work: Vec<Job>) {
        if work.is_empty() {
            return;
        }
        let began = Instant::now();
        match self.commit(&work) {
            Ok(written) => {
                self.committed(began);
                for (job, written) in work.into_iter().zip(written) {
                    self.counters.events.add(written.publications.len() as u64);
                    let repeated = written.appended.iter().filter(|appended| !appended.is_new).count();
                    self.counters.repeated.add(repeated as u64);
                    job.tell(Ok(written));
                }
            }
            Err(error) => {
                self.streams.forget();
                // One that cannot be written must not take the others with it.
                if 1 < work.len() && !is_of_the_disk(&error) {
                    work.into_iter().for_each(|job| self.write(vec![job]));
                    return;
                }
                self.refused(&error);
                let reason = JournalError::Refused(Arc::from(error.to_string()));
                for job in work {
                    self.counters.refused.increment();
                    job.tell(Err(reason.again()));
                }
            }
        }
    }

    fn commit(&mut self, work: &[Job]) -> rusqlite::Result<Vec<Written>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let file = File {
            transaction: &transaction,
            generation: self.generation,
            now_ms: self.clock.now_ms(),
            retention: self.retention,
        };
        let mut written = Vec::with_capacity(work.len());
        for job in work {
            written.push(match job {
                Job::Commit { commit, .. } => file.commit(&mut self.streams, commit)?,
                Job::Keep { kind, changes, .. } => {
                    file.keep(*kind, changes)?;
                    Written::default()
                }
                Job::Tick | Job::Close(_) => Written::default(),
            });
        }
        transaction.commit()?;
        Ok(written)
    }

    fn committed(&mut self, began: Instant) {
        self.counters.commits.increment();
        self.counters.commit_seconds.set(began.elapsed().as_secs_f64());
        if std::mem::take(&mut self.refuses) {
            tracing::info!("the journal writes again");
        }
    }

    fn refused(&mut self, error: &rusqlite::Error) {
        self.counters.commit_errors.increment();
        if !std::mem::replace(&mut self.refuses, true) {
            tracing::error!(error = %error, "the journal refuses writes");
        }
    }

    fn tick(&mut self) {
        let now_ms = self.clock.now_ms();
        let times = Times { now_ms, judged_ms: self.judged.tick(now_ms) };
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(RETENTION_TICKS) {
            return;
        }
        match self.forget(times) {
            Ok(is_behind) => {
                // When there is more, the next second goes on.
                if is_behind {
                    self.ticks = self.ticks.wrapping_sub(1);
                }
            }
            Err(error) => {
                self.streams.forget();
                self.refused(&error);
            }
        }
    }

    fn forget(&mut self, times: Times) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let deleted = retention::step(&transaction, self.retention, times)?;
        transaction.commit()?;
        if 0 < deleted.events {
            self.counters.deleted.add(deleted.events as u64);
            // Their counts have changed in the file.
            self.streams.forget();
        }
        self.counters.file_bytes.set(retention::give_back(&self.connection, GIVEN_BACK_PAGES)?);
        Ok(deleted.is_behind)
    }
}

impl Job {
    fn tell(self, result: Result<Written, JournalError>) {
        match self {
            Self::Commit { told, room, .. } | Self::Keep { told, room, .. } => {
                drop(room);
                told(result);
            }
            Self::Tick | Self::Close(_) => {}
        }
    }
}

/// Whether it would fail for any job.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        None | Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}
