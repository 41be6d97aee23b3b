//! A file of `SQLite`'s: opened, brought up to date, read beside its writer, copied.
//!
//! One connection writes, in a thread of its own, with `synchronous=FULL`; reads have connections of their own and go on
//! while the disk takes no writes.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, backup::Backup};

/// How long a connection waits for another process, a backup for example.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// Connections that wait for the next read; each has 1 MiB of pages.
const READERS_KEPT_MAX: usize = 2;

/// Why a file could not be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `SQLite` failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A newer version wrote the file.
    #[error("the file has version {found}, and this program knows {known} at most")]
    Newer {
        /// The file's version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
}

/// Opens a file for writing, and makes it when there is none. `migrations` are the steps from an empty file to this
/// version; step `n` makes `user_version` n + 1.
///
/// # Errors
///
/// When a newer version wrote it, or it fails.
pub fn open(path: &Path, migrations: &[&str]) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(path)?;
    // Takes effect on a new file only: it must stand before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A log that has grown once is cut back: 4 MiB.
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    connection.pragma_update(None, "cache_size", -2_048)?;
    connection.busy_timeout(BUSY_MAX)?;
    migrate(&mut connection, migrations)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), OpenError> {
    let known = i64::try_from(migrations.len()).expect("a handful");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if known < found {
        return Err(OpenError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in &migrations[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.busy_timeout(BUSY_MAX)?;
    Ok(connection)
}

/// Connections for reading: each read takes one, and makes one when there is none.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Reads from the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Runs a read. A connection whose read failed is not used again.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When the file fails, or the read does.
    pub fn with<T, E: From<rusqlite::Error>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let answer = read(&connection)?;
        let mut idle = idle();
        if idle.len() < READERS_KEPT_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }
}

/// Copies a file in one consistent state; its writer, of another process perhaps, goes on meanwhile.
///
/// *Blocks*.
///
/// # Errors
///
/// When there is no such file, or either fails.
pub fn copy(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut target = Connection::open(to)?;
    // All pages in one step: a read of one state, which the log allows beside the writer.
    Backup::new(&source, &mut target)?.step(-1)?;
    Ok(())
}
