//! Maps: channels whose keys have values, and the stream of what changed in them.
//!
//! The contract, which the suite in `tests/it/backend/maps.rs` runs against each kind:
//!
//! - A change gets the next offset in the same step that stores it, and is delivered after that on every node, in the order
//!   of offsets. An ephemeral map has no stream: its offsets are 0.
//! - A page of the state is in the order of the keys' bytes, and tells where the stream stood when it was read.
//! - A key whose time is over is taken out and told once, whatever the number of nodes that expect maps, some two seconds
//!   after its end at the latest, but where so many end at once that it takes longer. A stream has an entry for it.
//! - A cursor is a key, whether or not there is such a key: what a client invents reads nothing that it could not read.
//! - What was cleared has another epoch, and offsets begin at 1 again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Backend, BackendError, HistoryFilter, HistoryPage, StreamPosition};
use crate::wire::centrifugo::{ClientInfo, Publication};

/// Bytes of a key.
pub const MAP_KEY_BYTES_MAX: usize = 1_024;
/// Keys of one map.
pub const MAP_KEYS_MAX: usize = 65_536;
/// Bytes of all values of one map, with their keys and tags.
pub const MAP_BYTES_MAX: usize = 16 << 20;
/// How long the publisher's own name for a change is known.
pub const MAP_IDEMPOTENT_TTL: Duration = Duration::from_secs(300);

/// Where the values of a map go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapMode {
    /// Nowhere but to who is there; values expire.
    Ephemeral,
    /// Into a stream for a while; values expire.
    Recoverable,
    /// Into a stream; values stay, over restarts.
    Persistent,
}

/// How a map is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapOptions {
    /// Where values go.
    pub mode: MapMode,
    /// How long a value lives after it was put; nothing for ever.
    pub key_ttl: Option<Duration>,
    /// Changes that are kept; 0 in an ephemeral map.
    pub stream_size: usize,
    /// How long they are kept.
    pub stream_ttl: Duration,
    /// How long an empty map keeps its epoch; nothing for a day.
    pub meta_ttl: Option<Duration>,
}

/// What must be so for a value to be put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyMode {
    /// Nothing.
    #[default]
    Replace,
    /// There is no such key. If there is one and `renew` is set, it lives as long as a new one would.
    IfNew {
        /// Whether the key that is there lives on.
        renew: bool,
    },
    /// There is such a key.
    IfExists,
}

/// A value for a key.
#[derive(Debug, Clone, Default)]
pub struct MapPut {
    /// The key.
    pub key: String,
    /// The value.
    pub data: Bytes,
    /// Who puts it, if a client does.
    pub info: Option<ClientInfo>,
    /// What subscribers may filter by.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be told as a difference.
    pub delta: bool,
    /// What must be so.
    pub mode: KeyMode,
    /// Which of the key's states this is: one that is not newer than the one there is not put. 0 for none.
    pub version: u64,
    /// What versions are counted in; another one begins anew.
    pub version_epoch: String,
    /// The publisher's own name for it, by which it is put once; none if empty.
    pub idempotency_key: String,
}

/// Why nothing was changed, though nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppressed {
    /// It was done already.
    Idempotency,
    /// What is there is as new.
    Version,
    /// There is such a key.
    KeyExists,
    /// There is no such key.
    KeyNotFound,
}

impl Suppressed {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Idempotency, Self::Version, Self::KeyExists, Self::KeyNotFound];

    /// Centrifugo's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idempotency => "idempotency",
            Self::Version => "version",
            Self::KeyExists => "key_exists",
            Self::KeyNotFound => "key_not_found",
        }
    }
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapOutcome {
    /// Where the stream stands; of what was done already, where it stood then.
    pub position: StreamPosition,
    /// Why nothing was changed.
    pub suppressed: Option<Suppressed>,
}

/// Which part of a map's state is wanted.
#[derive(Debug, Clone, Default)]
pub struct MapFilter {
    /// Keys after this one; all if empty.
    pub cursor: String,
    /// The most entries; nothing for all, 0 for the position alone.
    pub limit: Option<usize>,
    /// The most bytes of entries, but for one that is larger; nothing for all.
    pub bytes: Option<usize>,
    /// This key alone.
    pub key: Option<String>,
}

/// A part of a map's state. Entries have key, offset and time.
#[derive(Debug, Clone, Default)]
pub struct MapPage {
    /// In the order of keys.
    pub entries: Vec<Publication>,
    /// Where the stream stands.
    pub position: StreamPosition,
    /// The last key of the page, if there are more after it; else empty.
    pub cursor: String,
}

