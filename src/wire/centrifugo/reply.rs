//! What the server sends.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use serde::{Serialize, Serializer};

use super::{
    ErrorCode, Protocol,
    message::{ClientInfo, Publication, is_none, is_zero},
    push::Push,
    raw,
};

/// The answer to one command, or a push. One field beside the id is set.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct Reply {
    /// The command's id; 0 in a push.
    #[prost(uint32, tag = "1")]
    #[serde(skip_serializing_if = "is_zero_id")]
    pub id: u32,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    #[prost(message, optional, boxed, tag = "4")]
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<Box<Push>>,
    #[prost(message, optional, boxed, tag = "5")]
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<Box<ConnectResult>>,
    #[prost(message, optional, boxed, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribe: Option<Box<SubscribeResult>>,
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribe: Option<Empty>,
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<Empty>,
    #[prost(message, optional, tag = "9")]
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<PresenceResult>,
    #[prost(message, optional, tag = "10")]
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_stats: Option<PresenceStats>,
    #[prost(message, optional, tag = "11")]
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<HistoryResult>,
    #[prost(message, optional, tag = "12")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ping: Option<Empty>,
    #[prost(message, optional, tag = "13")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rpc: Option<RpcResult>,
    #[prost(message, optional, tag = "14")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<RefreshResult>,
    #[prost(message, optional, tag = "15")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_refresh: Option<SubRefreshResult>,
}

/// What a command gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Of `connect`.
    Connect(Box<ConnectResult>),
    /// Of `subscribe`.
    Subscribe(Box<SubscribeResult>),
    /// Of `unsubscribe`.
    Unsubscribe,
    /// Of `publish`.
    Publish,
    /// Of `presence`.
    Presence(PresenceResult),
    /// Of `presence_stats`.
    PresenceStats(PresenceStats),
    /// Of `history`.
    History(HistoryResult),
    /// Of `ping`.
    Ping,
    /// Of `rpc`.
    Rpc(RpcResult),
    /// Of `refresh`.
    Refresh(RefreshResult),
    /// Of `sub_refresh`.
    SubRefresh(SubRefreshResult),
}

impl Reply {
    /// The answer to the command of this id.
    pub fn answer(id: u32, answer: Answer) -> Self {
        let mut reply = Self { id, ..Self::default() };
        match answer {
            Answer::Connect(result) => reply.connect = Some(result),
            Answer::Subscribe(result) => reply.subscribe = Some(result),
            Answer::Unsubscribe => reply.unsubscribe = Some(Empty {}),
            Answer::Publish => reply.publish = Some(Empty {}),
            Answer::Presence(result) => reply.presence = Some(result),
            Answer::PresenceStats(result) => reply.presence_stats = Some(result),
            Answer::History(result) => reply.history = Some(result),
            Answer::Ping => reply.ping = Some(Empty {}),
            Answer::Rpc(result) => reply.rpc = Some(result),
            Answer::Refresh(result) => reply.refresh = Some(result),
            Answer::SubRefresh(result) => reply.sub_refresh = Some(result),
        }
        reply
    }

    /// That the command of this id failed; `message` says more than the code's own words.
    pub fn error(id: u32, code: ErrorCode, message: &str) -> Self {
        let error = ErrorBody {
            code: u32::from(code.code()),
            message: message.to_owned(),
            temporary: code.is_temporary(),
        };
        Self { id, error: Some(error), ..Self::default() }
    }

    /// A push.
    pub fn push(push: Push) -> Self {
        Self { push: Some(Box::new(push)), ..Self::default() }
    }

    /// Encodes it, without what parts it from others; nothing if it holds a payload that this protocol cannot tell: bytes
    /// that are no JSON, to a client that reads JSON.
    pub fn encode(&self, protocol: Protocol) -> Option<Vec<u8>> {
        match protocol {
            Protocol::Json => serde_json::to_vec(self).ok(),
            Protocol::Protobuf => Some(self.encode_to_vec()),
        }
    }
}

#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
struct ErrorBody {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    temporary: bool,
}

/// A result without anything in it.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Serialize)]
pub(super) struct Empty {}

