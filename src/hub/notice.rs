//! What every page must know.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

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

/// The notices that hold for those who come later, the newest of each kind.
///
/// *Shape*: at most one for each kind that stands.
#[derive(Debug, Default)]
pub struct Standing(BTreeMap<&'static str, Box<RawValue>>);

/// Kinds that stand. Who comes later has the newest dashboards already, so that a change of one does not.
const STANDING: [&str; 2] = ["pushed", "storage"];
/// The state that ends a standing notice: all is as it should be.
const OK: &str = "ok";

/// The part of a notice that tells whether it stands.
#[derive(Debug, serde::Deserialize)]
struct Head {
    kind: String,
    state: Option<String>,
}

impl Standing {
    /// Notes a notice, of this node or another one.
    pub fn note(&mut self, notice: &RawValue) {
        let Ok(Head { kind, state }) = serde_json::from_str(notice.get()) else { return };
        let Some(kind) = STANDING.into_iter().find(|known| *known == kind) else { return };
        if state.as_deref() == Some(OK) {
            self.0.remove(kind);
        } else {
            self.0.insert(kind, notice.to_owned());
        }
    }

    /// All of them as a JSON array, by kind.
    pub fn all(&self) -> Box<RawValue> {
        let notices: Vec<&RawValue> = self.0.values().map(|notice| &**notice).collect();
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
        check(&["7", r#"{"kind":"of a newer node"}"#], "[]");
    }
}
