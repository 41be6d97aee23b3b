//! watchroom: a live metrics dashboard streaming server.
//!
//! The map is `docs/architecture.md`, with the order in which modules may use each other.

pub mod alerts;
pub mod app;
pub mod backend;
pub mod backoff;
pub mod check;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod dashboards;
pub mod document;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod journal;
pub mod live;
pub mod load;
pub mod model;
pub mod query;
pub mod rooms;
pub mod rules;
pub mod sqlite;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod tokens;
pub mod wire;
