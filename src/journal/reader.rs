//! Reading of streams and records.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::value::RawValue;

use super::{
    HistoryFilter, HistoryPage, JournalError, LocalKind, Record, RecordKind, StreamPosition,
    counters::Counters, schema,
};
use crate::sqlite::Readers;
use crate::wire::centrifugo::{Publication, raw};

/// Reads streams and records.
#[derive(Debug)]
pub(super) struct Reader {
    readers: Readers,
    generation: i64,
    counters: Counters,
}

/// Keys with their values.
pub type KeyValues = Vec<(String, Box<RawValue>)>;

impl Reader {
    /// Reads from the file at `path`.
    pub(super) fn new(path: PathBuf, generation: i64, counters: Counters) -> Self {
        Self { readers: Readers::new(path), generation, counters }
    }

    /// A part of a channel's stream.
    pub(super) fn history(&self, channel: &str, filter: &HistoryFilter) -> Result<HistoryPage, JournalError> {
        self.readers.with(|connection| {
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
                    data: raw::one_line(data),
                    offset: row.get(0)?,
                    info: info.and_then(|info| serde_json::from_str(&info).ok()),
                    ..Publication::default()
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
        self.readers.with(|connection| {
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
        self.readers.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT key, value FROM local WHERE kind = ?1")?;
            Ok(self.key_values(statement.query([kind.name()])?)?)
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
