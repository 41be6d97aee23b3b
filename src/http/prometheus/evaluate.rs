//! One evaluation that a client asked for: in its turn, within its time, and not longer than anyone waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::answer::ApiError;
use crate::http::Shared;
use crate::query::{Answer, EvalLimits, EvalRange, Plan, QueryError};
use crate::store::StoreError;
use crate::telemetry::Counter;

/// How long one evaluation may take: below what a request may take in all.
pub(super) const QUERY_TIME_MAX: Duration = Duration::from_secs(20);

/// Ends the evaluation when the client is gone, and with it whoever holds this.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What an evaluation took.
#[derive(Debug)]
pub(super) struct Cost {
    /// Time until it was its turn.
    pub(super) queued: Duration,
    /// Time to find series and read their chunks.
    pub(super) read: Duration,
    /// Time to decode and compute.
    pub(super) computed: Duration,
    /// Samples that were read.
    pub(super) samples: usize,
}

/// Evaluates a query and has its answer written, all of it off the runtime's threads: an answer may have millions of points.
///
/// # Errors
///
/// When it cannot be, takes longer than `timeout`, or others' take too long; and those of `write`.
pub(super) async fn evaluate<T: Send + 'static>(
    site: &Shared,
    plan: &Plan,
    range: EvalRange,
    timeout: Duration,
    write: impl FnOnce(Answer, &Cost) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let asked = Instant::now();
    let is_given_up = Arc::new(AtomicBool::new(false));
    let _waiting = Waiting(Arc::clone(&is_given_up));
    let (store, plan) = (site.live.store().clone(), plan.clone());
    let (gone, late) = (ended(site, "gone"), ended(site, "time"));
    let work = move || {
        let begun = Instant::now();
        let limits = EvalLimits {
            time: Some((begun + timeout, timeout)),
            cancelled: Some(is_given_up),
            ..EvalLimits::default()
        };
        let data = store.read(&plan.selections(range)).map_err(|error| match error {
            StoreError::TooMuch(_) => ApiError::refused("execution", format!("the query needs {error}")),
            error => {
                tracing::error!(error = %error, "samples could not be read");
                ApiError::internal("the samples could not be read")
            }
        })?;
        let read = begun.elapsed();
        let answer = plan.eval(range, &data, &limits).inspect_err(|error| match error {
            QueryError::Cancelled => gone.increment(),
            QueryError::Time(_) => late.increment(),
            _ => {}
        })?;
        let computed = begun.elapsed().saturating_sub(read);
        let cost = Cost { queued: begun - asked, read, computed, samples: answer.samples_read };
        // An answer takes room of its own.
        drop(data);
        write(answer, &cost)
    };
    site.live.in_turn(work).await?
}

fn ended(site: &Shared, reason: &str) -> Counter {
    site.registry.counter_with(
        "watchroom_evaluations_ended_total",
        "Evaluations that were not finished: the client was gone, or their time was over.",
        &[("reason", reason)],
    )
}
