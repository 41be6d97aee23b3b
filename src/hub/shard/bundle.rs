//! Pushes that go to a reader at the same time, as one message.
//!
//! The steps of one second of a dashboard are a few bytes each, and alike: together they are one frame to write and to
//! take apart, and compress to a fraction. Viewers of one dashboard get the same ones, so that what stands together is
//! put together once for all of them.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Publish;
use crate::hub::{
    connection::Connection,
    outbox::{Delivery, SERIES_BYTES_MAX},
};
use crate::wire::{Close, Dialect, Frame, View};

/// Bytes of pushes in one message, before they are compressed; a longer push stands alone. Three eighths of what may wait of
/// steps: one that is begun must stay, and a slow reader still gets some others.
const BUNDLE_BYTES_MAX: usize = SERIES_BYTES_MAX * 3 / 8;
/// What stands around a push in a message, at most.
const AROUND_BYTES: usize = 10;
/// Different sets of pushes whose messages are kept for the next readers.
const MADE_MAX: usize = 64;

/// Which pushes of those at hand, and how they are read.
type Run = SmallVec<[(u16, View); 32]>;

/// The messages that were put together for one reader, for the next ones.
#[derive(Debug)]
pub(super) struct Bundles<'a> {
    pushes: &'a [Publish],
    made: FxHashMap<(Dialect, Run), SmallVec<[Frame; 1]>>,
}

impl<'a> Bundles<'a> {
    /// For readers of these pushes.
    pub(super) fn new(pushes: &'a [Publish]) -> Self {
        Self { pushes, made: FxHashMap::default() }
    }

    /// Sends one reader some of the pushes, by their places; closes it if there is one that it cannot be told.
    pub(super) fn send(&mut self, connection: &Connection, some: &[(u16, View)]) {
        let (pushes, dialect) = (self.pushes, connection.dialect);
        let delivery = |(at, _): &(u16, View)| pushes[usize::from(*at)].delivery;
        let mut frames: SmallVec<[(Frame, Delivery); 4]> = SmallVec::new();
        let mut is_told = true;
        for run in some.chunk_by(|a, b| delivery(a) == delivery(b) && is_bundled(delivery(a))) {
            let Some(first) = run.first() else { continue };
            match self.frames_of(dialect, run) {
                Some(own) => frames.extend(own.iter().map(|frame| (frame.clone(), delivery(first)))),
                None => {
                    is_told = false;
                    break;
                }
            }
        }
        let frames: SmallVec<[(&Frame, Delivery); 4]> =
            frames.iter().map(|(frame, delivery)| (frame, *delivery)).collect();
        // What stands before the one that it cannot be told, too.
        connection.send_all(&frames);
        if !is_told {
            connection.close(&Close::InappropriateProtocol);
        }
    }

    fn frames_of(&mut self, dialect: Dialect, run: &[(u16, View)]) -> Option<&[Frame]> {
        if let [(at, view)] = run {
            // The frame that others who get it alone share.
            return self.pushes[usize::from(*at)].cast.frame(dialect, *view).map(std::slice::from_ref);
        }
        if MADE_MAX <= self.made.len() {
            self.made.clear();
        }
        match self.made.entry((dialect, Run::from_slice(run))) {
            Entry::Occupied(made) => Some(made.into_mut()),
            Entry::Vacant(free) => Some(free.insert(bundle(self.pushes, dialect, run)?)),
        }
    }
}

/// Whether pushes of a class go together. What may be dropped by itself, or closes a reader when too much of it waits, is
/// counted one by one.
const fn is_bundled(delivery: Delivery) -> bool {
    matches!(delivery, Delivery::Step(_) | Delivery::Correction)
}

