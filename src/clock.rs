//! The time of day, injected, so that tests own it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::UNIX_EPOCH,
};

/// Tells the time of day.
///
/// A clone of a manual clock shows the same time as its original.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The machine's clock and so many ms more: that of a node whose time is wrong.
    Shifted(i64),
    /// A clock that stands until it is set.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now_ms` until it is set.
    pub fn manual(now_ms: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now_ms)))
    }

    /// Milliseconds since the Unix epoch, UTC.
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => system_ms(),
            Self::Shifted(by) => system_ms().saturating_add(*by),
            Self::Manual(now) => now.load(Ordering::Relaxed),
        }
    }

    /// Sets a manual clock; the machine's is left alone.
    pub fn set(&self, now_ms: i64) {
        if let Self::Manual(now) = self {
            now.store(now_ms, Ordering::Relaxed);
        }
    }
}

fn system_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
    let now = std::time::SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
