//! WebSocket frames from a client's side: as much of RFC 6455 as loopback needs.

/// The opcode of a text.
pub const TEXT: u8 = 1;
/// The opcode of an end.
pub const CLOSE: u8 = 8;
/// The opcode of a ping.
pub const PING: u8 = 9;
/// The opcode of its answer.
pub const PONG: u8 = 10;

/// What `Sec-WebSocket-Key` each client sends: nobody between us caches.
pub const KEY: &str = "d2F0Y2hyb29tIGJlbmNoIQ==";

/// The mask of what a client sends; any will do on loopback.
const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x8e];

/// One frame of a server.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its kind.
    pub opcode: u8,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The request for a WebSocket.
pub fn request(path: &str, host: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// Takes the first frame off the bytes, if it is whole.
pub fn take_frame<'a>(bytes: &mut &'a [u8]) -> Option<Frame<'a>> {
    let [first, second, rest @ ..] = *bytes else { return None };
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        length => (usize::from(length), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(Frame { opcode: first & 0x0f, payload })
}

/// Appends a masked frame.
pub fn put_frame(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => out.push(0x80 | length),
        (_, Ok(length)) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}
