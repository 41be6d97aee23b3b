//! What waits for a connection, with the ledger of its shard kept right.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::Connection;
use crate::hub::{ledger::Ledger, outbox::Outbox};

/// A connection's outbox, locked. What waits more or less when it is let go is noted.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    outbox: MutexGuard<'a, Outbox>,
    before: usize,
    ledger: &'a Ledger,
}

impl<'a> Waiting<'a> {
    pub(super) fn lock(outbox: &'a Mutex<Outbox>, ledger: &'a Ledger) -> Self {
        let outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
        Self { before: outbox.bytes(), outbox, ledger }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.ledger.note_waiting(self.before, self.outbox.bytes());
    }
}

impl Deref for Waiting<'_> {
    type Target = Outbox;

    fn deref(&self) -> &Outbox {
        &self.outbox
    }
}

impl DerefMut for Waiting<'_> {
    fn deref_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

impl Connection {
    /// Whether anything waits for the socket.
    pub fn has_waiting(&self) -> bool {
        !self.outbox().is_empty()
    }

    /// Bytes that wait for the socket.
    pub fn waiting_bytes(&self) -> usize {
        self.outbox().bytes()
    }
}
