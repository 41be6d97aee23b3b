//! What clients send.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Commands that one message may hold; a page subscribes to about fifty queries at once.
pub const COMMANDS_MAX: usize = 256;

/// One command with the id that its reply repeats; `send` has none.
#[derive(Debug)]
pub struct Command {
    /// The client's number for it; 0 for commands without a reply.
    pub id: u32,
    /// What to do; nothing in a pong.
    pub method: Option<Method>,
}

/// What a command asks for.
#[derive(Debug)]
pub enum Method {
    /// Must be the first.
    Connect(Connect),
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
    /// Does nothing, and is answered.
    Ping(serde::de::IgnoredAny),
    /// A message without an answer.
    Send(Send),
    /// A call by name.
    Rpc(Rpc),
    /// A new token for the connection.
    Refresh(Refresh),
    /// A new token for a subscription.
    SubRefresh(Refresh),
}

/// `connect`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Connect {
    /// A token; unused in open mode.
    pub token: String,
    /// What the client says of itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Custom data.
    pub data: Option<Box<RawValue>>,
}

/// `subscribe`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Subscribe {
    /// The channel.
    pub channel: String,
    /// Whether `epoch` and `offset` say where the client stopped.
    pub recover: bool,
    /// The epoch of the client's position.
    pub epoch: String,
    /// The offset of the newest publication that it has.
    pub offset: u64,
    /// Custom data; expression and step of a live query.
    pub data: Option<Box<RawValue>>,
    /// Asks for a positioned subscription.
    pub positioned: bool,
    /// Asks for a recoverable subscription.
    pub recoverable: bool,
    /// Asks for joins and leaves.
    pub join_leave: bool,
}

/// Any command that names a channel only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Channelled {
    /// The channel.
    pub channel: String,
}

/// `publish`
#[derive(Debug, Deserialize)]
pub struct Publish {
    /// The channel.
    pub channel: String,
    /// What to publish.
    pub data: Box<RawValue>,
}

/// `history`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct History {
    /// The channel.
    pub channel: String,
    /// The most publications wanted: 0 for the position alone, below 0 for all.
    pub limit: i64,
    /// From where on.
    pub since: Option<Since>,
    /// Newest first.
    pub reverse: bool,
}

/// A position in a channel's stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Since {
    /// The offset.
    pub offset: u64,
    /// The epoch.
    pub epoch: String,
}

/// `send`
#[derive(Debug, Deserialize)]
pub struct Send {
    /// Custom data.
    pub data: Box<RawValue>,
}

/// `rpc`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rpc {
    /// The method's name.
    pub method: String,
    /// Its argument.
    pub data: Option<Box<RawValue>>,
}

/// `refresh` and `sub_refresh`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Refresh {
    /// The new token.
    pub token: String,
}

/// A message that is not the protocol.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, or a command of another shape.
    #[error("command {position}: {source}")]
    Command {
        /// Which of the message's commands, from 1.
        position: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// More than [`COMMANDS_MAX`] in one message.
    #[error("more than {COMMANDS_MAX} commands in one message")]
    TooMany,
}

/// The commands of one message, in order. An empty object (a pong) comes as a command without method.
///
/// # Errors
///
/// [`ParseError`], with the place of the first wrong command.
pub fn commands(message: &str) -> Result<Vec<Command>, ParseError> {
    let mut commands = Vec::new();
    // A raw line break cannot stand inside a JSON string, so the stream reader splits at the objects' ends.
    for (at, command) in serde_json::Deserializer::from_str(message).into_iter::<&RawValue>().enumerate() {
        if at == COMMANDS_MAX {
            return Err(ParseError::TooMany);
        }
        let parsed = command.and_then(|raw| parse(raw.get()));
        commands.push(parsed.map_err(|source| ParseError::Command { position: at + 1, source })?);
    }
    Ok(commands)
}

fn parse(text: &str) -> Result<Command, serde_json::Error> {
    // `flatten` cannot carry raw values, so the object is read as a map of raw values first.
    let fields: std::collections::BTreeMap<&str, &RawValue> = serde_json::from_str(text)?;
    let id = fields.get("id").map_or(Ok(0), |raw| serde_json::from_str(raw.get()))?;
    let mut method = None;
    for (name, raw) in &fields {
        if let Some(read) = read(name, raw.get()) {
            method = Some(read?);
        }
    }
    if id == 0 && !matches!(method, None | Some(Method::Send(_))) {
        return Err(serde::de::Error::custom("an `id` above 0 is needed, for the answer"));
    }
    Ok(Command { id, method })
}

fn read(name: &str, text: &str) -> Option<Result<Method, serde_json::Error>> {
    Some(match name {
        "connect" => serde_json::from_str(text).map(Method::Connect),
        "subscribe" => serde_json::from_str(text).map(Method::Subscribe),
        "unsubscribe" => serde_json::from_str(text).map(Method::Unsubscribe),
        "publish" => serde_json::from_str(text).map(Method::Publish),
        "presence" => serde_json::from_str(text).map(Method::Presence),
        "presence_stats" => serde_json::from_str(text).map(Method::PresenceStats),
        "history" => serde_json::from_str(text).map(Method::History),
        "ping" => serde_json::from_str(text).map(Method::Ping),
        "send" => serde_json::from_str(text).map(Method::Send),
        "rpc" => serde_json::from_str(text).map(Method::Rpc),
        "refresh" => serde_json::from_str(text).map(Method::Refresh),
        "sub_refresh" => serde_json::from_str(text).map(Method::SubRefresh),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_holds_several_commands() {
        let message = "{\"id\":1,\"connect\":{\"name\":\"js\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"a\",\"data\":{\"x\":1}}}\n{}";
        let commands = commands(message).unwrap();
        assert_eq!(commands.len(), 3);
        assert!(matches!(&commands[0].method, Some(Method::Connect(connect)) if connect.name == "js"));
        let Some(Method::Subscribe(subscribe)) = &commands[1].method else { panic!("{commands:?}") };
        assert_eq!(subscribe.data.as_ref().unwrap().get(), r#"{"x":1}"#);
        assert!(commands[2].method.is_none());
    }

    #[test]
    fn what_is_answered_needs_an_id() {
        assert!(commands(r#"{"rpc":{"method":"time"}}"#).is_err());
        assert!(commands(r#"{"id":0,"rpc":{"method":"time"}}"#).is_err());
        assert!(commands(r#"{"send":{"data":{}}}"#).is_ok());
    }

    #[test]
    fn a_wrong_command_is_named_by_its_place() {
        let error = commands("{}\n{\"id\":2,\"publish\":{\"channel\":\"a\"}}").unwrap_err();
        assert_eq!(error.to_string(), "command 2: missing field `data` at line 1 column 15");
    }

    #[test]
    fn too_many_commands_are_refused() {
        let message = "{}".repeat(COMMANDS_MAX + 1);
        assert!(matches!(commands(&message), Err(ParseError::TooMany)));
    }
}
