//! The ways in for clients of Centrifugo's protocol that have no WebSocket: server-sent events and HTTP streaming out,
//! requests of their own in.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Query, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use prost::Message;
use serde::Deserialize;
use tokio_stream::wrappers::ReceiverStream;

use super::{Answer, Shared, error::Failure, security, serve::Place, upgrade};
use crate::hub::CONNECTIONS_MAX;
use crate::wire::centrifugo::Protocol;
use crate::wire::{Dialect, Framing};

/// Where a client's request comes from.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// Who is at the other end.
    pub(super) peer: SocketAddr,
    /// One of our own pages asks.
    pub(super) is_page: bool,
    /// A page of another site that may.
    origin: Option<HeaderValue>,
}

/// The routes of all transports that are on.
pub(super) fn routes(site: &Shared) -> Router<Shared> {
    let transports = &site.hub.options().transports;
    let mut router = Router::new();
    if let Some(path) = &transports.websocket {
        router = router.route(path, get(upgrade::websocket));
    }
    if let Some(path) = &transports.sse {
        router = router.route(path, any(events));
    }
    if let Some(path) = &transports.http_stream {
        router = router.route(path, any(stream));
    }
    if transports.sse.is_some() || transports.http_stream.is_some() {
        router = router.route(&transports.emulation, any(emulation));
    }
    router
        .layer(middleware::from_fn(security::headers))
        .layer(middleware::from_fn_with_state(Arc::clone(site), admitted))
}

/// Lets a client in as the open mode does, and pages of the origins that the configuration names.
async fn admitted(
    State(site): State<Shared>,
    Extension(peer): Extension<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let allowed = &site.hub.options().allowed_origins;
    let visitor = match security::admit_client(request.headers(), allowed) {
        Ok(origin) => {
            let headers = request.headers();
            let is_own = origin.is_none() && headers.contains_key(header::ORIGIN);
            let is_page = is_own && security::has_page_cookie(headers, site.hub.page_key());
            Visitor { peer, is_page, origin }
        }
        Err(refused) => {
            tracing::debug!(reason = ?refused, "client refused");
            return Failure::new(StatusCode::FORBIDDEN, refused.to_string()).into_response();
        }
    };
    let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let is_preflight = *request.method() == Method::OPTIONS;
    request.extensions_mut().insert(visitor.clone());
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("300"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
    }
    if let Some(origin) = visitor.origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
        if let Some(wanted) = wanted {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        }
    }
    response
}

#[derive(Debug, Deserialize)]
struct ConnectQuery {
    #[serde(default)]
    cf_connect: String,
}

/// Server-sent events; what a client says first comes with the request.
async fn events(
    State(site): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<ConnectQuery>,
    Extension(place): Extension<Place>,
    request: Request,
) -> Answer<Response> {
    let first = match *request.method() {
        Method::GET if query.cf_connect.is_empty() => {
            return Err(Failure::new(StatusCode::BAD_REQUEST, "the query needs `cf_connect`, a command"));
        }
        Method::GET => Bytes::from(query.cf_connect),
        Method::POST => body(request, site.hub.options().transports.sse_body_max).await?,
        _ => return Err(wrong_method()),
    };
    let dialect = Dialect { protocol: Protocol::Json, framing: Framing::Events };
    let mut response = told(&site, &visitor, dialect, first)?;
    place.give_back();
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// HTTP streaming: messages one after another in the body.
async fn stream(
    State(site): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Extension(place): Extension<Place>,
    request: Request,
) -> Answer<Response> {
    if *request.method() != Method::POST {
        return Err(wrong_method());
    }
    let protocol = protocol_of(request.headers());
    let first = body(request, site.hub.options().transports.http_stream_body_max).await?;
    let response = told(&site, &visitor, Dialect { protocol, framing: Framing::Stream }, first)?;
    place.give_back();
    Ok(response)
}

/// An answer that goes on for as long as the client stays.
fn told(site: &Shared, visitor: &Visitor, dialect: Dialect, first: Bytes) -> Answer<Response> {
    // What makes a browser see that the stream is open.
    let head = (dialect.framing == Framing::Events).then(|| Bytes::from_static(b"\r\n"));
    let seat = site.hub.seat(visitor.peer.ip()).ok_or_else(full)?;
    let chunks = ReceiverStream::new(site.hub.emulate(dialect, visitor.is_page, first, seat));
    let body = Body::from_stream(futures_util::stream::iter(head).chain(chunks).map(Ok::<_, Infallible>));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    // An answer that goes on must neither be kept nor held back by what stands between.
    let cache = "private, no-cache, no-store, must-revalidate, max-age=0";
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Commands of a client that is told in a response of its own.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
struct Emulation {
    /// The node that has the session.
    #[prost(string, tag = "1")]
    node: String,
    /// The session.
    #[prost(string, tag = "2")]
    session: String,
    /// Its commands.
    #[prost(bytes = "bytes", tag = "3")]
    #[serde(deserialize_with = "text")]
    data: Bytes,
}

/// Commands as a JSON string.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    String::deserialize(deserializer).map(Bytes::from)
}

async fn emulation(State(site): State<Shared>, request: Request) -> Answer<StatusCode> {
    if *request.method() != Method::POST {
        return Err(wrong_method());
    }
    let protocol = protocol_of(request.headers());
    let body = body(request, site.hub.options().transports.emulation_body_max).await?;
    let wrong = |error: String| Failure::new(StatusCode::BAD_REQUEST, error);
    let Emulation { node, session, data } = match protocol {
        Protocol::Json => serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?,
        Protocol::Protobuf => Emulation::decode(body).map_err(|error| wrong(error.to_string()))?,
    };
    if !site.hub.emulated(&node, &session, data).await {
        return Err(Failure::new(
            StatusCode::NOT_FOUND,
            "there is no such session on any node that is there",
        ));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn protocol_of(headers: &HeaderMap) -> Protocol {
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) if kind == "application/octet-stream" => Protocol::Protobuf,
        _ => Protocol::Json,
    }
}

async fn body(request: Request, most: usize) -> Answer<Bytes> {
    to_bytes(request.into_body(), most).await.map_err(|_| {
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is cut off or larger than {most} bytes"),
        )
    })
}

fn wrong_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method")
}

/// That no more connections are taken.
pub(super) fn full() -> Failure {
    let detail = format!("this node has as many connections as it takes, {CONNECTIONS_MAX} at most");
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(5)
}
