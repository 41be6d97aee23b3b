//! Owns every task of the process, so that shutdown can wait for each.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, error, info_span};

/// Owns the tasks. A clone owns the same ones.
#[derive(Debug, Clone)]
pub struct Supervisor {
    tasks: TaskTracker,
    shutdown: CancellationToken,
    /// Tasks that the others need to end in order.
    last: TaskTracker,
    end: CancellationToken,
    failed: CancellationToken,
}

/// Some tasks did not end within the grace period.
#[derive(Debug, thiserror::Error)]
#[error("{unfinished} tasks still running after {grace:?}")]
pub struct DrainTimeout {
    /// How many.
    pub unfinished: usize,
    /// How long they were given.
    pub grace: Duration,
}

impl Supervisor {
    /// Creates a supervisor whose tasks stop when `shutdown` is cancelled.
    #[must_use]
    pub fn new(shutdown: CancellationToken) -> Self {
        let (tasks, last) = (TaskTracker::new(), TaskTracker::new());
        Self { tasks, shutdown, last, end: CancellationToken::new(), failed: CancellationToken::new() }
    }

    /// What the tasks watch to know that they must end.
    pub const fn token(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Runs a task that lives as long as the process: its end, by error or panic too, stops the
    /// process in order.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.watch(&self.tasks, name, task);
    }

    /// What the tasks of [`Supervisor::spawn_last`] watch to know that they must end.
    pub const fn end(&self) -> &CancellationToken {
        &self.end
    }

    /// As [`Supervisor::spawn`], but the task is told to end when all others have ended: they need it to take their leave.
    pub fn spawn_last<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.watch(&self.last, name, task);
    }

    fn watch<F>(&self, tasks: &TaskTracker, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        let failed = self.failed.clone();
        tasks.spawn(
            async move {
                // The guards cancel when the task panics, too.
                let _stop = shutdown.clone().drop_guard();
                let failed = failed.drop_guard();
                match task.await {
                    Err(error) => error!(error = format!("{error:#}"), "task failed"),
                    Ok(()) if shutdown.is_cancelled() => drop(failed.disarm()),
                    Ok(()) => error!("task ended by itself"),
                }
            }
            .instrument(info_span!("task", task.name = name)),
        );
    }

    /// Runs a task that comes and goes, a connection for example; [`Supervisor::drain`] waits for it.
    pub fn track<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Whether a task that should live as long as the process failed.
    pub fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    /// How many tasks run now.
    pub fn task_count(&self) -> usize {
        self.tasks.len() + self.last.len()
    }

    /// Tells all tasks to end and waits for them, at most `grace` for those that come first, and as long for the last.
    ///
    /// # Errors
    ///
    /// [`DrainTimeout`] when some task has not ended in time.
    pub async fn drain(&self, grace: Duration) -> Result<(), DrainTimeout> {
        self.shutdown.cancel();
        self.tasks.close();
        let first = tokio::time::timeout(grace, self.tasks.wait()).await;
        self.end.cancel();
        self.last.close();
        let last = tokio::time::timeout(grace, self.last.wait()).await;
        first.and(last).map_err(|_| DrainTimeout { unfinished: self.task_count(), grace })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn drain_tells_how_many_are_stuck() {
        let supervisor = Supervisor::new(CancellationToken::new());
        supervisor.spawn("stuck", std::future::pending());
        let error = supervisor.drain(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(error.unfinished, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_tasks_end_after_the_others() {
        let supervisor = Supervisor::new(CancellationToken::new());
        let (shutdown, end) = (supervisor.token().clone(), supervisor.end().clone());
        let others = end.clone();
        supervisor.spawn_last("last", async move {
            end.cancelled().await;
            Ok(())
        });
        supervisor.spawn("first", async move {
            shutdown.cancelled().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            anyhow::ensure!(!others.is_cancelled(), "it needs the last one still");
            Ok(())
        });
        supervisor.drain(Duration::from_secs(5)).await.unwrap();
        assert!(!supervisor.has_failed());
        assert_eq!(supervisor.task_count(), 0);
    }

    #[tokio::test]
    async fn a_task_that_fails_or_panics_stops_the_process() {
        for panics in [false, true] {
            let supervisor = Supervisor::new(CancellationToken::new());
            supervisor.spawn("bad", async move {
                assert!(!panics, "boom");
                anyhow::bail!("boom")
            });
            supervisor.token().cancelled().await;
            supervisor.drain(Duration::from_secs(1)).await.unwrap();
            assert!(supervisor.has_failed());
        }
    }
}
