//! What waits for a connection whose socket would block. Pure.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes};

use super::connection::Sent;
use crate::wire::Frame;

/// Bytes of events that may wait: with the kernel's 170 KiB a stalled reader costs under 256 KiB.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of replies that may wait: the answer to the largest subscribe, 1,500 steps of 50 series, is 1.5 MiB.
///
/// A client gets replies only to what it asked, and its next commands wait while [`REPLY_BYTES_LOW`] are unread.
pub const REPLY_BYTES_MAX: usize = 8 << 20;
/// Bytes that may wait before the next command of the same client is carried out.
pub const REPLY_BYTES_LOW: usize = 128 * 1024;
/// Bytes of changes of state that may wait: 200 rules at some 2 KiB, which come together when their file was edited. A
/// reader that is closed for it is given the whole when it is back.
pub const STATE_BYTES_MAX: usize = 512 * 1024;
/// Bytes of live steps that may wait before the rate drops.
pub const SERIES_BYTES_MAX: usize = 16 * 1024;
/// How sparse a slowed connection's steps become, at worst.
const EVERY_MAX: u64 = 60;

/// How a message behaves when its reader is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Waits, and closes the connection when too much waits.
    Event,
    /// As an event, with more room.
    State,
    /// Waits: the client asked for it.
    Reply,
    /// Waits; when too much waits, only every n-th step is kept. Holds the step's number.
    Step(u64),
    /// Changes of steps that were sent, or of a query's table: waits as steps do, and is left out last. A reader that
    /// lost one must recover.
    Correction,
    /// Is dropped: the next one says more.
    Signal,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It waits.
    Queued,
    /// It was dropped, as its class says.
    Dropped,
    /// Only every n-th step is sent from now on; so many waiting steps were dropped.
    Slowed {
        /// Every how many steps one is sent.
        every: u64,
        /// Steps that were dropped.
        dropped: usize,
    },
    /// Too much waits: the connection must be closed with 3008.
    Overflow,
}

#[derive(Debug)]
struct Entry {
    bytes: Bytes,
    /// How many there are in it.
    messages: u16,
    delivery: Delivery,
    /// Partly written: it must stay, or the stream of frames breaks.
    begun: bool,
}

/// Messages that wait for one socket. An empty one owns no memory of its own.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Entry>,
    event_bytes: usize,
    state_bytes: usize,
    reply_bytes: usize,
    series_bytes: usize,
    /// Every how many steps one is sent; 0 and 1 stand for all.
    every: u64,
    /// Steps since the last one that had to wait, those that were left out among them.
    calm: u64,
    /// The newest step that counted as calm: it may come in several messages.
    calm_at: u64,
    /// Corrections were dropped.
    lost: bool,
    messages: u64,
    sent_bytes: u64,
}

/// Steps, sent or left out, within which none may have to wait before a slowed connection gets all of them again.
const CALM_STEPS: u64 = 10;

impl Outbox {
    /// Whether nothing waits, so that a message can be written at once.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait.
    pub const fn bytes(&self) -> usize {
        self.event_bytes + self.state_bytes + self.reply_bytes + self.series_bytes
    }

    /// Counts messages that were sent, or wait to be.
    pub const fn count_sent(&mut self, frame: &Frame) {
        self.messages += frame.messages() as u64;
        self.sent_bytes += frame.bytes().len() as u64;
    }

    /// What became of all messages.
    pub const fn sent(&self) -> Sent {
        let every = if 1 < self.every { Some(self.every) } else { None };
        Sent { waiting: self.bytes(), every, messages: self.messages, bytes: self.sent_bytes }
    }

    /// Whether this step is left out because the connection is slowed.
    pub const fn skips(&self, delivery: Delivery) -> bool {
        match delivery {
            Delivery::Step(step) => 1 < self.every && !step.is_multiple_of(self.every),
            Delivery::Correction | Delivery::Event | Delivery::State | Delivery::Reply | Delivery::Signal => {
                false
            }
        }
    }

    /// Whether the reader has read all that waited, and must recover what did not: charts of its own would be wrong from
    /// here on.
    pub fn must_recover(&self) -> bool {
        self.lost && self.queue.is_empty()
    }

    /// Counts a step that needed no waiting; tells when the rate is whole again.
    pub const fn passed(&mut self, delivery: Delivery) -> bool {
        let Delivery::Step(step) = delivery else { return false };
        if self.every <= 1 || step == self.calm_at {
            return false;
        }
        self.calm_at = step;
        self.calm += self.every;
        if self.calm < CALM_STEPS {
            return false;
        }
        self.every = 0;
        self.calm = 0;
        true
    }

    /// Queues a message that has to wait, of which `written` bytes are already on the socket. One event alone may be larger than
    /// `event_bytes_max`: its reader may be as fast as any.
    pub fn push(
        &mut self,
        frame: &Frame,
        written: usize,
        delivery: Delivery,
        event_bytes_max: usize,
    ) -> Verdict {
        self.calm = 0;
        self.queue(frame, written, delivery, event_bytes_max)
    }

