//! Tests of parts together, against real counterparts.
#![expect(clippy::unwrap_used, reason = "in helpers, too, a failure must end the test")]

mod backend;
mod redis_server;
