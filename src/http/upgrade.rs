//! The way from a request to a socket of the hub.

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;

use super::{
    Answer, Shared,
    clients::{Visitor, full},
    error::Failure,
    progress::Progress,
};
use crate::hub::entry::Upgraded;
use crate::wire::centrifugo::Protocol;
use crate::wire::deflate::{self, Agreed};
use crate::wire::websocket::accept_key;
use crate::wire::{Dialect, Framing};

/// Unsent bytes that the kernel holds before it says that the socket is full. Without it 4 MiB pile up before any
/// policy of ours acts; with it about 170 KiB.
const NOTSENT_BYTES: u32 = 16 * 1024;

/// What a client calls the two encodings.
const SUBPROTOCOLS: [&str; 2] = ["centrifuge-json", "centrifuge-protobuf"];

/// How a client asks for pings as frames of the WebSocket, which tools answer by themselves.
const FRAME_PINGS: &str = "cf_ws_frame_ping_pong=true";

/// Centrifugo's client protocol over a WebSocket.
pub(super) async fn websocket(
    State(site): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    mut request: Request,
) -> Answer<Response> {
    let key = handshake(request.headers())?;
    let query = request.uri().query().unwrap_or_default();
    let (protocol, subprotocol) = spoken(request.headers(), query);
    let has_frame_pings = query.split('&').any(|pair| pair == FRAME_PINGS);
    let (peer, is_page) = (visitor.peer, visitor.is_page);
    let agreed = compression(&site, request.headers());
    let framing = agreed.map_or(Framing::WebSocket, |(_, from)| Framing::Deflated { from });
    let dialect = Dialect { protocol, framing };
    let seat = site.hub.seat(peer.ip()).ok_or_else(full)?;
    let upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| Failure::new(StatusCode::UPGRADE_REQUIRED, "this connection cannot be upgraded"))?;
    let hub = site.hub.clone();
    site.hub.track(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<Progress<TcpStream>>>() else {
            tracing::error!("an upgraded socket is not a TCP stream");
            return;
        };
        let socket = parts.io.into_inner().into_inner();
        tune(&socket);
        let leftover = parts.read_buf;
        hub.accept(Upgraded { socket, peer, leftover, dialect, is_page, has_frame_pings, seat });
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    if let Some((agreed, _)) = agreed {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, agreed.header());
    }
    if let Some(subprotocol) = subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    Ok(response)
}

/// What is agreed with a client that inflates, and from how many bytes on its messages are compressed. One that cannot look
/// back far enough for all that we write gets them as they are.
fn compression(site: &Shared, headers: &HeaderMap) -> Option<(Agreed, u32)> {
    let from = site.hub.options().transports.websocket_compression?;
    let agreed = deflate::negotiate(headers).filter(|agreed| agreed.fits(usize::MAX))?;
    Some((agreed, u32::try_from(from).unwrap_or(u32::MAX)))
}

/// How a client wants messages encoded, and the subprotocol that says so.
fn spoken(headers: &HeaderMap, query: &str) -> (Protocol, Option<&'static str>) {
    let asked = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let names = || asked.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let subprotocol = SUBPROTOCOLS.into_iter().find(|known| names().any(|name| name.trim() == *known));
    let in_query = query.split('&').any(|pair| matches!(pair, "format=protobuf" | "cf_protocol=protobuf"));
    let protocol =
        if in_query || subprotocol == Some(SUBPROTOCOLS[1]) { Protocol::Protobuf } else { Protocol::Json };
    (protocol, subprotocol)
}

/// Checks the opening handshake (RFC 6455 §4.2.1) and returns the answer to its key.
pub(super) fn handshake(headers: &HeaderMap) -> Answer<HeaderValue> {
    let has = |name, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case(word)))
    };
    if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
        return Err(Failure::new(StatusCode::UPGRADE_REQUIRED, "this address speaks WebSocket only"));
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Failure::new(StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13"));
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or_else(|| Failure::new(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing"))?;
    // A SHA-1 in base64 is a header value.
    HeaderValue::from_str(&accept_key(key.as_bytes()))
        .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not usable"))
}

pub(super) fn tune(socket: &TcpStream) {
    let reference = SockRef::from(socket);
    let tuned = reference.set_tcp_nodelay(true);
    #[cfg(target_os = "linux")]
    let tuned = tuned.and_then(|()| reference.set_tcp_notsent_lowat(NOTSENT_BYTES));
    if let Err(error) = tuned {
        // The connection works, only less well.
        tracing::debug!(error = %error, "socket options not set");
    }
}
