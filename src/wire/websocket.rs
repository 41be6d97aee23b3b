//! WebSocket frames, RFC 6455: the handshake's answer, headers, and a decoder of what clients send.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// Bytes of the longest header that a server sends: 2 and an eight-byte length.
pub const HEADER_BYTES_MAX: usize = 10;
/// Bytes that a control frame can carry (RFC 6455 §5.5).
pub const CONTROL_BYTES_MAX: usize = 125;
/// Bytes of one message from a client, over all its fragments: a batch of 50 subscribes with long
/// expressions is under 32 KiB.
pub const MESSAGE_BYTES_MAX: usize = 65_536;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The next part of a message.
    Continuation,
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// The end.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A whole message from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text, checked to be UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A ping that wants these bytes back.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The client ends; the code to answer with.
    Close(u16),
}

/// What a client did wrong; each has the close code that RFC 6455 §7.4 gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Reserved bits, unknown opcodes, unmasked frames, fragments out of order, long control frames.
    #[error("a frame that is not RFC 6455")]
    Frame,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// A message past [`MESSAGE_BYTES_MAX`].
    #[error("a message of more than {MESSAGE_BYTES_MAX} bytes")]
    TooBig,
}

impl ProtocolError {
    /// The close code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Frame => 1002,
            Self::Utf8 => 1007,
            Self::TooBig => 1009,
        }
    }
}

/// The value of `Sec-WebSocket-Accept` for a client's key (RFC 6455 §4.2.2).
pub fn accept_key(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// Writes the header of a whole, unmasked frame.
pub fn write_header(opcode: Opcode, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | opcode.bits());
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Cuts a client's bytes into messages.
///
/// Holds only what has not yet become a message, so that an idle connection holds nothing.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
    /// The parts of a message so far, and what it is.
    fragments: Option<(Opcode, Vec<u8>)>,
    broken: Option<ProtocolError>,
}

/// What bytes from a client were.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Decoded {
    /// The messages that they completed, in order.
    pub messages: Vec<Message>,
    /// What broke the protocol after them, if anything did.
    pub broken: Option<ProtocolError>,
}

struct Header {
    opcode: Opcode,
    last: bool,
    mask: [u8; 4],
    start: usize,
    end: usize,
}

impl Decoder {
    /// Takes bytes and returns the messages that they complete, in order.
    ///
    /// How the bytes are cut makes no difference: what was whole before a frame that breaks the protocol is
    /// returned, too. After such a frame the connection must end; what is fed then is not looked at.
    pub fn feed(&mut self, bytes: &[u8]) -> Decoded {
        let mut decoded = Decoded { messages: Vec::new(), broken: self.broken };
        if self.broken.is_some() {
            return decoded;
        }
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            match self.frame(at) {
                Ok(Some((end, message))) => {
                    at = end;
                    decoded.messages.extend(message);
                }
                Ok(None) => break,
                Err(error) => {
                    *self = Self { broken: Some(error), ..Self::default() };
                    decoded.broken = self.broken;
                    return decoded;
                }
            }
        }
        if at == self.pending.len() {
            self.pending = Vec::new();
        } else {
            self.pending.drain(..at);
        }
        decoded
    }

    /// The frame at `at`, if it is whole: where it ends, and the message that it completes.
    fn frame(&mut self, at: usize) -> Result<Option<(usize, Option<Message>)>, ProtocolError> {
        let Some(header) = parse_header(&self.pending[at..])? else { return Ok(None) };
        let held = self.fragments.as_ref().map_or(0, |(_, parts)| parts.len());
        if !header.opcode.is_control() && MESSAGE_BYTES_MAX < held + (header.end - header.start) {
            return Err(ProtocolError::TooBig);
        }
        let Some(masked) = self.pending[at..].get(header.start..header.end) else { return Ok(None) };
        let payload = unmask(masked, header.mask);
        Ok(Some((at + header.end, self.accept(&header, payload)?)))
    }

    fn accept(&mut self, header: &Header, payload: Vec<u8>) -> Result<Option<Message>, ProtocolError> {
        match header.opcode {
            Opcode::Ping => Ok(Some(Message::Ping(payload))),
            Opcode::Pong => Ok(Some(Message::Pong)),
            Opcode::Close => close_code(&payload).map(|code| Some(Message::Close(code))),
            Opcode::Continuation => {
                let Some((opcode, mut parts)) = self.fragments.take() else {
                    return Err(ProtocolError::Frame);
                };
                parts.extend_from_slice(&payload);
                if header.last {
                    return whole(opcode, parts).map(Some);
                }
                self.fragments = Some((opcode, parts));
                Ok(None)
            }
            Opcode::Text | Opcode::Binary => {
                if self.fragments.is_some() {
                    return Err(ProtocolError::Frame);
                }
                if header.last {
                    return whole(header.opcode, payload).map(Some);
                }
                self.fragments = Some((header.opcode, payload));
                Ok(None)
            }
        }
    }
}

