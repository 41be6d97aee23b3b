//! From the file to the head, when the store opens.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::{
    codec::{self, Block, Bytes, Damaged, decode_block, decode_chunk, decode_chunk_histograms, varint},
    head::Head,
    ids::SeriesId,
    series::CHUNK_TARGET,
};
use super::{Restored, StoreError};
use crate::model::{AnySample, Label, Labels, limits::LABELS_MAX};

/// A row of `pending` that is on disk and grows no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingRow {
    /// Its id.
    pub id: i64,
    /// The newest time of its samples.
    pub t_max: i64,
}

/// Encodes labels for the file.
pub fn encode_labels(labels: &Labels) -> Vec<u8> {
    let mut out = Vec::new();
    varint::put(&mut out, labels.len() as u64);
    for label in labels.iter() {
        varint::put_bytes(&mut out, label.name.as_bytes());
        varint::put_bytes(&mut out, label.value.as_bytes());
    }
    out
}

/// Decodes labels.
///
/// # Errors
///
/// When the bytes are none.
pub fn decode_labels(bytes: &[u8]) -> Result<Labels, Damaged> {
    let mut bytes = Bytes::new(bytes);
    let text = |bytes: &mut Bytes<'_>| {
        std::str::from_utf8(bytes.bytes()?).map(std::sync::Arc::from).map_err(|_| Damaged("text"))
    };
    let pairs = (0..bytes.count(LABELS_MAX)?)
        .map(|_| Ok(Label { name: text(&mut bytes)?, value: text(&mut bytes)? }))
        .collect::<Result<Vec<Label>, Damaged>>()?;
    Ok(Labels::new(pairs))
}

/// Fills the head: series, where each one's sealed samples end, and the samples that are not sealed.
/// Marks the file as in use.
///
/// Cost: by series and unsealed samples; the number of sealed chunks does not count.
///
/// # Errors
///
/// When the file fails.
pub fn restore(
    connection: &mut Connection,
    head: &mut Head,
) -> Result<(Restored, Vec<PendingRow>), StoreError> {
    let mut restored = Restored::default();
    load_meta(connection, &mut restored)?;
    load_series(connection, head, &mut restored)?;
    load_carried(connection, head, &mut restored)?;
    let rows = load_pending(connection, head, &mut restored)?;
    Ok((restored, rows))
}

fn load_meta(connection: &mut Connection, restored: &mut Restored) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    let number = |name: &str| {
        transaction
            .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
            .optional()
    };
    let set = |name: &str, value: i64| {
        transaction.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![name, value])
    };
    restored.unclean = number("clean")? == Some(0);
    let generation = match number("generation")? {
        Some(generation) => generation,
        None => {
            let made = fastrand::i64(1..);
            set("generation", made)?;
            made
        }
    };
    restored.generation = generation as u64;
    set("clean", 0)?;
    transaction.commit()?;
    Ok(())
}

fn load_series(connection: &Connection, head: &mut Head, restored: &mut Restored) -> Result<(), StoreError> {
    let mut newest =
        connection.prepare("SELECT t_min + span FROM chunk WHERE series = ?1 ORDER BY t_min DESC LIMIT 1")?;
    let mut all = connection.prepare("SELECT id, labels FROM series ORDER BY id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let id = SeriesId(row.get(0)?);
        let Ok(labels) = decode_labels(row.get_ref(1)?.as_blob().unwrap_or_default()) else {
            restored.damaged += 1;
            continue;
        };
        let sealed_to = newest.query_row([id.0], |row| row.get::<_, i64>(0)).optional()?;
        let series = head.insert_series(id, &labels);
        if let Some(sealed_to) = sealed_to {
            series.sealed_to = sealed_to;
            series.disk_to = Some(sealed_to);
            series.target = CHUNK_TARGET;
        }
    }
    // Ids are not given twice while chunks of the first bearer are there.
    let used: Option<u32> = connection.query_row("SELECT max(series) FROM chunk", [], |row| row.get(0))?;
    head.reserve_ids(used.unwrap_or(0).saturating_add(1));
    Ok(())
}

fn load_carried(connection: &Connection, head: &mut Head, restored: &mut Restored) -> Result<(), StoreError> {
    let mut all = connection.prepare("SELECT series, t_max, body FROM carried")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let (series, t_max) = (SeriesId(row.get(0)?), row.get(1)?);
        let mut samples = Vec::new();
        let body = row.get_ref(2)?.as_blob().unwrap_or_default();
        let mut histograms = Vec::new();
        let all = (i64::MIN, i64::MAX);
        let numbers = decode_chunk(body, all, &mut samples);
        if numbers.and_then(|()| decode_chunk_histograms(body, all, &mut histograms)).is_err() {
            restored.damaged += 1;
            continue;
        }
        let numbers = samples.into_iter().map(AnySample::Float);
        let mut samples: Vec<AnySample> =
            numbers.chain(histograms.into_iter().map(AnySample::Histogram)).collect();
        samples.sort_by_key(AnySample::t);
        for sample in samples {
            put_back(head, series, sample, restored);
        }
        if let Some(series) = head.series_mut(series) {
            series.carried_to = t_max;
        }
    }
    Ok(())
}

/// In the order of ids, which is that in which samples came: each finds what was there before it.
fn load_pending(
    connection: &Connection,
    head: &mut Head,
    restored: &mut Restored,
) -> Result<Vec<PendingRow>, StoreError> {
    let mut found = Vec::new();
    let mut all = connection.prepare("SELECT id, t_max, body FROM pending ORDER BY id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        found.push(PendingRow { id: row.get(0)?, t_max: row.get(1)? });
        match decode_block(row.get_ref(2)?.as_blob().unwrap_or_default()) {
            Ok(block) => put_back_block(head, block, restored),
            Err(codec::Damaged(_)) => restored.damaged += 1,
        }
    }
    Ok(found)
}

/// Numbers and histograms of a series in one order: a block is longer than samples may be late.
fn put_back_block(head: &mut Head, block: Block, restored: &mut Restored) {
    let numbers = block.rows.into_iter().map(|row| (row.series, AnySample::Float(row.sample)));
    if block.histograms.is_empty() {
        numbers.for_each(|(series, sample)| put_back(head, series, sample, restored));
        return;
    }
    let histograms = block.histograms.into_iter().map(|row| (row.series, AnySample::Histogram(row.sample)));
    let mut rows: Vec<(SeriesId, AnySample)> = numbers.chain(histograms).collect();
    rows.sort_by_key(|(series, sample)| (*series, sample.t()));
    rows.into_iter().for_each(|(series, sample)| put_back(head, series, sample, restored));
}

/// What is sealed or there already is refused, and that is right.
fn put_back(head: &mut Head, series: SeriesId, sample: AnySample, restored: &mut Restored) {
    let Some(series) = head.series_mut(series) else { return };
    if sample.t() <= series.sealed_to {
        return;
    }
    let taken = match sample {
        AnySample::Float(sample) => series.append(sample),
        AnySample::Histogram(sample) => series.append_histogram(&sample),
    };
    restored.samples += usize::from(taken.is_ok());
}
