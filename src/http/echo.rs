//! Sends every message back, for `make conformance`. In no build for use.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{Answer, Shared, error::Failure, progress::Progress, upgrade};
use crate::wire::{
    Frame,
    deflate::{self, Agreed},
    websocket::{self, Decoder, Message, Opcode},
};

#[cfg(not(debug_assertions))]
compile_error!("the feature `conformance` is for tests: build without --release");

/// Bytes of the suite's longest message.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// How messages are compressed.
const LEVEL: u32 = 1;
/// How long a client may take to end after us.
const END_MAX: Duration = Duration::from_secs(2);

/// A WebSocket that answers each message with the same.
pub(super) async fn websocket(State(site): State<Shared>, mut request: Request) -> Answer<Response> {
    let key = upgrade::handshake(request.headers())?;
    let agreed = deflate::negotiate(request.headers());
    let on_upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| Failure::new(StatusCode::UPGRADE_REQUIRED, "this connection cannot be upgraded"))?;
    site.hub.track(async move {
        let Ok(upgraded) = on_upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<Progress<TcpStream>>>() else { return };
        let socket = parts.io.into_inner().into_inner();
        upgrade::tune(&socket);
        if let Err(error) = serve(socket, &parts.read_buf, agreed).await {
            tracing::debug!(error = %error, "echo ended");
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    if let Some(agreed) = agreed {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, agreed.header());
    }
    Ok(response)
}

async fn serve(mut socket: TcpStream, leftover: &[u8], agreed: Option<Agreed>) -> io::Result<()> {
    let mut decoder = Decoder::new(MESSAGE_BYTES_MAX, agreed.is_some());
    let mut buffer = leftover.to_vec();
    loop {
        let decoded = decoder.feed(&buffer);
        let (mut out, mut ends) = (Vec::new(), decoded.broken.is_some());
        for message in decoded.messages {
            ends |= matches!(message, Message::Close(_));
            write(message, agreed, &mut out);
            if ends {
                break;
            }
        }
        if let Some(error) = decoded.broken {
            out.extend_from_slice(Frame::close_code(error.code()).bytes());
        }
        socket.write_all(&out).await?;
        if ends {
            return end(socket).await;
        }
        buffer.resize(READ_BYTES, 0);
        let length = socket.read(&mut buffer).await?;
        buffer.truncate(length);
        if length == 0 {
            return Ok(());
        }
    }
}

/// Reads what the client had sent before it saw the end; dropped unread, it would take our last words with it.
async fn end(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    timeout(END_MAX, io::copy(&mut socket, &mut io::sink())).await??;
    Ok(())
}

fn write(message: Message, agreed: Option<Agreed>, out: &mut Vec<u8>) {
    match message {
        Message::Text(text) => data(Opcode::Text, text.as_bytes(), agreed, out),
        Message::Binary(bytes) => data(Opcode::Binary, &bytes, agreed, out),
        Message::Ping(payload) => out.extend_from_slice(Frame::control(Opcode::Pong, &payload).bytes()),
        Message::Pong => {}
        Message::Close(code) => out.extend_from_slice(Frame::close_code(code).bytes()),
    }
}

fn data(opcode: Opcode, message: &[u8], agreed: Option<Agreed>, out: &mut Vec<u8>) {
    let reads = agreed.is_some_and(|agreed| agreed.fits(message.len()));
    match reads.then(|| deflate::compress(message, LEVEL)).flatten() {
        Some(payload) => {
            websocket::write_compressed_header(opcode, payload.len(), out);
            out.extend_from_slice(&payload);
        }
        None => {
            websocket::write_header(opcode, message.len(), out);
            out.extend_from_slice(message);
        }
    }
}
