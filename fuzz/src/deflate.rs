//! Compressed messages of a WebSocket.

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use watchroom::wire::deflate::{Agreed, InflateError, compress, inflate, negotiate};
use watchroom::wire::websocket::{Decoder, MESSAGE_BYTES_MAX, Message, ProtocolError};

/// Bytes inflate within their limit, in a frame as by themselves; messages come back when they were compressed; any offer
/// has an answer that is a header, or none.
pub fn check(data: &[u8]) {
    let inflated = inflate(data, MESSAGE_BYTES_MAX);
    framed(data, &inflated);
    if let Ok(message) = &inflated {
        assert!(message.len() <= MESSAGE_BYTES_MAX);
        assert_eq!(inflate(data, message.len()).as_ref(), Ok(message));
        if let Some(less) = message.len().checked_sub(1) {
            assert_eq!(inflate(data, less), Err(InflateError::TooBig));
        }
        returns(message);
    }
    returns(data);
    if let Some(agreed) = negotiated(data) {
        assert!(agreed.fits(256) && !agreed.header().is_empty());
    }
}

fn returns(message: &[u8]) {
    let level = 1 + u32::from(message.first().is_some_and(|byte| byte % 2 == 1)) * 8;
    if let Some(payload) = compress(message, level) {
        assert!(payload.len() < message.len());
        assert_eq!(inflate(&payload, message.len()).as_deref(), Ok(message));
    }
}

/// Bytes as the payload of a binary message, with a mask that changes nothing.
fn framed(payload: &[u8], inflated: &Result<Vec<u8>, InflateError>) {
    let mut frame = vec![0xc2, 0xff];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    let decoded = Decoder::new(MESSAGE_BYTES_MAX, negotiated(b"permessage-deflate").is_some()).feed(&frame);
    let (message, broken) = match inflated {
        Ok(message) => (Some(Message::Binary(message.clone())), None),
        Err(InflateError::Damaged) => (None, Some(ProtocolError::Deflate)),
        Err(InflateError::TooBig) => (None, Some(ProtocolError::TooBig)),
    };
    assert_eq!(decoded.messages, Vec::from_iter(message));
    assert_eq!(decoded.broken, broken);
}

fn negotiated(offer: &[u8]) -> Option<Agreed> {
    let mut headers = HeaderMap::new();
    headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_bytes(offer).ok()?);
    negotiate(&headers)
}
