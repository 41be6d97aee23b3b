//! Maps in Redis: all keys of one map are at its channel's place, and so in one slot of a cluster.
//!
//! When a key ends is noted in its map, and in the same step the map among those of its place in which keys end. Each node
//! that has maps in its configuration looks there each second; a removal is one step, so that it is told once.

mod message;
mod scripts;
mod sweep;

use std::{sync::atomic::Ordering, time::Duration};

use redis::{Cmd, Script};

use super::{
    LIMIT_MAX, META_EXTRA_MS, Redis, Shared, keys::ChannelKeys, new_epoch, place::Place, position,
    route::Moving, scripts::call, ttl_ms,
};
use crate::backend::{
    BackendError, Delivery, HISTORY_BYTES_MAX, HistoryFilter, HistoryPage, KeyMode, MAP_BYTES_MAX,
    MAP_IDEMPOTENT_TTL, MAP_KEYS_MAX, MapChange, MapFilter, MapLimit, MapMode, MapNews, MapOptions,
    MapOutcome, MapPage, MapPut, Suppressed,
};
use crate::wire::centrifugo::Publication;
pub(super) use message::{read, read_cleared};
pub(super) use scripts::Scripts;
pub(super) use sweep::Sweeper;

/// Entries that one step reads.
const READ_AT_ONCE: usize = 1_000;

/// A call of a script of a map, with the map's keys and that of a change with a name of its own.
fn call_of(shared: &Shared, script: &Script, keys: &ChannelKeys, change: &str) -> Cmd {
    let has_name = !change.is_empty();
    let mut cmd = call(script, 7 + usize::from(has_name));
    for part in ["map-values", "map-order", "map-ends-of", "map-versions", "map-log", "map-meta"] {
        cmd.arg(keys.key(part));
    }
    cmd.arg(shared.keys.map_ends(keys.place));
    if has_name {
        cmd.arg(keys.map_change(change));
    }
    cmd
}

/// How long what a reader makes is kept, ms.
fn unborn_ms() -> u64 {
    u64::try_from(META_EXTRA_MS).unwrap_or(u64::MAX)
}

fn optional(ttl: Option<Duration>) -> String {
    ttl.map(|ttl| ttl_ms(ttl).to_string()).unwrap_or_default()
}

/// What a script says of a change.
fn outcome(reply: &[Vec<u8>]) -> Result<MapOutcome, BackendError> {
    let [reason, epoch, offset] = reply else { return Err(shape()) };
    let suppressed = match &**reason {
        b"" => None,
        b"!keys" => return Err(BackendError::MapFull(MapLimit::Keys)),
        b"!bytes" => return Err(BackendError::MapFull(MapLimit::Bytes)),
        reason => {
            let known = Suppressed::ALL.into_iter().find(|known| known.name().as_bytes() == reason);
            Some(known.ok_or_else(shape)?)
        }
    };
    Ok(MapOutcome { position: position(epoch, offset)?, suppressed })
}

fn shape() -> BackendError {
    BackendError::Unreachable("an answer of another shape".to_owned())
}

impl Redis {
    /// See [`crate::backend::Backend::expect_maps`].
    pub fn expect_maps(&self) {
        self.0.has_maps.store(true, Ordering::Relaxed);
    }

    /// See [`crate::backend::Backend::map_put`].
    ///
    /// # Errors
    ///
    /// [`BackendError`]. Where the answer was lost, the value may have been put.
    pub async fn map_put(
        &self,
        channel: &str,
        put: &MapPut,
        options: MapOptions,
    ) -> Result<MapOutcome, BackendError> {
        let (shared, keys) = (&self.0, self.0.keys.channel(channel));
        let mut cmd = call_of(shared, &shared.scripts.maps.put, &keys, &put.idempotency_key);
        cmd.arg(shared.keys.topic(keys.place)).arg(message::HEAD).arg(message::body(channel, put));
        cmd.arg(message::gone(channel, put)).arg(&put.key).arg(new_epoch());
        cmd.arg(match put.mode {
            KeyMode::Replace => "",
            KeyMode::IfNew { renew: false } => "new",
            KeyMode::IfNew { renew: true } => "renew",
            KeyMode::IfExists => "exists",
        });
        cmd.arg(put.version.to_string()).arg(&put.version_epoch);
        cmd.arg(if options.mode == MapMode::Ephemeral { "1" } else { "" });
        cmd.arg(optional(options.key_ttl)).arg(options.stream_size).arg(HISTORY_BYTES_MAX);
        let meta_ttl = options.key_ttl.map(|key| options.meta_ttl.unwrap_or(key));
        cmd.arg(ttl_ms(options.stream_ttl)).arg(optional(meta_ttl));
        cmd.arg(MAP_KEYS_MAX).arg(MAP_BYTES_MAX).arg(if put.delta { "1" } else { "" });
        cmd.arg(ttl_ms(MAP_IDEMPOTENT_TTL)).arg(channel).arg(unborn_ms());
        let reply: Vec<Vec<u8>> =
            shared.run(keys.place, &cmd, Moving::Waits).await.inspect_err(|error| self.count(error))?;
        outcome(&reply)
    }

    fn count(&self, error: &BackendError) {
        if matches!(error, BackendError::Unreachable(_)) {
            self.0.counters.publish_errors.increment();
        }
    }

