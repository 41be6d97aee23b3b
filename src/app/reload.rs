//! Dashboards that change on the disk change on the page.

use std::time::Duration;

use notify_debouncer_mini::{new_debouncer, notify::RecursiveMode};
use tokio::sync::mpsc;

use crate::backend::Backend;
use crate::dashboards::{Dashboards, folder::Folder};
use crate::hub::notice;
use crate::supervisor::Supervisor;

/// Changes within this time are one: editors write a file in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// Watches the folder of dashboards; a bad edit changes nothing and is logged with its line.
pub(super) fn watch(folder: Folder, dashboards: Dashboards, backend: Backend, supervisor: &Supervisor) {
    let shutdown = supervisor.token().clone();
    supervisor.track(async move {
        let (sender, mut changes) = mpsc::channel(1);
        let debouncer = new_debouncer(SETTLE, move |_| {
            // A change that is waiting already stands for this one, too.
            sender.try_send(()).unwrap_or_default();
        });
        let Ok(mut debouncer) = debouncer else { return };
        if let Err(error) = debouncer.watcher().watch(&folder.path, RecursiveMode::NonRecursive) {
            tracing::debug!(folder = %folder.path.display(), error = %error, "dashboards are not watched");
            return;
        }
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                change = changes.recv() => if change.is_none() { return },
            }
            match folder.read() {
                Ok(read) => {
                    for id in dashboards.replace(read) {
                        tracing::info!(dashboard.id = id, "dashboard reloaded");
                        notice::tell(&backend, &serde_json::json!({ "kind": "dashboard", "id": id })).await;
                    }
                }
                Err(error) => tracing::warn!(error = %error, "dashboards left as they are"),
            }
        }
    });
}
