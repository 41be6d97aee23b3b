//! The answer of the disk to samples that must survive.

use tokio::sync::oneshot;

/// Why samples are not on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersistError {
    /// As many bytes wait as may; try again later.
    #[error("too many samples wait for the disk")]
    Pending,
    /// The disk took nothing for too long.
    #[error("the disk takes nothing")]
    Refused,
    /// The store is shut down.
    #[error("the store is closed")]
    Closed,
}

/// Samples on their way to the disk.
///
/// *Cancel safety*: one that is dropped is written all the same.
#[derive(Debug)]
pub struct Durable(pub oneshot::Receiver<Result<(), PersistError>>);

impl Durable {
    /// One that is there already.
    pub fn done() -> Self {
        let (sender, receiver) = oneshot::channel();
        // The receiver is right here, so that this cannot fail.
        sender.send(Ok(())).ok();
        Self(receiver)
    }

    /// Waits until the samples are on disk.
    ///
    /// # Errors
    ///
    /// When they are not, as far as is known: they may still come to be.
    pub async fn wait(self) -> Result<(), PersistError> {
        self.0.await.unwrap_or(Err(PersistError::Closed))
    }

    /// As [`Durable::wait`], for threads that are not of the runtime.
    ///
    /// # Errors
    ///
    /// As [`Durable::wait`].
    pub fn blocking_wait(self) -> Result<(), PersistError> {
        self.0.blocking_recv().unwrap_or(Err(PersistError::Closed))
    }
}
