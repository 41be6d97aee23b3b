//! What must hold for any bytes at all, one function for each decoder. A body panics where it does not.
//!
//! `scripts/fuzz` lets a fuzzer at them, and `tests/seeds.rs` of the package above runs them over the committed seeds.

pub mod block;
pub mod chunk;
pub mod commands;
pub mod deflate;
pub mod exposition;
pub mod fossil;
pub mod parcel;
pub mod push;
pub mod pushed;
pub mod query;
pub mod rules;
pub mod suite;
pub mod talk;
pub mod template;
pub mod websocket;