fn whole(opcode: Opcode, payload: Vec<u8>) -> Result<Message, ProtocolError> {
    if opcode == Opcode::Text {
        String::from_utf8(payload).map(Message::Text).map_err(|_| ProtocolError::Utf8)
    } else {
        Ok(Message::Binary(payload))
    }
}

fn parse_header(bytes: &[u8]) -> Result<Option<Header>, ProtocolError> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(ProtocolError::Frame)?;
    let last = first & 0x80 != 0;
    // No extension was agreed, so reserved bits must be zero; a client must mask (§5.1).
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(ProtocolError::Frame);
    }
    let short = usize::from(second & 0x7f);
    if opcode.is_control() && (!last || CONTROL_BYTES_MAX < short) {
        return Err(ProtocolError::Frame);
    }
    let (length, used) = match short {
        126 => match rest {
            [a, b, ..] => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            _ => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(long) => (u64::from_be_bytes(*long), 8),
            None => return Ok(None),
        },
        short => (short as u64, 0),
    };
    let length = usize::try_from(length).map_err(|_| ProtocolError::TooBig)?;
    if MESSAGE_BYTES_MAX < length {
        return Err(ProtocolError::TooBig);
    }
    let Some(mask) = rest.get(used..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(None) };
    let start = 2 + used + 4;
    Ok(Some(Header { opcode, last, mask: *mask, start, end: start + length }))
}

fn unmask(masked: &[u8], mask: [u8; 4]) -> Vec<u8> {
    masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

fn close_code(payload: &[u8]) -> Result<u16, ProtocolError> {
    let [high, low, reason @ ..] = payload else {
        return if payload.is_empty() { Ok(1000) } else { Err(ProtocolError::Frame) };
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(ProtocolError::Utf8);
    }
    match u16::from_be_bytes([*high, *low]) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(code),
        _ => Err(ProtocolError::Frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            n @ 0..126 => out.push(0x80 | u8::try_from(n).unwrap()),
            n => {
                out.push(0x80 | 126);
                out.extend(u16::try_from(n).unwrap().to_be_bytes());
            }
        }
        out.extend([1, 2, 3, 4]);
        out.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(a, b)| a ^ b));
        out
    }

    #[track_caller]
    fn check(bytes: &[u8], messages: &[Message], broken: Option<ProtocolError>) {
        let expected = Decoded { messages: messages.to_vec(), broken };
        assert_eq!(Decoder::default().feed(bytes), expected);
        // The same byte by byte.
        let mut decoder = Decoder::default();
        let mut found = Decoded { messages: Vec::new(), broken: None };
        for byte in bytes {
            let Decoded { messages, broken } = decoder.feed(&[*byte]);
            found.messages.extend(messages);
            found.broken = broken;
        }
        assert_eq!(found, expected, "byte by byte");
    }

    #[test]
    fn the_accept_key_is_that_of_the_rfc() {
        assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn messages_come_whole() {
        check(&masked(0x81, b"hi"), &[Message::Text("hi".into())], None);
        check(&masked(0x82, &[7; 300]), &[Message::Binary(vec![7; 300])], None);
        check(&masked(0x89, b"x"), &[Message::Ping(b"x".to_vec())], None);
        check(&masked(0x88, b""), &[Message::Close(1000)], None);
    }

    #[test]
    fn fragments_join_around_control_frames() {
        let bytes = [masked(0x01, b"a"), masked(0x89, b""), masked(0x80, b"b")].concat();
        check(&bytes, &[Message::Ping(vec![]), Message::Text("ab".into())], None);
    }

    #[test]
    fn what_breaks_the_protocol_is_named() {
        check(&[0x81, 0x02, b'h', b'i'], &[], Some(ProtocolError::Frame));
        check(&masked(0xc1, b"x"), &[], Some(ProtocolError::Frame));
        check(&masked(0x80, b"x"), &[], Some(ProtocolError::Frame));
        check(&masked(0x83, b"x"), &[], Some(ProtocolError::Frame));
        check(&masked(0x81, &[0xff]), &[], Some(ProtocolError::Utf8));
        check(&masked(0x88, &[0x03, 0xed]), &[], Some(ProtocolError::Frame));
        check(&[0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0], &[], Some(ProtocolError::TooBig));
    }

    #[test]
    fn what_came_before_a_broken_frame_counts() {
        let bytes = [masked(0x81, b"hi"), masked(0x83, b"x"), masked(0x81, b"late")].concat();
        check(&bytes, &[Message::Text("hi".into())], Some(ProtocolError::Frame));
    }

    #[test]
    fn an_idle_decoder_holds_nothing() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(&masked(0x81, &[b'x'; 4_000])).broken, None);
        assert_eq!(decoder.pending.capacity(), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            drop(Decoder::default().feed(&bytes));
        }
    }
}
