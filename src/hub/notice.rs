//! What every page must know.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use tokio::time::{Duration, Instant};

use super::channel::NOTICES;
use crate::backend::{Backend, Publishing, StreamOptions};

/// Tells the pages of all nodes. A notice that cannot be sent is logged; what it is about stands without it.
pub async fn tell(backend: &Backend, notice: &serde_json::Value) {
    let Ok(notice) = serde_json::value::to_raw_value(notice) else { return };
    if let Err(error) = backend.publish(NOTICES, Publishing::json(notice), StreamOptions::default()).await {
        tracing::debug!(error = %error, "notice not sent");
    }
}

/// Tells the pages that a metric was pushed which they have no panel for.
pub async fn tell_pushed(backend: &Backend) {
    tell(backend, &serde_json::json!({ "kind": "pushed" })).await;
}

/// The notices that hold for those who come later, the newest of each kind and node.
#[derive(Debug, Default)]
pub struct Standing(BTreeMap<(&'static str, String), (Box<RawValue>, Instant)>);

/// Kinds that stand. Who comes later has the newest dashboards already, so that a change of one does not.
const STANDING: [&str; 2] = ["pushed", "storage"];
/// The state that ends a standing notice: all is as it should be.
const OK: &str = "ok";
/// How long a notice of a state stands after it was told; a node that is gone tells nothing any more.
pub const STANDS: Duration = Duration::from_secs(90);
/// Notices that stand: more nodes than anyone runs.
const STANDING_MAX: usize = 256;

/// The part of a notice that tells whether it stands.
#[derive(Debug, serde::Deserialize)]
struct Head {
    kind: String,
    #[serde(default)]
    node: String,
    state: Option<String>,
}

/// A state is told again while it lasts; that a metric was new is told once.
fn stands(kind: &str, told: Instant) -> bool {
    kind == "pushed" || told.elapsed() < STANDS
}

impl Standing {
    /// Notes a notice, of this node or another one.
    pub fn note(&mut self, notice: &RawValue) {
        let Ok(Head { kind, node, state }) = serde_json::from_str(notice.get()) else { return };
        let Some(kind) = STANDING.into_iter().find(|known| *known == kind) else { return };
        self.0.retain(|(kind, _), (_, told)| stands(kind, *told));
        if state.as_deref() == Some(OK) {
            self.0.remove(&(kind, node));
        } else if self.0.len() < STANDING_MAX {
            self.0.insert((kind, node), (notice.to_owned(), Instant::now()));
        }
    }

    /// All of them as a JSON array, by kind and node.
    pub fn all(&self) -> Box<RawValue> {
        let notices: Vec<&RawValue> = self
            .0
            .iter()
            .filter(|((kind, _), (_, told))| stands(kind, *told))
            .map(|(_, (notice, _))| &**notice)
            .collect();
        serde_json::value::to_raw_value(&notices).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(notices: &[&str], expected: &str) {
        let mut standing = Standing::default();
        for notice in notices {
            standing.note(serde_json::from_str(notice).unwrap());
        }
        assert_eq!(standing.all().get(), expected);
    }

    #[test]
    fn the_newest_of_each_kind_stands_until_it_is_over() {
        let full = r#"{"kind":"storage","state":"refusing","since":1,"text":"full"}"#;
        let pushed = r#"{"kind":"pushed"}"#;
        check(&[], "[]");
        check(&[r#"{"kind":"storage","state":"slow","since":0}"#, full], &format!("[{full}]"));
        check(&[full, pushed, r#"{"kind":"dashboard","id":"host"}"#], &format!("[{pushed},{full}]"));
        check(&[full, pushed, r#"{"kind":"storage","state":"ok"}"#], &format!("[{pushed}]"));
        // The disk of one node says nothing of another's.
        check(&[full, r#"{"kind":"storage","node":"b","state":"ok"}"#], &format!("[{full}]"));
        check(&["7", r#"{"kind":"of a newer node"}"#], "[]");
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_that_nobody_tells_any_more_is_forgotten() {
        let mut standing = Standing::default();
        standing
            .note(serde_json::from_str(r#"{"kind":"storage","node":"b","state":"slow","since":0}"#).unwrap());
        tokio::time::advance(STANDS).await;
        assert_eq!(standing.all().get(), "[]");
    }
}
