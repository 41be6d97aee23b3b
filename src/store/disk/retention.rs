//! Deleting what is too old or too much, in small steps.

use rusqlite::{Connection, Transaction, params};

/// Chunks that one step deletes: with 600 series one and a quarter is sealed a second.
pub const DELETED_MAX: i64 = 256;
/// Free pages that one step gives back to the file system: 512 KiB.
const GIVEN_BACK_PAGES: usize = 128;

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// How long, ms.
    pub ms: i64,
    /// How many bytes.
    pub bytes: u64,
}

/// The size of a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSize {
    /// All of it.
    pub bytes: u64,
    /// Of that, free pages.
    pub free: u64,
}

/// Deletes at most [`DELETED_MAX`] of the oldest chunks, if they are too old or too much; gives how
/// many.
///
/// Chunks go in the order in which they were sealed, and the first that may stay ends the step. `now_ms` is the
/// time of [`RetentionClock`](crate::store::retention_clock::RetentionClock).
///
/// # Errors
///
/// When the file fails.
pub fn delete_step(
    transaction: &Transaction<'_>,
    retention: Retention,
    now_ms: i64,
) -> rusqlite::Result<usize> {
    let cutoff = now_ms.saturating_sub(retention.ms);
    let size = file_size(transaction)?;
    let mut too_much = (size.bytes - size.free).saturating_sub(retention.bytes);
    let mut last = None;
    let mut count = 0;
    {
        let mut oldest = transaction
            .prepare_cached("SELECT id, t_min + span, length(body) FROM chunk ORDER BY id LIMIT ?1")?;
        let mut rows = oldest.query(params![DELETED_MAX])?;
        while let Some(row) = rows.next()? {
            if too_much == 0 && row.get::<_, i64>(1)? >= cutoff {
                break;
            }
            // Its place in the table and in the index is left out: the next step takes what that leaves over.
            too_much = too_much.saturating_sub(row.get::<_, u32>(2)?.into());
            last = Some(row.get::<_, i64>(0)?);
            count += 1;
        }
    }
    if let Some(last) = last {
        transaction.prepare_cached("DELETE FROM chunk WHERE id <= ?1")?.execute([last])?;
    }
    Ok(count)
}

/// Gives free pages back to the file system when the file is larger than it may be, or they are more than a quarter
/// of it: a few are left for what comes next.
///
/// # Errors
///
/// When the file fails.
pub fn give_back(connection: &Connection, retention: Retention) -> rusqlite::Result<()> {
    let size = file_size(connection)?;
    let idle = size.free > 1 << 20 && size.free > size.bytes / 4;
    if idle || size.free > 0 && size.bytes > retention.bytes {
        let sql = format!("PRAGMA incremental_vacuum({GIVEN_BACK_PAGES})");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        // Each row is one page given back.
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// How large the file is, its log not counted.
///
/// # Errors
///
/// When the file fails.
pub fn file_size(connection: &Connection) -> rusqlite::Result<FileSize> {
    let number = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?;
        Ok::<_, rusqlite::Error>(u64::try_from(value).unwrap_or(0))
    };
    let page = number("page_size")?;
    Ok(FileSize { bytes: number("page_count")? * page, free: number("freelist_count")? * page })
}
