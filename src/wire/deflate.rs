//! Compressed messages of a WebSocket: permessage-deflate, RFC 7692.
//!
//! Each message is compressed by itself, in both directions, so that one compressed variant serves all who read it and
//! no connection owns a window (`docs/decisions/0011-one-compressed-variant.md`).

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};

/// The extension's name.
const NAME: &str = "permessage-deflate";
/// What ends each flush of a compressor; it is not sent (§7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Bytes of the shortest message that is compressed: below it, little is won and a client works for it all the same.
pub const COMPRESS_BYTES_MIN: usize = 128;
/// Streams that one message may be made of: each costs a reset, and a sender that flushes makes few.
const STREAMS_MAX: u32 = 64;
/// The window that a compressor of ours needs for longer messages, as a power of two.
const WINDOW_BITS: u8 = 15;

/// What was agreed with one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The window that the client has for our messages, if it said so, as a power of two.
    window_bits: Option<u8>,
}

/// Why a message cannot be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It is not deflated data.
    #[error("not deflated data")]
    Damaged,
    /// It has more bytes than the caller takes.
    #[error("more bytes than the limit")]
    TooBig,
}

/// What a client's handshake offers and a server of this kind takes up; nothing for messages as they are.
///
/// Offers are in the client's order; one that we do not understand, or that breaks the rules of §7.1, is passed over.
pub fn negotiate(headers: &HeaderMap) -> Option<Agreed> {
    let values = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(offer)
}

fn offer(text: &str) -> Option<Agreed> {
    let mut parts = text.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut window_bits = None;
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquoted(value.trim()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            // Both are answered in any case, which an answer may (§7.1.1).
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            // A client that says it could take less may as well not.
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(value)) => drop(bits(value)?),
            ("server_max_window_bits", Some(value)) => window_bits = Some(bits(value)?),
            _ => return None,
        }
    }
    Some(Agreed { window_bits })
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// From 8 to 15, without zeros in front.
fn bits(value: &str) -> Option<u8> {
    match value {
        "8" => Some(8),
        "9" => Some(9),
        _ if value.len() == 2 => value.parse().ok().filter(|bits| (10..=WINDOW_BITS).contains(bits)),
        _ => None,
    }
}

impl Agreed {
    /// The answer to the offer.
    pub fn header(self) -> HeaderValue {
        let mut text = format!("{NAME}; server_no_context_takeover; client_no_context_takeover");
        if let Some(bits) = self.window_bits {
            text.push_str(&format!("; server_max_window_bits={bits}"));
        }
        // Names and digits are a header's value.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(NAME))
    }

    /// Whether the client can inflate a message of this length.
    ///
    /// Nothing in it reaches back further than to its first byte, so that a window of its own length is enough for any
    /// compressor.
    pub fn fits(self, length: usize) -> bool {
        self.window_bits.is_none_or(|bits| bits == WINDOW_BITS || length <= 1 << bits)
    }
}

thread_local! {
    // A compressor takes some 300 KiB, which costs more to make than most messages cost to compress: a thread keeps
    // the one that it used last, and its level.
    static COMPRESSOR: RefCell<Option<(u32, Compress)>> = const { RefCell::new(None) };
    // 43 KiB, likewise.
    static DECOMPRESSOR: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

/// The payload of a compressed variant of a message; nothing if it would not be shorter. Levels are 1 to 9.
///
/// *Cost*: at level 1 some 15 microseconds and 5 more for each KiB; it is paid once for all readers.
pub fn compress(message: &[u8], level: u32) -> Option<Vec<u8>> {
    if message.len() < COMPRESS_BYTES_MIN {
        return None;
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some((of, compressor)) if *of == level => compressor,
            kept => &mut kept.insert((level, Compress::new(Compression::new(level.min(9)), false))).1,
        };
        compressor.reset();
        // What does not fit has not become shorter.
        let mut out = Vec::with_capacity(message.len());
        let status = compressor.compress_vec(message, &mut out, FlushCompress::Sync);
        let is_whole = compressor.total_in() == message.len() as u64 && out.len() < out.capacity();
        if !matches!(status, Ok(Status::Ok)) || !is_whole || message.len() <= out.len() {
            return None;
        }
        out.truncate(out.strip_suffix(&TAIL)?.len());
        out.shrink_to_fit();
        Some(out)
    })
}

/// The message that a compressed payload is.
///
/// *Cost*: never more memory than twice `bytes_max`, however much the payload would become.
///
/// # Errors
///
/// [`InflateError`].
pub fn inflate(payload: &[u8], bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = kept.get_or_insert_with(|| Decompress::new(false));
        decompressor.reset(false);
        let mut out = Vec::new();
        for part in [payload, &TAIL] {
            inflate_part(decompressor, part, &mut out, bytes_max)?;
        }
        Ok(out)
    })
}

