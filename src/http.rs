//! HTTP: pages, assets, the push doors, the query API, and the way to the socket.

mod assets;
mod clients;
#[cfg(feature = "conformance")]
mod echo;
pub mod error;
pub mod intake;
mod metrics;
mod pages;
mod progress;
mod prometheus;
mod push;
pub mod security;
pub mod serve;
mod serverapi;
mod upgrade;
mod view;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{Method, StatusCode, Uri};
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;

use crate::alerts::Alerts;
use crate::backend::Backend;
use crate::clock::Clock;
use crate::collect::TopProcesses;
use crate::dashboards::{Dashboards, Pushed};
use crate::hub::Hub;
use crate::hub::options::Trust;
use crate::ingest::Catalog;
use crate::live::Live;
use crate::telemetry::{Counter, Registry};
use error::Failure;
use intake::Intake;

/// How long a request may take, from its head to its answer: the disk is waited for at most 8 s, and the largest body
/// comes in this time over 2.2 Mbit/s.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// What the pages and doors are made from.
#[derive(Debug)]
pub struct Site {
    /// This machine's name, as its samples carry it.
    pub instance: String,
    /// Connections and channels.
    pub hub: Hub,
    /// What nodes share.
    pub backend: Backend,
    /// Standing queries and the store.
    pub live: Live,
    /// What stands.
    pub alerts: Alerts,
    /// What is drawn.
    pub dashboards: Dashboards,
    /// What was pushed.
    pub pushed: Pushed,
    /// The busiest processes, newest.
    pub top: watch::Receiver<Arc<TopProcesses>>,
    /// Own metrics.
    pub registry: Registry,
    /// The time of day.
    pub clock: Clock,
    /// What the doors count.
    pub counters: push::Counters,
    /// When this process began, ms.
    pub started: i64,
    /// What is known of metrics.
    pub catalog: Catalog,
    /// Takes bodies in.
    pub intake: Intake,
    /// Requests past [`REQUEST_TIME_MAX`].
    pub timeouts: Counter,
}

/// The site that every request shares.
pub type Shared = Arc<Site>;

impl Site {
    fn top(&self) -> Arc<TopProcesses> {
        Arc::clone(&self.top.borrow())
    }
}

pub use pages::pushed_panels;
pub use progress::WRITE_STALL_MAX;
/// What the push doors count.
pub use push::Counters as PushCounters;

/// What [`serve::serve`] serves.
#[derive(Debug)]
pub struct Doors {
    router: Router,
    /// Connections whose reader stopped, past [`WRITE_STALL_MAX`].
    stalled: Counter,
}

/// All routes, behind the checks of the open mode.
pub fn router(site: Shared) -> Doors {
    let stalled = site.registry.counter(
        "watchroom_http_stalled_total",
        "Connections closed because their reader took nothing of an answer.",
    );
    let router = Router::new();
    #[cfg(feature = "conformance")]
    let router = router.route("/echo", get(echo::websocket));
    let router = router
        .merge(with_script(&site))
        .route("/assets/{*path}", get(assets::asset))
        .route("/api/v1/push", post(push::json))
        .route("/api/v1/import/prometheus", post(push::exposition))
        .merge(prometheus::routes())
        .route("/metrics", get(metrics::expose))
        .route("/health", get(metrics::health))
        .route("/-/healthy", get(metrics::healthy))
        .route("/-/ready", get(metrics::healthy))
        .layer(CompressionLayer::new().gzip(true).zstd(true))
        .merge(serverapi::routes(&site))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(security::headers))
        .layer(middleware::from_fn(security::open_mode))
        .merge(clients::routes(&site))
        .layer(middleware::from_fn_with_state(site.timeouts.clone(), in_time))
        .with_state(site);
    Doors { router, stalled }
}

/// The pages whose script connects.
fn with_script(site: &Shared) -> Router<Shared> {
    let router = Router::new()
        .route("/", get(pages::home))
        .route("/rooms/{id}", get(pages::room))
        .route("/alerts", get(pages::alerts))
        .route("/server", get(pages::server))
        .route("/explore", get(pages::explore));
    match site.hub.options().trust {
        Trust::Open => router,
        Trust::Strict => {
            let key: Arc<str> = site.hub.page_key().into();
            router.layer(middleware::from_fn_with_state(key, security::with_page_cookie))
        }
    }
}

/// What is nowhere: a person is told by a page, a program in the form of the other failures.
async fn nowhere(uri: Uri) -> Response {
    if uri.path().starts_with("/api/") {
        let detail = format!("there is no {} here; docs/protocol.md lists what there is", uri.path());
        return Failure::new(StatusCode::NOT_FOUND, detail).into_response();
    }
    pages::not_found()
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let detail = format!("{} does not take {method}; the header Allow names what it takes", uri.path());
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// Ends requests that take too long, most often because their body does not arrive.
async fn in_time(State(timeouts): State<Counter>, request: Request, next: Next) -> Response {
    tokio::time::timeout(REQUEST_TIME_MAX, next.run(request)).await.unwrap_or_else(|_| {
        timeouts.increment();
        let detail = format!("the request did not arrive and was not answered within {REQUEST_TIME_MAX:?}");
        Failure::new(StatusCode::REQUEST_TIMEOUT, detail).into_response()
    })
}

/// The answer of a door that can refuse.
pub type Answer<T> = Result<T, Failure>;

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use futures_util::StreamExt;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let timeouts = Counter::default();
        let router = Router::new()
            .route("/", post(|_: Bytes| async {}))
            .layer(middleware::from_fn_with_state(timeouts.clone(), in_time));
        let first = futures_util::stream::iter([Ok::<_, std::io::Error>("some of it")]);
        let body = Body::from_stream(first.chain(futures_util::stream::pending()));
        let request = Request::post("/").body(body).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(timeouts.get(), 1);
    }
}
