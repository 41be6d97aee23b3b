//! Deleting what is too old, in small steps.

use rusqlite::{Connection, Transaction, params};

use super::KEY_MS_MAX;

/// Events of one stream: a busy room has some thousands a day.
pub const LOG_EVENTS_MAX: u64 = 100_000;
/// Bytes of one stream's events: the 100,000 with 335 bytes each, or 22,000 cards of alerts with 1.5 KB.
pub const LOG_BYTES_MAX: u64 = 32 << 20;
/// How long events are kept, ms: 30 days.
pub const EVENTS_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// Rows of each table that one step deletes.
const STEP_MAX: u32 = 256;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long, ms.
    pub ms: i64,
    /// Events of one stream.
    pub events_max: u64,
    /// Bytes of one stream.
    pub bytes_max: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { ms: EVENTS_MS, events_max: LOG_EVENTS_MAX, bytes_max: LOG_BYTES_MAX }
    }
}

/// What a step deleted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deleted {
    /// Events.
    pub(super) events: usize,
    /// Whether there may be more.
    pub(super) is_behind: bool,
}

/// The times to judge by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The clock's.
    pub(super) now_ms: i64,
    /// That of [`RetentionClock`](crate::store::retention_clock::RetentionClock), for events.
    pub(super) judged_ms: i64,
}

/// Deletes at most [`STEP_MAX`] of the events that are too old, and of keys and records whose time is over.
///
/// # Errors
///
/// When the file fails.
pub(super) fn step(
    transaction: &Transaction<'_>,
    retention: Retention,
    times: Times,
) -> rusqlite::Result<Deleted> {
    let mut old = Vec::new();
    {
        let mut oldest = transaction
            .prepare_cached("SELECT id, stream, octet_length(data), at FROM event ORDER BY id LIMIT ?1")?;
        let mut rows = oldest.query([STEP_MAX])?;
        while let Some(row) = rows.next()? {
            if times.judged_ms.saturating_sub(retention.ms) <= row.get::<_, i64>(3)? {
                break;
            }
            old.push((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        }
    }
    let mut delete = transaction.prepare_cached("DELETE FROM event WHERE id = ?1")?;
    let mut count = transaction.prepare_cached(
        "UPDATE stream SET events = max(events - 1, 0), bytes = max(bytes - ?2, 0) WHERE id = ?1",
    )?;
    for (id, stream, bytes) in &old {
        delete.execute([id])?;
        count.execute(params![stream, bytes])?;
    }
    let keys = transaction
        .prepare_cached(
            "DELETE FROM author_key WHERE (stream, key) IN
             (SELECT stream, key FROM author_key WHERE at <= ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute(params![times.now_ms.saturating_sub(KEY_MS_MAX), STEP_MAX])?;
    let records = transaction
        .prepare_cached(
            "DELETE FROM record WHERE (kind, key) IN
             (SELECT kind, key FROM record WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        )?
        .execute(params![times.now_ms, STEP_MAX])?;
    let most = STEP_MAX as usize;
    Ok(Deleted { events: old.len(), is_behind: most <= old.len() || most <= keys || most <= records })
}

/// Gives free pages back to the file system when they are more than a quarter of the file; gives the file's bytes.
///
/// # Errors
///
/// When the file fails.
pub(super) fn give_back(connection: &Connection, pages: usize) -> rusqlite::Result<f64> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let (page, count, free) = (number("page_size")?, number("page_count")?, number("freelist_count")?);
    if 256 < free && count / 4 < free {
        let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = statement.query([])?;
        // Each row is one page given back.
        while rows.next()?.is_some() {}
    }
    Ok(f64::from(count) * f64::from(page))
}
