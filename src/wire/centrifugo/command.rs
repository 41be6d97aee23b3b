//! What clients send.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use prost::Message;
use serde::Deserialize;

use super::{
    Protocol,
    message::{FilterNode, Since},
    raw,
};

/// Commands that one message may hold; a page subscribes to about fifty queries at once.
pub const COMMANDS_MAX: usize = 256;

/// One command with the id that its reply repeats; `send` and a pong have none. A client sets one of the others.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Command {
    /// The client's number for it.
    #[prost(uint32, tag = "1")]
    pub id: u32,
    #[prost(message, optional, boxed, tag = "4")]
    connect: Option<Box<Connect>>,
    #[prost(message, optional, boxed, tag = "5")]
    subscribe: Option<Box<Subscribe>>,
    #[prost(message, optional, tag = "6")]
    unsubscribe: Option<Channelled>,
    #[prost(message, optional, tag = "7")]
    publish: Option<Publish>,
    #[prost(message, optional, tag = "8")]
    presence: Option<Channelled>,
    #[prost(message, optional, tag = "9")]
    presence_stats: Option<Channelled>,
    #[prost(message, optional, tag = "10")]
    history: Option<History>,
    #[prost(message, optional, tag = "11")]
    ping: Option<Nothing>,
    #[prost(message, optional, tag = "12")]
    send: Option<Send>,
    #[prost(message, optional, tag = "13")]
    rpc: Option<Rpc>,
    #[prost(message, optional, tag = "14")]
    refresh: Option<Refresh>,
    #[prost(message, optional, tag = "15")]
    sub_refresh: Option<SubRefresh>,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Must be the first.
    Connect(Box<Connect>),
    /// Joins a channel.
    Subscribe(Box<Subscribe>),
    /// Leaves a channel.
    Unsubscribe(Channelled),
    /// Publishes into a channel.
    Publish(Publish),
    /// Who is in a channel.
    Presence(Channelled),
    /// How many are in a channel.
    PresenceStats(Channelled),
    /// What was published.
    History(History),
    /// Does nothing.
    Ping,
    /// A message without an answer.
    Send(Send),
    /// A call by name.
    Rpc(Rpc),
    /// A new token for the connection.
    Refresh(Refresh),
    /// A new token for a subscription.
    SubRefresh(SubRefresh),
}

impl Command {
    /// What it asks for: the first that is set; nothing in a pong.
    pub fn method(self) -> Option<Method> {
        let Self { connect, subscribe, unsubscribe, publish, presence, presence_stats, .. } = self;
        let Self { history, ping, send, rpc, refresh, sub_refresh, .. } = self;
        connect
            .map(Method::Connect)
            .or(subscribe.map(Method::Subscribe))
            .or(unsubscribe.map(Method::Unsubscribe))
            .or(publish.map(Method::Publish))
            .or(presence.map(Method::Presence))
            .or(presence_stats.map(Method::PresenceStats))
            .or(history.map(Method::History))
            .or(rpc.map(Method::Rpc))
            .or(send.map(Method::Send))
            .or(refresh.map(Method::Refresh))
            .or(sub_refresh.map(Method::SubRefresh))
            .or(ping.map(|Nothing {}| Method::Ping))
    }
}

/// An empty request.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message, Deserialize)]
pub(super) struct Nothing {}

/// `connect`
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Connect {
    /// A token.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "raw::or_default")]
    pub token: String,
    /// Custom data.
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(deserialize_with = "raw::deserialize")]
    pub data: Bytes,
    /// Channels that the connection wants to be subscribed to, and the positions that it had in them.
    #[prost(btree_map = "string, message", tag = "3")]
    #[serde(deserialize_with = "raw::or_default")]
    pub subs: BTreeMap<String, Subscribe>,
    /// What the client says of itself.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "raw::or_default")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "raw::or_default")]
    pub version: String,
}

