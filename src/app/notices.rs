//! Tells the pages how the disk does.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::hub::notice;
use crate::store::StorageState;

/// Publishes each change of the disk's state.
///
/// # Errors
///
/// None; the type is the supervisor's.
pub(super) async fn storage(
    mut states: watch::Receiver<StorageState>,
    backend: Backend,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            changed = states.changed() => if changed.is_err() {
                // The store is closed; the process is about to end.
                shutdown.cancelled().await;
                return Ok(());
            },
        }
        let state = states.borrow_and_update().clone();
        let notice = match &state {
            StorageState::Ok => serde_json::json!({ "kind": "storage", "state": "ok" }),
            StorageState::Slow { since } => {
                serde_json::json!({ "kind": "storage", "state": "slow", "since": since })
            }
            StorageState::Refusing { since, reason } => {
                serde_json::json!({ "kind": "storage", "state": "refusing", "since": since, "text": &**reason })
            }
        };
        match &state {
            StorageState::Ok => tracing::info!("the disk writes again"),
            StorageState::Slow { .. } => tracing::warn!("the disk is slow"),
            StorageState::Refusing { reason, .. } => {
                tracing::error!(reason = &**reason, "the disk refuses writes")
            }
        }
        notice::tell(&backend, &notice).await;
    }
}
