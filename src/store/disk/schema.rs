//! Tables, their versions, and how a connection is set up.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::StoreError;

/// The steps from an empty file to this version; step `n` makes `user_version` n + 1.
///
/// A row of `chunk` is found by (series, `t_min`) and deleted by id, which is the order of sealing:
/// the file's pages fill one after the other, and retention frees them whole.
pub const MIGRATIONS: &[&str] = &[
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE series (id INTEGER PRIMARY KEY, labels BLOB NOT NULL) STRICT;
     CREATE TABLE chunk (
       id INTEGER PRIMARY KEY,
       series INTEGER NOT NULL,
       t_min INTEGER NOT NULL,
       span INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;
     CREATE INDEX chunk_by_series ON chunk (series, t_min, span);
     CREATE TABLE pending (id INTEGER PRIMARY KEY, t_max INTEGER NOT NULL, body BLOB NOT NULL) STRICT;",
    "CREATE TABLE carried (
       series INTEGER PRIMARY KEY,
       t_max INTEGER NOT NULL,
       body BLOB NOT NULL
     ) STRICT;",
];

/// Opens the file for writing, and brings it to this version.
///
/// # Errors
///
/// When a newer version wrote it, or it fails.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    // Takes effect on a new file only: it must stand before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A log that has grown once is cut back: 4 MiB.
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    connection.pragma_update(None, "cache_size", -2_048)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens the file for reading.
///
/// # Errors
///
/// When it fails.
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).expect("a handful");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for step in &MIGRATIONS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}