    /// Queues a message for a task that takes it at once; tells whether the rate is whole again, too.
    pub fn hand(&mut self, frame: &Frame, delivery: Delivery, event_bytes_max: usize) -> (Verdict, bool) {
        let verdict = self.queue(frame, 0, delivery, event_bytes_max);
        (verdict, verdict == Verdict::Queued && self.passed(delivery))
    }

    fn queue(
        &mut self,
        frame: &Frame,
        written: usize,
        delivery: Delivery,
        event_bytes_max: usize,
    ) -> Verdict {
        let begun = 0 < written;
        if delivery == Delivery::Signal && !begun {
            return Verdict::Dropped;
        }
        self.count_sent(frame);
        let rest = frame.bytes().slice(written..);
        let length = rest.len();
        self.queue.push_back(Entry { bytes: rest, messages: frame.messages(), delivery, begun });
        match delivery {
            Delivery::Step(_) | Delivery::Correction => {
                self.series_bytes += length;
                if SERIES_BYTES_MAX < self.series_bytes { self.thin() } else { Verdict::Queued }
            }
            Delivery::Reply => {
                self.reply_bytes += length;
                if REPLY_BYTES_MAX < self.reply_bytes { Verdict::Overflow } else { Verdict::Queued }
            }
            Delivery::State => {
                self.state_bytes += length;
                if STATE_BYTES_MAX < self.state_bytes { Verdict::Overflow } else { Verdict::Queued }
            }
            Delivery::Event | Delivery::Signal => {
                let is_alone = self.event_bytes == 0;
                self.event_bytes += length;
                if event_bytes_max < self.event_bytes && !is_alone {
                    Verdict::Overflow
                } else {
                    Verdict::Queued
                }
            }
        }
    }

    /// Drops waiting steps until half of their room is free, and remembers the rate.
    fn thin(&mut self) -> Verdict {
        let messages =
            |outbox: &Self| outbox.queue.iter().map(|entry| usize::from(entry.messages)).sum::<usize>();
        let before = messages(self);
        while SERIES_BYTES_MAX / 2 < self.series_bytes && self.every < EVERY_MAX {
            self.every = match self.every {
                0 | 1 => 2,
                2 => 5,
                5 => 10,
                10 => 30,
                _ => EVERY_MAX,
            };
            self.keep_every(self.every);
        }
        if SERIES_BYTES_MAX / 2 < self.series_bytes {
            // Even the slowest rate is too much: the newest steps are worth most.
            self.keep_newest(|delivery| matches!(delivery, Delivery::Step(_)));
        }
        if SERIES_BYTES_MAX < self.series_bytes {
            self.keep_newest(|delivery| delivery == Delivery::Correction);
            self.lost = true;
        }
        Verdict::Slowed { every: self.every, dropped: before - messages(self) }
    }

    fn keep_every(&mut self, every: u64) {
        self.queue.retain(|entry| match entry.delivery {
            Delivery::Step(step) => entry.begun || step.is_multiple_of(every),
            Delivery::Correction | Delivery::Event | Delivery::State | Delivery::Reply | Delivery::Signal => {
                true
            }
        });
        self.count();
    }

    fn keep_newest(&mut self, of: impl Fn(Delivery) -> bool) {
        let mut surplus = self.series_bytes.saturating_sub(SERIES_BYTES_MAX / 2);
        self.queue.retain(|entry| {
            let drop = of(entry.delivery) && !entry.begun && 0 < surplus;
            if drop {
                surplus = surplus.saturating_sub(entry.bytes.len());
            }
            !drop
        });
        self.count();
    }

    fn count(&mut self) {
        self.series_bytes = self
            .queue
            .iter()
            .filter(|entry| matches!(entry.delivery, Delivery::Step(_) | Delivery::Correction))
            .map(|entry| entry.bytes.len())
            .sum();
    }

