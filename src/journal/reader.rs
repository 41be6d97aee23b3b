//! Reading, on connections of its own: it goes on while the disk takes no writes.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::value::RawValue;

use super::{
    HistoryFilter, HistoryPage, JournalError, LocalKind, Record, RecordKind, StreamPosition,
    counters::Counters, schema,
};
use crate::wire::centrifugo::Publication;

/// Connections that wait for the next read; each has 1 MiB of pages.
const READERS_KEPT_MAX: usize = 2;

/// Connections for reading: each read takes one, and makes one when there is none.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    generation: i64,
    counters: Counters,
    idle: Mutex<Vec<Connection>>,
}

/// Keys with their values.
pub type KeyValues = Vec<(String, Box<RawValue>)>;

impl Readers {
    /// Reads from the file at `path`.
    pub(super) fn new(path: PathBuf, generation: i64, counters: Counters) -> Self {
        Self { path, generation, counters, idle: Mutex::default() }
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
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

    /// A part of a channel's stream.
    pub(super) fn history(&self, channel: &str, filter: &HistoryFilter) -> Result<HistoryPage, JournalError> {
        self.with(|connection| {
            // One state for the position and the page.
            let connection = connection.unchecked_transaction()?;
            let stream: Option<(i64, String, u64)> = connection
                .prepare_cached("SELECT id, epoch, newest FROM stream WHERE channel = ?1")?
                .query_row([channel], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((stream, epoch, offset)) = stream else {
                let epoch = schema::epoch(self.generation, channel);
                let position = StreamPosition { offset: 0, epoch };
                return Ok(HistoryPage { position, publications: Vec::new() });
            };
            let publications = self.page(&connection, stream, filter)?;
            Ok(HistoryPage { publications, position: StreamPosition { offset, epoch } })
        })
    }

    fn page(
        &self,
        connection: &Connection,
        stream: i64,
        filter: &HistoryFilter,
    ) -> rusqlite::Result<Vec<Publication>> {
        let (sql, anywhere) = if filter.reverse { (PAGE_BACK, i64::MAX) } else { (PAGE, 0) };
        let since = filter.since.map_or(anywhere, |since| i64::try_from(since).unwrap_or(i64::MAX));
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![stream, since, limit])?;
        let mut publications = Vec::new();
        while let Some(row) = rows.next()? {
            let info: Option<String> = row.get(1)?;
            match RawValue::from_string(row.get(2)?) {
                Ok(data) => publications.push(Publication {
                    data: Some(data),
                    offset: row.get(0)?,
                    info: info.and_then(|info| serde_json::from_str(&info).ok()),
                }),
                Err(_) => self.counters.damaged.increment(),
            }
        }
        Ok(publications)
    }

    /// The records of a kind that have not expired.
    pub(super) fn records(&self, kind: RecordKind, now_ms: i64) -> Result<Vec<Record>, JournalError> {
        let sql =
            "SELECT key, value, expires FROM record WHERE kind = ?1 AND (expires IS NULL OR ?2 < expires)";
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(params![kind.name(), now_ms])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                match RawValue::from_string(row.get(1)?) {
                    Ok(value) => found.push(Record {
                        kind,
                        key: row.get(0)?,
                        value: Some(value),
                        expires_ms: row.get(2)?,
                    }),
                    Err(_) => self.counters.damaged.increment(),
                }
            }
            Ok(found)
        })
    }

    /// What this node keeps of a kind, by key.
    pub(super) fn kept(&self, kind: LocalKind) -> Result<KeyValues, JournalError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT key, value FROM local WHERE kind = ?1")?;
            self.key_values(statement.query([kind.name()])?)
        })
    }

    fn key_values(&self, mut rows: rusqlite::Rows<'_>) -> rusqlite::Result<KeyValues> {
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            match RawValue::from_string(row.get(1)?) {
                Ok(value) => found.push((row.get(0)?, value)),
                Err(_) => self.counters.damaged.increment(),
            }
        }
        Ok(found)
    }
}

const PAGE: &str = "SELECT place, info, data FROM event
     WHERE stream = ?1 AND ?2 < place ORDER BY place LIMIT ?3";
const PAGE_BACK: &str = "SELECT place, info, data FROM event
     WHERE stream = ?1 AND place < ?2 ORDER BY place DESC LIMIT ?3";
