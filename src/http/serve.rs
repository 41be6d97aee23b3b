//! Accepts connections and serves them, each in a task that shutdown waits for.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Doors, progress::Progress};
use crate::backoff::Backoff;
use crate::supervisor::Supervisor;
use crate::telemetry::Counter;

/// How long a client may take to send a request's head.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Connections that are no sockets of the hub: requests under way, and those that wait for the next.
pub const HTTP_CONNECTIONS_MAX: usize = 1_024;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// A connection's place among those of HTTP. An answer that goes on gives it back: it is the hub's from there on, which has a
/// limit of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Place(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Place {
    fn of(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Mutex::new(Some(permit))))
    }

    /// Gives the place to others.
    pub(super) fn give_back(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// What a connection beyond the limit is told, without reading a byte of it.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves until the end; `refused` counts connections beyond the limit.
///
/// # Errors
///
/// None; the type is the supervisor's.
pub async fn serve(
    listener: TcpListener,
    doors: Doors,
    supervisor: Supervisor,
    refused: Counter,
) -> anyhow::Result<()> {
    let room = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    let shutdown = supervisor.token().clone();
    let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                backoff.reset();
                let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                    refused.increment();
                    // A fresh socket has room for a few bytes; whether they are read is the peer's affair.
                    socket.try_write(FULL).unwrap_or_default();
                    continue;
                };
                let (router, shutdown) = (doors.router.clone(), shutdown.clone());
                let socket = Progress::new(socket, doors.stalled.clone());
                let place = Place::of(permit);
                supervisor.track(async move {
                    connection(socket, (peer, place.clone()), router, shutdown).await;
                    // What was upgraded is the hub's from here on.
                    place.give_back();
                });
            }
            Err(error) => {
                // Most often no descriptor is left: others must end first.
                tracing::warn!(error = %error, "accept failed");
                tokio::time::sleep(backoff.wait()).await;
            }
        }
    }
}

async fn connection<S>(
    socket: Progress<S>,
    (peer, place): (SocketAddr, Place),
    router: Router,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(place.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let result = tokio::select! {
        biased;
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(connection.peer = %peer, error = %error, "connection failed");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{io::AsyncWriteExt, time::Instant};

    use super::*;
    use crate::http::WRITE_STALL_MAX;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_read_ends_the_connection() {
        let (stream, mut reader) = tokio::io::duplex(64);
        let stalled = Counter::default();
        let router = Router::new().route("/", get(|| async { vec![b'x'; 1 << 20] }));
        reader.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let start = Instant::now();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let socket = Progress::new(stream, stalled.clone());
        connection(socket, (peer, Place::default()), router, CancellationToken::new()).await;
        assert_eq!(start.elapsed(), WRITE_STALL_MAX);
        assert_eq!(stalled.get(), 1);
    }
}