/// What happened in a map.
#[derive(Debug, Clone)]
pub struct MapChange {
    /// The channel.
    pub channel: Arc<str>,
    /// What.
    pub news: MapNews,
}

/// The kinds of change.
#[derive(Debug, Clone)]
pub enum MapNews {
    /// A key was put or removed.
    Changed {
        /// What, with key, offset and time.
        publication: Box<Publication>,
        /// The stream's epoch.
        epoch: Arc<str>,
        /// The offset at which the key's value before was put, if it had one.
        before: Option<u64>,
        /// Whether it may be told as a difference.
        delta: bool,
    },
    /// Everything was removed.
    Cleared,
}

/// Which limit of maps was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapLimit {
    /// [`MAP_KEYS_MAX`].
    Keys,
    /// [`MAP_BYTES_MAX`].
    Bytes,
    /// Those of all maps of this node: [`super::embedded::MAPS_MAX`], [`super::embedded::MAPS_BYTES_MAX`].
    All,
    /// What of persistent maps may wait for this node's disk: [`super::embedded::UNWRITTEN_MAX`],
    /// [`super::embedded::UNWRITTEN_BYTES_MAX`].
    Disk,
}

impl MapLimit {
    /// Every limit.
    pub const ALL: [Self; 4] = [Self::Keys, Self::Bytes, Self::All, Self::Disk];

    /// Its name in counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Bytes => "bytes",
            Self::All => "all",
            Self::Disk => "disk",
        }
    }
}

impl std::fmt::Display for MapLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let room = "remove keys, or wait until some have expired";
        match self {
            Self::Keys => write!(f, "this map is full: it has {MAP_KEYS_MAX} keys; {room}"),
            Self::Bytes => {
                write!(f, "this map is full: its values take {} MiB; {room}", MAP_BYTES_MAX >> 20)
            }
            Self::All => write!(f, "all maps together fill their room; {room}"),
            Self::Disk => f.write_str(
                "as many changes as may wait for this server's disk, which takes none; nothing was changed, try again in a moment",
            ),
        }
    }
}

impl Backend {
    /// Says that there may be maps: from here on, keys whose time is over are taken out.
    pub fn expect_maps(&self) {
        if let Self::Redis(backend) = self {
            backend.expect_maps();
        }
    }

    /// Puts a value; returns where the stream stands after it.
    ///
    /// # Errors
    ///
    /// [`BackendError::MapFull`], and others where nothing was stored as far as is known.
    pub async fn map_put(
        &self,
        channel: &str,
        put: MapPut,
        options: MapOptions,
    ) -> Result<MapOutcome, BackendError> {
        match self {
            Self::Embedded(backend) => backend.map_put(channel, put, options).await,
            Self::Redis(backend) => backend.map_put(channel, &put, options).await,
        }
    }

    /// Takes a key out. `idempotency_key` is the remover's own name for it, by which it is done once; none if empty.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn map_remove(
        &self,
        channel: &str,
        (key, idempotency_key): (&str, &str),
        options: MapOptions,
    ) -> Result<MapOutcome, BackendError> {
        match self {
            Self::Embedded(backend) => backend.map_remove(channel, (key, idempotency_key), options).await,
            Self::Redis(backend) => backend.map_remove(channel, (key, idempotency_key), options).await,
        }
    }

    /// A part of a map's state.
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
        match self {
            Self::Embedded(backend) => Ok(backend.map_state(channel, filter, options)),
            Self::Redis(backend) => backend.map_state(channel, filter, options).await,
        }
    }

    /// A part of what changed in a map; nothing of an ephemeral one.
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
        match self {
            Self::Embedded(backend) => Ok(backend.map_stream(channel, filter, options)),
            Self::Redis(backend) => backend.map_stream(channel, filter, options).await,
        }
    }

    /// How many keys a map has.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn map_count(&self, channel: &str) -> Result<usize, BackendError> {
        match self {
            Self::Embedded(backend) => Ok(backend.map_count(channel)),
            Self::Redis(backend) => backend.map_count(channel).await,
        }
    }

    /// Takes everything out of a map, its stream and its epoch too, and tells all nodes.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn map_clear(&self, channel: &str) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => backend.map_clear(channel).await,
            Self::Redis(backend) => backend.map_clear(channel).await,
        }
    }
}
