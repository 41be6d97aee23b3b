//! Staleness markers that the server itself sets.

use super::handle::Store;
use crate::model::{Labels, STALE_NAN, Sample};

impl Store {
    /// Ends a series at `t`, ms: from there on it has no value until its next sample. A series that has a newer
    /// sample already, or none at all, is left as it is.
    pub fn mark_stale(&self, labels: &Labels, t: i64) {
        // A marker is refused only where it would change nothing.
        self.head_mut().append(labels, Sample::new(t, STALE_NAN)).ok();
    }
}
