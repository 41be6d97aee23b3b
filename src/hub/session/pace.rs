//! How fast one client may go.

use super::Session;
use crate::hub::{
    rate::{self, Bucket},
    refusal::Stop,
};
use crate::wire::centrifugo::{ErrorCode, Method};

/// What is left of a client's limits.
#[derive(Debug)]
pub(super) struct Pace {
    subscribes: Bucket,
    publishes: Bucket,
}

impl Pace {
    /// One that has not begun.
    pub(super) fn new() -> Self {
        Self { subscribes: Bucket::new(rate::SUBSCRIBE), publishes: Bucket::new(rate::PUBLISH) }
    }
}

impl Session {
    /// Counts a command against its limit.
    ///
    /// # Errors
    ///
    /// `too many requests`; the words say how long to wait.
    pub(super) fn within_pace(&mut self, method: &Method) -> Result<(), Stop> {
        let (bucket, command) = match method {
            Method::Subscribe(_) => (&mut self.pace.subscribes, "subscribe"),
            Method::Publish(_) => (&mut self.pace.publishes, "publish"),
            _ => return Ok(()),
        };
        let Err(wait) = bucket.take() else { return Ok(()) };
        self.hub.0.counters.too_fast(command);
        let words = format!("too many requests; wait {} ms and try again", wait.as_millis().max(1));
        Err((ErrorCode::TooManyRequests, words).into())
    }
}
