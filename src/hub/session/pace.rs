//! How fast one client may go.

use super::Session;
use crate::hub::{
    rate::{self, Bucket},
    refusal::Stop,
};
use crate::wire::centrifugo::{ErrorCode, Method};

/// What is left of a client's limits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    subscribes: Bucket,
    publishes: Bucket,
}

impl Session {
    /// Counts a command against its limit.
    ///
    /// # Errors
    ///
    /// `too many requests`; the words say how long to wait.
    pub(super) fn within_pace(&mut self, method: &Method) -> Result<(), Stop> {
        let (bucket, rate, command) = match method {
            Method::Subscribe(_) => (&mut self.pace.subscribes, rate::SUBSCRIBE, "subscribe"),
            Method::Publish(_) => (&mut self.pace.publishes, rate::PUBLISH, "publish"),
            _ => return Ok(()),
        };
        let Err(wait) = bucket.take(rate) else { return Ok(()) };
        self.hub.0.counters.too_fast(command);
        let words = format!("too many requests; wait {} ms and try again", wait.as_millis().max(1));
        Err((ErrorCode::TooManyRequests, words).into())
    }
}
