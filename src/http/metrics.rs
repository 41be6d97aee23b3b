//! Our own metrics, and whether we live.

use axum::{extract::State, response::IntoResponse};
use http::header;

use super::Shared;

/// The text exposition of our own metrics.
pub(super) async fn expose(State(site): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], site.registry.expose())
}

/// The same in Centrifugo's form.
pub(super) async fn health() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], "{}")
}

/// Says that requests are answered.
pub(super) async fn healthy() -> &'static str {
    "watchroom is healthy.\n"
}
