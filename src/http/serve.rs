//! Accepts connections and serves them, each in a task that shutdown waits for.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::backoff::Backoff;
use crate::supervisor::Supervisor;

/// How long a client may take to send a request's head.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Serves until the end.
///
/// # Errors
///
/// None; the type is the supervisor's.
pub async fn serve(listener: TcpListener, router: Router, supervisor: Supervisor) -> anyhow::Result<()> {
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
                supervisor.track(connection(socket, peer, router.clone(), shutdown.clone()));
            }
            Err(error) => {
                // Most often no descriptor is left: others must end first.
                tracing::warn!(error = %error, "accept failed");
                tokio::time::sleep(backoff.wait()).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, peer: SocketAddr, router: Router, shutdown: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
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
