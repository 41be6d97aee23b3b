//! Publishing by services: what was published already is not published again.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::{sync::Semaphore, time::Instant};

use super::{Hub, channel::Rules, permit};
use crate::backend::{BackendError, Publishing, StreamOptions, StreamPosition};

/// How long the key of a publication is known.
pub const KEY_TTL: Duration = Duration::from_secs(300);
/// Keys, and versions of channels, that are known at the same time; the oldest go first.
pub const KEYS_MAX: usize = 65_536;

/// What a service publishes.
#[derive(Debug)]
pub struct Announce<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The payload.
    pub data: Bytes,
    /// What subscribers may filter by.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be told as a difference.
    pub delta: bool,
    /// The service's own name for it, by which it is published once; none if empty.
    pub idempotency_key: &'a str,
    /// Which of the channel's states this is: one that is not newer than the last is not published. 0 for none.
    pub version: u64,
    /// What versions are counted in; another one begins anew.
    pub version_epoch: &'a str,
    /// What is kept.
    pub stream: StreamOptions,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// Not what the channel takes.
    #[error("bad request")]
    BadRequest,
    /// The backend's reason.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A channel, and a service's name for what it published there.
type Key = (Box<str>, Box<str>);

/// Turns that are told apart.
const TURNS: usize = 64;

/// One publication at a time of those that must know of each other.
#[derive(Debug)]
pub(super) struct Turns([Semaphore; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Semaphore::new(1)))
    }
}

impl Turns {
    /// The turn of a channel, which it may share with others.
    fn of(&self, channel: &str) -> &Semaphore {
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a small divisor")]
        let place = (xxhash_rust::xxh3::xxh3_64(channel.as_bytes()) % TURNS as u64) as usize;
        &self.0[place]
    }
}

/// What this node published lately.
#[derive(Debug, Default)]
pub(super) struct Lately {
    keys: FxHashMap<Key, StreamPosition>,
    order: VecDeque<(Instant, Key)>,
    versions: FxHashMap<Box<str>, (u64, Box<str>)>,
}

impl Lately {
    fn known(&mut self, channel: &str, key: &str) -> Option<StreamPosition> {
        let now = Instant::now();
        while let Some((at, key)) = self.order.front() {
            if now < *at + KEY_TTL && self.order.len() <= KEYS_MAX {
                break;
            }
            self.keys.remove(key);
            self.order.pop_front();
        }
        self.keys.get(&(channel.into(), key.into())).cloned()
    }

    fn note(&mut self, channel: &str, key: &str, position: &StreamPosition) {
        let key: Key = (channel.into(), key.into());
        self.order.push_back((Instant::now(), key.clone()));
        self.keys.insert(key, position.clone());
    }

    /// Whether a version is not newer than the one before it in its channel.
    fn is_old(&self, channel: &str, version: u64, epoch: &str) -> bool {
        self.versions.get(channel).is_some_and(|(known, of)| {
            0 < version && version <= *known && (epoch.is_empty() || **of == *epoch)
        })
    }

    fn note_version(&mut self, channel: &str, version: u64, epoch: &str) {
        if KEYS_MAX <= self.versions.len() {
            self.versions.clear();
        }
        if version == 0 {
            self.versions.remove(channel);
        } else {
            self.versions.insert(channel.into(), (version, epoch.into()));
        }
    }
}

impl Hub {
    /// Publishes for a service; returns where the stream stands.
    ///
    /// # Errors
    ///
    /// [`AnnounceError`].
    pub async fn announce(
        &self,
        announce: Announce<'_>,
        rules: &Rules,
    ) -> Result<StreamPosition, AnnounceError> {
        let Announce { channel, data, tags, delta, idempotency_key, version, version_epoch, stream } =
            announce;
        if rules.map.is_some() || permit::data(&data, rules.publication_data_format).is_err() {
            return Err(AnnounceError::BadRequest);
        }
        // Two calls with the same key, or with versions, come one after the other.
        let _turn = if idempotency_key.is_empty() && version == 0 {
            None
        } else {
            // Never closed.
            self.0.turns.of(channel).acquire().await.ok()
        };
        let backend = &self.0.parts.backend;
        if !idempotency_key.is_empty()
            && let Some(position) = self.lately().known(channel, idempotency_key)
        {
            return Ok(position);
        }
        if stream.is_kept() && self.lately().is_old(channel, version, version_epoch) {
            let filter = crate::backend::HistoryFilter { limit: Some(0), ..Default::default() };
            return Ok(backend.history(channel, &filter, stream).await?.position);
        }
        let publishing = Publishing { data, info: None, tags, delta };
        let position = backend.publish(channel, publishing, stream).await?;
        let mut lately = self.lately();
        if stream.is_kept() {
            lately.note_version(channel, version, version_epoch);
        }
        if !idempotency_key.is_empty() {
            lately.note(channel, idempotency_key, &position);
        }
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn keys_are_known_for_a_while() {
        let mut lately = Lately::default();
        let position = StreamPosition { offset: 7, epoch: "e".to_owned() };
        assert_eq!(lately.known("a", "k"), None);
        lately.note("a", "k", &position);
        assert_eq!(lately.known("a", "k"), Some(position));
        assert_eq!(lately.known("b", "k"), None);
        tokio::time::advance(KEY_TTL).await;
        assert_eq!(lately.known("a", "k"), None);
        assert!(lately.keys.is_empty());
    }

    #[test]
    fn versions_only_rise() {
        let mut lately = Lately::default();
        lately.note_version("a", 5, "x");
        assert!(lately.is_old("a", 5, "x") && lately.is_old("a", 4, ""));
        assert!(!lately.is_old("a", 6, "x") && !lately.is_old("a", 1, "y") && !lately.is_old("a", 0, ""));
        lately.note_version("a", 0, "");
        assert!(!lately.is_old("a", 1, "x"), "one without a version forgets it");
    }
}
