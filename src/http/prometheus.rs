//! Prometheus's HTTP API, version 1, so that what reads a Prometheus reads us: Grafana, `promtool`, other servers.
//!
//! Shapes, error types and codes are those of Prometheus 3; `docs/prometheus.md` lists the calls, and what differs.

mod answer;
mod encode;
mod evaluate;
mod histogram;
mod parameters;
mod query;
mod read;
mod rules;
mod series;
mod status;
mod time;

use axum::{
    Router,
    routing::{get, post},
};

use super::Shared;
pub(super) use answer::RETRY_SECONDS;

/// The routes, without the compression of their answers.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/api/v1/query_exemplars", get(query::exemplars).post(query::exemplars))
        .route("/api/v1/labels", get(series::labels).post(series::labels))
        .route("/api/v1/label/{name}/values", get(series::values))
        .route("/api/v1/series", get(series::series).post(series::series))
        .route("/api/v1/metadata", get(series::metadata))
        .route("/api/v1/rules", get(rules::rules))
        .route("/api/v1/alerts", get(rules::alerts))
        .route("/api/v1/targets", get(status::targets))
        .route("/api/v1/alertmanagers", get(status::alertmanagers))
        .route("/api/v1/status/buildinfo", get(status::build))
        .route("/api/v1/status/runtimeinfo", get(status::runtime))
        .route("/api/v1/status/config", get(status::config))
        .route("/api/v1/status/flags", get(status::flags))
        .route("/api/v1/status/tsdb", get(status::store))
        .route("/api/v1/read", post(read::read))
}
