//! What nodes share: publications with their history, commits, records, claims, presence, and samples.
//!
//! The contract, which the suite in `tests/it/backend.rs` runs against each kind:
//!
//! - A publication into a channel with history gets the next offset in the same step that stores it, and is
//!   delivered after that, on every node, in the order of offsets.
//! - Offsets start at 1. An epoch names one life of a channel's stream; where the log was lost, it changes.
//! - A commit becomes true as a whole, or not at all. Its events are delivered after that, in the order of offsets, then
//!   its records. An event whose author's id is known is not stored again.
//! - One node at a time tells of an alert, by [`Backend::claim`]; a lease ends by the backend's clock.
//! - Without history a publication is delivered without an offset, in the order in which one node published.
//! - Presence lists connections of all nodes; those of a node that is gone leave by themselves.
//! - Samples go to every other node, in order; what could not be carried is a [`Delivery::Gap`].

mod claim;
pub mod embedded;
pub mod encode;
mod map;
mod presence;
pub mod redis;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

pub use self::{
    claim::{Claim, Claimed, Notified, SETTLE},
    embedded::Embedded,
    map::{
        KeyMode, MAP_BYTES_MAX, MAP_IDEMPOTENT_TTL, MAP_KEY_BYTES_MAX, MAP_KEYS_MAX, MapChange, MapFilter,
        MapLimit, MapMode, MapNews, MapOptions, MapOutcome, MapPage, MapPut, Suppressed,
    },
    redis::{Redis, RedisSettings},
};
pub use crate::journal::{
    Append, Appended, Commit, HistoryFilter, HistoryPage, Record, RecordKind, StreamPosition,
};

use crate::journal::{Journal, JournalError, KeyValues, Retention};
use crate::model::Batch;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::{ClientInfo, Publication, raw};

/// Deliveries that wait for the hub. At 10,000 publications a second: 0.4 s.
pub const DELIVERIES_MAX: usize = 4_096;
/// Bytes of history that one channel keeps, whatever its count says.
pub const HISTORY_BYTES_MAX: usize = 1 << 20;

/// How a channel's publications are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StreamOptions {
    /// Not at all; the channel has no offsets.
    #[default]
    None,
    /// For a while: where there is no Redis, until the process ends.
    Memory {
        /// Publications kept; 0 keeps none, and the channel has no offsets.
        size: usize,
        /// How long they are kept.
        ttl: Duration,
    },
    /// In the journal, as long as its [`Retention`] says, over restarts: what people and alerts say.
    Journal,
}

impl StreamOptions {
    /// Whether the channel has a history.
    pub const fn is_kept(&self) -> bool {
        match self {
            Self::None => false,
            Self::Memory { size, ttl } => 0 < *size && !ttl.is_zero(),
            Self::Journal => true,
        }
    }
}

/// What is to be published.
#[derive(Debug, Clone, Default)]
pub struct Publishing {
    /// The payload.
    pub data: Bytes,
    /// Who publishes it, if a client does.
    pub info: Option<ClientInfo>,
    /// What subscribers may filter by.
    pub tags: BTreeMap<String, String>,
    /// Whether it may be told as a difference.
    pub delta: bool,
}

impl Publishing {
    /// JSON, and nothing with it.
    pub fn json(data: Box<RawValue>) -> Self {
        Self { data: raw::one_line(data), ..Self::default() }
    }
}

/// What arrives at this node's hub.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Someone published.
    Publication {
        /// Into this channel.
        channel: Arc<str>,
        /// What, with its offset.
        publication: Publication,
        /// Whether it may be told as a difference.
        delta: bool,
    },
    /// Something happened in a map.
    Map(MapChange),
    /// Someone came.
    Join {
        /// Into this channel.
        channel: Arc<str>,
        /// Who.
        info: ClientInfo,
    },
    /// Someone left.
    Leave {
        /// This channel.
        channel: Arc<str>,
        /// Who.
        info: ClientInfo,
    },
    /// A record was put or removed, by this node or another one.
    Record(Record),
    /// What the hubs of all nodes are to do.
    Order(Box<RawValue>),
    /// Another node's samples.
    Samples(Arc<Batch>),
    /// Deliveries were lost: subscriptions must recover, samples have a hole.
    Gap,
}

/// Why the backend could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The bus is away; what was sent is not stored.
    #[error("the bus is not reachable: {0}")]
    Unreachable(String),
    /// The journal did not take or give it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Past [`embedded::STREAMS_MAX`] or [`embedded::STREAMS_BYTES_MAX`].
    #[error(
        "the histories of channels fill their room ({} channels, {} MiB); publish again when some have expired",
        embedded::STREAMS_MAX,
        embedded::STREAMS_BYTES_MAX >> 20
    )]
    HistoryFull,
    /// A map, or all of them, hold as much as they may.
    #[error("{0}")]
    MapFull(MapLimit),
    /// Only JSON is kept where this was to be kept.
    #[error("what is published here is JSON")]
    NotJson,
    /// The process stops.
    #[error("the hub has stopped")]
    Stopped,
    /// The address of the bus cannot be used.
    #[error("the address of redis is wrong: {0}")]
    Address(String),
    /// The bus is older than what we need.
    #[error("redis {0} is too old; version 7.0 or newer is needed")]
    TooOld(String),
    /// Several servers were named that are none.
    #[error(
        "several addresses of redis are those of a cluster, and {0} is none: name one server, or a cluster's"
    )]
    NotACluster(String),
}

