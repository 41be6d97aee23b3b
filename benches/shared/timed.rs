//! How long work takes.

use tokio::time::Instant;

/// How long the work took, in seconds.
pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}
