//! WebSocket frames.

use watchroom::wire::websocket::{CONTROL_BYTES_MAX, Decoded, Decoder, MESSAGE_BYTES_MAX, Message};

/// A client's bytes become the same messages and the same error however they are cut; messages are within their
/// limits, and come back when they are sent again.
///
/// The first byte says how often the bytes are cut, the next ones where.
pub fn check(data: &[u8]) {
    let Some((cuts, rest)) = data.split_first() else { return };
    let (cuts, bytes) = rest.split_at(usize::from(cuts % 16).min(rest.len()));
    let whole = Decoder::default().feed(bytes);
    assert_eq!(parts(cuts, bytes), whole, "in parts");
    assert_eq!(fed(bytes.chunks(1)), whole, "byte by byte");
    let mut sent = Vec::new();
    for (message, at) in whole.messages.iter().zip(0..u8::MAX) {
        check_size(message, bytes.len());
        send(message, [at, 0xa5, !at, 0], &mut sent);
    }
    let again = Decoder::default().feed(&sent);
    assert_eq!(again.broken, None);
    assert!(again.messages.iter().eq(whole.messages.iter().take(255)));
}

fn fed<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = Decoder::default();
    let mut all = Decoded { messages: Vec::new(), broken: None };
    for part in parts {
        let Decoded { messages, broken } = decoder.feed(part);
        assert!(all.broken.is_none() || messages.is_empty(), "a message after the end");
        all.messages.extend(messages);
        all.broken = broken;
    }
    all
}

/// Each cut as far behind the one before as its byte says.
fn parts(cuts: &[u8], mut bytes: &[u8]) -> Decoded {
    let mut parts = Vec::new();
    for cut in cuts {
        let (part, rest) = bytes.split_at(usize::from(*cut).min(bytes.len()));
        parts.push(part);
        bytes = rest;
    }
    parts.push(bytes);
    fed(parts.into_iter())
}

fn check_size(message: &Message, bytes: usize) {
    match message {
        Message::Text(text) => assert!(text.len() <= MESSAGE_BYTES_MAX.min(bytes)),
        Message::Binary(payload) => assert!(payload.len() <= MESSAGE_BYTES_MAX.min(bytes)),
        Message::Ping(payload) => assert!(payload.len() <= CONTROL_BYTES_MAX.min(bytes)),
        Message::Pong => {}
        Message::Close(code) => assert!((1000..5000).contains(code) && !(1004..=1006).contains(code)),
    }
}

/// A message as a client sends it: masked, and in two fragments where it may be.
fn send(message: &Message, mask: [u8; 4], out: &mut Vec<u8>) {
    match message {
        Message::Text(text) => fragments(1, text.as_bytes(), mask, out),
        Message::Binary(payload) => fragments(2, payload, mask, out),
        Message::Ping(payload) => frame(0x89, payload, mask, out),
        Message::Pong => frame(0x8a, &[], mask, out),
        Message::Close(code) => frame(0x88, &code.to_be_bytes(), mask, out),
    }
}

fn fragments(opcode: u8, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    let (first, second) = payload.split_at(payload.len() / 2);
    frame(opcode, first, mask, out);
    frame(0x80, second, mask, out);
}

fn frame(first: u8, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    out.push(first);
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => out.push(0x80 | short),
        _ => {
            out.push(0x80 | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend(mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}
