//! Tells the pages how the disk does.

use std::time::Duration;

use serde_json::json;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::hub::notice;
use crate::store::StorageState;

/// How often a state that is not well is told again: a node that came later learns it, and one that died stops saying it.
const AGAIN: Duration = Duration::from_secs(notice::STANDS.as_secs() / 3);

/// Publishes each change of the disk's state, and again while all is not well.
///
/// # Errors
///
/// None; the type is the supervisor's.
pub(super) async fn storage(
    mut states: watch::Receiver<StorageState>,
    node: String,
    backend: Backend,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let is_well = matches!(*states.borrow(), StorageState::Ok);
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            changed = states.changed() => match changed {
                Ok(()) => log(&states.borrow_and_update()),
                Err(_) => {
                    // The store is closed; the process is about to end.
                    shutdown.cancelled().await;
                    return Ok(());
                }
            },
            () = sleep(AGAIN), if !is_well => {}
        }
        let state = states.borrow().clone();
        notice::tell(&backend, &told(&state, &node)).await;
    }
}

fn told(state: &StorageState, node: &str) -> serde_json::Value {
    match state {
        StorageState::Ok => json!({ "kind": "storage", "node": node, "state": "ok" }),
        StorageState::Slow { since } => {
            json!({ "kind": "storage", "node": node, "state": "slow", "since": since })
        }
        StorageState::Refusing { since, reason } => {
            json!({ "kind": "storage", "node": node, "state": "refusing", "since": since, "text": &**reason })
        }
    }
}

fn log(state: &StorageState) {
    match state {
        StorageState::Ok => tracing::info!("the disk writes again"),
        StorageState::Slow { .. } => tracing::warn!("the disk is slow"),
        StorageState::Refusing { reason, .. } => {
            tracing::error!(reason = &**reason, "the disk refuses writes");
        }
    }
}