/// `subscribe`
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Subscribe {
    /// The channel.
    #[prost(string, tag = "1")]
    pub channel: String,
    /// A token for it.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "raw::or_default")]
    pub token: String,
    /// Whether `epoch` and `offset` say where the client stopped.
    #[prost(bool, tag = "3")]
    pub recover: bool,
    /// The epoch of the client's position.
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "raw::or_default")]
    pub epoch: String,
    /// The offset of the newest publication that it has.
    #[prost(uint64, tag = "7")]
    #[serde(deserialize_with = "raw::or_default")]
    pub offset: u64,
    /// Custom data; expression and step of a live query.
    #[prost(bytes = "bytes", tag = "8")]
    #[serde(deserialize_with = "raw::deserialize")]
    pub data: Bytes,
    /// Asks for a positioned subscription.
    #[prost(bool, tag = "9")]
    pub positioned: bool,
    /// Asks for a recoverable subscription.
    #[prost(bool, tag = "10")]
    pub recoverable: bool,
    /// Asks for joins and leaves.
    #[prost(bool, tag = "11")]
    pub join_leave: bool,
    /// Asks for differences, in this format.
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "raw::or_default")]
    pub delta: String,
    /// Which publications are wanted.
    #[prost(message, optional, tag = "13")]
    pub tf: Option<FilterNode>,
    /// [`FLAG_IDS`], [`FLAG_REJECT_UNRECOVERED`] and others that we do not know.
    #[prost(int64, tag = "14")]
    pub flag: i64,
    /// What one subscribes to: 0 a stream, 1 a map, 2 the connections in it, 3 the users in it.
    #[prost(int32, tag = "15")]
    pub r#type: i32,
    /// Of a map: 2 reads its state, 1 what changed since, 0 goes live.
    #[prost(int32, tag = "16")]
    pub phase: i32,
    /// Of a map: the page that is wanted.
    #[prost(string, tag = "17")]
    #[serde(deserialize_with = "raw::or_default")]
    pub cursor: String,
    /// Of a map: entries of a page.
    #[prost(int32, tag = "18")]
    pub limit: i32,
}

/// A number may stand for the channel in pushes.
pub const FLAG_IDS: i64 = 1;
/// A subscription that cannot be recovered is refused.
pub const FLAG_REJECT_UNRECOVERED: i64 = 2;

/// Any command that names a channel only.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Channelled {
    /// The channel.
    #[prost(string, tag = "1")]
    pub channel: String,
}

/// `publish`
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Publish {
    /// The channel.
    #[prost(string, tag = "1")]
    pub channel: String,
    /// What to publish.
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(deserialize_with = "raw::deserialize")]
    pub data: Bytes,
    /// 1 for a map.
    #[prost(int32, tag = "3")]
    pub r#type: i32,
    /// Of a map: the key.
    #[prost(string, tag = "4")]
    pub key: String,
    /// Of a map: takes the key out.
    #[prost(bool, tag = "5")]
    pub removed: bool,
}

/// `history`
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct History {
    /// The channel.
    #[prost(string, tag = "1")]
    pub channel: String,
    /// The most publications wanted: 0 for the position alone, below 0 for all.
    #[prost(int32, tag = "7")]
    pub limit: i32,
    /// From where on.
    #[prost(message, optional, tag = "8")]
    pub since: Option<Since>,
    /// Newest first.
    #[prost(bool, tag = "9")]
    pub reverse: bool,
}

/// `send`
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Send {
    /// Custom data.
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(deserialize_with = "raw::deserialize")]
    pub data: Bytes,
}

/// `rpc`
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Rpc {
    /// Its argument.
    #[prost(bytes = "bytes", tag = "1")]
    #[serde(deserialize_with = "raw::deserialize")]
    pub data: Bytes,
    /// The method's name.
    #[prost(string, tag = "2")]
    pub method: String,
}

/// `refresh`
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Refresh {
    /// The new token.
    #[prost(string, tag = "1")]
    pub token: String,
}

/// `sub_refresh`
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct SubRefresh {
    /// The channel.
    #[prost(string, tag = "1")]
    pub channel: String,
    /// The new token.
    #[prost(string, tag = "2")]
    pub token: String,
    /// 0; others are of subscriptions that we do not have.
    #[prost(int32, tag = "3")]
    pub r#type: i32,
}

/// A message that is not the protocol.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, or a command of another shape.
    #[error("command {position}: {source}")]
    Json {
        /// Which of the message's commands, from 1.
        position: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Not protobuf, cut off, or a command of another shape.
    #[error("command {position}: {source}")]
    Protobuf {
        /// Which of the message's commands, from 1.
        position: usize,
        /// What is wrong with it.
        source: prost::DecodeError,
    },
    /// Nothing in it.
    #[error("a message without a command")]
    Empty,
    /// More than [`COMMANDS_MAX`] in one message.
    #[error("more than {COMMANDS_MAX} commands in one message")]
    TooMany,
}

/// Whether a message is the empty command and nothing else, as clients send it for a pong. One that says the same in another
/// way is found by [`commands`].
pub const fn is_pong(protocol: Protocol, message: &[u8]) -> bool {
    match protocol {
        Protocol::Json => matches!(message, b"{}"),
        Protocol::Protobuf => matches!(message, [0]),
    }
}

