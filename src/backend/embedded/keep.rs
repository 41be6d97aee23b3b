//! Maps of a single node: their place among the deliveries, and on disk those that are persistent.
//!
//! A change is made in memory and delivered, and acknowledged once it is on disk. Who publishes next meanwhile does not wait
//! for a write of its own: one writes for all, the newest value of each key. After a crash a map has another epoch, so that
//! a client which saw what was not on disk yet reads the state anew.

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Embedded,
    map::Entry,
    maps::{Maps, Place},
};
use crate::backend::{
    BackendError, Delivery, HistoryFilter, HistoryPage, MapChange, MapFilter, MapLimit, MapMode, MapNews,
    MapOptions, MapOutcome, MapPage, MapPut,
};
use crate::journal::{Journal, LocalKind};
use crate::wire::centrifugo::{ClientInfo, Publication, raw};

/// A value as it is on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    data: Option<Box<RawValue>>,
    /// Bytes that are no JSON, in base64.
    #[serde(skip_serializing_if = "String::is_empty")]
    binary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<ClientInfo>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    time: i64,
    version: u64,
    version_epoch: String,
}

/// A value that is there, `null` too.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl Row {
    fn of(entry: Entry) -> Option<Box<RawValue>> {
        let Entry { publication: Publication { data, info, tags, time, .. }, version, version_epoch, .. } =
            entry;
        let json = raw::value(&data).ok();
        let binary = if json.is_some() { String::new() } else { STANDARD.encode(&data) };
        let version_epoch = version_epoch.into();
        let row = Self { data: json, binary, info, tags, time, version, version_epoch };
        serde_json::value::to_raw_value(&row).ok()
    }

    fn entry(self, key: &str) -> Option<Entry> {
        let Self { data, binary, info, tags, time, version, version_epoch } = self;
        let data = match data {
            Some(data) => raw::one_line(data),
            None => Bytes::from(STANDARD.decode(binary).ok()?),
        };
        let publication =
            Publication { key: key.to_owned(), data, info, tags, time, ..Publication::default() };
        Some(Entry { publication, ends: None, version, version_epoch: version_epoch.into() })
    }
}

/// The persistent maps that are on disk. What cannot be read is left out, and said once.
///
/// *Blocks*.
///
/// # Errors
///
/// When the file fails.
pub(super) fn restored(journal: &Journal) -> Result<Maps, BackendError> {
    let mut maps = Maps::new();
    let mut damaged = 0_u64;
    for (name, row) in journal.kept(LocalKind::MapEntry)? {
        let place = serde_json::from_str::<(String, String)>(&name).ok();
        let entry = |key: &str| serde_json::from_str::<Row>(row.get()).ok()?.entry(key);
        match place.and_then(|(channel, key)| Some((entry(&key)?, channel, key))) {
            Some((entry, channel, key)) => maps.restore((channel.into(), key.into()), entry),
            None => damaged += 1,
        }
    }
    if 0 < damaged {
        tracing::error!(damaged, "keys of persistent maps cannot be read");
    }
    Ok(maps)
}

/// The name of a key on disk.
fn name((channel, key): &Place) -> String {
    serde_json::json!([**channel, **key]).to_string()
}

impl Embedded {
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> i64 {
        self.journal.clock().now_ms()
    }

    /// See [`crate::backend::Backend::map_put`].
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn map_put(
        &self,
        channel: &str,
        put: MapPut,
        options: MapOptions,
    ) -> Result<MapOutcome, BackendError> {
        let (channel, time) = (Arc::from(channel), self.now_ms());
        self.change(options.mode, |maps| maps.put(&channel, put, options, time)).await
    }

    /// See [`crate::backend::Backend::map_remove`].
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn map_remove(
        &self,
        channel: &str,
        named: (&str, &str),
        options: MapOptions,
    ) -> Result<MapOutcome, BackendError> {
        let (channel, time) = (Arc::from(channel), self.now_ms());
        self.change(options.mode, |maps| Ok(maps.remove(&channel, named, options, time))).await
    }

    /// Makes a change, and tells of it in the same step.
    async fn change(
        &self,
        mode: MapMode,
        make: impl FnOnce(&mut Maps) -> Result<(MapOutcome, Option<MapChange>), BackendError>,
    ) -> Result<MapOutcome, BackendError> {
        if mode == MapMode::Persistent {
            self.keep_up().await?;
        }
        let permit = self.permit().await?;
        let (outcome, turn) = {
            let mut maps = self.maps();
            let (outcome, change) = make(&mut maps)?;
            if let Some(change) = change {
                permit.send(Delivery::Map(change));
            }
            (outcome, maps.turn())
        };
        if mode == MapMode::Persistent {
            self.write(turn).await?;
        }
        Ok(outcome)
    }

    /// Returns once there is room among what waits for the disk.
    ///
    /// # Errors
    ///
    /// [`BackendError::MapFull`] where the disk takes none of it: each who asks has it tried again.
    async fn keep_up(&self) -> Result<(), BackendError> {
        let (is_behind, turn) = {
            let maps = self.maps();
            (maps.is_behind(), maps.turn())
        };
        if !is_behind {
            return Ok(());
        }
        self.write(turn).await.map_err(|error| match error {
            BackendError::Journal(_) => BackendError::MapFull(MapLimit::Disk),
            other => other,
        })
    }

    /// Returns once all changes up to one are on disk.
    ///
    /// *Cancel safety*: what was not written yet is written with the next change.
    async fn write(&self, turn: u64) -> Result<(), BackendError> {
        let _alone = self.map_writer.acquire().await.map_err(|_| BackendError::Stopped)?;
        let (newest, rows) = {
            let maps = self.maps();
            if maps.is_written(turn) {
                return Ok(());
            }
            (maps.turn(), maps.to_write())
        };
        let row = |(place, entry): (Place, Option<Entry>)| (name(&place), entry.and_then(Row::of));
        self.journal.keep(LocalKind::MapEntry, rows.into_iter().map(row).collect()).await?;
        self.maps().wrote(newest);
        Ok(())
    }

    /// See [`crate::backend::Backend::map_state`].
    pub fn map_state(&self, channel: &str, filter: &MapFilter, options: MapOptions) -> MapPage {
        self.maps().state(channel, filter, options)
    }

    /// See [`crate::backend::Backend::map_stream`].
    pub fn map_stream(&self, channel: &str, filter: &HistoryFilter, options: MapOptions) -> HistoryPage {
        self.maps().stream(channel, filter, options)
    }

    /// See [`crate::backend::Backend::map_count`].
    pub fn map_count(&self, channel: &str) -> usize {
        self.maps().count(channel)
    }

    /// See [`crate::backend::Backend::map_clear`].
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn map_clear(&self, channel: &str) -> Result<(), BackendError> {
        let is_persistent = self.maps().is_persistent(channel);
        if is_persistent {
            self.keep_up().await?;
        }
        let permit = self.permit().await?;
        let turn = {
            let mut maps = self.maps();
            if maps.take(channel) {
                permit.send(Delivery::Map(MapChange { channel: channel.into(), news: MapNews::Cleared }));
            }
            maps.turn()
        };
        if is_persistent { self.write(turn).await } else { Ok(()) }
    }

    /// Takes out what is over, as far as there is room to tell of it; the rest waits for the next second.
    pub(super) fn sweep_maps(&self) {
        let time = self.now_ms();
        let mut maps = self.maps();
        maps.sweep();
        while let Ok(permit) = self.deliveries.try_reserve() {
            let Some(change) = maps.expire(time) else { break };
            permit.send(Delivery::Map(change));
        }
    }
}
