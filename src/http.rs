//! HTTP: pages, assets, the push doors, the query API, and the way to the socket.

mod assets;
pub mod error;
mod metrics;
mod pages;
mod query;
pub mod security;
pub mod serve;
mod upgrade;
mod view;

use std::sync::Arc;

use axum::{Router, middleware, routing::get};
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;

use crate::backend::Backend;
use crate::clock::Clock;
use crate::collect::TopProcesses;
use crate::dashboards::{Dashboards, Pushed};
use crate::hub::Hub;
use crate::live::Live;
use crate::telemetry::Registry;
use error::Failure;

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
}

/// The site that every request shares.
pub type Shared = Arc<Site>;

impl Site {
    fn top(&self) -> Arc<TopProcesses> {
        Arc::clone(&self.top.borrow())
    }
}

pub use pages::pushed_panels;

/// All routes, behind the checks of the open mode.
pub fn router(site: Shared) -> Router {
    Router::new()
        .route("/", get(pages::home))
        .route("/rooms/{id}", get(pages::room))
        .route("/assets/{*path}", get(assets::asset))
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/api/v1/labels", get(query::labels).post(query::labels))
        .route("/api/v1/label/{name}/values", get(query::values))
        .route("/api/v1/series", get(query::series).post(query::series))
        .route("/metrics", get(metrics::expose))
        .route("/-/healthy", get(metrics::healthy))
        .route("/-/ready", get(metrics::healthy))
        .layer(CompressionLayer::new().gzip(true))
        .route("/connection/websocket", get(upgrade::websocket))
        .fallback(pages::not_found)
        .layer(middleware::from_fn(security::headers))
        .layer(middleware::from_fn(security::open_mode))
        .with_state(site)
}

/// The answer of a door that can refuse.
pub type Answer<T> = Result<T, Failure>;
