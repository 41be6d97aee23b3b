//! watchroom: a live metrics dashboard streaming server.
//!
//! The map is `docs/architecture.md`; a module uses only what stands above it in this list.

pub mod backend;
pub mod backoff;
pub mod clock;
pub mod document;
pub mod hub;
pub mod live;
pub mod model;
pub mod query;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod wire;
