//! What hubs of all nodes are told to do with connections: JSON between nodes. Fields may be added; readers ignore those
//! that they do not know, and orders too.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::permit::ServerSubscribe;
use crate::tokens::Overrides;
use crate::wire::centrifugo::raw;

/// Whose connections are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Whom {
    /// Of this user; the anonymous one if empty.
    pub user: String,
    /// The connection of this id alone.
    pub client: String,
    /// The connection of this session alone.
    pub session: String,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Joins a channel.
    Subscribe {
        /// Who.
        whom: Whom,
        /// The channel.
        channel: String,
        /// What others see of who it is, in this channel.
        #[serde(default)]
        info: Option<Box<RawValue>>,
        /// What the client gets with it.
        #[serde(default)]
        data: Option<Box<RawValue>>,
        /// When the subscription expires, s since the epoch.
        #[serde(default)]
        expires_at: Option<i64>,
        /// What the namespace says otherwise.
        #[serde(default)]
        overrides: Overrides,
    },
    /// Leaves a channel, or all if it is empty.
    Unsubscribe {
        /// Who.
        whom: Whom,
        /// The channel.
        channel: String,
    },
    /// Ends connections.
    Disconnect {
        /// Whose.
        whom: Whom,
        /// The code that they get.
        code: u16,
        /// The words that they get.
        reason: String,
        /// Ids of connections that are spared.
        #[serde(default)]
        whitelist: Vec<String>,
    },
    /// Gives connections another end.
    Refresh {
        /// Whose.
        whom: Whom,
        /// They have expired.
        #[serde(default)]
        expired: bool,
        /// When they expire, s since the epoch; never if nothing is said.
        #[serde(default)]
        expires_at: Option<i64>,
        /// What others see of who they are, if that changes.
        #[serde(default)]
        info: Option<Box<RawValue>>,
    },
}

impl Order {
    /// Whose connections are meant.
    pub const fn whom(&self) -> &Whom {
        match self {
            Self::Subscribe { whom, .. }
            | Self::Unsubscribe { whom, .. }
            | Self::Disconnect { whom, .. }
            | Self::Refresh { whom, .. } => whom,
        }
    }
}

/// A subscription as an order has it.
pub(super) fn subscription(
    channel: String,
    info: Option<Box<RawValue>>,
    data: Option<Box<RawValue>>,
    expires_at: Option<i64>,
    overrides: Overrides,
) -> ServerSubscribe {
    let line = |value: Option<Box<RawValue>>| value.map_or_else(Bytes::new, raw::one_line);
    ServerSubscribe { channel, info: line(info), data: line(data), expires_at, overrides }
}
