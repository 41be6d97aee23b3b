//! Why a live query cannot be had.

use super::{EVALUATION_WAIT_MAX, QUERIES_MAX, STEPS_MS, WINDOW_STEPS_MAX};
use crate::query::QueryError;
use crate::store::StoreError;

/// Why a live query cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The expression.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The channel is not that of the expression and step.
    #[error("the channel does not belong to this expression and step; ask live_channel for its name")]
    Channel,
    /// The step.
    #[error("a step of {0} ms; possible are {STEPS_MS:?}")]
    Step(i64),
    /// The window, or a range.
    #[error("at most {WINDOW_STEPS_MAX} steps, and the end after the start")]
    Window,
    /// The limit of standing queries.
    #[error("at most {QUERIES_MAX} live queries on a node")]
    TooMany,
    /// The samples could not be read.
    #[error(transparent)]
    Store(#[from] Unread),
    /// The process stops.
    #[error("the server stops")]
    Stopped,
}

/// Why samples could not be read. The same may succeed later.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The store failed.
    #[error("the samples could not be read")]
    Store(#[source] StoreError),
    /// The limit of evaluations at once.
    #[error("other evaluations took longer than {EVALUATION_WAIT_MAX:?}; try again")]
    Busy,
}
