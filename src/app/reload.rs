//! Dashboards that change on the disk change on the page.

use std::{collections::BTreeMap, path::Path, time::Duration};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher, recommended_watcher};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::dashboards::{
    Dashboard, Dashboards,
    folder::{Folder, Reading, Wrong},
};
use crate::hub::notice;
use crate::supervisor::Supervisor;

/// Changes within this time are one: editors write a file in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// Watches a folder: something comes from the receiver when one of its files may be another one now. It watches for as
/// long as the watcher lives.
pub(super) fn changes(folder: &Path) -> notify::Result<(RecommendedWatcher, mpsc::Receiver<()>)> {
    let (sender, changes) = mpsc::channel(1);
    let mut watcher = recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(&event)) {
            // A change that is waiting already stands for this one, too.
            sender.try_send(()).unwrap_or_default();
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok((watcher, changes))
}

/// Waits for the next change and for the rest of it; false at the end.
pub(super) async fn changed(changes: &mut mpsc::Receiver<()>, shutdown: &CancellationToken) -> bool {
    if shutdown.run_until_cancelled(changes.recv()).await.flatten().is_none() {
        return false;
    }
    while let Ok(Some(())) = timeout(SETTLE, changes.recv()).await {}
    true
}

/// Watches the folder of dashboards; a bad edit changes nothing and is logged with its line.
pub(super) fn watch(folder: Folder, dashboards: Dashboards, backend: Backend, supervisor: &Supervisor) {
    let shutdown = supervisor.token().clone();
    supervisor.track(async move {
        let (_watcher, mut changes) = match changes(&folder.path) {
            Ok(watched) => watched,
            Err(error) => {
                tracing::debug!(folder = %folder.path.display(), error = %error, "dashboards are not watched");
                return;
            }
        };
        let mut said = BTreeMap::new();
        while changed(&mut changes, &shutdown).await {
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

/// Whether a file may be another one now. That one was opened or read is no change: our own reading would call for the
/// next, for ever.
fn is_change(event: &Event) -> bool {
    !event.kind.is_access()
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

    #[tokio::test]
    async fn reading_a_file_is_no_change_and_writing_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "").unwrap();
        let (sender, mut events) = mpsc::channel(100);
        let mut watcher = recommended_watcher(move |event: notify::Result<Event>| {
            sender.blocking_send(event.unwrap()).unwrap_or_default();
        })
        .unwrap();
        watcher.watch(folder.path(), RecursiveMode::NonRecursive).unwrap();
        std::fs::read(&file).unwrap();
        let _listed = std::fs::read_dir(folder.path()).unwrap().count();
        // Events come in order, so those of the reading are before that of the new file.
        let last = folder.path().join("b.toml");
        std::fs::write(&last, "").unwrap();
        let mut read = Vec::new();
        loop {
            let event = timeout(Duration::from_secs(10), events.recv()).await.unwrap().unwrap();
            if event.paths.contains(&last) && is_change(&event) {
                break;
            }
            read.push(event);
        }
        assert!(!read.is_empty(), "the system tells of reading");
        assert!(read.iter().all(|event| !is_change(event)), "{read:?}");
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
