//! Tables, their versions, and how a connection is set up.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::JournalError;

/// The steps from an empty file to this version; step `n` makes `user_version` n + 1.
///
/// An event's row number rises with each commit, over all streams: retention takes the oldest from the front.
const MIGRATIONS: &[&str] =
    &["CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO meta VALUES ('generation', random());
     CREATE TABLE stream (
       id INTEGER PRIMARY KEY,
       channel TEXT NOT NULL UNIQUE,
       epoch TEXT NOT NULL,
       newest INTEGER NOT NULL,
       events INTEGER NOT NULL,
       bytes INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE event (
       id INTEGER PRIMARY KEY,
       stream INTEGER NOT NULL,
       place INTEGER NOT NULL,
       at INTEGER NOT NULL,
       info TEXT,
       data TEXT NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX event_by_place ON event (stream, place);
     CREATE TABLE author_key (
       stream INTEGER NOT NULL,
       key TEXT NOT NULL,
       place INTEGER NOT NULL,
       at INTEGER NOT NULL,
       PRIMARY KEY (stream, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX author_key_by_age ON author_key (at);
     CREATE TABLE record (
       kind TEXT NOT NULL,
       key TEXT NOT NULL,
       value TEXT NOT NULL,
       expires INTEGER,
       PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX record_by_end ON record (expires) WHERE expires IS NOT NULL;
     CREATE TABLE local (
       kind TEXT NOT NULL,
       key TEXT NOT NULL,
       value TEXT NOT NULL,
       PRIMARY KEY (kind, key)
     ) STRICT, WITHOUT ROWID;"];

/// How long a connection waits for another process, a backup for example.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Opens the file for writing, and brings it to this version.
///
/// # Errors
///
/// When a newer version wrote it, or it fails.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let mut connection = Connection::open(path)?;
    // Takes effect on a new file only: it must stand before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A log that has grown once is cut back: 4 MiB.
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    connection.pragma_update(None, "cache_size", -2_048)?;
    connection.busy_timeout(BUSY_MAX)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens the file for reading.
///
/// # Errors
///
/// When it fails.
pub(super) fn open_reader(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.busy_timeout(BUSY_MAX)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if known < found {
        return Err(JournalError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

/// The random number that the file got when it was made: epochs of its streams derive from it.
///
/// # Errors
///
/// When the file fails.
pub(super) fn generation(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM meta WHERE name = 'generation'", [], |row| row.get(0))
}

/// The epoch that a channel's stream has in a file.
pub(super) fn epoch(generation: i64, channel: &str) -> String {
    let seed = u64::from_ne_bytes(generation.to_ne_bytes());
    format!("{:08x}", xxhash_rust::xxh3::xxh3_64_with_seed(channel.as_bytes(), seed) & 0xffff_ffff)
}
