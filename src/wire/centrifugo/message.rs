//! What goes in both directions, one definition for JSON and protobuf. The numbers are those of Centrifugo's `client.proto`.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::raw;

/// Who a connection is.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientInfo {
    /// The user's id; empty for an anonymous one.
    #[prost(string, tag = "1")]
    pub user: String,
    /// The connection's id.
    #[prost(string, tag = "2")]
    pub client: String,
    /// What others may know of who it is.
    #[prost(bytes = "bytes", tag = "3")]
    #[serde(with = "raw", skip_serializing_if = "Bytes::is_empty")]
    pub conn_info: Bytes,
    /// The same in this channel.
    #[prost(bytes = "bytes", tag = "4")]
    #[serde(with = "raw", skip_serializing_if = "Bytes::is_empty")]
    pub chan_info: Bytes,
}

/// One message of a channel.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Publication {
    /// What was published.
    #[prost(bytes = "bytes", tag = "4")]
    #[serde(with = "raw", skip_serializing_if = "Bytes::is_empty")]
    pub data: Bytes,
    /// Who published it, if a client did.
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<ClientInfo>,
    /// Its place in the stream; 0 in a channel without one.
    #[prost(uint64, tag = "6")]
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// What subscribers may filter by.
    #[prost(btree_map = "string, string", tag = "7")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "raw::or_default")]
    pub tags: BTreeMap<String, String>,
    /// `data` is what is to be changed in the one before.
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delta: bool,
    /// When it was published, ms since the epoch.
    #[prost(int64, tag = "9")]
    #[serde(skip_serializing_if = "is_none")]
    pub time: i64,
    /// Its key in a map.
    #[prost(string, tag = "11")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The key is taken out of the map.
    #[prost(bool, tag = "12")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The stream's epoch, where it begins.
    #[prost(string, tag = "14")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub epoch: String,
    /// The publisher's number of what is published.
    #[prost(uint64, tag = "16")]
    #[serde(skip_serializing_if = "is_zero")]
    pub version: u64,
}

impl Publication {
    /// Bytes of all that came from outside.
    pub fn bytes(&self) -> usize {
        let info = self.info.as_ref().map_or(0, |info| {
            info.user.len() + info.client.len() + info.conn_info.len() + info.chan_info.len()
        });
        let tags: usize = self.tags.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.data.len() + self.key.len() + info + tags
    }
}

/// A position in a channel's stream.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Since {
    /// The offset.
    #[prost(uint64, tag = "1")]
    pub offset: u64,
    /// The epoch.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "raw::or_default")]
    pub epoch: String,
}

/// What a subscriber wants of publications, by their tags.
#[derive(Clone, PartialEq, Eq, prost::Message, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterNode {
    /// `and`, `or`, `not`; empty for a comparison.
    #[prost(string, tag = "1")]
    pub op: String,
    /// The tag that is compared.
    #[prost(string, tag = "2")]
    pub key: String,
    /// How.
    #[prost(string, tag = "3")]
    pub cmp: String,
    /// With what.
    #[prost(string, tag = "4")]
    pub val: String,
    /// With which.
    #[prost(string, repeated, tag = "5")]
    #[serde(deserialize_with = "raw::or_default")]
    pub vals: Vec<String>,
    /// What `op` is about.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "raw::or_default")]
    pub nodes: Vec<Self>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
pub(super) const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
pub(super) const fn is_none(number: &i64) -> bool {
    *number == 0
}
