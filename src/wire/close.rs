//! Close codes of Centrifugo's protocol and what they tell a client to do.

use std::sync::Arc;

/// Why the server closes a connection.
///
/// Codes below 3500 tell the client to connect again; from 3500 on it must not by itself.
/// Source: Centrifugo's client protocol, "disconnect codes".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// The server stops.
    Shutdown,
    /// Something failed on our side.
    ServerError,
    /// The connection's token expired and no other one came.
    Expired,
    /// The token of a subscription that the server made expired.
    SubscriptionExpired,
    /// Events waited longer than their queue allows; the client recovers by offset.
    Slow,
    /// Publications were lost between nodes; the client recovers by offset.
    InsufficientState,
    /// No pong came.
    NoPong,
    /// More commands at once than the limit.
    TooManyRequests,
    /// The token is wrong.
    InvalidToken,
    /// The client sent something that is not the protocol.
    BadRequest,
    /// The client did not connect in time.
    Stale,
    /// The server API said so.
    ForceDisconnect,
    /// More connections than the limit.
    ConnectionLimit,
    /// More subscriptions than the limit.
    ChannelLimit,
    /// The client speaks a protocol that this address does not, or cannot be told what it subscribed to.
    InappropriateProtocol,
    /// The client may not connect.
    PermissionDenied,
    /// The client asked for what this server does not have.
    NotAvailable,
    /// The server API said so, in its own words.
    Custom {
        /// The code on the wire.
        code: u16,
        /// The words on the wire.
        reason: Arc<str>,
    },
}

impl Close {
    /// The code on the wire.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Shutdown => 3001,
            Self::ServerError => 3004,
            Self::Expired => 3005,
            Self::SubscriptionExpired => 3006,
            Self::Slow => 3008,
            Self::InsufficientState => 3010,
            Self::NoPong => 3012,
            Self::TooManyRequests => 3013,
            Self::InvalidToken => 3500,
            Self::BadRequest => 3501,
            Self::Stale => 3502,
            Self::ForceDisconnect => 3503,
            Self::ConnectionLimit => 3504,
            Self::ChannelLimit => 3505,
            Self::InappropriateProtocol => 3506,
            Self::PermissionDenied => 3507,
            Self::NotAvailable => 3508,
            Self::Custom { code, .. } => *code,
        }
    }

    /// The words on the wire, those that Centrifugo uses.
    pub fn reason(&self) -> &str {
        match self {
            Self::Shutdown => "shutdown",
            Self::ServerError => "internal server error",
            Self::Expired => "connection expired",
            Self::SubscriptionExpired => "subscription expired",
            Self::Slow => "slow",
            Self::InsufficientState => "insufficient state",
            Self::NoPong => "no pong",
            Self::TooManyRequests => "too many requests",
            Self::InvalidToken => "invalid token",
            Self::BadRequest => "bad request",
            Self::Stale => "stale",
            Self::ForceDisconnect => "force disconnect",
            Self::ConnectionLimit => "connection limit",
            Self::ChannelLimit => "channel limit",
            Self::InappropriateProtocol => "inappropriate protocol",
            Self::PermissionDenied => "permission denied",
            Self::NotAvailable => "not available",
            Self::Custom { reason, .. } => reason,
        }
    }
}
