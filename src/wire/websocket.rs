//! WebSocket frames, RFC 6455: the handshake's answer, headers, and a decoder of what clients send.

mod decoder;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

pub use decoder::{Decoded, Decoder};

/// Bytes of the longest header that a server sends: 2 and an eight-byte length.
pub const HEADER_BYTES_MAX: usize = 10;
/// Bytes that a control frame can carry (RFC 6455 §5.5).
pub const CONTROL_BYTES_MAX: usize = 125;
/// Bytes of one message from a client, over all its fragments: a batch of 50 subscribes with long
/// expressions is under 32 KiB.
pub const MESSAGE_BYTES_MAX: usize = 65_536;

/// The bit of a frame that ends its message.
const LAST: u8 = 0x80;
/// The bit of a message's first frame that says that it is compressed (RFC 7692 §6).
const COMPRESSED: u8 = 0x40;
/// Bits that no extension of ours has.
const RESERVED: u8 = 0x30;

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

/// What a client did wrong; each has its close code of RFC 6455 §7.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Reserved bits, unknown opcodes, unmasked frames, fragments out of order, long control frames.
    #[error("a frame that is not RFC 6455")]
    Frame,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// A compressed message that cannot be inflated.
    #[error("a message that is not deflated data")]
    Deflate,
    /// A message past the decoder's limit.
    #[error("a message past the limit")]
    TooBig,
}

impl ProtocolError {
    /// The close code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Frame => 1002,
            Self::Utf8 | Self::Deflate => 1007,
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
    write(LAST | opcode.bits(), length, out);
}

/// As [`write_header`], of a message that [`deflate::compress`](super::deflate::compress) made.
pub fn write_compressed_header(opcode: Opcode, length: usize, out: &mut Vec<u8>) {
    write(LAST | COMPRESSED | opcode.bits(), length, out);
}

fn write(first: u8, length: usize, out: &mut Vec<u8>) {
    out.push(first);
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

#[cfg(test)]
mod tests;
