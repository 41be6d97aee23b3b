//! Turns of the evaluations that clients ask for: they never take all memory and all threads.
//!
//! The engine's own steps take no turn, so none of this delays what is drawn.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    Live,
    error::{LiveError, Unread},
};
use crate::telemetry::{Counter, Registry};

/// Evaluations at once, of queries, pages and backfills together: one a core, and no more than this. With
/// [`SAMPLES_MAX`](crate::query::limits::SAMPLES_MAX) each, 3.2 GB.
pub const EVALUATIONS_MAX: usize = 8;
/// And no fewer, so that a long one does not hold up all others.
pub const EVALUATIONS_MIN: usize = 2;
/// How long an evaluation waits for its turn.
pub const EVALUATION_WAIT_MAX: Duration = Duration::from_secs(10);

/// Hands out turns. A clone hands out the same ones.
#[derive(Debug, Clone)]
pub(super) struct Evaluations {
    room: Arc<Semaphore>,
    refused: Counter,
}

/// Leave for one evaluation.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Evaluations {
    pub(super) fn new(registry: &Registry) -> Self {
        let cores = available_parallelism().map_or(EVALUATIONS_MIN, usize::from);
        Self::with_room(registry, cores.clamp(EVALUATIONS_MIN, EVALUATIONS_MAX))
    }

    fn with_room(registry: &Registry, evaluations: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(evaluations)),
            refused: registry.counter(
                "watchroom_evaluations_refused_total",
                "Evaluations refused because others took too long.",
            ),
        }
    }

    /// Waits for a turn, at most [`EVALUATION_WAIT_MAX`].
    ///
    /// # Errors
    ///
    /// [`Unread::Busy`], counted.
    pub(super) async fn turn(&self) -> Result<Turn, Unread> {
        let Ok(turn) = timeout(EVALUATION_WAIT_MAX, Arc::clone(&self.room).acquire_owned()).await else {
            self.refused.increment();
            return Err(Unread::Busy);
        };
        Ok(Turn { _permit: turn.expect("nobody closes the semaphore") })
    }
}

impl Turn {
    /// Evaluates off the runtime's threads. The turn ends with the work, also when nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// [`LiveError::Stopped`] when the work panics, or the runtime ends.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LiveError> {
        let done = tokio::task::spawn_blocking(move || {
            let _turn = self;
            work()
        });
        done.await.map_err(|_| LiveError::Stopped)
    }
}

impl Live {
    /// Evaluates off the runtime's threads when it is its turn; whatever a client asks for goes through here.
    ///
    /// # Errors
    ///
    /// [`Unread::Busy`] after [`EVALUATION_WAIT_MAX`]; [`LiveError::Stopped`] when the work panics.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LiveError> {
        self.evaluations.turn().await?.run(work).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused() {
        let evaluations = Evaluations::with_room(&Registry::default(), 1);
        let held = evaluations.turn().await.unwrap();
        let start = Instant::now();
        assert!(matches!(evaluations.turn().await, Err(Unread::Busy)));
        assert_eq!(start.elapsed(), EVALUATION_WAIT_MAX);
        assert_eq!(evaluations.refused.get(), 1);
        let (next, ()) = tokio::join!(evaluations.turn(), async { drop(held) });
        assert_eq!(next.unwrap().run(|| 7).await.unwrap(), 7);
        assert_eq!(evaluations.room.available_permits(), 1);
        assert_eq!(evaluations.refused.get(), 1);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_turn() {
        let evaluations = Evaluations::with_room(&Registry::default(), 1);
        let (finish, finished) = std::sync::mpsc::sync_channel::<()>(1);
        let mut run = Box::pin(evaluations.turn().await.unwrap().run(move || finished.recv()));
        assert!(futures_util::poll!(run.as_mut()).is_pending());
        drop(run);
        assert_eq!(evaluations.room.available_permits(), 0);
        finish.send(()).unwrap();
        evaluations.turn().await.unwrap();
    }
}
