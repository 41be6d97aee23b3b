//! What passes with time: pings, and what ends by itself.

use std::sync::{MutexGuard, PoisonError, atomic::Ordering};

use super::{Connection, Control};
use crate::hub::outbox::Delivery;
use crate::wire::{Close, Frame, websocket::Opcode};

/// No ping may be sent yet.
pub(super) const UNPINGED: u8 = 0;
/// No ping is on its way.
const ANSWERED: u8 = 1;
/// The pong of a ping is expected.
const PINGED: u8 = 2;

/// When something of a connection is due, s since the epoch; 0 for never.
#[derive(Debug, Default)]
pub(super) struct Times {
    ends_at: i64,
    look_at: i64,
    /// What the ledger knows: the first of both.
    noted: i64,
}

impl Connection {
    /// When the connection is closed, s since the epoch.
    pub fn ends_at(&self, at_s: Option<i64>) {
        self.change_times(|times| times.ends_at = at_s.unwrap_or_default());
    }

    /// When a subscription is to be looked at, s since the epoch.
    pub fn look_at(&self, at_s: Option<i64>) {
        self.change_times(|times| times.look_at = at_s.unwrap_or_default());
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_times(&self, change: impl FnOnce(&mut Times)) {
        // Held until the ledger knows, so that of two tasks the later one has the last word there, too.
        let mut times = self.times();
        change(&mut times);
        let first = [times.ends_at, times.look_at].into_iter().filter(|at| *at != 0).min();
        let before = std::mem::replace(&mut times.noted, first.unwrap_or_default());
        self.ledger.note_due(self.number, before, times.noted);
    }

    /// Ends what has ended, and has the session look at what it must.
    pub fn due(&self, now_s: i64) {
        let is_due = |at: i64| at != 0 && at <= now_s;
        let (mut ends, mut looks) = (false, false);
        self.change_times(|times| {
            (ends, looks) = (is_due(times.ends_at), is_due(times.look_at));
            times.ends_at = if ends { 0 } else { times.ends_at };
            times.look_at = if looks { 0 } else { times.look_at };
        });
        if ends {
            self.close(&Close::Expired);
        } else if looks && !self.is_closing() {
            self.ask(Control::Look);
        }
    }

    /// Takes it off the ledger.
    pub(super) fn note_end(&mut self) {
        let times = self.times.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.ledger.note_due(self.number, times.noted, 0);
        let outbox = self.outbox.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.ledger.note_waiting(outbox.bytes(), 0);
    }

    /// Pings, unless an earlier ping was not answered yet.
    pub fn ping(&self, expects_pong: bool) {
        if self.ping.load(Ordering::Relaxed) != ANSWERED || self.is_closing() {
            return;
        }
        if expects_pong {
            self.ping.store(PINGED, Ordering::Relaxed);
        }
        let ping =
            if self.has_frame_pings() { Frame::control(Opcode::Ping, b"") } else { self.dialect.ping() };
        self.send(&ping, Delivery::Event);
    }

    /// Has it pinged by frames of the WebSocket, and not by messages.
    pub fn ping_by_frames(&self) {
        self.has_frame_pings.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    pub fn has_frame_pings(&self) -> bool {
        self.has_frame_pings.load(Ordering::Relaxed)
    }

    /// The time for a pong is over.
    pub fn expect_pong(&self) {
        if self.ping.load(Ordering::Relaxed) == PINGED {
            self.close(&Close::NoPong);
        }
    }

    /// `connect` was answered: pings may begin.
    pub fn connected(&self) {
        self.ping.store(ANSWERED, Ordering::Relaxed);
    }

    /// A pong came; tells whether one was expected.
    pub fn ponged(&self) -> bool {
        self.ping.compare_exchange(PINGED, ANSWERED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
