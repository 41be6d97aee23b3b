//! What holds for all connections. Names are those of Centrifugo's configuration.

use std::time::Duration;

use super::outbox::EVENT_BYTES_MAX;
use crate::tokens::Verifier;

/// Bytes of one message from a client, over all its fragments.
pub const MESSAGE_BYTES_MAX: usize = 65_536;

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Whoever reaches the server, without a token; who is anonymous counts as a user.
    #[default]
    Open,
    /// As Centrifugo does it: by a token, or anonymously where that is allowed. The server's own pages come in as such.
    Strict,
}

/// The `[client]` section, and what else is about connections.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who may connect.
    pub trust: Trust,
    /// Nobody needs a token, and everyone may subscribe, publish and read.
    pub insecure: bool,
    /// Who has no token is the anonymous user.
    pub allow_anonymous_connect_without_token: bool,
    /// A token must name a user.
    pub disallow_anonymous_connection_tokens: bool,
    /// Origins of pages that may connect, beside our own: patterns with `*`, `?` and sets.
    pub allowed_origins: Vec<String>,
    /// Checks tokens of connections.
    pub connection_tokens: Verifier,
    /// Checks tokens of subscriptions.
    pub subscription_tokens: Verifier,
    /// Time between two pings.
    pub ping_interval: Duration,
    /// How long a pong may take; nothing for pings that need none.
    pub pong_timeout: Option<Duration>,
    /// How long a client may take to connect.
    pub stale_close_delay: Duration,
    /// How long a connection lives after its token expired.
    pub expired_close_delay: Duration,
    /// How long a subscription lives after its token expired.
    pub expired_sub_close_delay: Duration,
    /// Time between two renewals of a connection's presence in maps.
    pub presence_update_interval: Duration,
    /// Subscriptions of one connection.
    pub channel_limit: usize,
    /// Bytes that may wait for a client's socket.
    pub queue_max_size: usize,
    /// Connections of this node; nothing for the node's own limit.
    pub connection_limit: Option<usize>,
    /// Connections of one user on this node.
    pub user_connection_limit: Option<usize>,
    /// Connections of one address on this node.
    pub connection_limit_per_address: Option<usize>,
    /// New connections of each second.
    pub connection_rate_limit: Option<u32>,
    /// Publications of one page of a history.
    pub history_max_publication_limit: usize,
    /// Publications that a client gets when it comes back.
    pub recovery_max_publication_limit: usize,
    /// Tells the server's time in the reply to `connect`.
    pub connect_include_server_time: bool,
    /// Each user's own channel, to which they are subscribed.
    pub personal: Option<Personal>,
    /// How channels are written.
    pub syntax: Syntax,
    /// The server API.
    pub api: Api,
    /// Where each transport is, if it is on.
    pub transports: Transports,
}

/// `client.subscribe_to_user_personal_channel`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal {
    /// Namespace of these channels; none if empty.
    pub namespace: String,
    /// Who connects anew ends the connections of before.
    pub single_connection: bool,
}

impl Personal {
    /// The channel of a user.
    pub fn channel(&self, syntax: &Syntax, user: &str) -> String {
        let Syntax { namespace_boundary, user_boundary, .. } = syntax;
        match &*self.namespace {
            "" => format!("{user_boundary}{user}"),
            namespace => format!("{namespace}{namespace_boundary}{user_boundary}{user}"),
        }
    }
}

/// How channels are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syntax {
    /// Bytes of a name.
    pub max_length: usize,
    /// Begins the name of a channel that needs a token.
    pub private_prefix: String,
    /// Ends a namespace.
    pub namespace_boundary: String,
    /// Begins the users of a channel of theirs.
    pub user_boundary: String,
    /// Stands between them.
    pub user_separator: String,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            max_length: 255,
            private_prefix: "$".to_owned(),
            namespace_boundary: ":".to_owned(),
            user_boundary: "#".to_owned(),
            user_separator: ",".to_owned(),
        }
    }
}

/// The server API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Api {
    /// It is off.
    pub disabled: bool,
    /// Where it is.
    pub handler_prefix: String,
    /// The key; without one nobody gets in, but for `insecure`.
    pub key: Option<String>,
    /// No key is needed.
    pub insecure: bool,
    /// Errors are told by the status of the response, too.
    pub transport_errors: bool,
}

/// Where each transport is; nothing for one that is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transports {
    /// WebSocket.
    pub websocket: Option<String>,
    /// Whether WebSocket messages are compressed for clients that offer it, and from how many bytes on.
    pub websocket_compression: Option<usize>,
    /// Bytes of one message of a client.
    pub message_size_limit: usize,
    /// Server-sent events.
    pub sse: Option<String>,
    /// Bytes of a request's body there.
    pub sse_body_max: usize,
    /// HTTP streaming.
    pub http_stream: Option<String>,
    /// Bytes of a request's body there.
    pub http_stream_body_max: usize,
    /// What clients of these two send.
    pub emulation: String,
    /// Bytes of a request's body there.
    pub emulation_body_max: usize,
}

impl Default for Transports {
    fn default() -> Self {
        Self {
            websocket: Some("/connection/websocket".to_owned()),
            websocket_compression: None,
            message_size_limit: MESSAGE_BYTES_MAX,
            sse: None,
            sse_body_max: MESSAGE_BYTES_MAX,
            http_stream: None,
            http_stream_body_max: MESSAGE_BYTES_MAX,
            emulation: "/emulation".to_owned(),
            emulation_body_max: MESSAGE_BYTES_MAX,
        }
    }
}

impl Options {
    /// What holds, unless something else is said, where clients need tokens: Centrifugo's own limits.
    pub fn strict() -> Self {
        Self { trust: Trust::Strict, channel_limit: 128, queue_max_size: 1 << 20, ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trust: Trust::Open,
            insecure: false,
            allow_anonymous_connect_without_token: false,
            disallow_anonymous_connection_tokens: false,
            allowed_origins: Vec::new(),
            connection_tokens: Verifier::default(),
            subscription_tokens: Verifier::default(),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Some(Duration::from_secs(8)),
            stale_close_delay: Duration::from_secs(10),
            expired_close_delay: Duration::from_secs(25),
            expired_sub_close_delay: Duration::from_secs(25),
            presence_update_interval: Duration::from_secs(27),
            channel_limit: 256,
            queue_max_size: EVENT_BYTES_MAX,
            connection_limit: None,
            user_connection_limit: None,
            connection_limit_per_address: None,
            connection_rate_limit: None,
            history_max_publication_limit: 300,
            recovery_max_publication_limit: 300,
            connect_include_server_time: false,
            personal: None,
            syntax: Syntax::default(),
            api: Api { handler_prefix: "/api".to_owned(), ..Api::default() },
            transports: Transports::default(),
        }
    }
}
