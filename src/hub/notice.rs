//! What every page must know.

use super::channel::NOTICES;
use crate::backend::{Backend, StreamOptions};

/// Tells the pages of all nodes. A notice that cannot be sent is logged; what it is about stands without it.
pub async fn tell(backend: &Backend, notice: &serde_json::Value) {
    let Ok(notice) = serde_json::value::to_raw_value(notice) else { return };
    if let Err(error) = backend.publish(NOTICES, notice, None, StreamOptions::default()).await {
        tracing::debug!(error = %error, "notice not sent");
    }
}

/// Tells the pages that a metric was pushed which they have no panel for.
pub async fn tell_pushed(backend: &Backend) {
    tell(backend, &serde_json::json!({ "kind": "pushed" })).await;
}
