//! Samples that come by themselves: this host's, our own.
//!
//! A [`Collector`] reads once when asked; the [`Runner`] alone decides when, on whole seconds of
//! the clock and off the runtime's threads.

pub mod errors;
#[cfg(target_os = "linux")]
pub mod host;
pub mod own;
pub mod portable;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod runner;
pub mod schedule;
pub mod series;
pub mod top;

use crate::model::BatchSample;

pub use errors::PartErrors;
#[cfg(target_os = "linux")]
pub use host::HostCollector;
pub use own::OwnCollector;
#[cfg(not(target_os = "linux"))]
pub use portable::PortableCollector as HostCollector;
pub use runner::{RunError, Runner};
pub use schedule::{Schedule, Turn};
pub use series::{Emit, SeriesBook};
pub use top::{TopProcesses, TopRow};

/// Milliseconds between two samples of the host and of our own metrics.
pub const INTERVAL_MS: i64 = 1_000;

/// Reads one source of samples when it is asked to.
///
/// It may block: the runner calls it off the runtime's threads. It schedules nothing itself.
pub trait Collector: Send {
    /// The source's name without the node, for example `host`.
    fn name(&self) -> &str;

    /// Milliseconds between its samples: a multiple of 1,000.
    fn interval_ms(&self) -> i64;

    /// Reads once and adds samples stamped `at_ms` to `out`, each series at most once.
    ///
    /// What cannot be read is left out, so that one missing file costs its own series only.
    ///
    /// # Errors
    ///
    /// When the source as a whole could not be read. What is in `out` by then is kept.
    fn collect(&mut self, at_ms: i64, out: &mut Vec<BatchSample>) -> Result<(), CollectError>;
}

/// A source could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("could not collect: {reason}")]
pub struct CollectError {
    /// Why, in words.
    pub reason: String,
}

/// The name of this machine, as series carry it in `instance`; `localhost` when it has none.
pub fn host_name() -> String {
    sysinfo::System::host_name()
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}
