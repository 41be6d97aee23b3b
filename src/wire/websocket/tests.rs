use super::*;
use crate::wire::deflate;

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
    check_with(Decoder::default, bytes, messages, broken);
}

#[track_caller]
fn check_inflated(bytes: &[u8], messages: &[Message], broken: Option<ProtocolError>) {
    let mut headers = http::HeaderMap::new();
    headers.insert("sec-websocket-extensions", http::HeaderValue::from_static("permessage-deflate"));
    let agreed = deflate::negotiate(&headers);
    check_with(|| Decoder::new(1_000, agreed.is_some()), bytes, messages, broken);
}

#[track_caller]
fn check_with(
    decoder: impl Fn() -> Decoder,
    bytes: &[u8],
    messages: &[Message],
    broken: Option<ProtocolError>,
) {
    let expected = Decoded { messages: messages.to_vec(), broken };
    assert_eq!(decoder().feed(bytes), expected);
    // The same byte by byte.
    let mut decoder = decoder();
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
    check(&[0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4], &[], Some(ProtocolError::TooBig));
    check(&masked(0x91, b"x"), &[], Some(ProtocolError::Frame));
    check(&masked(0x09, b"x"), &[], Some(ProtocolError::Frame));
    check(&masked(0x89, &[b'x'; 126]), &[], Some(ProtocolError::Frame));
    check(&masked(0x88, b"x"), &[], Some(ProtocolError::Frame));
    check(&masked(0x88, &[0x03, 0xe8, 0xff]), &[], Some(ProtocolError::Utf8));
}

#[test]
fn what_came_before_a_broken_frame_counts() {
    let bytes = [masked(0x81, b"hi"), masked(0x83, b"x"), masked(0x81, b"late")].concat();
    check(&bytes, &[Message::Text("hi".into())], Some(ProtocolError::Frame));
}

#[test]
fn what_breaks_the_protocol_is_told_at_its_first_byte() {
    // A reserved bit, and a byte that no text can have there, of messages whose rest is still to come.
    check(&[0x91], &[], Some(ProtocolError::Frame));
    check(&masked(0x81, b"ab\xf4\x90....")[..10], &[], Some(ProtocolError::Utf8));
    check(&masked(0x01, b"ab\xc3"), &[], None);
    let bytes = [masked(0x01, b"ab\xc3"), masked(0x00, b"\xa9\xe2\x82"), masked(0x80, b"\xac")].concat();
    check(&bytes, &[Message::Text("ab\u{e9}\u{20ac}".into())], None);
    let bytes = [masked(0x01, b"ab\xc3"), masked(0x89, b""), masked(0x00, b"c")].concat();
    check(&bytes, &[Message::Ping(vec![])], Some(ProtocolError::Utf8));
    check(&masked(0x81, b"ab\xc3"), &[], Some(ProtocolError::Utf8));
}

#[test]
fn the_limit_is_of_a_message_over_its_fragments() {
    let decoder = || Decoder::new(10, false);
    let bytes = [masked(0x02, b"12345"), masked(0x89, &[b'x'; 20]), masked(0x80, b"67890")].concat();
    let messages = [Message::Ping(vec![b'x'; 20]), Message::Binary(b"1234567890".to_vec())];
    check_with(decoder, &bytes, &messages, None);
    let bytes = [masked(0x02, b"12345"), masked(0x80, b"678901")].concat();
    check_with(decoder, &bytes, &[], Some(ProtocolError::TooBig));
}

#[test]
fn compressed_messages_are_inflated_if_that_was_agreed() {
    let text = "{\"cpu\":12.5}".repeat(20);
    let payload = deflate::compress(text.as_bytes(), 1).unwrap();
    let whole = masked(0xc1, &payload);
    check(&whole, &[], Some(ProtocolError::Frame));
    let (first, second) = payload.split_at(7);
    let parts = [masked(0x41, first), masked(0x89, b""), masked(0x80, second)].concat();
    let bytes = [whole, parts, masked(0x81, b"plain")].concat();
    let text = Message::Text(text);
    check_inflated(&bytes, &[text.clone(), Message::Ping(vec![]), text, Message::Text("plain".into())], None);
}

#[test]
fn compressed_messages_have_rules() {
    // The bit belongs to the first frame, and to no control frame.
    check_inflated(&masked(0xc9, b""), &[], Some(ProtocolError::Frame));
    let bytes = [masked(0x41, &[0]), masked(0xc0, &[0])].concat();
    check_inflated(&bytes, &[], Some(ProtocolError::Frame));
    check_inflated(&masked(0xe1, b""), &[], Some(ProtocolError::Frame));
    check_inflated(&masked(0xc1, &[0xff; 4]), &[], Some(ProtocolError::Deflate));
    let bomb = deflate::compress(&[b'x'; 1_001], 9).unwrap();
    check_inflated(&masked(0xc1, &bomb), &[], Some(ProtocolError::TooBig));
    check_inflated(&masked(0xc1, &[0; 1_200]), &[], Some(ProtocolError::TooBig));
    // One stored block: the byte 0xff.
    check_inflated(&masked(0xc1, &[0, 1, 0, 0xfe, 0xff, 0xff, 0]), &[], Some(ProtocolError::Utf8));
}

#[test]
fn headers_say_how_long_and_whether_compressed() {
    let header = |write: fn(Opcode, usize, &mut Vec<u8>), length| {
        let mut out = Vec::new();
        write(Opcode::Text, length, &mut out);
        out
    };
    assert_eq!(header(write_header, 125), [0x81, 125]);
    assert_eq!(header(write_header, 126), [0x81, 126, 0, 126]);
    assert_eq!(header(write_compressed_header, 65_535), [0xc1, 126, 0xff, 0xff]);
    assert_eq!(header(write_compressed_header, 65_536), [0xc1, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn an_idle_decoder_holds_nothing() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.feed(&masked(0x81, &[b'x'; 4_000])).broken, None);
    assert!(decoder.is_idle());
    assert_eq!(decoder.feed(&masked(0x01, b"x")).broken, None);
    assert!(!decoder.is_idle());
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        drop(Decoder::default().feed(&bytes));
    }
}