/// The two kinds there are.
#[derive(Debug, Clone)]
pub enum Backend {
    /// In this process.
    Embedded(Embedded),
    /// Shared with other nodes.
    Redis(Redis),
}

impl Backend {
    /// The backend of a single node, and what it delivers.
    ///
    /// *Blocks*: reads what the journal knows of alerts.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn embedded(journal: Journal) -> Result<(Self, mpsc::Receiver<Delivery>), BackendError> {
        let (backend, deliveries) = Embedded::new(journal)?;
        Ok((Self::Embedded(backend), deliveries))
    }

    /// The backend of several nodes, and what it delivers. `node_id` names this node and no other one, the same over
    /// restarts.
    ///
    /// # Errors
    ///
    /// [`BackendError::Address`], [`BackendError::TooOld`], [`BackendError::NotACluster`], and
    /// [`BackendError::Unreachable`] after [`redis::START_MAX`].
    pub async fn redis(
        settings: &RedisSettings,
        node_id: &str,
        supervisor: &Supervisor,
        registry: &Registry,
        retention: Retention,
    ) -> Result<(Self, mpsc::Receiver<Delivery>), BackendError> {
        let (backend, deliveries) = Redis::new(settings, node_id, supervisor, registry, retention).await?;
        Ok((Self::Redis(backend), deliveries))
    }

    /// Whether there may be other nodes.
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// What epochs of live queries derive from on all nodes; none where the only node has its own.
    pub fn generation(&self) -> Option<u64> {
        match self {
            Self::Embedded(_) => None,
            Self::Redis(backend) => backend.generation(),
        }
    }

    /// Publishes into a channel; returns where the stream stands after it.
    ///
    /// # Errors
    ///
    /// [`BackendError`] when nothing was stored; the caller may try again.
    pub async fn publish(
        &self,
        channel: &str,
        publishing: Publishing,
        options: StreamOptions,
    ) -> Result<StreamPosition, BackendError> {
        match self {
            Self::Embedded(backend) => backend.publish(channel, publishing, options).await,
            Self::Redis(backend) => backend.publish(channel, publishing, options).await,
        }
    }

    /// A part of a channel's history.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn history(
        &self,
        channel: &str,
        filter: &HistoryFilter,
        options: StreamOptions,
    ) -> Result<HistoryPage, BackendError> {
        match self {
            Self::Embedded(backend) => backend.history(channel, filter, options).await,
            Self::Redis(backend) => backend.history(channel, filter, options).await,
        }
    }

    /// Forgets what a channel's history keeps; its offsets go on.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn forget(&self, channel: &str) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => {
                backend.forget(channel);
                Ok(())
            }
            Self::Redis(backend) => backend.forget(channel).await,
        }
    }

    /// Tells the hubs of all nodes, this one too, to do something with their connections.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn order(&self, order: Box<RawValue>) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => backend.order(order).await,
            Self::Redis(backend) => backend.order(&order).await,
        }
    }

    /// Stores events and records, all or none; returns one [`Appended`] for each append. On return it is stored; it is
    /// delivered on every node, this one too, events in the order of offsets and then records.
    ///
    /// # Errors
    ///
    /// [`BackendError`] when nothing was stored, as far as is known; with an author's key it is safe to try again.
    pub async fn commit(&self, commit: Commit) -> Result<Vec<Appended>, BackendError> {
        match self {
            Self::Embedded(backend) => backend.commit(commit).await,
            Self::Redis(backend) => backend.commit(&commit).await,
        }
    }

    /// The records of a kind that have not expired, by key.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn records(&self, kind: RecordKind) -> Result<KeyValues, BackendError> {
        match self {
            Self::Embedded(backend) => backend.records(kind).await,
            Self::Redis(backend) => backend.records(kind).await,
        }
    }

    /// Asks to tell of an alert. A claim that was granted ends with the commit that marks it told, by
    /// [`Backend::release`], or with its lease.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn claim(&self, claim: &Claim) -> Result<Claimed, BackendError> {
        match self {
            Self::Embedded(backend) => Ok(backend.claim(claim)),
            Self::Redis(backend) => backend.claim(claim).await,
        }
    }

    /// Gives a claim back: nothing was told. One that another node holds by now stays.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`]; then the lease ends it.
    pub async fn release(&self, claim: &Claim) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => {
                backend.release(claim);
                Ok(())
            }
            Self::Redis(backend) => backend.release(claim).await,
        }
    }

    /// Carries samples of this node to every other one.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn carry(&self, batch: &Arc<Batch>) -> Result<(), BackendError> {
        match self {
            // There is no other node.
            Self::Embedded(_) => Ok(()),
            Self::Redis(backend) => backend.carry(batch).await,
        }
    }

    /// Forgets what is past its time; called once a second.
    pub fn sweep(&self) {
        match self {
            Self::Embedded(backend) => backend.sweep(),
            // Redis does so itself.
            Self::Redis(_) => {}
        }
    }
}
