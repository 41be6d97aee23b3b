//! Reading of sealed chunks.

use rusqlite::{Connection, params};

use super::super::{ids::SeriesId, reading::Bodies};
use super::StoreError;
use crate::sqlite::Readers;

/// What is wanted of one series: the samples with `from < t <= to`.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The series.
    pub series: SeriesId,
    /// The span's start, not in it.
    pub from: i64,
    /// The span's end, in it.
    pub to: i64,
}

/// Loads the sealed chunks of each series that have samples of its span, `bytes_max` at most.
///
/// # Errors
///
/// When the file fails, or there are more bytes.
pub(super) fn load(
    readers: &Readers,
    wanted: &[Wanted],
    bytes_max: usize,
) -> Result<Vec<Bodies>, StoreError> {
    readers.with(|connection| {
        let mut room = bytes_max;
        let load = |wanted: &Wanted| {
            let bodies = load_one(connection, *wanted)?;
            room = room.checked_sub(bodies.size()).ok_or(StoreError::TooMuch(bytes_max))?;
            Ok(bodies)
        };
        wanted.iter().map(load).collect()
    })
}

/// Chunks of one series do not overlap, so that the one with the newest start before the span is the
/// first that can reach into it.
const LOAD: &str = "SELECT body FROM chunk WHERE series = ?1 AND t_min <= ?3 AND t_min >= coalesce(
       (SELECT max(t_min) FROM chunk WHERE series = ?1 AND t_min <= ?2), ?2)
     AND t_min + span > ?2 ORDER BY t_min";

fn load_one(connection: &Connection, Wanted { series, from, to }: Wanted) -> Result<Bodies, StoreError> {
    let mut found = Bodies::default();
    let mut statement = connection.prepare_cached(LOAD)?;
    let mut rows = statement.query(params![series.0, from, to])?;
    while let Some(row) = rows.next()? {
        found.push(row.get_ref(0)?.as_blob().unwrap_or_default());
    }
    Ok(found)
}