/// The commands of one message, in order.
///
/// # Errors
///
/// [`ParseError`], with the place of the first wrong command; those before it are returned with it.
pub fn commands(protocol: Protocol, message: &[u8]) -> (Vec<Command>, Option<ParseError>) {
    let mut commands = Vec::new();
    let broken = match protocol {
        Protocol::Json => json(message, &mut commands),
        Protocol::Protobuf => protobuf(message, &mut commands),
    };
    (commands, broken.err())
}

fn json(message: &[u8], commands: &mut Vec<Command>) -> Result<(), ParseError> {
    let message = message.strip_suffix(b"\n").unwrap_or(message);
    if message.is_empty() {
        return Err(ParseError::Empty);
    }
    // A raw line break cannot stand inside a JSON string.
    for (at, line) in message.split(|byte| *byte == b'\n').enumerate() {
        if at == COMMANDS_MAX {
            return Err(ParseError::TooMany);
        }
        let command = serde_json::from_slice(line);
        commands.push(command.map_err(|source| ParseError::Json { position: at + 1, source })?);
    }
    Ok(())
}

fn protobuf(mut message: &[u8], commands: &mut Vec<Command>) -> Result<(), ParseError> {
    if message.is_empty() {
        return Err(ParseError::Empty);
    }
    while message.has_remaining() {
        if commands.len() == COMMANDS_MAX {
            return Err(ParseError::TooMany);
        }
        let command = Command::decode_length_delimited(&mut message);
        let position = commands.len() + 1;
        commands.push(command.map_err(|source| ParseError::Protobuf { position, source })?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all(message: &str) -> Vec<Command> {
        let (commands, broken) = commands(Protocol::Json, message.as_bytes());
        assert!(broken.is_none(), "{broken:?}");
        commands
    }

    #[test]
    fn a_message_holds_several_commands() {
        let message = "{\"id\":1,\"connect\":{\"name\":\"js\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"data\":{\"x\":1},\"epoch\":null}}\n{}\n";
        let mut commands = all(message).into_iter().map(Command::method);
        let Some(Some(Method::Connect(connect))) = commands.next() else { panic!() };
        assert_eq!(connect.name, "js");
        let Some(Some(Method::Subscribe(subscribe))) = commands.next() else { panic!() };
        assert_eq!((&*subscribe.data, &*subscribe.epoch), (br#"{"x":1}"#.as_slice(), ""));
        assert_eq!(commands.next(), Some(None));
        assert_eq!(commands.next(), None);
    }

    #[test]
    fn a_pong_is_an_empty_command() {
        for (protocol, message) in [(Protocol::Json, b"{}".as_slice()), (Protocol::Protobuf, b"\0")] {
            assert!(is_pong(protocol, message));
            let (commands, broken) = commands(protocol, message);
            assert!(broken.is_none() && commands.len() == 1, "{broken:?}");
            assert!(commands[0].id == 0 && commands[0].clone().method().is_none());
        }
        assert!(!is_pong(Protocol::Json, b"{}{}") && !is_pong(Protocol::Protobuf, b"\0\0"));
    }

    #[test]
    fn both_encodings_say_the_same() {
        let json = r#"{"id":7,"publish":{"channel":"a","data":{"x":[1,"й"]}}}"#;
        let commands_of_json = all(json);
        let binary = commands_of_json[0].encode_length_delimited_to_vec();
        let (of_binary, broken) = commands(Protocol::Protobuf, &binary);
        assert!(broken.is_none());
        assert_eq!(of_binary, commands_of_json);
        let (_, broken) = commands(Protocol::Protobuf, &binary[..binary.len() - 1]);
        assert!(matches!(broken, Some(ParseError::Protobuf { position: 1, .. })));
    }

    #[test]
    fn a_wrong_command_is_named_by_its_place_and_those_before_it_hold() {
        let (before, error) = commands(Protocol::Json, b"{}\n{\"id\":2,\"publish\":{\"channel\":7}}");
        assert_eq!(before.len(), 1);
        assert!(error.unwrap().to_string().starts_with("command 2: invalid type"));
        for wrong in ["", "{}\n\n{}", "{\"id\":-1}", "{\"id\":\"1\"}", "7", "{} x"] {
            assert!(commands(Protocol::Json, wrong.as_bytes()).1.is_some(), "{wrong}");
        }
    }

    #[test]
    fn too_many_commands_are_refused() {
        let message = "{}\n".repeat(COMMANDS_MAX + 1);
        assert!(matches!(commands(Protocol::Json, message.as_bytes()), (_, Some(ParseError::TooMany))));
        let message = vec![0; COMMANDS_MAX + 1];
        assert!(matches!(commands(Protocol::Protobuf, &message), (_, Some(ParseError::TooMany))));
    }
}
