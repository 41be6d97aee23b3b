//! Messages as a connection reads them: encoded once, and shared by all connections that read alike.

use bytes::Bytes;
use prost::encoding::encode_varint;

use super::{
    Close,
    centrifugo::{Protocol, Push, PushBody, Reply},
    deflate,
    websocket::{self, Opcode},
};

/// How messages are compressed: the fastest level gains most of what there is to gain.
const LEVEL: u32 = 1;

/// Bytes that are ready to be written as they are.
///
/// A clone counts a reference: a thousand readers share one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    bytes: Bytes,
    messages: u16,
}

/// What messages are wrapped in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Frames of a WebSocket.
    #[default]
    WebSocket,
    /// The same to a client that inflates: messages of so many bytes and more are compressed where that pays.
    Deflated {
        /// How many.
        from: u32,
    },
    /// Server-sent events, each of one message.
    Events,
    /// One after another in the body of a response.
    Stream,
}

/// How a connection reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// How messages are encoded.
    pub protocol: Protocol,
    /// What they are wrapped in.
    pub framing: Framing,
}

impl Dialect {
    /// How many there are.
    pub(super) const COUNT: usize = 8;

    /// A number of its own, below [`Dialect::COUNT`].
    pub(super) const fn index(self) -> usize {
        let framing = match self.framing {
            Framing::WebSocket => 0,
            Framing::Deflated { .. } => 1,
            Framing::Events => 2,
            Framing::Stream => 3,
        };
        match self.protocol {
            Protocol::Json => framing,
            Protocol::Protobuf => framing + 4,
        }
    }

    /// Several encoded messages together.
    pub fn frame(self, messages: &[impl AsRef<[u8]>]) -> Frame {
        let mut bytes = Vec::new();
        match (self.framing, self.protocol) {
            (framing @ (Framing::WebSocket | Framing::Deflated { .. }), protocol) => {
                let payload = joined(protocol, messages);
                let opcode = match protocol {
                    Protocol::Json => Opcode::Text,
                    Protocol::Protobuf => Opcode::Binary,
                };
                let is_long = |from: u32| from as usize <= payload.len();
                let shorter = match framing {
                    Framing::Deflated { from } if is_long(from) => deflate::compress(&payload, LEVEL),
                    _ => None,
                };
                let is_compressed = shorter.is_some();
                let payload = shorter.unwrap_or(payload);
                // No more than is needed: what waits for a slow reader holds all of it.
                bytes.reserve_exact(payload.len() + websocket::HEADER_BYTES_MAX);
                if is_compressed {
                    websocket::write_compressed_header(opcode, payload.len(), &mut bytes);
                } else {
                    websocket::write_header(opcode, payload.len(), &mut bytes);
                }
                bytes.extend_from_slice(&payload);
            }
            // Events are text: what is no JSON cannot be one.
            (Framing::Events, _) => {
                for message in messages {
                    bytes.extend_from_slice(b"data: ");
                    bytes.extend_from_slice(message.as_ref());
                    bytes.extend_from_slice(b"\n\n");
                }
            }
            (Framing::Stream, protocol) => {
                bytes = joined(protocol, messages);
                if protocol == Protocol::Json {
                    bytes.push(b'\n');
                }
            }
        }
        Frame { bytes: bytes.into(), messages: u16::try_from(messages.len()).unwrap_or(u16::MAX) }
    }

    /// A message that asks for a pong. It is written once for all: ten thousand connections want four hundred of them a second.
    pub const fn ping(self) -> Frame {
        let bytes: &'static [u8] = match (self.framing, self.protocol) {
            (Framing::WebSocket | Framing::Deflated { .. }, Protocol::Json) => b"\x81\x02{}",
            (Framing::WebSocket | Framing::Deflated { .. }, Protocol::Protobuf) => b"\x82\x01\0",
            (Framing::Events, _) => b"data: {}\n\n",
            (Framing::Stream, Protocol::Json) => b"{}\n",
            (Framing::Stream, Protocol::Protobuf) => b"\0",
        };
        Frame { bytes: Bytes::from_static(bytes), messages: 1 }
    }

    /// The last message: where the transport has no other word for it, a push.
    pub fn close(self, close: &Close) -> Frame {
        match self.framing {
            Framing::WebSocket | Framing::Deflated { .. } => Frame::close(close),
            Framing::Events | Framing::Stream => {
                let push = Push::new("", PushBody::Disconnect(close.clone()));
                self.frame(&[Reply::push(push).encode(self.protocol).unwrap_or_default()])
            }
        }
    }
}