    /// The bytes at the head of the queue, for one vectored write; as many as fit in `slices`.
    pub fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut used = 0;
        for (slice, entry) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(&entry.bytes);
            used += 1;
        }
        used
    }

    /// Takes messages off the head, as many as are wanted, and at least one.
    pub fn take(&mut self, bytes_max: usize) -> Vec<Bytes> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        for entry in &self.queue {
            if 0 < bytes && bytes_max < bytes + entry.bytes.len() {
                break;
            }
            bytes += entry.bytes.len();
            taken.push(entry.bytes.clone());
        }
        self.advance(bytes);
        taken
    }

    /// Takes `written` bytes off the head.
    pub fn advance(&mut self, mut written: usize) {
        while let Some(head) = self.queue.front_mut() {
            let length = head.bytes.len();
            let taken = written.min(length);
            match head.delivery {
                Delivery::Step(_) | Delivery::Correction => self.series_bytes -= taken,
                Delivery::Reply => self.reply_bytes -= taken,
                Delivery::State => self.state_bytes -= taken,
                Delivery::Event | Delivery::Signal => self.event_bytes -= taken,
            }
            written -= taken;
            if taken < length {
                head.bytes.advance(taken);
                head.begun |= 0 < taken;
                return;
            }
            self.queue.pop_front();
        }
        // An idle connection gives its queue back.
        self.queue = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Dialect, Framing, centrifugo::Protocol};

    /// A frame of so many bytes.
    fn frame(length: usize) -> Frame {
        let stream = Dialect { protocol: Protocol::Json, framing: Framing::Stream };
        // A line's end is one.
        stream.frame(&[vec![b'x'; length - 1]])
    }

    #[test]
    fn events_wait_and_then_overflow() {
        let mut outbox = Outbox::default();
        for _ in 0..4 {
            assert_eq!(outbox.push(&frame(16 * 1024), 0, Delivery::Event, EVENT_BYTES_MAX), Verdict::Queued);
        }
        assert_eq!(outbox.push(&frame(1), 0, Delivery::Event, EVENT_BYTES_MAX), Verdict::Overflow);
    }

    #[test]
    fn state_has_more_room_and_then_overflows() {
        let mut outbox = Outbox::default();
        assert_eq!(
            outbox.push(&frame(STATE_BYTES_MAX), 0, Delivery::State, EVENT_BYTES_MAX),
            Verdict::Queued
        );
        outbox.advance(10);
        assert_eq!(outbox.bytes(), STATE_BYTES_MAX - 10);
        assert_eq!(outbox.push(&frame(11), 0, Delivery::State, EVENT_BYTES_MAX), Verdict::Overflow);
    }

    #[test]
    fn signals_are_dropped_unless_begun() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.push(&frame(10), 0, Delivery::Signal, EVENT_BYTES_MAX), Verdict::Dropped);
        assert_eq!(outbox.push(&frame(10), 4, Delivery::Signal, EVENT_BYTES_MAX), Verdict::Queued);
        assert_eq!(outbox.bytes(), 6);
    }

    #[test]
    fn steps_thin_out_and_the_rate_comes_back() {
        let mut outbox = Outbox::default();
        let mut slowed = None;
        for step in 1..=40 {
            let delivery = Delivery::Step(step);
            if outbox.skips(delivery) {
                continue;
            }
            if let Verdict::Slowed { every, .. } = outbox.push(&frame(1_000), 0, delivery, EVENT_BYTES_MAX) {
                slowed = Some(every);
            }
            assert!(outbox.bytes() <= SERIES_BYTES_MAX);
        }
        assert!(slowed.is_some_and(|every| 2 <= every), "{slowed:?}");
        outbox.advance(outbox.bytes());
        assert!(outbox.is_empty());
        let calm = (0..CALM_STEPS).map(|step| outbox.passed(Delivery::Step(step)));
        assert_eq!(calm.filter(|whole| *whole).count(), 1);
        assert!(!outbox.skips(Delivery::Step(41)));
    }

    #[test]
    fn corrections_outlive_steps_and_are_missed() {
        let mut outbox = Outbox::default();
        outbox.push(&frame(SERIES_BYTES_MAX / 2), 0, Delivery::Correction, EVENT_BYTES_MAX);
        for step in 1..=100 {
            outbox.push(&frame(1_000), 0, Delivery::Step(step), EVENT_BYTES_MAX);
        }
        assert!(SERIES_BYTES_MAX / 2 <= outbox.bytes(), "the correction waits still");
        assert!(!outbox.lost);
        for _ in 0..4 {
            outbox.push(&frame(SERIES_BYTES_MAX / 2), 0, Delivery::Correction, EVENT_BYTES_MAX);
        }
        assert!(outbox.bytes() <= SERIES_BYTES_MAX);
        assert!(!outbox.must_recover(), "not before it reads again");
        outbox.advance(outbox.bytes());
        assert!(outbox.must_recover());
    }

    #[test]
    fn a_begun_frame_is_never_dropped() {
        let mut outbox = Outbox::default();
        outbox.push(&frame(SERIES_BYTES_MAX), 1, Delivery::Step(3), EVENT_BYTES_MAX);
        outbox.push(&frame(SERIES_BYTES_MAX), 0, Delivery::Step(5), EVENT_BYTES_MAX);
        assert_eq!(outbox.bytes(), SERIES_BYTES_MAX - 1);
    }

    #[test]
    fn advance_crosses_entries() {
        let mut outbox = Outbox::default();
        outbox.push(&frame(10), 0, Delivery::Event, EVENT_BYTES_MAX);
        outbox.push(&frame(10), 0, Delivery::Step(1), EVENT_BYTES_MAX);
        outbox.advance(15);
        assert_eq!(outbox.bytes(), 5);
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(outbox.fill(&mut slices), 1);
        outbox.advance(5);
        assert!(outbox.is_empty());
    }
}
