//! A client's bytes, cut into messages.

use super::{
    COMPRESSED, CONTROL_BYTES_MAX, LAST, MESSAGE_BYTES_MAX, Message, Opcode, ProtocolError, RESERVED,
};
use crate::wire::deflate::{self, InflateError};

/// Bytes of the longest header that a client sends: 2, an eight-byte length and a mask.
const HEADER_BYTES_MAX: usize = 14;

/// Cuts a client's bytes into messages, and ends at the first byte that breaks the protocol.
///
/// Holds only what has not yet become a message, so that an idle connection holds nothing.
#[derive(Debug)]
pub struct Decoder {
    message_bytes_max: usize,
    /// Whether messages may be compressed.
    inflates: bool,
    state: State,
    /// The parts of a message so far.
    message: Option<Parts>,
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

#[derive(Debug)]
enum State {
    /// Within a header: its bytes so far, and how many.
    Header([u8; HEADER_BYTES_MAX], usize),
    /// Within a payload; that of a control frame is kept apart from the message around it.
    Payload {
        header: Header,
        control: Vec<u8>,
    },
    Broken(ProtocolError),
}

impl State {
    const START: Self = Self::Header([0; HEADER_BYTES_MAX], 0);
}

#[derive(Debug, Clone, Copy)]
struct Header {
    opcode: Opcode,
    last: bool,
    compressed: bool,
    /// The keys of the next bytes.
    mask: [u8; 4],
    /// Bytes that are still to come.
    left: usize,
}

#[derive(Debug)]
struct Parts {
    is_text: bool,
    compressed: bool,
    bytes: Vec<u8>,
    /// Bytes that are known to be UTF-8.
    checked: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(MESSAGE_BYTES_MAX, false)
    }
}

impl Decoder {
    /// A decoder of messages of at most so many bytes, over all fragments and inflated, and of compressed ones if that
    /// was agreed.
    pub const fn new(message_bytes_max: usize, inflates: bool) -> Self {
        Self { message_bytes_max, inflates, state: State::START, message: None }
    }

    /// Takes bytes and returns the messages that they complete, in order.
    ///
    /// How the bytes are cut makes no difference: what was whole before the byte that breaks the protocol is returned,
    /// too. After it the connection must end; what is fed then is not looked at.
    pub fn feed(&mut self, bytes: &[u8]) -> Decoded {
        let mut messages = Vec::new();
        let broken = self.take(bytes, &mut messages).err();
        if let Some(error) = broken {
            self.state = State::Broken(error);
            self.message = None;
        }
        Decoded { messages, broken }
    }

    /// Whether nothing is under way, and so no memory taken.
    #[cfg(test)]
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.state, State::Header(_, 0)) && self.message.is_none()
    }

    fn take(&mut self, mut bytes: &[u8], messages: &mut Vec<Message>) -> Result<(), ProtocolError> {
        loop {
            match &mut self.state {
                State::Broken(error) => return Err(*error),
                State::Header(head, used) => {
                    let Some((byte, rest)) = bytes.split_first() else { return Ok(()) };
                    (head[*used], *used, bytes) = (*byte, *used + 1, rest);
                    let Some(header) = parse_header(&head[..*used])? else { continue };
                    self.begin(header)?;
                    // Its own loop would take another byte for a payload that has none.
                    bytes = self.payload(bytes, messages)?;
                }
                State::Payload { .. } if bytes.is_empty() => return Ok(()),
                State::Payload { .. } => bytes = self.payload(bytes, messages)?,
            }
        }
    }

    /// Judges a frame by its header, before any of its payload.
    fn begin(&mut self, header: Header) -> Result<(), ProtocolError> {
        if !header.opcode.is_control() {
            let is_new = header.opcode != Opcode::Continuation;
            if is_new == self.message.is_some() || header.compressed && !(is_new && self.inflates) {
                return Err(ProtocolError::Frame);
            }
            let parts = self.message.get_or_insert(Parts {
                is_text: header.opcode == Opcode::Text,
                compressed: header.compressed,
                bytes: Vec::new(),
                checked: 0,
            });
            // Noise becomes longer when it is compressed, more so the smaller the compressor.
            let slack = if parts.compressed { self.message_bytes_max / 8 + 64 } else { 0 };
            if self.message_bytes_max.saturating_add(slack) < parts.bytes.len().saturating_add(header.left) {
                return Err(ProtocolError::TooBig);
            }
        } else if header.compressed {
            return Err(ProtocolError::Frame);
        }
        self.state = State::Payload { header, control: Vec::new() };
        Ok(())
    }

    /// Takes what is there of a payload, and returns the bytes behind it.
    fn payload<'a>(
        &mut self,
        bytes: &'a [u8],
        messages: &mut Vec<Message>,
    ) -> Result<&'a [u8], ProtocolError> {
        let State::Payload { header, control } = &mut self.state else { return Ok(bytes) };
        let (taken, rest) = bytes.split_at(header.left.min(bytes.len()));
        header.left -= taken.len();
        let is_whole = header.left == 0;
        if header.opcode.is_control() {
            unmask(taken, &mut header.mask, control);
            if is_whole {
                messages.push(control_message(header.opcode, std::mem::take(control))?);
            }
        } else if let Some(parts) = &mut self.message {
            unmask(taken, &mut header.mask, &mut parts.bytes);
            if !(is_whole && header.last) {
                parts.check()?;
            } else if let Some(parts) = self.message.take() {
                messages.push(parts.whole(self.message_bytes_max)?);
            }
        }
        if is_whole {
            self.state = State::START;
        }
        Ok(rest)
    }
}

