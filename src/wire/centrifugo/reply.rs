//! What the server sends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ErrorCode;
use crate::wire::Frame;

/// The answer to one command.
#[derive(Debug, Serialize)]
pub struct Reply<'a, T: Serialize> {
    /// The command's id.
    pub id: u32,
    /// The result under the command's name.
    #[serde(flatten)]
    pub result: BTreeMap<&'a str, T>,
}

impl<'a, T: Serialize> Reply<'a, T> {
    /// The JSON of a successful reply.
    pub fn json(id: u32, method: &'a str, result: T) -> Vec<u8> {
        encode(&Self { id, result: BTreeMap::from([(method, result)]) })
    }
}

/// The answer to a command that failed.
#[derive(Debug, Serialize)]
pub struct ErrorReply<'a> {
    id: u32,
    error: ErrorBody<'a>,
}

#[derive(Debug, Serialize)]
struct ErrorBody<'a> {
    code: u16,
    message: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    temporary: bool,
}

impl ErrorReply<'_> {
    /// The JSON of an error; `message` says more than the code's own words.
    pub fn json(id: u32, code: ErrorCode, message: &str) -> Vec<u8> {
        encode(&ErrorReply {
            id,
            error: ErrorBody { code: code.code(), message, temporary: code.is_temporary() },
        })
    }
}

/// `connect`
#[derive(Debug, Default, Serialize)]
pub struct ConnectResult {
    /// The connection's id.
    pub client: String,
    /// The server's version.
    pub version: String,
    /// Seconds between pings of the server.
    pub ping: u32,
    /// Whether a pong is expected.
    pub pong: bool,
    /// The node's name.
    pub node: String,
    /// The server's time, ms since the epoch.
    pub time: i64,
}

/// `subscribe`
#[derive(Debug, Default, Serialize)]
pub struct SubscribeResult {
    /// Whether the client may recover by offset.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recoverable: bool,
    /// Whether pushes carry offsets.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub positioned: bool,
    /// The stream's epoch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// The stream's newest offset.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// What the client missed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publications: Vec<Publication>,
    /// Whether all that it missed is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// Whether the client asked to recover.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_recovering: bool,
    /// Custom data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
}

/// `history`
#[derive(Debug, Default, Serialize)]
pub struct HistoryResult {
    /// In the order asked for.
    pub publications: Vec<Publication>,
    /// The stream's epoch.
    pub epoch: String,
    /// The stream's newest offset.
    pub offset: u64,
}

/// `presence`
#[derive(Debug, Default, Serialize)]
pub struct PresenceResult {
    /// By connection id.
    pub presence: BTreeMap<String, ClientInfo>,
}

/// `presence_stats`
#[derive(Debug, Default, Serialize)]
pub struct PresenceStats {
    /// Connections.
    pub num_clients: usize,
    /// Users; the anonymous one counts once.
    pub num_users: usize,
}

/// Who a connection is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// The user's id; empty for an anonymous one.
    #[serde(default)]
    pub user: String,
    /// The connection's id.
    pub client: String,
    /// What others may know of who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conn_info: Option<ConnInfo>,
}

/// What others may know of who a connection is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnInfo {
    /// The person's name.
    pub name: String,
}

/// One message of a channel.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Publication {
    /// What was published.
    pub data: Option<Box<RawValue>>,
    /// Its place in the stream; none in a channel without one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Who published it, if a client did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<ClientInfo>,
}

/// What the server sends unasked.
#[derive(Debug, Serialize)]
pub struct Push<'a> {
    /// The channel; empty for messages to the connection.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub channel: &'a str,
    /// What happened.
    #[serde(flatten)]
    pub body: PushBody<'a>,
}

/// The kinds of push.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushBody<'a> {
    /// A publication.
    Pub(&'a Publication),
    /// Someone came.
    Join(InfoBody<'a>),
    /// Someone left.
    Leave(InfoBody<'a>),
    /// The server ended the subscription.
    Unsubscribe {
        /// Centrifugo's code, 2000 to 2999.
        code: u16,
        /// Why.
        reason: &'a str,
    },
    /// A message to this connection.
    Message {
        /// Custom data.
        data: &'a RawValue,
    },
}

/// Who a join or leave is about.
#[derive(Debug, Serialize)]
pub struct InfoBody<'a> {
    /// The connection.
    pub info: &'a ClientInfo,
}

#[derive(Serialize)]
struct PushReply<'a> {
    push: Push<'a>,
}

impl Push<'_> {
    /// Encodes the push as a frame for any number of connections.
    pub fn frame(self) -> Frame {
        Frame::text(&encode(&PushReply { push: self }))
    }
}

fn is_zero(offset: &u64) -> bool {
    *offset == 0
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Maps with string keys and finite numbers only: nothing here can fail to encode.
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_and_pushes_have_the_protocols_shape() {
        let reply = Reply::json(
            7,
            "subscribe",
            SubscribeResult { offset: 3, epoch: "e".into(), ..Default::default() },
        );
        assert_eq!(reply, br#"{"id":7,"subscribe":{"epoch":"e","offset":3}}"#);
        let error = ErrorReply::json(1, ErrorCode::Internal, "internal server error");
        assert_eq!(
            error,
            br#"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#
        );
        let publication = Publication { data: RawValue::from_string("1".into()).ok(), offset: 2, info: None };
        let frame = Push { channel: "a", body: PushBody::Pub(&publication) }.frame();
        assert_eq!(&frame.bytes()[2..], br#"{"push":{"channel":"a","pub":{"data":1,"offset":2}}}"#);
    }
}
