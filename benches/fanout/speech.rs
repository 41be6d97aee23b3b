//! What is said to each kind of server, so that a client gets what others publish.

use super::frames::{CLOSE, Frame, PING, PONG, TEXT, put_frame};

/// A protocol above WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// None: a text goes to all.
    Plain,
    /// Centrifugo's, in JSON; the channel is `bench:r`.
    Centrifugo,
    /// Socket.IO's, over WebSocket alone.
    SocketIo,
}

/// What a frame meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Perhaps messages; nothing else.
    Text,
    /// The client is in the channel now.
    Joined,
    /// The server ends it, or refuses.
    Gone,
}

impl Speech {
    /// Where the server takes WebSockets.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Plain => "/",
            Self::Centrifugo => "/connection/websocket",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        }
    }

    /// Says what must be said first; tells whether the client is in the channel by that alone.
    pub(crate) fn begin(self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Plain => true,
            Self::Centrifugo => {
                put_frame(TEXT, br#"{"id":1,"connect":{}}"#, out);
                put_frame(TEXT, br#"{"id":2,"subscribe":{"channel":"bench:r"}}"#, out);
                false
            }
            Self::SocketIo => false,
        }
    }

    /// Answers what wants an answer.
    pub(crate) fn hear(self, frame: Frame<'_>, out: &mut Vec<u8>) -> Heard {
        match frame.opcode {
            TEXT => {}
            PING => put_frame(PONG, frame.payload, out),
            CLOSE => return Heard::Gone,
            _ => return Heard::Text,
        }
        let mut say = |text: &[u8]| put_frame(TEXT, text, out);
        let text = frame.payload;
        match self {
            Self::Plain => {}
            Self::Centrifugo if text == b"{}" => say(b"{}"),
            Self::Centrifugo if text.starts_with(br#"{"id":"#) => {
                let refused = memchr::memmem::find(text, br#""error""#).is_some();
                let subscribed = memchr::memmem::find(text, br#""subscribe""#).is_some();
                return match (refused, subscribed) {
                    (true, _) => Heard::Gone,
                    (false, true) => Heard::Joined,
                    (false, false) => Heard::Text,
                };
            }
            Self::Centrifugo => {}
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
    pub(crate) fn publish(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Plain => put_frame(TEXT, text.as_bytes(), out),
            Self::Centrifugo => {
                let command =
                    format!(r#"{{"id":3,"publish":{{"channel":"bench:r","data":{{"t":"{text}"}}}}}}"#);
                put_frame(TEXT, command.as_bytes(), out);
            }
            Self::SocketIo => {
                let event = format!(r#"42["message",{{"t":"{text}"}}]"#);
                put_frame(TEXT, event.as_bytes(), out);
            }
        }
    }
}