impl Parts {
    /// Finds what can become no text before the rest of it is there.
    fn check(&mut self) -> Result<(), ProtocolError> {
        if !self.is_text || self.compressed {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(text) => self.checked += text.len(),
            // The end of it may be the begin of a character.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(ProtocolError::Utf8),
        }
        Ok(())
    }

    fn whole(self, bytes_max: usize) -> Result<Message, ProtocolError> {
        let bytes = if self.compressed {
            deflate::inflate(&self.bytes, bytes_max).map_err(|error| match error {
                InflateError::Damaged => ProtocolError::Deflate,
                InflateError::TooBig => ProtocolError::TooBig,
            })?
        } else {
            self.bytes
        };
        if self.is_text {
            String::from_utf8(bytes).map(Message::Text).map_err(|_| ProtocolError::Utf8)
        } else {
            Ok(Message::Binary(bytes))
        }
    }
}

fn control_message(opcode: Opcode, payload: Vec<u8>) -> Result<Message, ProtocolError> {
    match opcode {
        Opcode::Ping => Ok(Message::Ping(payload)),
        Opcode::Close => close_code(&payload).map(Message::Close),
        Opcode::Pong | Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok(Message::Pong),
    }
}

/// The header that some bytes are; nothing while it is not whole.
fn parse_header(bytes: &[u8]) -> Result<Option<Header>, ProtocolError> {
    let [first, rest @ ..] = bytes else { return Ok(None) };
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(ProtocolError::Frame)?;
    let (last, compressed) = (first & LAST != 0, first & COMPRESSED != 0);
    if first & RESERVED != 0 || opcode.is_control() && !last {
        return Err(ProtocolError::Frame);
    }
    let [second, rest @ ..] = rest else { return Ok(None) };
    let short = usize::from(second & 0x7f);
    // A client must mask (§5.1).
    if second & 0x80 == 0 || opcode.is_control() && CONTROL_BYTES_MAX < short {
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
    let left = usize::try_from(length).map_err(|_| ProtocolError::TooBig)?;
    let mask = rest.get(used..).and_then(|rest| rest.first_chunk::<4>());
    Ok(mask.map(|mask| Header { opcode, last, compressed, mask: *mask, left }))
}

/// Appends bytes without their mask, and turns the mask to the key of the byte after them.
fn unmask(masked: &[u8], mask: &mut [u8; 4], out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(masked);
    let (words, rest) = out[begin..].as_chunks_mut::<4>();
    let keys = u32::from_ne_bytes(*mask);
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ keys).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(*mask) {
        *byte ^= key;
    }
    let odd = rest.len();
    mask.rotate_left(odd);
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
