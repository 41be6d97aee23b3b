//! Dashboards that change on the disk change on the page.

use std::{collections::BTreeMap, time::Duration};

use notify_debouncer_mini::{new_debouncer, notify::RecursiveMode};
use tokio::sync::mpsc;

use crate::backend::Backend;
use crate::dashboards::{
    Dashboard, Dashboards,
    folder::{Folder, Reading, Wrong},
};
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
        let mut said = BTreeMap::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                change = changes.recv() => if change.is_none() { return },
            }
            match folder.read() {
                Ok(reading) => {
                    let reading = keep(reading, &dashboards.all(), &mut said);
                    for id in dashboards.replace(reading) {
                        tracing::info!(dashboard.id = id, "dashboard reloaded");
                        notice::tell(&backend, &serde_json::json!({ "kind": "dashboard", "id": id })).await;
                    }
                }
                Err(error) => tracing::warn!(error = %error, "dashboards left as they are"),
            }
        }
    });
}

/// The dashboards to show: where a file is wrong, the one that was shown before. Each fault is logged once.
fn keep(reading: Reading, shown: &[Dashboard], said: &mut BTreeMap<String, String>) -> Vec<Dashboard> {
    let Reading { mut dashboards, wrong } = reading;
    said.retain(|id, _| wrong.iter().any(|wrong| wrong.id == *id));
    for Wrong { id, error } in wrong {
        dashboards.extend(shown.iter().find(|old| old.id == id).cloned());
        let error = error.to_string().replace('\n', "; ");
        if said.get(&id) != Some(&error) {
            tracing::warn!(dashboard.id = id, error, "dashboard left as it is");
            said.insert(id, error);
        }
    }
    dashboards.sort_by(|a, b| (a.order, &a.title).cmp(&(b.order, &b.title)));
    dashboards
}

#[cfg(test)]
mod tests {
    use crate::dashboards::{self, folder::WrongFile};

    use super::*;

    fn dashboard(id: &str) -> Dashboard {
        let text = "title = 'T'\n[[panel]]\nid = 'a'\ntitle = 'A'\n[[panel.query]]\nexpr = 'up'\n";
        dashboards::parse("t.toml", id, text, "box").unwrap()
    }

    #[test]
    fn a_bad_edit_leaves_its_own_dashboard_and_lets_others_through() {
        let problems = dashboards::parse("t.toml", "bad", "titel = 1\n", "box").unwrap_err();
        let wrong = vec![Wrong { id: "bad".to_owned(), error: WrongFile::Problems(problems) }];
        let reading = Reading { dashboards: vec![dashboard("new")], wrong };
        let mut said = BTreeMap::new();
        let kept = keep(reading, &[dashboard("bad"), dashboard("gone")], &mut said);
        let ids: Vec<&str> = kept.iter().map(|dashboard| dashboard.id.as_str()).collect();
        assert_eq!(ids, ["new", "bad"]);
        assert!(said["bad"].contains("; "), "on one line: {said:?}");
    }
}
