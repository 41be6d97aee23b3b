//! The connections of a shard, by the second in which each is pinged: a second costs in proportion to its pings, not to all
//! connections.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::hub::connection::Connection;

/// Connections in as many slots as there are seconds between two pings.
#[derive(Debug)]
pub(super) struct Wheel {
    slots: Vec<FxHashMap<u64, Arc<Connection>>>,
    /// The seconds since the start.
    seconds: usize,
}

impl Wheel {
    pub(super) fn new(ping_every: u32) -> Self {
        Self { slots: (0..ping_every.max(1)).map(|_| FxHashMap::default()).collect(), seconds: 0 }
    }

    /// Where a connection is. Numbers of one shard are those of one remainder, so that a plain remainder would leave slots
    /// empty.
    fn slot(&self, number: u64) -> usize {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        usize::try_from(mixed).unwrap_or_default() % self.slots.len()
    }

    pub(super) fn insert(&mut self, connection: Arc<Connection>) {
        let slot = self.slot(connection.number);
        self.slots[slot].insert(connection.number, connection);
    }

    pub(super) fn remove(&mut self, number: u64) {
        let slot = self.slot(number);
        self.slots[slot].remove(&number);
        if self.slots[slot].is_empty() {
            self.slots[slot] = FxHashMap::default();
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<&Arc<Connection>> {
        self.slots[self.slot(number)].get(&number)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.slots.iter().flat_map(FxHashMap::values)
    }

    /// Begins the next second.
    pub(super) const fn turn(&mut self) {
        self.seconds += 1;
    }

    /// Those that are to be pinged in this second; or that were, `ago` seconds before.
    pub(super) fn pinged(&self, ago: u32) -> impl Iterator<Item = &Arc<Connection>> {
        let second = usize::try_from(ago).ok().and_then(|ago| self.seconds.checked_sub(ago));
        let slot = second.map(|second| &self.slots[second % self.slots.len()]);
        slot.into_iter().flat_map(FxHashMap::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{connection::Opened, counters::Counters, ledger::Ledger};
    use crate::telemetry::Registry;
    use crate::wire::Dialect;

    /// The connections of one of two shards.
    fn wheel(ping_every: u32, count: u64) -> Wheel {
        let ledger = Arc::new(Ledger::new(Arc::new(Counters::new(&Registry::default()))));
        let mut wheel = Wheel::new(ping_every);
        for number in 0..count {
            let opened = Opened { number: number * 2, client: "c".to_owned(), since: 0 };
            let ledger = Arc::clone(&ledger);
            wheel.insert(Arc::new(Connection::new(opened, (None, Dialect::default()), 1, ledger)));
        }
        wheel
    }

    fn numbers<'a>(connections: impl Iterator<Item = &'a Arc<Connection>>) -> Vec<u64> {
        let mut numbers: Vec<u64> = connections.map(|connection| connection.number).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn each_is_pinged_once_a_turn_and_judged_later() {
        let mut wheel = wheel(24, 4_800);
        let mut turn = Vec::new();
        for _ in 0..24 {
            wheel.turn();
            let second = numbers(wheel.pinged(0));
            assert!((140..=260).contains(&second.len()), "{} in one second", second.len());
            turn.push(second);
        }
        let mut all = turn.concat();
        all.sort_unstable();
        assert_eq!(all, (0..4_800).map(|number| number * 2).collect::<Vec<_>>());
        assert_eq!(numbers(wheel.pinged(8)), turn[24 - 1 - 8]);
        assert_eq!(numbers(wheel.pinged(24)), numbers(wheel.pinged(0)), "as long as a whole turn");
    }

    #[test]
    fn before_the_start_nobody_was_pinged() {
        let mut wheel = wheel(3, 9);
        wheel.turn();
        assert_eq!(wheel.pinged(2).count(), 0);
    }

    #[test]
    fn who_is_gone_is_not_there() {
        let mut wheel = wheel(25, 50);
        assert_eq!(wheel.get(8).map(|connection| connection.number), Some(8));
        wheel.remove(8);
        assert!(wheel.get(8).is_none());
        assert_eq!(wheel.all().count(), 49);
    }
}
