//! The journal: what people and alerts said, in `events.sqlite`.
//!
//! ```text
//! commit ─▶ queue ─▶ writer thread ─▶ one transaction for all that waits ─▶ delivered, then answered
//! keep   ─▶ (bytes bounded)             stream, event, author_key, record, local
//! history, records, kept ─▶ readers, on connections of their own
//! ```
//!
//! What was answered is in a commit with `synchronous=FULL`. Offsets of a stream start at 1 and have no holes; an epoch
//! names one life of a stream, and a file that was lost is another life.

mod commit;
mod counters;
mod reader;
mod retention;
mod schema;
mod stream;
mod transaction;
mod writer;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::OptionalExtension;
use serde_json::value::RawValue;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

pub use self::{
    commit::{Append, Appended, Commit, KEY_MS_MAX, LocalKind, Record, RecordKind, Written},
    reader::KeyValues,
    retention::{EVENTS_MS, LOG_BYTES_MAX, LOG_EVENTS_MAX, Retention},
    stream::{HistoryFilter, HistoryPage, StreamPosition},
};

use crate::clock::Clock;
use crate::sqlite::{self, OpenError};
use crate::store::retention_clock::RetentionClock;
use crate::telemetry::Registry;
use counters::Counters;
use reader::Reader;
use transaction::Streams;
use writer::{Job, Told, Writer};

/// The file's name in the data folder.
pub const FILE_NAME: &str = "events.sqlite";
/// The name of the file that a running server locks.
const LOCK_NAME: &str = "events.lock";
/// Bytes that wait for the disk: 10,000 comments of 700 bytes.
pub const WAITING_BYTES_MAX: usize = 8 << 20;
/// Jobs that wait for the writer; each takes 128 bytes of [`WAITING_BYTES_MAX`] at least.
const JOBS_MAX: usize = 4_096;
/// How long an author waits for a disk that takes nothing: clients give up after some 10 s.
pub const COMMIT_WAIT_MAX: Duration = Duration::from_secs(8);
/// How long shutdown waits for the last commit.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// Why the journal could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// `SQLite` failed.
    #[error("the events' file failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder or the lock file failed.
    #[error("the events' folder failed")]
    Io(#[from] std::io::Error),
    /// Another process has the file.
    #[error("another process uses {0}")]
    InUse(PathBuf),
    /// A newer version wrote the file.
    #[error("the events' file has version {found}, and this program knows {known} at most")]
    Newer {
        /// The file's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The disk does not take it.
    #[error("the disk does not take it ({0}); nothing was stored, try again later")]
    Refused(Arc<str>),
    /// The disk does not answer, or too much waits for it.
    #[error("the disk does not keep up; try again in a few seconds")]
    Slow,
    /// The journal was shut down.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    /// The same, for one more of those who waited for one commit.
    fn again(&self) -> Self {
        match self {
            Self::Refused(reason) => Self::Refused(Arc::clone(reason)),
            Self::Slow => Self::Slow,
            _ => Self::Closed,
        }
    }
}

impl From<OpenError> for JournalError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Sqlite(error) => Self::Sqlite(error),
            OpenError::Newer { found, known } => Self::Newer { found, known },
        }
    }
}

/// Copies the events of `folder` into `file`, in one consistent state; the writer goes on meanwhile.
///
/// *Blocks*.
///
/// # Errors
///
/// When there are no events in the folder, or either file fails.
pub fn copy(folder: &Path, file: &Path) -> Result<(), JournalError> {
    Ok(sqlite::copy(&folder.join(FILE_NAME), file)?)
}

/// What a journal is opened with.
#[derive(Debug, Default)]
pub struct JournalConfig {
    /// How much is kept.
    pub retention: Retention,
    /// Lists what it counts.
    pub registry: Registry,
}

/// The journal. A clone is the same one.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    reader: Reader,
    retention: Retention,
    clock: Clock,
    counters: Counters,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Holds the lock while the journal lives.
    _lock: File,
}

impl Journal {
    /// Opens the journal in `folder` with the usual retention, and makes it when there is none.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When the file is in use, was written by a newer version, or fails.
    pub fn open(folder: &Path, clock: &Clock) -> Result<Self, JournalError> {
        Self::open_with(folder, clock, &JournalConfig::default())
    }

    /// As [`Journal::open`], with a configuration.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    pub fn open_with(folder: &Path, clock: &Clock, config: &JournalConfig) -> Result<Self, JournalError> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(FILE_NAME);
        let lock = File::create(folder.join(LOCK_NAME))?;
        lock.try_lock().map_err(|_| JournalError::InUse(path.clone()))?;
        let connection = sqlite::open(&path, schema::MIGRATIONS)?;
        let generation = schema::generation(&connection)?;
        let newest = "SELECT at FROM event ORDER BY id DESC LIMIT 1";
        let newest = connection.query_row(newest, [], |row| row.get(0)).optional()?;
        let counters = Counters::new(&config.registry);
        let (sender, jobs) = mpsc::channel(JOBS_MAX);
        let writer = Writer {
            connection,
            jobs,
            clock: clock.clone(),
            generation,
            retention: config.retention,
            counters: counters.clone(),
            streams: Streams::default(),
            judged: RetentionClock::new(newest),
            ticks: 0,
            refuses: false,
        };
        let thread = std::thread::Builder::new().name("events-writer".to_owned()).spawn(|| writer.run())?;
        Ok(Self(Arc::new(Inner {
            jobs: sender,
            room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)),
            reader: Reader::new(path.clone(), generation, counters.clone()),
            retention: config.retention,
            clock: clock.clone(),
            counters,
            thread: Mutex::new(Some(thread)),
            path,
            _lock: lock,
        })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// How much is kept.
    pub fn retention(&self) -> Retention {
        self.0.retention
    }