fn joined(protocol: Protocol, messages: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut all = Vec::with_capacity(messages.iter().map(|message| message.as_ref().len() + 5).sum());
    for (at, message) in messages.iter().map(AsRef::as_ref).enumerate() {
        match protocol {
            Protocol::Json if at == 0 => {}
            Protocol::Json => all.push(b'\n'),
            Protocol::Protobuf => encode_varint(message.len() as u64, &mut all),
        }
        all.extend_from_slice(message);
    }
    all
}

impl Frame {
    /// A WebSocket's close frame with code and reason.
    fn close(close: &Close) -> Self {
        let mut payload = close.code().to_be_bytes().to_vec();
        let reason = close.reason();
        let end = reason.floor_char_boundary(websocket::CONTROL_BYTES_MAX - payload.len());
        payload.extend_from_slice(&reason.as_bytes()[..end]);
        Self::control(Opcode::Close, &payload)
    }

    /// A WebSocket's close frame that answers the client's, or ends a connection on a protocol error.
    pub fn close_code(code: u16) -> Self {
        Self::control(Opcode::Close, &code.to_be_bytes())
    }

    /// A WebSocket's control frame; `payload` is cut to the 125 bytes that such a frame can hold.
    pub fn control(opcode: Opcode, payload: &[u8]) -> Self {
        let payload = &payload[..payload.len().min(websocket::CONTROL_BYTES_MAX)];
        let mut bytes = Vec::with_capacity(payload.len() + 2);
        websocket::write_header(opcode, payload.len(), &mut bytes);
        bytes.extend_from_slice(payload);
        Self { bytes: bytes.into(), messages: 1 }
    }

    /// The bytes to write.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many messages it holds.
    pub const fn messages(&self) -> u16 {
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(framing: Framing, protocol: Protocol, expected: &[u8]) {
        let frame = Dialect { protocol, framing }.frame(&[b"ab".to_vec(), b"c".to_vec()]);
        assert_eq!(frame.bytes(), expected);
    }

    #[test]
    fn each_framing_parts_messages_in_its_way() {
        check(Framing::WebSocket, Protocol::Json, b"\x81\x04ab\nc");
        check(Framing::WebSocket, Protocol::Protobuf, b"\x82\x05\x02ab\x01c");
        check(Framing::Events, Protocol::Json, b"data: ab\n\ndata: c\n\n");
        check(Framing::Stream, Protocol::Json, b"ab\nc\n");
        check(Framing::Stream, Protocol::Protobuf, b"\x02ab\x01c");
    }

    #[test]
    fn long_messages_are_compressed_for_who_inflates() {
        let dialect = Dialect { protocol: Protocol::Json, framing: Framing::Deflated { from: 200 } };
        let long = "so long and so much the same ".repeat(20).into_bytes();
        let frame = dialect.frame(std::slice::from_ref(&long));
        assert_eq!(frame.bytes()[0], 0xc1);
        assert_eq!(deflate::inflate(&frame.bytes()[2..], 10_000).unwrap(), long);
        assert_eq!(dialect.frame(&[long[..150].to_vec()]).bytes()[0], 0x81);
    }

    #[test]
    fn pings_and_ends_are_of_the_dialect() {
        let of = |framing, protocol| Dialect { protocol, framing };
        for framing in [Framing::WebSocket, Framing::Deflated { from: 1 }, Framing::Events, Framing::Stream] {
            for (protocol, empty) in [(Protocol::Json, b"{}".as_slice()), (Protocol::Protobuf, b"")] {
                let dialect = of(framing, protocol);
                if framing != Framing::Events || protocol == Protocol::Json {
                    assert_eq!(dialect.ping().bytes(), dialect.frame(&[empty]).bytes(), "{dialect:?}");
                }
            }
        }
        let end = of(Framing::WebSocket, Protocol::Protobuf).close(&Close::Stale);
        assert_eq!(end.bytes(), b"\x88\x07\x0d\xaestale".as_slice());
        let end = of(Framing::Events, Protocol::Json).close(&Close::Stale);
        let expected = "data: {\"push\":{\"disconnect\":{\"code\":3502,\"reason\":\"stale\"}}}\n\n";
        assert_eq!(end.bytes(), expected);
    }
}