    /// See [`crate::backend::Backend::map_remove`].
    ///
    /// # Errors
    ///
    /// [`BackendError`]. Where the answer was lost, the key may be out.
    pub async fn map_remove(
        &self,
        channel: &str,
        (key, idempotency_key): (&str, &str),
        _: MapOptions,
    ) -> Result<MapOutcome, BackendError> {
        let (shared, keys) = (&self.0, self.0.keys.channel(channel));
        let mut cmd = call_of(shared, &shared.scripts.maps.remove, &keys, idempotency_key);
        cmd.arg(shared.keys.topic(keys.place)).arg(message::HEAD).arg(key).arg(new_epoch());
        cmd.arg(unborn_ms()).arg(ttl_ms(MAP_IDEMPOTENT_TTL));
        let reply: Vec<Vec<u8>> =
            shared.run(keys.place, &cmd, Moving::Waits).await.inspect_err(|error| self.count(error))?;
        outcome(&reply)
    }

    /// See [`crate::backend::Backend::map_state`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn map_state(
        &self,
        channel: &str,
        filter: &MapFilter,
        options: MapOptions,
    ) -> Result<MapPage, BackendError> {
        let all = filter.limit.unwrap_or(usize::MAX);
        let mut filter = MapFilter { limit: Some(all.min(READ_AT_ONCE)), ..filter.clone() };
        let mut page = self.map_page(channel, &filter, options).await?;
        // Parts of one page: what changed meanwhile is newer than the position that is told, and follows it in the stream.
        while !page.cursor.is_empty() && filter.bytes.is_none() && page.entries.len() < all {
            filter.cursor = std::mem::take(&mut page.cursor);
            filter.limit = Some((all - page.entries.len()).min(READ_AT_ONCE));
            let next = self.map_page(channel, &filter, options).await?;
            page.entries.extend(next.entries);
            page.cursor = next.cursor;
        }
        Ok(page)
    }

    async fn map_page(
        &self,
        channel: &str,
        filter: &MapFilter,
        options: MapOptions,
    ) -> Result<MapPage, BackendError> {
        let keys = self.0.keys.channel(channel);
        let mut invocation = call_of(&self.0, &self.0.scripts.maps.state, &keys, "");
        let meta_ttl = options.meta_ttl.filter(|_| options.mode != MapMode::Persistent);
        invocation.arg(new_epoch()).arg(unborn_ms()).arg(optional(meta_ttl)).arg(&filter.cursor);
        invocation.arg(filter.limit.unwrap_or(READ_AT_ONCE));
        invocation.arg(filter.bytes.map(|bytes| bytes.to_string()).unwrap_or_default());
        invocation.arg(filter.key.as_deref().unwrap_or_default());
        let reply: Vec<Vec<u8>> = self.0.run(keys.place, &invocation, Moving::Follows).await?;
        let [epoch, offset, cursor, values @ ..] = reply.as_slice() else { return Err(shape()) };
        let message = |value: &Vec<u8>| {
            let start = memchr::memchr(b'\n', value)? + 1;
            self.0.changed(&value[start..])
        };
        let cursor = String::from_utf8_lossy(cursor).into_owned();
        Ok(MapPage {
            entries: values.iter().filter_map(message).collect(),
            position: position(epoch, offset)?,
            cursor,
        })
    }

    /// See [`crate::backend::Backend::map_stream`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn map_stream(
        &self,
        channel: &str,
        filter: &HistoryFilter,
        options: MapOptions,
    ) -> Result<HistoryPage, BackendError> {
        let keys = self.0.keys.channel(channel);
        let mut invocation = call_of(&self.0, &self.0.scripts.maps.stream, &keys, "");
        let number = |number: Option<String>| number.unwrap_or_default();
        invocation.arg(new_epoch()).arg(unborn_ms()).arg(options.stream_size).arg(HISTORY_BYTES_MAX);
        invocation.arg(ttl_ms(options.stream_ttl)).arg(number(filter.since.map(|since| since.to_string())));
        invocation.arg(number(filter.limit.map(|limit| limit.min(LIMIT_MAX).to_string())));
        invocation.arg(if filter.reverse { "1" } else { "" });
        let reply: Vec<Vec<u8>> = self.0.run(keys.place, &invocation, Moving::Follows).await?;
        let [epoch, offset, messages @ ..] = reply.as_slice() else { return Err(shape()) };
        let publications = messages.iter().filter_map(|message| self.0.changed(message)).collect();
        Ok(HistoryPage { publications, position: position(epoch, offset)? })
    }

    /// See [`crate::backend::Backend::map_count`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn map_count(&self, channel: &str) -> Result<usize, BackendError> {
        let keys = self.0.keys.channel(channel);
        let mut count = redis::cmd("HLEN");
        count.arg(keys.key("map-values"));
        self.0.run(keys.place, &count, Moving::Follows).await
    }

    /// See [`crate::backend::Backend::map_clear`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn map_clear(&self, channel: &str) -> Result<(), BackendError> {
        let keys = self.0.keys.channel(channel);
        let mut cmd = call_of(&self.0, &self.0.scripts.maps.clear, &keys, "");
        cmd.arg(self.0.keys.topic(keys.place)).arg(message::cleared(channel));
        self.0.run(keys.place, &cmd, Moving::Waits).await
    }
}

impl Shared {
    /// A kept change; what cannot be read is counted.
    fn changed(&self, bytes: &[u8]) -> Option<Publication> {
        match super::message::read(bytes) {
            Ok(Delivery::Map(MapChange { news: MapNews::Changed { publication, .. }, .. })) => {
                Some(*publication)
            }
            Ok(_) => None,
            Err(reason) => {
                self.counters.skipped(reason).increment();
                None
            }
        }
    }
}