/// `connect`
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct ConnectResult {
    /// The connection's id.
    #[prost(string, tag = "1")]
    pub client: String,
    /// The server's version.
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Whether it expires…
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expires: bool,
    /// …after so many seconds.
    #[prost(uint32, tag = "4")]
    #[serde(skip_serializing_if = "is_zero_id")]
    pub ttl: u32,
    /// Custom data.
    #[prost(bytes = "bytes", tag = "5")]
    #[serde(serialize_with = "raw::serialize", skip_serializing_if = "Bytes::is_empty")]
    pub data: Bytes,
    /// Channels that the server subscribed it to.
    #[prost(message, repeated, tag = "6")]
    #[serde(serialize_with = "as_map", skip_serializing_if = "Vec::is_empty")]
    pub subs: Vec<ServerSub>,
    /// Seconds between pings of the server.
    #[prost(uint32, tag = "7")]
    #[serde(skip_serializing_if = "is_zero_id")]
    pub ping: u32,
    /// Whether a pong is expected.
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pong: bool,
    /// What a client of a one-way transport sends its commands with…
    #[prost(string, tag = "9")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// …and to which node.
    #[prost(string, tag = "10")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// The server's time, ms since the epoch.
    #[prost(int64, tag = "11")]
    #[serde(skip_serializing_if = "is_none")]
    pub time: i64,
}

/// An entry of a map from channels to subscriptions. Not a map of the library's: that leaves out a value in which nothing is
/// set, and clients look into it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ServerSub {
    /// The channel.
    #[prost(string, tag = "1")]
    pub channel: String,
    /// The subscription.
    #[prost(message, optional, tag = "2")]
    pub result: Option<SubscribeResult>,
}

fn as_map<S: Serializer>(subs: &[ServerSub], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(subs.iter().map(|sub| (&sub.channel, &sub.result)))
}

/// `subscribe`
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct SubscribeResult {
    /// Whether it expires…
    #[prost(bool, tag = "1")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expires: bool,
    /// …after so many seconds.
    #[prost(uint32, tag = "2")]
    #[serde(skip_serializing_if = "is_zero_id")]
    pub ttl: u32,
    /// Whether the client may recover by offset.
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recoverable: bool,
    /// The stream's epoch.
    #[prost(string, tag = "6")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// What the client missed.
    #[prost(message, repeated, tag = "7")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publications: Vec<Publication>,
    /// Whether all that it missed is there.
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// Where the client stands before what it missed.
    #[prost(uint64, tag = "9")]
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Whether pushes carry offsets.
    #[prost(bool, tag = "10")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub positioned: bool,
    /// Custom data.
    #[prost(bytes = "bytes", tag = "11")]
    #[serde(serialize_with = "raw::serialize", skip_serializing_if = "Bytes::is_empty")]
    pub data: Bytes,
    /// Whether the client asked to recover.
    #[prost(bool, tag = "12")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_recovering: bool,
    /// Whether publications may come as differences.
    #[prost(bool, tag = "13")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delta: bool,
    /// The number that stands for the channel in pushes from here on.
    #[prost(int64, tag = "14")]
    #[serde(skip_serializing_if = "is_none")]
    pub id: i64,
    /// 1 for a map.
    #[prost(int32, tag = "15")]
    #[serde(skip_serializing_if = "is_zero_kind")]
    pub r#type: i32,
    /// Of a map: what this was: 2 its state, 1 what changed since; 0: it is live.
    #[prost(int32, tag = "16")]
    #[serde(skip_serializing_if = "is_zero_kind")]
    pub phase: i32,
    /// Of a map: the next page.
    #[prost(string, tag = "17")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cursor: String,
    /// Of a map: its entries.
    #[prost(message, repeated, tag = "18")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<Publication>,
}

/// `history`
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct HistoryResult {
    /// In the order asked for.
    #[prost(message, repeated, tag = "1")]
    pub publications: Vec<Publication>,
    /// The stream's epoch.
    #[prost(string, tag = "2")]
    pub epoch: String,
    /// The stream's newest offset.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
}

/// `presence`
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct PresenceResult {
    /// By connection id.
    #[prost(btree_map = "string, message", tag = "1")]
    pub presence: BTreeMap<String, ClientInfo>,
}

/// `presence_stats`
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Serialize)]
pub struct PresenceStats {
    /// Connections.
    #[prost(uint32, tag = "1")]
    pub num_clients: u32,
    /// Users; the anonymous one counts once.
    #[prost(uint32, tag = "2")]
    pub num_users: u32,
}

/// `rpc`
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct RpcResult {
    /// The answer.
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(serialize_with = "raw::serialize", skip_serializing_if = "Bytes::is_empty")]
    pub data: Bytes,
}

/// `sub_refresh`
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Serialize)]
pub struct SubRefreshResult {
    /// Whether it expires…
    #[prost(bool, tag = "1")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expires: bool,
    /// …after so many seconds.
    #[prost(uint32, tag = "2")]
    #[serde(skip_serializing_if = "is_zero_id")]
    pub ttl: u32,
}