    /// The time of day, as the journal sees it.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Writes appends and records, all or none. `after` is called with what came of it once it is on disk, before this
    /// returns: on the writer's thread, in the order of commits, and may block it.
    ///
    /// *Cancel safety*: one that is dropped may be written all the same, and `after` is called then.
    ///
    /// # Errors
    ///
    /// [`JournalError::Refused`] when nothing was stored. After [`JournalError::Slow`] it may still be; an author's key
    /// makes it safe to try again.
    pub async fn commit(
        &self,
        commit: Commit,
        after: impl FnOnce(&mut Written) + Send + 'static,
    ) -> Result<Vec<Appended>, JournalError> {
        let (sender, answer) = oneshot::channel();
        let told: Told = Box::new(move |result| {
            let result = result.map(|mut written| {
                after(&mut written);
                written.appended
            });
            // Who waited may have gone.
            drop(sender.send(result));
        });
        let bytes = commit.bytes();
        self.submit(bytes, |room| Job::Commit { commit, told, room }, answer).await
    }

    /// Puts values that this node keeps for itself, all or none; a key without a value goes.
    ///
    /// # Errors
    ///
    /// As [`Journal::commit`].
    pub async fn keep(
        &self,
        kind: LocalKind,
        changes: Vec<(String, Option<Box<RawValue>>)>,
    ) -> Result<(), JournalError> {
        let (sender, answer) = oneshot::channel();
        let told: Told = Box::new(move |result| {
            // Who waited may have gone.
            drop(sender.send(result.map(drop)));
        });
        let text = |value: &Option<Box<RawValue>>| value.as_ref().map_or(0, |value| value.get().len());
        let bytes = changes.iter().map(|(key, value)| 128 + key.len() + text(value)).sum();
        self.submit(bytes, |room| Job::Keep { kind, changes, told, room }, answer).await
    }

    async fn submit<T>(
        &self,
        bytes: usize,
        job: impl FnOnce(tokio::sync::OwnedSemaphorePermit) -> Job,
        answer: oneshot::Receiver<Result<T, JournalError>>,
    ) -> Result<T, JournalError> {
        let inner = &self.0;
        // One that is larger than the bound must not wait for ever.
        let bytes = u32::try_from(bytes.min(WAITING_BYTES_MAX)).unwrap_or(u32::MAX);
        let work = async {
            let room = Arc::clone(&inner.room).acquire_many_owned(bytes).await;
            let room = room.map_err(|_| JournalError::Closed)?;
            inner.jobs.send(job(room)).await.map_err(|_| JournalError::Closed)?;
            answer.await.map_err(|_| JournalError::Closed)?
        };
        timeout(COMMIT_WAIT_MAX, work).await.unwrap_or_else(|_| {
            inner.counters.refused.increment();
            Err(JournalError::Slow)
        })
    }

    /// A part of a channel's stream.
    ///
    /// # Errors
    ///
    /// When the file fails.
    pub async fn history(&self, channel: &str, filter: &HistoryFilter) -> Result<HistoryPage, JournalError> {
        let (inner, channel, filter) = (Arc::clone(&self.0), channel.to_owned(), filter.clone());
        off_runtime(move || inner.reader.history(&channel, &filter)).await
    }

    /// The records of a kind that have not expired, by key.
    ///
    /// # Errors
    ///
    /// When the file fails.
    pub async fn records(&self, kind: RecordKind) -> Result<KeyValues, JournalError> {
        let inner = Arc::clone(&self.0);
        let records = off_runtime(move || inner.reader.records(kind, inner.clock.now_ms())).await?;
        Ok(records.into_iter().filter_map(|record| Some((record.key, record.value?))).collect())
    }

    /// The records of a kind that have not expired, with their ends.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When the file fails.
    pub fn records_now(&self, kind: RecordKind) -> Result<Vec<Record>, JournalError> {
        self.0.reader.records(kind, self.0.clock.now_ms())
    }

    /// What this node keeps of a kind, by key.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When the file fails.
    pub fn kept(&self, kind: LocalKind) -> Result<KeyValues, JournalError> {
        self.0.reader.kept(kind)
    }

    /// Forgets, at times, what is past its time; called once a second.
    pub fn tick(&self) {
        #[expect(clippy::cast_precision_loss, reason = "a few MiB")]
        let waiting = WAITING_BYTES_MAX.saturating_sub(self.0.room.available_permits()) as f64;
        self.0.counters.waiting_bytes.set(waiting);
        // A queue that is full has more urgent work.
        drop(self.0.jobs.try_send(Job::Tick));
    }

    /// Writes everything that waits and ends the writer; at most five seconds. Later calls do nothing.
    ///
    /// *Blocks*.
    pub fn shutdown(&self) {
        self.0.shutdown();
    }
}

impl Inner {
    fn shutdown(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let (sender, done) = std::sync::mpsc::channel();
        let sent = self.jobs.try_send(Job::Close(sender)).is_ok();
        if sent && done.recv_timeout(SHUTDOWN_WAIT).is_ok() && thread.join().is_err() {
            tracing::error!("the writer of events panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Runs a read on a thread for blocking work.
async fn off_runtime<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    tokio::task::spawn_blocking(read).await.unwrap_or(Err(JournalError::Closed))
}
