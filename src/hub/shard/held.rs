//! What is held back for a subscriber that is still joining, within bounds.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use rustc_hash::FxHashMap;

use super::Publish;
use crate::hub::connection::Connection;

/// Publications held for a subscriber while its history is read. In a map a key counts once.
const JOINING_MAX: usize = 1_024;
/// Bytes held for one connection, in all channels that it joins: its subscribers share publications, but each may keep others
/// alive.
const HELD_BYTES_MAX: usize = 1 << 20;
/// What a push takes beside what came from outside.
const PUSH_BYTES: usize = 256;

/// A push that is held back.
#[derive(Debug)]
struct One {
    publish: Publish,
    /// Whether the change of its key right before it was left out, so that it must not be told as a difference from that.
    is_whole: bool,
    bytes: usize,
}

/// Pushes in their order; of what changes in a map, the newest of each key. Their bytes count until they are dropped.
#[derive(Debug)]
pub(super) struct Held {
    connection: Arc<Connection>,
    pushes: BTreeMap<u64, One>,
    /// Where the newest change of a key of a map is.
    keys: FxHashMap<Box<str>, u64>,
    next: u64,
    bytes: usize,
    /// The newest epoch that was told with what the subscriber does not want.
    pub(super) epoch: Option<Arc<str>>,
}

impl Held {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            pushes: BTreeMap::new(),
            keys: FxHashMap::default(),
            next: 0,
            bytes: 0,
            epoch: None,
        }
    }

    /// Holds one more back; false if there is no room. In a map it takes the place of what the same key had before.
    pub(super) fn push(&mut self, publish: &Publish) -> bool {
        // Publications of streams have no keys.
        let key = publish.cast.as_publication().map_or("", |publication| &*publication.key);
        let is_whole = !key.is_empty() && self.drop_before(key, publish);
        let bytes = publish.cast.bytes() + key.len() + PUSH_BYTES;
        let all = &self.connection.held_bytes;
        if JOINING_MAX <= self.pushes.len() || HELD_BYTES_MAX < all.load(Ordering::Relaxed) + bytes {
            return false;
        }
        all.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if !key.is_empty() {
            self.keys.insert(key.into(), self.next);
        }
        self.pushes.insert(self.next, One { publish: publish.clone(), is_whole, bytes });
        self.next += 1;
        true
    }

    /// Drops what is held of a key; tells whether there was anything. What tells an epoch stays, unless `publish` does, too.
    fn drop_before(&mut self, key: &str, publish: &Publish) -> bool {
        let Some(at) = self.keys.remove(key) else { return false };
        let tells = |one: &One| one.publish.epoch.is_some() && publish.epoch.is_none();
        if self.pushes.get(&at).is_some_and(tells) {
            return false;
        }
        let Some(before) = self.pushes.remove(&at) else { return false };
        self.connection.held_bytes.fetch_sub(before.bytes, Ordering::Relaxed);
        self.bytes -= before.bytes;
        true
    }

    /// What is held back, each with whether it must be told whole.
    pub(super) fn pushes(&self) -> impl Iterator<Item = (&Publish, bool)> {
        self.pushes.values().map(|one| (&one.publish, one.is_whole))
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

    fn of_key(key: &str, bytes: usize) -> Publish {
        let publication =
            Publication { data: vec![b'1'; bytes].into(), key: key.to_owned(), ..Publication::default() };
        let cast = Cast::publication(Arc::from("a"), publication);
        Publish { cast, offset: None, delivery: Delivery::Event, to: To::All, epoch: None }
    }

    fn publish(bytes: usize) -> Publish {
        of_key("", bytes)
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
        assert_eq!(held.pushes().count(), JOINING_MAX);
    }

    #[test]
    fn of_a_key_the_newest_change_is_held() {
        let connection = connection();
        let mut held = Held::new(Arc::clone(&connection));
        for key in ["a", "b"] {
            assert!(held.push(&of_key(key, 1)));
        }
        for _ in 0..2 * JOINING_MAX {
            assert!(held.push(&of_key("a", HELD_BYTES_MAX / 2)));
        }
        let sizes = held.pushes().map(|(publish, is_whole)| {
            let publication = publish.cast.as_publication().unwrap();
            (publication.key.as_str(), publication.data.len(), is_whole)
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [("b", 1, false), ("a", HELD_BYTES_MAX / 2, true)]);
        for at in 2..JOINING_MAX {
            assert!(held.push(&of_key(&at.to_string(), 1)), "{at}");
        }
        assert!(!held.push(&of_key("one more", 1)), "keys have their number");
        drop(held);
        assert_eq!(connection.held_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_tells_an_epoch_stays_until_another_does() {
        let mut held = Held::new(connection());
        let telling = |bytes| Publish { epoch: Some("e".into()), ..of_key("a", bytes) };
        let sizes = |held: &Held| {
            held.pushes().map(|(publish, is_whole)| (publish.cast.bytes(), is_whole)).collect::<Vec<_>>()
        };
        assert!(held.push(&telling(1)));
        assert!(held.push(&of_key("a", 2)) && held.push(&of_key("a", 3)));
        assert_eq!(sizes(&held), [(2, false), (4, true)]);
        assert!(held.push(&telling(5)) && held.push(&telling(6)));
        assert_eq!(sizes(&held), [(2, false), (7, true)]);
    }
}