fn inflate_part(
    decompressor: &mut Decompress,
    mut part: &[u8],
    out: &mut Vec<u8>,
    bytes_max: usize,
) -> Result<(), InflateError> {
    let mut streams = 0;
    loop {
        if out.len() == out.capacity() {
            // One more than the limit, to see that there is more.
            let room = bytes_max.saturating_add(1) - out.len();
            out.reserve_exact((out.len() + part.len() * 2).max(256).min(room));
        }
        let (before, written) = (decompressor.total_in(), out.len());
        let status = decompressor.decompress_vec(part, out, FlushDecompress::Sync);
        let status = status.map_err(|_| InflateError::Damaged)?;
        if bytes_max < out.len() {
            return Err(InflateError::TooBig);
        }
        // Never more than the part has.
        let used = usize::try_from(decompressor.total_in() - before).unwrap_or(usize::MAX);
        part = part.get(used..).unwrap_or_default();
        let is_stuck = used == 0 && out.len() == written;
        match status {
            // A sender may end each of its flushes as a stream of its own (§7.2.3.4).
            Status::StreamEnd if streams < STREAMS_MAX => {
                streams += 1;
                decompressor.reset(false);
            }
            Status::StreamEnd => return Err(InflateError::Damaged),
            _ if part.is_empty() && out.len() < out.capacity() => return Ok(()),
            _ if is_stuck && out.len() < out.capacity() => return Err(InflateError::Damaged),
            _ => {}
        }
        if part.is_empty() && status == Status::StreamEnd {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(offers: &[&str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(offer).unwrap());
        }
        let answer = negotiate(&headers).map(|agreed| agreed.header());
        let expected = expected.map(|rest| {
            format!("permessage-deflate; server_no_context_takeover; client_no_context_takeover{rest}")
        });
        assert_eq!(answer.as_ref().map(|answer| answer.to_str().unwrap()), expected.as_deref(), "{offers:?}");
    }

    #[test]
    fn offers_are_answered() {
        check(&[], None);
        check(&["permessage-deflate"], Some(""));
        check(&["permessage-deflate; client_max_window_bits"], Some(""));
        check(&["Permessage-Deflate ;server_no_context_takeover; client_max_window_bits=\"10\""], Some(""));
        check(&["permessage-deflate; server_max_window_bits=9"], Some("; server_max_window_bits=9"));
        check(
            &["x-other, permessage-deflate; server_max_window_bits=15"],
            Some("; server_max_window_bits=15"),
        );
        check(&["x-other", "permessage-deflate"], Some(""));
        check(&["permessage-deflate; mystery, permessage-deflate"], Some(""));
    }

    #[test]
    fn offers_against_the_rules_are_declined() {
        check(&["permessage-deflate; mystery"], None);
        check(&["permessage-deflate; server_max_window_bits"], None);
        check(&["permessage-deflate; server_max_window_bits=7"], None);
        check(&["permessage-deflate; server_max_window_bits=16"], None);
        check(&["permessage-deflate; server_max_window_bits=09"], None);
        check(&["permessage-deflate; client_max_window_bits=+9"], None);
        check(&["permessage-deflate; client_max_window_bits="], None);
        check(&["permessage-deflate; server_no_context_takeover=1"], None);
        check(&["permessage-deflate; client_max_window_bits; client_max_window_bits=9"], None);
        check(&["permessage-deflate;"], None);
    }

    #[test]
    fn a_small_window_takes_small_messages() {
        assert!(Agreed { window_bits: None }.fits(1 << 20));
        assert!(Agreed { window_bits: Some(15) }.fits(1 << 20));
        assert!(Agreed { window_bits: Some(9) }.fits(512));
        assert!(!Agreed { window_bits: Some(9) }.fits(513));
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let hello = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
            // Not compressed, of a final block, and of two blocks.
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ];
        for payload in hello {
            assert_eq!(inflate(payload, 5).unwrap(), b"Hello", "{payload:x?}");
            assert_eq!(inflate(payload, 4), Err(InflateError::TooBig), "{payload:x?}");
        }
        assert_eq!(inflate(&[0x00], 0).unwrap(), b"");
        assert_eq!(inflate(&[], 0).unwrap(), b"");
    }

    #[test]
    fn what_is_not_deflated_is_refused() {
        assert_eq!(inflate(&[0xff; 10], 1_000), Err(InflateError::Damaged));
        assert_eq!(inflate(&[0x00, 0x05, 0x00, 0x00, 0x00], 1_000), Err(InflateError::Damaged));
    }

    #[test]
    fn a_bomb_is_refused_at_its_limit() {
        let bomb = compress(&vec![b' '; 8 << 20], 9).unwrap();
        assert!(bomb.len() < 10_000);
        assert_eq!(inflate(&bomb, 65_536), Err(InflateError::TooBig));
        assert_eq!(inflate(&bomb, 8 << 20).unwrap().len(), 8 << 20);
    }

    #[test]
    fn what_would_not_be_shorter_is_left() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(10_000).collect();
        assert_eq!(compress(&noise, 1), None);
        assert_eq!(compress(&[b'x'; COMPRESS_BYTES_MIN - 1], 1), None);
        // What it was used for before is forgotten.
        let text = b"{\"cpu\":12}".repeat(100);
        let first = compress(&text, 1);
        assert!(first.as_ref().is_some_and(|first| first.len() < 100));
        assert_eq!(compress(&noise, 1), None);
        assert_eq!(compress(&text, 1), first);
    }

    proptest! {
        #[test]
        fn messages_come_back(
            words in prop::collection::vec(prop::sample::select(vec!["cpu", "{\"a\":", "12.5", "\u{e9}"]), 0..3_000),
            level in 1..=9_u32,
        ) {
            let text = words.concat();
            if let Some(payload) = compress(text.as_bytes(), level) {
                prop_assert!(payload.len() < text.len());
                prop_assert_eq!(inflate(&payload, text.len()).unwrap(), text.as_bytes());
            }
        }

        #[test]
        fn no_bytes_panic(payload: Vec<u8>, bytes_max in 0..2_000_usize) {
            if let Ok(message) = inflate(&payload, bytes_max) {
                prop_assert!(message.len() <= bytes_max);
            }
        }
    }
}
