//! What is said to each kind of server, so that a client gets what others publish.

use std::sync::Arc;

use serde_json::{Value, json};

use super::frames::{CLOSE, Frame, PING, PONG, TEXT, put_frame};

/// What clients of Centrifugo's protocol say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Centrifugo {
    /// Where the server takes WebSockets.
    pub path: String,
    /// Who they are; empty for nobody.
    pub token: String,
    /// Where they meet.
    pub channel: String,
}

impl Default for Centrifugo {
    fn default() -> Self {
        let path = "/connection/websocket".to_owned();
        Self { path, token: String::new(), channel: "bench:r".to_owned() }
    }
}

/// A protocol above WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// None: a text goes to all.
    Plain,
    /// Centrifugo's, in JSON.
    Centrifugo(Arc<Centrifugo>),
    /// Socket.IO's, over WebSocket alone.
    SocketIo,
}

/// What a frame meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Perhaps messages; nothing else.
    Text,
    /// The client is in the channel now.
    Joined,
    /// The server ends it.
    Gone,
    /// The server refuses, with these words.
    Refused(String),
}

impl Speech {
    /// Where the server takes WebSockets.
    pub fn path(&self) -> &str {
        match self {
            Self::Plain => "/",
            Self::Centrifugo(own) => &own.path,
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        }
    }

    /// Says what must be said first; tells whether the client is in the channel by that alone.
    pub fn begin(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Plain => true,
            Self::Centrifugo(own) => {
                let connect = if own.token.is_empty() { json!({}) } else { json!({ "token": own.token }) };
                put_frame(TEXT, json!({ "id": 1, "connect": connect }).to_string().as_bytes(), out);
                let subscribe = json!({ "id": 2, "subscribe": { "channel": own.channel } });
                put_frame(TEXT, subscribe.to_string().as_bytes(), out);
                false
            }
            Self::SocketIo => false,
        }
    }

    /// Answers what wants an answer.
    pub fn hear(&self, frame: Frame<'_>, out: &mut Vec<u8>) -> Heard {
        match frame.opcode {
            TEXT => {}
            PING => put_frame(PONG, frame.payload, out),
            CLOSE => return closed(frame.payload),
            _ => return Heard::Text,
        }
        let text = frame.payload;
        let mut say = |text: &[u8]| put_frame(TEXT, text, out);
        match self {
            Self::Plain => {}
            Self::Centrifugo(own) => return own.hear(text, out),
            Self::SocketIo => match text {
                b"2" => say(b"3"),
                [b'0', b'{', ..] => say(b"40"),
                [b'4', b'0', ..] => say(br#"420["join"]"#),
                [b'4', b'3', ..] => return Heard::Joined,
                [b'4', b'4', ..] => return Heard::Gone,
                _ => {}
            },
        }
        Heard::Text
    }

    /// Publishes a text.
    pub fn publish(&self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Plain => put_frame(TEXT, text.as_bytes(), out),
            Self::Centrifugo(own) => {
                let command =
                    json!({ "id": 3, "publish": { "channel": own.channel, "data": { "t": text } } });
                put_frame(TEXT, command.to_string().as_bytes(), out);
            }
            Self::SocketIo => {
                let event = format!(r#"42["message",{{"t":"{text}"}}]"#);
                put_frame(TEXT, event.as_bytes(), out);
            }
        }
    }
}

impl Centrifugo {
    /// What a message meant, whose lines are answers, pings and pushes in any order. Pushes are read elsewhere.
    fn hear(&self, text: &[u8], out: &mut Vec<u8>) -> Heard {
        let mut heard = Heard::Text;
        for line in text.split(|byte| *byte == b'\n') {
            if line == b"{}" {
                put_frame(TEXT, b"{}", out);
            } else if line.starts_with(br#"{"id":"#) {
                match self.answered(line) {
                    Heard::Text => {}
                    refused @ Heard::Refused(_) => return refused,
                    other => heard = other,
                }
            }
        }
        heard
    }

    /// What the answer to a command meant.
    fn answered(&self, line: &[u8]) -> Heard {
        let Ok(reply) = serde_json::from_slice::<Value>(line) else { return Heard::Text };
        let error = &reply["error"];
        if error.is_null() {
            return if reply["subscribe"].is_null() { Heard::Text } else { Heard::Joined };
        }
        let what = match reply["id"].as_u64() {
            Some(1) => "to connect".to_owned(),
            Some(2) => format!("to subscribe to {}", self.channel),
            _ => format!("to publish in {}", self.channel),
        };
        let words = error["message"].as_str().unwrap_or_default();
        Heard::Refused(format!("{what}: {words} ({})", error["code"]))
    }
}

/// What a close frame meant.
fn closed(payload: &[u8]) -> Heard {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            Heard::Refused(format!("with the close code {code}: {}", String::from_utf8_lossy(reason)))
        }
        None => Heard::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_message_are_heard_one_by_one() {
        let own = Centrifugo::default();
        let mut out = Vec::new();
        let mut hear = |text: &[u8]| (own.hear(text, &mut out), std::mem::take(&mut out));
        assert_eq!(hear(br#"{"id":1,"connect":{}}"#).0, Heard::Text);
        assert_eq!(hear(b"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{}}").0, Heard::Joined);
        let refused = br#"{"id":2,"error":{"code":102,"message":"unknown channel"}}"#;
        let words = Heard::Refused("to subscribe to bench:r: unknown channel (102)".to_owned());
        assert_eq!(hear(refused).0, words);
        // Behind a push, and with a ping that waits for its answer.
        assert_eq!(hear(&[b"{\"push\":{}}\n".as_slice(), refused].concat()).0, words);
        for text in [b"{}".as_slice(), b"{\"push\":{}}\n{}", b"{}\n{\"push\":{}}"] {
            let (heard, said) = hear(text);
            assert_eq!((heard, said.is_empty()), (Heard::Text, false));
        }
        let words = "with the close code 3500: invalid token".to_owned();
        assert_eq!(closed(b"\x0d\xacinvalid token"), Heard::Refused(words));
    }
}
