//! Maps: what publishers change, how subscribers are told, and who is present in which.

mod presence;

use std::sync::{Arc, PoisonError};

use super::{
    Hub,
    channel::{MapRules, Rules},
    outbox::Delivery,
    shard::{Command, Publish, To},
};
use crate::backend::{BackendError, MAP_KEY_BYTES_MAX, MapChange, MapMode, MapNews, MapOutcome, MapPut};
use crate::wire::Cast;
use crate::wire::centrifugo::Publication;

/// Why a map is not changed.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The channel is no map.
    #[error("this channel is no map")]
    NoMap,
    /// No key, or more than [`MAP_KEY_BYTES_MAX`].
    #[error("a key has 1 to {MAP_KEY_BYTES_MAX} bytes")]
    Key,
    /// An ephemeral map does not compare versions.
    #[error("an ephemeral map has no versions")]
    Version,
    /// The backend's reason.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The map of a channel.
///
/// # Errors
///
/// [`MapError::NoMap`].
pub fn of(rules: &Rules) -> Result<&MapRules, MapError> {
    rules.map.as_deref().ok_or(MapError::NoMap)
}

impl Hub {
    /// Puts a value into a map.
    ///
    /// # Errors
    ///
    /// [`MapError`]; limits are counted.
    pub async fn map_put(&self, channel: &str, rules: &Rules, put: MapPut) -> Result<MapOutcome, MapError> {
        let map = of(rules)?;
        self.check_key(&put.key)?;
        if map.mode == MapMode::Ephemeral && 0 < put.version {
            return Err(MapError::Version);
        }
        Ok(self.counted(self.0.parts.backend.map_put(channel, put, map.options()).await)?)
    }

    /// Takes a key out of a map. `idempotency_key` is the caller's own name for it; none if empty.
    ///
    /// # Errors
    ///
    /// [`MapError`].
    pub async fn map_remove(
        &self,
        channel: &str,
        rules: &Rules,
        (key, idempotency_key): (&str, &str),
    ) -> Result<MapOutcome, MapError> {
        let map = of(rules)?;
        self.check_key(key)?;
        Ok(self
            .counted(self.0.parts.backend.map_remove(channel, (key, idempotency_key), map.options()).await)?)
    }

    fn counted<T>(&self, done: Result<T, BackendError>) -> Result<T, BackendError> {
        done.inspect_err(|error| {
            if let BackendError::MapFull(limit) = error {
                self.0.counters.refused_map(limit.name());
            }
        })
    }

    fn check_key(&self, key: &str) -> Result<(), MapError> {
        if key.len() > MAP_KEY_BYTES_MAX {
            self.0.counters.refused_map("key");
        }
        if (1..=MAP_KEY_BYTES_MAX).contains(&key.len()) { Ok(()) } else { Err(MapError::Key) }
    }

    /// Hands a change of a map to its subscribers on this node.
    pub(super) async fn changed(&self, MapChange { channel, news }: MapChange) {
        let (publication, epoch, before, delta) = match news {
            MapNews::Changed { publication, epoch, before, delta } => (publication, epoch, before, delta),
            MapNews::Cleared => {
                for shard in &self.0.shards {
                    // A shard that has stopped has no subscribers.
                    drop(shard.send(Command::Lost(Arc::clone(&channel))).await);
                }
                return;
            }
        };
        let offset = (publication.offset != 0).then_some(publication.offset);
        let publication = told(*publication);
        let base = self.map_base(&channel, &publication, before).filter(|_| delta);
        let epoch =
            offset.is_none_or(|offset| offset == 1).then_some(epoch).filter(|epoch| !epoch.is_empty());
        let cast = match base {
            Some(base) => Cast::difference(channel, publication, base),
            None => Cast::publication(channel, publication),
        };
        self.publish(Publish { cast, offset, delivery: Delivery::Event, to: To::All, epoch }).await;
    }

    /// The value that a key had before, where subscribers may be told the difference.
    fn map_base(
        &self,
        channel: &str,
        publication: &Publication,
        before: Option<u64>,
    ) -> Option<bytes::Bytes> {
        let rules = self.0.parts.namespaces.configured(channel)?;
        if !rules.allow_delta || publication.offset == 0 {
            return None;
        }
        let mut bases = self.0.map_bases.lock().unwrap_or_else(PoisonError::into_inner);
        bases.put_key(channel, publication, before)
    }
}

/// An entry or a change as clients are told it: they do not get its time.
pub(super) fn told(publication: Publication) -> Publication {
    Publication { time: 0, ..publication }
}
