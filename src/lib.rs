//! watchroom: a live metrics dashboard streaming server.
//!
//! The map is `docs/architecture.md`; a module uses only what stands above it in this list.

pub mod clock;
pub mod model;
pub mod store;
