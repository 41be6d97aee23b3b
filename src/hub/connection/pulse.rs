//! What passes with time: pings, and what ends by itself.

use std::sync::atomic::Ordering;

use super::{Connection, Control};
use crate::hub::outbox::Delivery;
use crate::wire::Close;

/// No ping is on its way.
const ANSWERED: u32 = u32::MAX;
/// No ping may be sent yet.
pub(super) const UNPINGED: u32 = u32::MAX - 1;

/// What one second is to a connection.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// Which second, counted from the start.
    pub number: u64,
    /// The time, s since the epoch.
    pub now_s: i64,
    /// Seconds between two pings.
    pub ping_every: u64,
    /// Seconds that a pong may take; nothing where none is expected.
    pub pong_within: Option<u32>,
}

impl Connection {
    /// When the connection is closed, s since the epoch.
    pub fn ends_at(&self, at_s: Option<i64>) {
        self.ends_at.store(at_s.unwrap_or_default(), Ordering::Relaxed);
    }

    /// When a subscription is to be looked at, s since the epoch.
    pub fn look_at(&self, at_s: Option<i64>) {
        self.look_at.store(at_s.unwrap_or_default(), Ordering::Relaxed);
    }

    /// A second has passed: pings, and ends what has ended.
    pub fn tick(&self, tick: Tick) {
        if self.is_closing() {
            return;
        }
        let (ends_at, look_at) = (self.ends_at.load(Ordering::Relaxed), self.look_at.load(Ordering::Relaxed));
        if ends_at != 0 && ends_at <= tick.now_s {
            self.close(&Close::Expired);
            return;
        }
        if look_at != 0 && look_at <= tick.now_s {
            self.look_at(None);
            self.ask(Control::Look);
        }
        let is_due = self.number % tick.ping_every == tick.number % tick.ping_every;
        match self.ping.load(Ordering::Relaxed) {
            UNPINGED => {}
            ANSWERED if is_due => {
                if tick.pong_within.is_some() {
                    self.ping.store(0, Ordering::Relaxed);
                }
                self.send(&self.dialect.ping(), Delivery::Event);
            }
            ANSWERED => {}
            waited if tick.pong_within.is_some_and(|within| within <= waited + 1) => {
                self.close(&Close::NoPong);
            }
            waited => self.ping.store(waited + 1, Ordering::Relaxed),
        }
    }

    /// `connect` was answered: pings may begin.
    pub fn connected(&self) {
        self.ping.store(ANSWERED, Ordering::Relaxed);
    }

    /// A pong came; tells whether one was expected.
    pub fn ponged(&self) -> bool {
        self.ping.swap(ANSWERED, Ordering::Relaxed) < UNPINGED
    }
}
