//! What is held back for a subscriber that is still joining, within bounds.

use std::sync::{Arc, atomic::Ordering};

use super::Publish;
use crate::hub::connection::Connection;

/// Publications held for a subscriber while its history is read.
const JOINING_MAX: usize = 1_024;
/// Bytes held for one connection, in all channels that it joins: its subscribers share publications, but each may keep others
/// alive.
const HELD_BYTES_MAX: usize = 1 << 20;
/// What a push takes beside what came from outside.
const PUSH_BYTES: usize = 256;

/// Pushes in their order. Their bytes count until they are dropped.
#[derive(Debug)]
pub(super) struct Held {
    connection: Arc<Connection>,
    pushes: Vec<Publish>,
    bytes: usize,
}

impl Held {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, pushes: Vec::new(), bytes: 0 }
    }

    /// Holds one more back; false if there is no room.
    pub(super) fn push(&mut self, publish: &Publish) -> bool {
        let bytes = publish.cast.bytes() + PUSH_BYTES;
        let all = &self.connection.held_bytes;
        if JOINING_MAX <= self.pushes.len() || HELD_BYTES_MAX < all.load(Ordering::Relaxed) + bytes {
            return false;
        }
        all.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        self.pushes.push(publish.clone());
        true
    }

    /// What is held back.
    pub(super) fn pushes(&self) -> &[Publish] {
        &self.pushes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connection.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{connection::Opened, counters::Counters, ledger::Ledger, outbox::Delivery, shard::To};
    use crate::telemetry::Registry;
    use crate::wire::{
        Cast, Dialect, Framing,
        centrifugo::{Protocol, Publication},
    };

    fn connection() -> Arc<Connection> {
        let opened = Opened { number: 1, client: "c".to_owned(), since: 0 };
        let dialect = Dialect { protocol: Protocol::Json, framing: Framing::WebSocket };
        Arc::new(Connection::new(
            opened,
            (None, dialect),
            1_000,
            Arc::new(Ledger::new(Arc::new(Counters::new(&Registry::default())))),
        ))
    }

    fn publish(bytes: usize) -> Publish {
        let publication = Publication { data: vec![b'1'; bytes].into(), ..Publication::default() };
        let cast = Cast::publication(Arc::from("a"), publication);
        Publish { cast, offset: None, delivery: Delivery::Event, to: To::All, begins: None }
    }

    #[test]
    fn channels_of_a_connection_share_the_bytes_that_are_held() {
        let connection = connection();
        let (mut a, mut b) = (Held::new(Arc::clone(&connection)), Held::new(Arc::clone(&connection)));
        let half = publish(HELD_BYTES_MAX / 2 - PUSH_BYTES);
        assert!(a.push(&half) && b.push(&half));
        assert!(!a.push(&publish(0)) && !b.push(&publish(0)), "no room in either");
        assert_eq!(connection.held_bytes.load(Ordering::Relaxed), HELD_BYTES_MAX);
        drop(a);
        assert!(b.push(&half), "there is room again");
        drop(b);
        assert_eq!(connection.held_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_subscriber_has_a_number_of_pushes_held() {
        let mut held = Held::new(connection());
        let small = publish(1);
        for _ in 0..JOINING_MAX {
            assert!(held.push(&small));
        }
        assert!(!held.push(&small));
        assert_eq!(held.pushes().len(), JOINING_MAX);
    }
}
