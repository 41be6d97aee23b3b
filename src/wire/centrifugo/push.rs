//! What the server sends unasked.

use bytes::Bytes;
use serde::Serialize;

use super::{
    RpcResult,
    message::{ClientInfo, Publication, is_none, is_zero},
    raw,
    reply::is_zero_id,
};
use crate::wire::Close;

/// One of them.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct Push {
    /// The number that stands for the channel, to who was told it.
    #[prost(int64, tag = "1")]
    #[serde(skip_serializing_if = "is_none")]
    pub id: i64,
    /// The channel; empty for what is about the connection, and beside an id.
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    #[prost(message, optional, tag = "4")]
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    publication: Option<Publication>,
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<InfoBody>,
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "Option::is_none")]
    leave: Option<InfoBody>,
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribe: Option<Reason>,
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<RpcResult>,
    #[prost(message, optional, tag = "9")]
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribe: Option<SubscribeBody>,
    #[prost(message, optional, tag = "11")]
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect: Option<DisconnectBody>,
    #[prost(message, optional, tag = "12")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<RefreshBody>,
}

/// The kinds of push.
#[derive(Debug, Clone, PartialEq)]
pub enum PushBody {
    /// A publication.
    Pub(Publication),
    /// Someone came.
    Join(ClientInfo),
    /// Someone left.
    Leave(ClientInfo),
    /// The server ended the subscription.
    Unsubscribe {
        /// 2000 to 2999; from 2500 on the client subscribes again.
        code: u32,
        /// Why.
        reason: String,
    },
    /// A message to this connection.
    Message(Bytes),
    /// The server subscribed the connection.
    Subscribe(SubscribeBody),
    /// The server ends the connection, of a transport that has no other way to say so.
    Disconnect(Close),
    /// The server gave the connection another end.
    Refresh {
        /// Seconds until then; nothing for never.
        ttl: Option<u32>,
    },
}

impl Push {
    /// A push about the channel that a number stands for.
    pub fn by_id(id: i64, body: PushBody) -> Self {
        Self { id, ..Self::new("", body) }
    }

    /// A push about a channel, or about the connection if `channel` is empty.
    pub fn new(channel: &str, body: PushBody) -> Self {
        let mut push = Self { channel: channel.to_owned(), ..Self::default() };
        match body {
            PushBody::Pub(publication) => push.publication = Some(publication),
            PushBody::Join(info) => push.join = Some(InfoBody { info: Some(info) }),
            PushBody::Leave(info) => push.leave = Some(InfoBody { info: Some(info) }),
            PushBody::Unsubscribe { code, reason } => push.unsubscribe = Some(Reason { code, reason }),
            PushBody::Message(data) => push.message = Some(RpcResult { data }),
            PushBody::Subscribe(body) => push.subscribe = Some(body),
            PushBody::Disconnect(close) => {
                let (code, reason) = (u32::from(close.code()), close.reason().to_owned());
                push.disconnect = Some(DisconnectBody { code, reason });
            }
            PushBody::Refresh { ttl } => {
                push.refresh = Some(RefreshBody { expires: ttl.is_some(), ttl: ttl.unwrap_or_default() });
            }
        }
        push
    }
}

#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
struct InfoBody {
    #[prost(message, optional, tag = "1")]
    info: Option<ClientInfo>,
}

#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
struct Reason {
    #[prost(uint32, tag = "2")]
    code: u32,
    #[prost(string, tag = "3")]
    reason: String,
}

#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
struct DisconnectBody {
    #[prost(uint32, tag = "1")]
    code: u32,
    #[prost(string, tag = "2")]
    reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Serialize)]
struct RefreshBody {
    #[prost(bool, tag = "1")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    expires: bool,
    #[prost(uint32, tag = "2")]
    #[serde(skip_serializing_if = "is_zero_id")]
    ttl: u32,
}

/// What a push says of a subscription that the server made.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize)]
pub struct SubscribeBody {
    /// Whether the client may recover by offset.
    #[prost(bool, tag = "1")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recoverable: bool,
    /// The stream's epoch.
    #[prost(string, tag = "4")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// The stream's newest offset.
    #[prost(uint64, tag = "5")]
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Whether pushes carry offsets.
    #[prost(bool, tag = "6")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub positioned: bool,
    /// Custom data.
    #[prost(bytes = "bytes", tag = "7")]
    #[serde(serialize_with = "raw::serialize", skip_serializing_if = "Bytes::is_empty")]
    pub data: Bytes,
}
