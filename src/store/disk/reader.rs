//! Reading of sealed chunks.

use rusqlite::{Connection, params};

use super::super::{codec::decode_chunk, ids::SeriesId};
use super::StoreError;
use crate::model::Sample;
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

/// Loads the samples of sealed chunks, `samples_max` at most; a damaged chunk is left out and
/// counted.
///
/// # Errors
///
/// When the file fails, or there are more samples.
pub(super) fn load(
    readers: &Readers,
    wanted: &[Wanted],
    samples_max: usize,
    damaged: &mut usize,
) -> Result<Vec<Vec<Sample>>, StoreError> {
    readers.with(|connection| {
        let mut room = samples_max;
        wanted
            .iter()
            .map(|wanted| {
                let samples = load_one(connection, *wanted, damaged)?;
                room = room.checked_sub(samples.len()).ok_or(StoreError::TooMany(samples_max))?;
                Ok(samples)
            })
            .collect()
    })
}

/// Chunks of one series do not overlap, so that the one with the newest start before the span is the
/// first that can reach into it.
const LOAD: &str = "SELECT body FROM chunk WHERE series = ?1 AND t_min <= ?3 AND t_min >= coalesce(
       (SELECT max(t_min) FROM chunk WHERE series = ?1 AND t_min <= ?2), ?2)
     AND t_min + span > ?2 ORDER BY t_min";

fn load_one(
    connection: &Connection,
    Wanted { series, from, to }: Wanted,
    damaged: &mut usize,
) -> Result<Vec<Sample>, StoreError> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut statement = connection.prepare_cached(LOAD)?;
    let mut rows = statement.query(params![series.0, from, to])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(0)?.as_blob().unwrap_or_default();
        // A chunk that is there twice counts once.
        let from = samples.last().map_or(from, |last| last.t);
        if decode_chunk(body, (from, to), &mut samples).is_err() {
            *damaged += 1;
        }
    }
    Ok(samples)
}
