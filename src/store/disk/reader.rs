//! Reading of sealed chunks, on connections of its own.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, params};

use super::super::{codec::decode_chunk, ids::SeriesId};
use super::{StoreError, schema};
use crate::model::Sample;

/// Connections that wait for the next read; each has 1 MiB of pages.
pub const READERS_KEPT_MAX: usize = 2;

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

    /// Runs a read.
    ///
    /// # Errors
    ///
    /// When the file fails.
    pub fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let answer = read(&connection)?;
        let mut idle = idle();
        if idle.len() < READERS_KEPT_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// Loads the samples of sealed chunks, `samples_max` at most; a damaged chunk is left out and
    /// counted.
    ///
    /// # Errors
    ///
    /// When the file fails, or there are more samples.
    pub fn load(
        &self,
        wanted: &[Wanted],
        samples_max: usize,
        damaged: &mut usize,
    ) -> Result<Vec<Vec<Sample>>, StoreError> {
        self.with(|connection| {
            let mut room = samples_max;
            wanted
                .iter()
                .map(|wanted| {
                    let samples = load(connection, *wanted, damaged)?;
                    room = room.checked_sub(samples.len()).ok_or(StoreError::TooMany(samples_max))?;
                    Ok(samples)
                })
                .collect()
        })
    }
}

/// Chunks of one series do not overlap, so that the one with the newest start before the span is the
/// first that can reach into it.
const LOAD: &str = "SELECT body FROM chunk WHERE series = ?1 AND t_min <= ?3 AND t_min >= coalesce(
       (SELECT max(t_min) FROM chunk WHERE series = ?1 AND t_min <= ?2), ?2)
     AND t_min + span > ?2 ORDER BY t_min";

fn load(
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
