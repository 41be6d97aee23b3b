//! What nodes share: publications with their history, presence, and samples.
//!
//! The contract, which the suite in `tests/it/backend.rs` runs against each kind:
//!
//! - A publication into a channel with history gets the next offset in the same step that stores it, and is
//!   delivered after that, on every node, in the order of offsets.
//! - Offsets start at 1. An epoch names one life of a channel's stream; where the log was lost, it changes.
//! - Without history a publication is delivered without an offset, in the order in which one node published.
//! - Presence lists connections of all nodes; those of a node that is gone leave by themselves.
//! - Samples go to every other node, in order; what could not be carried is a [`Delivery::Gap`].

pub mod embedded;
pub mod encode;
pub mod redis;

use std::{sync::Arc, time::Duration};

use serde_json::value::RawValue;
use tokio::sync::mpsc;

pub use self::{embedded::Embedded, redis::Redis};

use crate::model::Batch;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::{ClientInfo, Publication};

/// Deliveries that wait for the hub. At 10,000 publications a second: 0.4 s.
pub const DELIVERIES_MAX: usize = 4_096;
/// Bytes of history that one channel keeps, whatever its count says.
pub const HISTORY_BYTES_MAX: usize = 1 << 20;

/// How much of a channel is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Publications kept; 0 keeps none, and the channel has no offsets.
    pub size: usize,
    /// How long they are kept.
    pub ttl: Duration,
}

impl StreamOptions {
    /// Whether the channel has a history.
    pub const fn is_kept(&self) -> bool {
        0 < self.size && !self.ttl.is_zero()
    }
}

/// A place in a channel's stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamPosition {
    /// The newest offset; 0 in a stream where nothing was published.
    pub offset: u64,
    /// Which life of the stream.
    pub epoch: String,
}

/// Which part of a channel's history is wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// After this offset (before it, in reverse); all if absent.
    pub since: Option<u64>,
    /// At most so many; all that are kept if absent.
    pub limit: Option<usize>,
    /// Newest first.
    pub reverse: bool,
}

/// A part of a channel's history.
#[derive(Debug, Clone, Default)]
pub struct HistoryPage {
    /// In the order asked for.
    pub publications: Vec<Publication>,
    /// Where the stream stands.
    pub position: StreamPosition,
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
    },
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
    /// Past [`embedded::STREAMS_MAX`] or [`embedded::STREAMS_BYTES_MAX`].
    #[error(
        "the histories of channels fill their room ({} channels, {} MiB); publish again when some have expired",
        embedded::STREAMS_MAX,
        embedded::STREAMS_BYTES_MAX >> 20
    )]
    HistoryFull,
    /// The process stops.
    #[error("the hub has stopped")]
    Stopped,
    /// The address of the bus cannot be used.
    #[error("the address of redis is wrong: {0}")]
    Address(String),
    /// The bus is older than what we need.
    #[error("redis {0} is too old; version 7.0 or newer is needed")]
    TooOld(String),
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
    pub fn embedded() -> (Self, mpsc::Receiver<Delivery>) {
        let (backend, deliveries) = Embedded::new();
        (Self::Embedded(backend), deliveries)
    }

    /// The backend of several nodes, and what it delivers. `node_id` names this node and no other one, the same over
    /// restarts.
    ///
    /// # Errors
    ///
    /// [`BackendError::Address`], [`BackendError::TooOld`], and [`BackendError::Unreachable`] after
    /// [`redis::START_MAX`].
    pub async fn redis(
        url: &str,
        node_id: &str,
        supervisor: &Supervisor,
        registry: &Registry,
    ) -> Result<(Self, mpsc::Receiver<Delivery>), BackendError> {
        let (backend, deliveries) = Redis::new(url, node_id, supervisor, registry).await?;
        Ok((Self::Redis(backend), deliveries))
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
        data: Box<RawValue>,
        info: Option<ClientInfo>,
        options: StreamOptions,
    ) -> Result<StreamPosition, BackendError> {
        match self {
            Self::Embedded(backend) => backend.publish(channel, data, info, options).await,
            Self::Redis(backend) => backend.publish(channel, data, info, options).await,
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
            Self::Embedded(backend) => Ok(backend.history(channel, filter, options)),
            Self::Redis(backend) => backend.history(channel, filter, options).await,
        }
    }

    /// Lists a connection as present and, if `announce`, tells the others.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn enter(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => backend.enter(channel, info, announce).await,
            Self::Redis(backend) => backend.enter(channel, info, announce).await,
        }
    }

    /// Takes a connection off the list and, if `announce`, tells the others.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn leave(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        match self {
            Self::Embedded(backend) => backend.leave(channel, info, announce).await,
            Self::Redis(backend) => backend.leave(channel, info, announce).await,
        }
    }

    /// Who is present, by connection id.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn presence(&self, channel: &str) -> Result<Vec<ClientInfo>, BackendError> {
        match self {
            Self::Embedded(backend) => Ok(backend.presence(channel)),
            Self::Redis(backend) => backend.presence(channel).await,
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
