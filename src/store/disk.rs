//! The store's file: one writer thread, readers on connections of their own.
//!
//! ```text
//! append ─ persist ──▶ queue ──▶ writer ──▶ pending   rows of pushes, and one block a minute
//! tick ─── seals ────▶ (bytes    (group     chunk     sealed samples, 480 of a series
//!          carries ──▶  bounded)  commit)   carried   unsealed samples of slow series
//! ```
//!
//! Every sample that was acknowledged is in `pending`, `carried` or `chunk`; a restart puts the head
//! together from them. A pending row goes when all its samples are sealed or carried.

pub mod block;
pub mod pace;
pub mod queue;
pub mod reader;
pub mod restore;
pub mod retention;
pub mod schema;
pub mod transaction;
pub mod writer;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

use super::{config::StoreConfig, head::Head, reading::Bodies, report::StorageState};
use crate::clock::Clock;
use crate::sqlite::{self, OpenError, Readers};
use queue::{Job, Queue};
use writer::Writer;

/// The file's name in the folder of the store.
pub const FILE_NAME: &str = "samples.sqlite";
/// How long shutdown waits for the last commit.
pub const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// Why the store's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `SQLite` failed.
    #[error("the store's file failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder or the lock file failed.
    #[error("the store's folder failed")]
    Io(#[from] std::io::Error),
    /// Another process has the file.
    #[error("another process uses {0}")]
    InUse(PathBuf),
    /// A newer version wrote the file.
    #[error("the store's file has version {found}, and this program knows {known} at most")]
    Newer {
        /// The file's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A selection has more samples than one may have.
    #[error("more than {0} samples")]
    TooMany(usize),
    /// What a selection found on the disk is larger than it may be.
    #[error("more than {} MiB of samples", .0 >> 20)]
    TooMuch(usize),
    /// The store was shut down, or has no file.
    #[error("the store has no file open")]
    Closed,
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Sqlite(error) => Self::Sqlite(error),
            OpenError::Newer { found, known } => Self::Newer { found, known },
        }
    }
}

/// Copies the samples of `folder` into `file`, in one consistent state; the writer goes on meanwhile.
///
/// *Blocks*.
///
/// # Errors
///
/// When there are no samples in the folder, or either file fails.
pub fn copy(folder: &Path, file: &Path) -> Result<(), StoreError> {
    Ok(sqlite::copy(&folder.join(FILE_NAME), file)?)
}

/// What the file told when it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// A random number that the file got when it was made: offsets of another one mean nothing here.
    pub generation: u64,
    /// Whether the process before this one ended without [`Disk::shutdown`].
    pub unclean: bool,
    /// Samples that were in no sealed chunk.
    pub samples: usize,
    /// Rows that were damaged and left out.
    pub damaged: usize,
}

/// The store's file, open.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    queue: Arc<Queue>,
    readers: Readers,
    state: watch::Receiver<StorageState>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Holds the lock while the store lives.
    _lock: File,
}

impl Disk {
    /// Opens the file in `folder`, makes it when there is none, and fills the head from it.
    ///
    /// # Errors
    ///
    /// When the file is in use, was written by a newer version, or fails.
    pub fn open(
        folder: &Path,
        config: &StoreConfig,
        clock: &Clock,
        head: &mut Head,
    ) -> Result<(Self, Restored), StoreError> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(FILE_NAME);
        let lock = File::create(folder.join("samples.lock"))?;
        lock.try_lock().map_err(|_| StoreError::InUse(path.clone()))?;
        let mut connection = sqlite::open(&path, schema::MIGRATIONS)?;
        let (restored, rows) = restore::restore(&mut connection, head)?;
        let queue = Arc::new(Queue::new(config.pending_bytes_max));
        let (state_sender, state) = watch::channel(StorageState::Ok);
        let writer = Writer::new(connection, queue.clone(), state_sender, clock.clone())
            .with_retention(config.retention_ms, config.retention_bytes)
            .with_rows(rows);
        let thread = std::thread::Builder::new().name("samples-writer".to_owned()).spawn(|| writer.run())?;
        let readers = Readers::new(path.clone());
        let thread = Mutex::new(Some(thread));
        Ok((Self { path, queue, readers, state, thread, _lock: lock }, restored))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The way to the writer.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Loads the samples of sealed chunks, `samples_max` at most; a damaged chunk is left out and counted.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When the file fails, or there are more bytes.
    pub fn load(&self, wanted: &[reader::Wanted], bytes_max: usize) -> Result<Vec<Bodies>, StoreError> {
        reader::load(&self.readers, wanted, bytes_max)
    }

    /// How the writer does.
    pub fn state(&self) -> &watch::Receiver<StorageState> {
        &self.state
    }

    /// Writes everything that waits, and tells whether that was done within [`SHUTDOWN_WAIT`].
    ///
    /// *Blocks*.
    pub fn flush(&self) -> bool {
        let (sender, flushed) = std::sync::mpsc::channel();
        self.queue.push(Job::Flush(sender));
        flushed.recv_timeout(SHUTDOWN_WAIT).is_ok()
    }

    /// Writes everything that waits, marks the file as clean and ends the writer. What cannot be
    /// written within [`SHUTDOWN_WAIT`] stays unwritten, and the file unclean. Later calls do nothing.
    pub fn shutdown(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        let (sender, done) = std::sync::mpsc::channel();
        self.queue.push(Job::Close(sender));
        let ended = done.recv_timeout(SHUTDOWN_WAIT).is_ok();
        self.queue.close();
        if ended && thread.join().is_err() {
            tracing::error!("the writer of samples panicked");
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.shutdown();
    }
}
