//! Centrifugo's client protocol, version 2, in JSON and in protobuf: commands, replies, pushes.
//!
//! Source: the `protocol` definition of Centrifugo (client.proto). One definition of each message serves both encodings. A
//! WebSocket message holds one or more of them: in JSON one on each line, in protobuf each after its length. An empty one is
//! a ping from the server and a pong from the client.

mod command;
mod message;
mod push;
pub mod raw;
mod reply;

pub use command::{
    COMMANDS_MAX, Channelled, Command, Connect, FLAG_IDS, FLAG_REJECT_UNRECOVERED, History, Method,
    ParseError, Publish, Refresh, Rpc, Send, SubRefresh, Subscribe, commands, is_pong,
};
pub use message::{ClientInfo, FilterNode, Publication, Since};
pub use push::{Push, PushBody, SubscribeBody};
pub use reply::{
    Answer, ConnectResult, HistoryResult, PresenceResult, PresenceStats, RefreshResult, Reply, RpcResult,
    ServerSub, SubRefreshResult, SubscribeResult,
};

/// How messages are encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// As JSON, one message on each line.
    #[default]
    Json,
    /// As protobuf, each message after its length.
    Protobuf,
}

impl Protocol {
    /// How many there are.
    pub(super) const COUNT: usize = 2;
}

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
    /// The token has expired; the client gets another one and tries again.
    TokenExpired,
    /// What was asked for had expired before it began.
    Expired,
    /// The position is not in the history any more.
    UnrecoverablePosition,
    /// Another page of the same map is being read.
    ConcurrentPagination,
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
            Self::TokenExpired => 109,
            Self::Expired => 110,
            Self::TooManyRequests => 111,
            Self::UnrecoverablePosition => 112,
            Self::ConcurrentPagination => 113,
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
            Self::TokenExpired => "token expired",
            Self::Expired => "expired",
            Self::TooManyRequests => "too many requests",
            Self::UnrecoverablePosition => "unrecoverable position",
            Self::ConcurrentPagination => "concurrent pagination",
        }
    }

    /// Whether the client may send the same command again.
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Internal | Self::TooManyRequests | Self::ConcurrentPagination)
    }
}
