//! What others than its client ask of a connection's session.

use std::sync::Arc;

use bytes::Bytes;

use crate::hub::permit::ServerSubscribe;

/// What the session of a connection is asked to do by others than its client.
#[derive(Debug, Clone)]
pub enum Control {
    /// Joins a channel.
    Subscribe(Arc<ServerSubscribe>),
    /// Leaves a channel; all if it is empty.
    Unsubscribe(Arc<str>),
    /// What the client knows of a channel is of no use any more.
    Lost(Arc<str>),
    /// Another end of the connection, s since the epoch; nothing for none.
    Refresh {
        /// When.
        expires_at: Option<i64>,
        /// What others see of who it is, if that changes.
        info: Option<Bytes>,
    },
    /// A subscription may have expired, or is to be renewed, or a map is read for too long.
    Look,
}
