//! What one commit writes.

use rusqlite::{OptionalExtension, Transaction, params};
use rustc_hash::FxHashMap;
use serde_json::value::RawValue;

use super::{
    Append, Appended, Commit, KEY_MS_MAX, LocalKind, Record, StreamPosition, Written, retention::Retention,
    schema,
};
use crate::wire::centrifugo::Publication;

/// Streams that the writer remembers: every room of a node, and as many more.
const STREAMS_KNOWN_MAX: usize = 512;
/// Events that one commit takes off the end of a stream beyond those that it adds.
const TRIM_MAX: u32 = 256;

/// What the writer knows of a stream.
#[derive(Debug, Clone)]
struct Stream {
    id: i64,
    epoch: String,
    newest: u64,
    events: u64,
    bytes: u64,
}

/// The streams that were written to. Holds what the file holds after the commit; forgotten when one fails.
#[derive(Debug, Default)]
pub(super) struct Streams(FxHashMap<String, Stream>);

impl Streams {
    /// Forgets everything: the file has the truth.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn open(&mut self, file: &File<'_>, channel: &str) -> rusqlite::Result<&mut Stream> {
        if !self.0.contains_key(channel) {
            if STREAMS_KNOWN_MAX <= self.0.len() {
                self.0.clear();
            }
            self.0.insert(channel.to_owned(), file.stream(channel)?);
        }
        Ok(self.0.get_mut(channel).expect("just put there"))
    }
}

/// The file within a transaction.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) generation: i64,
    pub(super) now_ms: i64,
    pub(super) retention: Retention,
}

impl File<'_> {
    /// Writes appends and records.
    ///
    /// # Errors
    ///
    /// When the file fails; the transaction must not be committed then.
    pub(super) fn commit(&self, streams: &mut Streams, commit: &Commit) -> rusqlite::Result<Written> {
        let mut written = Written::default();
        for append in &commit.appends {
            let stream = streams.open(self, &append.channel)?;
            let appended = self.append(stream, append)?;
            if appended.is_new {
                let (data, info) = (append.data.get().to_owned().into(), append.info.clone());
                let offset = appended.position.offset;
                let publication = Publication { data, offset, info, ..Publication::default() };
                written.publications.push((append.channel.clone(), publication));
            }
            written.appended.push(appended);
        }
        for record in &commit.records {
            if self.record(record)? {
                written.records.push(record.clone());
            }
        }
        Ok(written)
    }

    fn stream(&self, channel: &str) -> rusqlite::Result<Stream> {
        let known = self
            .transaction
            .prepare_cached("SELECT id, epoch, newest, events, bytes FROM stream WHERE channel = ?1")?
            .query_row([channel], |row| {
                Ok(Stream {
                    id: row.get(0)?,
                    epoch: row.get(1)?,
                    newest: row.get(2)?,
                    events: row.get(3)?,
                    bytes: row.get(4)?,
                })
            })
            .optional()?;
        if let Some(stream) = known {
            return Ok(stream);
        }
        let epoch = schema::epoch(self.generation, channel);
        self.transaction
            .prepare_cached(
                "INSERT INTO stream (channel, epoch, newest, events, bytes) VALUES (?1, ?2, 0, 0, 0)",
            )?
            .execute(params![channel, epoch])?;
        Ok(Stream { id: self.transaction.last_insert_rowid(), epoch, newest: 0, events: 0, bytes: 0 })
    }

    fn append(&self, stream: &mut Stream, append: &Append) -> rusqlite::Result<Appended> {
        let at = |offset| StreamPosition { offset, epoch: stream.epoch.clone() };
        if let Some(key) = &append.key
            && let Some(offset) = self.known(stream.id, key)?
        {
            return Ok(Appended { position: at(offset), is_new: false });
        }
        let position = at(stream.newest + 1);
        let info = append.info.as_ref().and_then(|info| serde_json::to_string(info).ok());
        self.transaction
            .prepare_cached("INSERT INTO event (stream, place, at, info, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![stream.id, position.offset, self.now_ms, info, append.data.get()])?;
        if let Some(key) = &append.key {
            self.transaction
                .prepare_cached("INSERT OR REPLACE INTO author_key VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![stream.id, key, position.offset, self.now_ms])?;
        }
        stream.newest = position.offset;
        stream.events += 1;
        stream.bytes += append.data.get().len() as u64;
        self.trim(stream)?;
        self.transaction
            .prepare_cached("UPDATE stream SET newest = ?2, events = ?3, bytes = ?4 WHERE id = ?1")?
            .execute(params![stream.id, stream.newest, stream.events, stream.bytes])?;
        Ok(Appended { position, is_new: true })
    }

    /// The place of the event that an author's id is remembered for.
    fn known(&self, stream: i64, key: &str) -> rusqlite::Result<Option<u64>> {
        self.transaction
            .prepare_cached("SELECT place FROM author_key WHERE stream = ?1 AND key = ?2 AND ?3 < at")?
            .query_row(params![stream, key, self.now_ms.saturating_sub(KEY_MS_MAX)], |row| row.get(0))
            .optional()
    }

    /// Takes the oldest events off until count and bytes are within bounds.
    fn trim(&self, stream: &mut Stream) -> rusqlite::Result<()> {
        for _ in 0..TRIM_MAX {
            if stream.events <= self.retention.events_max && stream.bytes <= self.retention.bytes_max {
                break;
            }
            let oldest: Option<(i64, u64)> = self
                .transaction
                .prepare_cached(
                    "SELECT id, octet_length(data) FROM event WHERE stream = ?1 ORDER BY place LIMIT 1",
                )?
                .query_row([stream.id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((id, bytes)) = oldest else {
                (stream.events, stream.bytes) = (0, 0);
                break;
            };
            self.transaction.prepare_cached("DELETE FROM event WHERE id = ?1")?.execute([id])?;
            stream.events = stream.events.saturating_sub(1);
            stream.bytes = stream.bytes.saturating_sub(bytes);
        }
        Ok(())
    }

    /// Puts or removes a record; tells whether it was taken.
    fn record(&self, record: &Record) -> rusqlite::Result<bool> {
        let Record { kind, key, value, expires_ms } = record;
        let Some(value) = value else {
            let sql = "DELETE FROM record WHERE kind = ?1 AND key = ?2";
            self.transaction.prepare_cached(sql)?.execute(params![kind.name(), key])?;
            return Ok(true);
        };
        let mut put = self.transaction.prepare_cached(PUT_RECORD)?;
        Ok(put.execute(params![kind.name(), key, value.get(), expires_ms])? != 0)
    }

    /// Puts or removes what this node keeps for itself.
    ///
    /// # Errors
    ///
    /// When the file fails.
    pub(super) fn keep(
        &self,
        kind: LocalKind,
        changes: &[(String, Option<Box<RawValue>>)],
    ) -> rusqlite::Result<()> {
        let mut put = self.transaction.prepare_cached("INSERT OR REPLACE INTO local VALUES (?1, ?2, ?3)")?;
        let mut remove = self.transaction.prepare_cached("DELETE FROM local WHERE kind = ?1 AND key = ?2")?;
        for (key, value) in changes {
            match value {
                Some(value) => put.execute(params![kind.name(), key, value.get()])?,
                None => remove.execute(params![kind.name(), key])?,
            };
        }
        Ok(())
    }
}

/// A node that stalled must not take the log of what was told back.
const PUT_RECORD: &str = "INSERT INTO record VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires
     WHERE kind <> 'notified'
        OR coalesce(json_extract(value, '$.turn'), 0) < coalesce(json_extract(excluded.value, '$.turn'), 0)";
