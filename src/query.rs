//! PromQL: text to plan, plan and samples to values. Pure: no I/O, no await, and no clock but
//! for the time that an evaluation may take.
//!
//! [`Plan::parse`] makes a tree of the text, types checked and with places ([`parse`], [`expr`]).
//! [`Plan::selections`] says what must be read ([`reach`]); [`Plan::eval`] computes every step at once,
//! series by series ([`eval`], [`mod@column`]).

pub mod aggregate;
pub mod annotations;
pub mod binary;
pub mod column;
pub mod duration;
pub mod error;
pub mod eval;
pub mod exact;
pub mod expr;
pub mod functions;
pub mod grid;
pub mod kahan;
pub mod limits;
pub mod matching;
mod note;
pub mod parse;
pub mod plan;
pub mod reach;
pub mod sets;
pub mod shorthand;
pub mod span;
pub mod standing;
pub mod value;

#[cfg(test)]
mod promqltest;
#[cfg(test)]
mod properties;

pub use annotations::{Annotations, Level};
pub use error::QueryError;
pub use limits::EvalLimits;
pub use plan::Plan;
pub use value::{Answer, EvalRange, Selection, Value};
