//! How fast one client may go.

use std::time::Duration;

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
    pages: Bucket,
    publishes: Bucket,
}

impl Session {
    /// Counts a command against its limit.
    ///
    /// # Errors
    ///
    /// `too many requests`; the words say how long to wait.
    pub(super) fn within_pace(&mut self, method: &Method) -> Result<(), Stop> {
        match method {
            // A map is subscribed to with its first page.
            Method::Subscribe(request) if self.reads_on(request) => {
                let taken = self.pace.pages.take(rate::PAGE);
                self.judge_pace(taken, "page")
            }
            Method::Subscribe(_) => self.subscribes(),
            Method::Publish(_) => {
                let taken = self.pace.publishes.take(rate::PUBLISH);
                self.judge_pace(taken, "publish")
            }
            _ => Ok(()),
        }
    }

    /// Counts a subscribe against its limit.
    ///
    /// # Errors
    ///
    /// As [`Session::within_pace`].
    pub(super) fn subscribes(&mut self) -> Result<(), Stop> {
        let taken = self.pace.subscribes.take(rate::SUBSCRIBE);
        self.judge_pace(taken, "subscribe")
    }

    fn judge_pace(&self, taken: Result<(), Duration>, command: &'static str) -> Result<(), Stop> {
        let Err(wait) = taken else { return Ok(()) };
        self.hub.0.counters.too_fast(command);
        let words = format!("too many requests; wait {} ms and try again", wait.as_millis().max(1));
        Err((ErrorCode::TooManyRequests, words).into())
    }
}
