//! Centrifugo's client protocol, version 2, in JSON: commands, replies, pushes.
//!
//! Source: the `protocol` definition of Centrifugo (client.proto). A WebSocket message holds one or more
//! JSON objects, one on each line; an empty object is a ping from the server and a pong from the client.

mod command;
mod reply;

pub use command::{
    COMMANDS_MAX, Channelled, Command, Connect, History, Method, ParseError, Publish, Refresh, Rpc, Send,
    Since, Subscribe, commands,
};
pub use reply::{
    ClientInfo, ConnInfo, ConnectResult, ErrorReply, HistoryResult, InfoBody, PresenceResult, PresenceStats,
    Publication, Push, PushBody, Reply, SubscribeResult,
};

/// The ping from server to client, and the pong back.
pub const PING: &[u8] = b"{}";

/// Errors of a command, with Centrifugo's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// Something failed on our side; the client may try again.
    Internal,
    /// No such channel or namespace.
    UnknownChannel,
    /// Not allowed to this client.
    PermissionDenied,
    /// No such command or rpc method.
    MethodNotFound,
    /// Already subscribed on this connection.
    AlreadySubscribed,
    /// A limit, named in the message.
    LimitExceeded,
    /// The request is wrong; the message says how.
    BadRequest,
    /// The channel does not offer this.
    NotAvailable,
    /// Too many requests.
    TooManyRequests,
    /// The position is not in the history any more.
    UnrecoverablePosition,
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Internal => 100,
            Self::UnknownChannel => 102,
            Self::PermissionDenied => 103,
            Self::MethodNotFound => 104,
            Self::AlreadySubscribed => 105,
            Self::LimitExceeded => 106,
            Self::BadRequest => 107,
            Self::NotAvailable => 108,
            Self::TooManyRequests => 111,
            Self::UnrecoverablePosition => 112,
        }
    }

    /// Centrifugo's words for it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Internal => "internal server error",
            Self::UnknownChannel => "unknown channel",
            Self::PermissionDenied => "permission denied",
            Self::MethodNotFound => "method not found",
            Self::AlreadySubscribed => "already subscribed",
            Self::LimitExceeded => "limit exceeded",
            Self::BadRequest => "bad request",
            Self::NotAvailable => "not available",
            Self::TooManyRequests => "too many requests",
            Self::UnrecoverablePosition => "unrecoverable position",
        }
    }

    /// Whether the client may send the same command again.
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Internal | Self::TooManyRequests)
    }
}