/// `refresh`
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Serialize)]
pub struct RefreshResult {
    /// Whether it expires…
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expires: bool,
    /// …after so many seconds.
    #[prost(uint32, tag = "4")]
    #[serde(skip_serializing_if = "is_zero_id")]
    pub ttl: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
pub(super) const fn is_zero_id(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero_kind(number: &i32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::centrifugo::PushBody;

    #[track_caller]
    fn check(reply: &Reply, json: &str, binary: &[u8]) {
        let encoded = reply.encode(Protocol::Json).unwrap();
        assert_eq!(String::from_utf8(encoded).unwrap(), json);
        assert_eq!(reply.encode(Protocol::Protobuf).unwrap(), binary);
    }

    #[test]
    fn replies_and_pushes_have_the_protocols_shape() {
        let result = SubscribeResult { offset: 3, epoch: "e".into(), ..Default::default() };
        let reply = Reply::answer(7, Answer::Subscribe(Box::new(result)));
        check(
            &reply,
            r#"{"id":7,"subscribe":{"epoch":"e","offset":3}}"#,
            b"\x08\x07\x32\x05\x32\x01e\x48\x03",
        );
        let error = Reply::error(1, ErrorCode::Internal, "internal server error");
        let json = r#"{"id":1,"error":{"code":100,"message":"internal server error","temporary":true}}"#;
        check(&error, json, b"\x08\x01\x12\x1b\x08\x64\x12\x15internal server error\x18\x01");
        let refreshed = SubRefreshResult { expires: true, ttl: 20 };
        let json = r#"{"id":3,"sub_refresh":{"expires":true,"ttl":20}}"#;
        check(&Reply::answer(3, Answer::SubRefresh(refreshed)), json, b"\x08\x03\x7a\x04\x08\x01\x10\x14");
        check(&Reply::answer(2, Answer::Publish), r#"{"id":2,"publish":{}}"#, b"\x08\x02\x42\x00");
        let publication = Publication { data: "1".into(), offset: 2, ..Default::default() };
        let push = Reply::push(Push::new("a", PushBody::Pub(publication)));
        let json = r#"{"push":{"channel":"a","pub":{"data":1,"offset":2}}}"#;
        check(&push, json, b"\x22\x0a\x12\x01a\x22\x05\x22\x011\x30\x02");
    }

    #[test]
    fn a_subscription_of_the_server_is_there_even_without_anything_to_say() {
        let sub = ServerSub { channel: "a".into(), result: Some(SubscribeResult::default()) };
        let result = ConnectResult { client: "c".into(), subs: vec![sub], ..Default::default() };
        let reply = Reply::answer(1, Answer::Connect(Box::new(result)));
        check(
            &reply,
            r#"{"id":1,"connect":{"client":"c","subs":{"a":{}}}}"#,
            b"\x08\x01\x2a\x0a\x0a\x01c\x32\x05\x0a\x01a\x12\x00",
        );
    }

    #[test]
    fn a_number_may_stand_for_a_channel() {
        let push =
            Reply::push(Push::by_id(7, PushBody::Pub(Publication { offset: 2, ..Default::default() })));
        check(&push, r#"{"push":{"id":7,"pub":{"offset":2}}}"#, b"\x22\x06\x08\x07\x22\x02\x30\x02");
        let result = SubscribeResult { id: 7, ..Default::default() };
        let reply = Reply::answer(1, Answer::Subscribe(Box::new(result)));
        check(&reply, r#"{"id":1,"subscribe":{"id":7}}"#, b"\x08\x01\x32\x02\x70\x07");
    }

    #[test]
    fn what_is_told_in_json_is_one_line() {
        let publication = Publication { data: "{\n\"a\":\r\n1}".into(), ..Default::default() };
        let push = Reply::push(Push::new("a", PushBody::Pub(publication)));
        let encoded = push.encode(Protocol::Json).unwrap();
        assert_eq!(encoded, br#"{"push":{"channel":"a","pub":{"data":{ "a":  1}}}}"#);
    }

    #[test]
    fn what_is_no_json_is_not_told_in_json() {
        let publication = Publication { data: Bytes::from_static(&[0xff]), ..Default::default() };
        let push = Reply::push(Push::new("a", PushBody::Pub(publication)));
        assert_eq!(push.encode(Protocol::Json), None);
        assert!(push.encode(Protocol::Protobuf).is_some());
    }
}