/// The frames of a run; nothing if one of its pushes has no form in this dialect.
fn bundle(pushes: &[Publish], dialect: Dialect, run: &[(u16, View)]) -> Option<SmallVec<[Frame; 1]>> {
    let (mut frames, mut rest) = (SmallVec::new(), run);
    while !rest.is_empty() {
        let (mut some, mut length) = (Vec::new(), 0);
        for (at, view) in rest {
            let message = pushes[usize::from(*at)].cast.message(dialect.protocol, *view)?;
            length += message.len() + AROUND_BYTES;
            if BUNDLE_BYTES_MAX < length && !some.is_empty() {
                break;
            }
            some.push(message);
        }
        let (own, others) = rest.split_at(some.len());
        frames.push(match own {
            [(at, view)] => pushes[usize::from(*at)].cast.frame(dialect, *view)?.clone(),
            _ => dialect.frame(&some),
        });
        rest = others;
    }
    Some(frames)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::hub::{connection::Opened, counters::Counters, ledger::Ledger, shard::To};
    use crate::telemetry::Registry;
    use crate::wire::{
        Cast, Framing,
        centrifugo::{Protocol, Publication},
    };

    fn connection(number: u64, protocol: Protocol) -> Connection {
        let opened = Opened { number, client: "c".to_owned(), since: 0 };
        let dialect = Dialect { protocol, framing: Framing::WebSocket };
        let ledger = Ledger::new(Arc::new(Counters::new(&Registry::default())));
        Connection::new(opened, (None, dialect), 1 << 20, Arc::new(ledger))
    }

    fn push(channel: &str, data: &str, delivery: Delivery) -> Publish {
        let publication =
            Publication { data: Bytes::copy_from_slice(data.as_bytes()), ..Publication::default() };
        let cast = Cast::publication(channel.into(), publication);
        Publish { cast, offset: None, delivery, to: To::All, epoch: None }
    }

    fn sent(bundles: &mut Bundles<'_>, connection: &Connection, some: &[u16]) -> Vec<Bytes> {
        let some: Vec<_> = some.iter().map(|at| (*at, View::default())).collect();
        bundles.send(connection, &some);
        connection.take()
    }

    #[test]
    fn steps_of_a_second_are_one_message_made_once() {
        let pushes = [
            push("a", "1", Delivery::Step(7)),
            push("b", "2", Delivery::Step(7)),
            push("c", "3", Delivery::Step(7)),
        ];
        let mut bundles = Bundles::new(&pushes);
        let first = sent(&mut bundles, &connection(1, Protocol::Json), &[0, 2]);
        let text = "{\"push\":{\"channel\":\"a\",\"pub\":{\"data\":1}}}\n{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":3}}}";
        assert_eq!(first.len(), 1);
        assert_eq!(first[0][2..], *text.as_bytes());
        let same = sent(&mut bundles, &connection(2, Protocol::Json), &[0, 2]);
        assert_eq!(same[0].as_ptr(), first[0].as_ptr(), "shared");
        let other = sent(&mut bundles, &connection(3, Protocol::Json), &[1, 2]);
        assert_ne!(other, first);
        let protobuf = sent(&mut bundles, &connection(4, Protocol::Protobuf), &[0, 2]);
        assert_eq!(protobuf.len(), 1);
        assert!(protobuf[0].len() < first[0].len());
        let alone = sent(&mut bundles, &connection(5, Protocol::Json), &[1]);
        assert_eq!(&alone[0], pushes[1].cast.frame(Dialect::default(), View::default()).unwrap().bytes());
    }

    #[test]
    fn classes_and_other_steps_stay_apart() {
        let pushes = [
            push("a", "1", Delivery::Step(7)),
            push("b", "2", Delivery::Step(8)),
            push("c", "3", Delivery::Event),
            push("c", "4", Delivery::Event),
            push("d", "5", Delivery::Correction),
            push("e", "6", Delivery::Correction),
        ];
        let sent = sent(&mut Bundles::new(&pushes), &connection(1, Protocol::Json), &[0, 1, 2, 3, 4, 5]);
        assert_eq!(sent.len(), 5);
        let lines = |bytes: &Bytes| bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(sent.iter().map(lines).collect::<Vec<_>>(), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_message_does_not_grow_past_its_limit() {
        let long = format!("\"{}\"", "x".repeat(BUNDLE_BYTES_MAX / 3));
        let pushes: Vec<_> = (0..5).map(|_| push("a", &long, Delivery::Step(1))).collect();
        let sent = sent(&mut Bundles::new(&pushes), &connection(1, Protocol::Json), &[0, 1, 2, 3, 4]);
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|bytes| bytes.len() <= BUNDLE_BYTES_MAX + 8));
    }

    #[test]
    fn a_long_push_stands_alone_and_is_shared() {
        let long = format!("\"{}\"", "x".repeat(BUNDLE_BYTES_MAX));
        let pushes = ["1", "2", &long, "3"].map(|data| push("a", data, Delivery::Step(1)));
        let sent = sent(&mut Bundles::new(&pushes), &connection(1, Protocol::Json), &[0, 1, 2, 3]);
        assert_eq!(sent.len(), 3);
        let alone = pushes[2].cast.frame(Dialect::default(), View::default()).unwrap();
        assert_eq!(sent[1].as_ptr(), alone.bytes().as_ptr());
    }
}
