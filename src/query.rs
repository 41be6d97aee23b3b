//! PromQL: text to plan, plan and samples to values. Pure: no I/O, no clock, no await.
//!
//! [`Plan::parse`] scans the text ([`scan`]), parses it with the crate `promql-parser` and lowers the
//! result to our own tree ([`lower`], [`expr`]). [`Plan::selections`] says what must be read
//! ([`reach`]); [`Plan::eval`] computes every step at once, series by series ([`eval`], [`mod@column`]).

pub mod aggregate;
pub mod binary;
pub mod column;
pub mod error;
pub mod eval;
pub mod expr;
pub mod functions;
pub mod grid;
pub mod kahan;
pub mod limits;
pub mod lower;
pub mod matching;
pub mod plan;
pub mod reach;
pub mod scan;
pub mod sets;
pub mod shorthand;
pub mod value;

#[cfg(test)]
mod promqltest;
#[cfg(test)]
mod properties;

pub use error::QueryError;
pub use limits::EvalLimits;
pub use plan::Plan;
pub use value::{EvalRange, Selection, Value};
