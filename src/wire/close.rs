//! Close codes of Centrifugo's protocol and what they tell a client to do.

/// Why the server closes a connection.
///
/// Codes below 3500 tell the client to connect again; from 3500 on it must not by itself.
/// Source: Centrifugo's client protocol, "disconnect codes".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The server stops.
    Shutdown,
    /// Something failed on our side.
    ServerError,
    /// Events waited longer than their queue allows; the client recovers by offset.
    Slow,
    /// Publications were lost between nodes; the client recovers by offset.
    InsufficientState,
    /// No pong came.
    NoPong,
    /// The client sent something that is not the protocol.
    BadRequest,
    /// The client did not connect in time.
    Stale,
    /// More connections than the limit.
    ConnectionLimit,
    /// More subscriptions than the limit.
    ChannelLimit,
    /// The client speaks a protocol that this address does not.
    InappropriateProtocol,
    /// More commands at once than the limit.
    TooManyRequests,
}

impl Close {
    /// The code on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::Shutdown => 3001,
            Self::ServerError => 3004,
            Self::Slow => 3008,
            Self::InsufficientState => 3010,
            Self::NoPong => 3012,
            Self::TooManyRequests => 3013,
            Self::BadRequest => 3501,
            Self::Stale => 3502,
            Self::ConnectionLimit => 3504,
            Self::ChannelLimit => 3505,
            Self::InappropriateProtocol => 3506,
        }
    }

    /// The words on the wire, those that Centrifugo uses.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::ServerError => "internal server error",
            Self::Slow => "slow",
            Self::InsufficientState => "insufficient state",
            Self::NoPong => "no pong",
            Self::TooManyRequests => "too many requests",
            Self::BadRequest => "bad request",
            Self::Stale => "stale",
            Self::ConnectionLimit => "connection limit",
            Self::ChannelLimit => "channel limit",
            Self::InappropriateProtocol => "inappropriate protocol",
        }
    }
}
