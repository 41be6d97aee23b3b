//! A message encoded once and shared by every connection that gets it.

use bytes::Bytes;

use super::websocket;

/// A message in its WebSocket frame, ready to be written as it is.
///
/// A clone counts a reference: a thousand readers share one allocation.
#[derive(Debug, Clone)]
pub struct Frame(Bytes);

impl Frame {
    /// Frames one JSON message as a text frame.
    pub fn text(payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len() + websocket::HEADER_BYTES_MAX);
        websocket::write_header(websocket::Opcode::Text, payload.len(), &mut bytes);
        bytes.extend_from_slice(payload);
        Self(bytes.into())
    }

    /// A close frame with code and reason.
    pub fn close(close: super::Close) -> Self {
        let mut payload = close.code().to_be_bytes().to_vec();
        payload.extend_from_slice(close.reason().as_bytes());
        Self::control(websocket::Opcode::Close, &payload)
    }

    /// A close frame that answers the client's, or ends a connection on a protocol error.
    pub fn close_code(code: u16) -> Self {
        Self::control(websocket::Opcode::Close, &code.to_be_bytes())
    }

    /// A control frame; `payload` is cut to the 125 bytes that such a frame can hold.
    pub fn control(opcode: websocket::Opcode, payload: &[u8]) -> Self {
        let payload = &payload[..payload.len().min(websocket::CONTROL_BYTES_MAX)];
        let mut bytes = Vec::with_capacity(payload.len() + 2);
        websocket::write_header(opcode, payload.len(), &mut bytes);
        bytes.extend_from_slice(payload);
        Self(bytes.into())
    }

    /// The bytes to write.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}
