//! What operators may know of a connection.

use std::sync::{MutexGuard, PoisonError};

use super::Connection;

/// What its session knows of it.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The name of the person at a page.
    pub name: Option<Box<str>>,
    /// Whether a page of our own is at its end.
    pub is_page: bool,
    /// How many channels it is in.
    pub channels: u32,
}

/// What became of what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Bytes that wait.
    pub waiting: usize,
    /// Of how many steps it gets one, if not all.
    pub every: Option<u64>,
    /// Messages that it was sent, those that wait among them.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Connection {
    /// What its session knows of it.
    pub fn about(&self) -> About {
        self.lock_about().clone()
    }

    /// Changes that.
    pub fn note(&self, change: impl FnOnce(&mut About)) {
        change(&mut self.lock_about());
    }

    fn lock_about(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of what it is told.
    pub fn sent(&self) -> Sent {
        self.outbox().sent()
    }
}
