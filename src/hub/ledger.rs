//! What the connections of one shard keep together: what waits for them, and when something of them is due.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::counters::Counters;

/// One entry per connection: when, s since the epoch, and its number.
type Agenda = BTreeSet<(i64, u64)>;

/// The account of one shard, written to by the tasks of its connections.
#[derive(Debug)]
pub struct Ledger {
    /// What is counted of all shards.
    pub counters: Arc<Counters>,
    waiting: AtomicUsize,
    agenda: Mutex<Agenda>,
}

impl Ledger {
    /// An empty one.
    pub fn new(counters: Arc<Counters>) -> Self {
        Self { counters, waiting: AtomicUsize::new(0), agenda: Mutex::default() }
    }

    /// Bytes that wait for sockets.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Notes that a connection has `after` bytes waiting, and no more `before`.
    pub(super) fn note_waiting(&self, before: usize, after: usize) {
        match after.checked_sub(before) {
            Some(0) => {}
            Some(more) => drop(self.waiting.fetch_add(more, Ordering::Relaxed)),
            None => drop(self.waiting.fetch_sub(before - after, Ordering::Relaxed)),
        }
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces a connection's entry; 0 stands for none.
    ///
    /// *Cost*: one lock of the shard's agenda and two steps in a tree; only who has a token that ends, or a subscription that
    /// is renewed, comes here.
    pub(super) fn note_due(&self, number: u64, before: i64, after: i64) {
        if before == after {
            return;
        }
        let mut agenda = self.agenda();
        if before != 0 {
            agenda.remove(&(before, number));
        }
        if after != 0 {
            agenda.insert((after, number));
        }
    }

    /// The numbers of the connections of which something is due; their entries stay until the connection changes them.
    pub(super) fn due(&self, now_s: i64) -> Vec<u64> {
        self.agenda().range(..=(now_s, u64::MAX)).map(|(_, number)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Registry;

    #[test]
    fn a_connection_has_one_entry() {
        let ledger = Ledger::new(Arc::new(Counters::new(&Registry::default())));
        ledger.note_due(7, 0, 100);
        ledger.note_due(9, 0, 90);
        assert_eq!(ledger.due(89), Vec::<u64>::new());
        assert_eq!(ledger.due(100), [9, 7]);
        ledger.note_due(7, 100, 80);
        assert_eq!(ledger.due(100), [7, 9]);
        ledger.note_due(7, 80, 0);
        ledger.note_due(9, 90, 0);
        assert_eq!(ledger.due(i64::MAX), Vec::<u64>::new());
    }

    #[test]
    fn bytes_come_and_go() {
        let ledger = Ledger::new(Arc::new(Counters::new(&Registry::default())));
        ledger.note_waiting(0, 30);
        ledger.note_waiting(0, 12);
        ledger.note_waiting(30, 10);
        assert_eq!(ledger.waiting_bytes(), 22);
    }
}
