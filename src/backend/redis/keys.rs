//! The names of keys. What one script touches shares a {hash tag}, so that a cluster would keep it in one slot; but for
//! commits, which touch several rooms and the records at once.

use crate::backend::RecordKind;

/// The stream of all nodes' samples.
pub(super) const SAMPLES: &str = "watchroom:{s}:samples";
/// Bytes that the stream of samples holds.
pub(super) const SAMPLES_META: &str = "watchroom:{s}:meta";
/// What epochs of live queries derive from.
pub(super) const GENERATION: &str = "watchroom:{m}:generation";
/// Nodes with entries in presence, alive or not yet cleaned up.
pub(super) const NODES: &str = "watchroom:{n}:nodes";

/// The topic of publications, joins and leaves. Pub/sub knows no databases, so the number is part of it.
pub(super) fn topic(database: i64) -> String {
    format!("watchroom:{{e}}:events:{database}")
}

/// A channel's publications.
pub(super) fn log(channel: &str) -> String {
    format!("watchroom:{{{channel}}}:log")
}

/// A channel's epoch, newest offset, and bytes kept.
pub(super) fn meta(channel: &str) -> String {
    format!("watchroom:{{{channel}}}:meta")
}

/// Who is in a channel.
pub(super) fn presence(channel: &str) -> String {
    format!("watchroom:{{{channel}}}:presence")
}

/// There while a node is alive.
pub(super) fn alive(member: &str) -> String {
    format!("watchroom:{{n}}:alive:{member}")
}

/// Channels in which a node has entries.
pub(super) fn channels(member: &str) -> String {
    format!("watchroom:{{n}}:channels:{member}")
}

/// When records are over.
pub(super) const RECORD_ENDS: &str = "watchroom:{r}:ends";

/// The records of a kind.
pub(super) fn records(kind: RecordKind) -> String {
    format!("watchroom:{{r}}:records:{}", kind.name())
}

/// Who tells of an alert now.
pub(super) fn claim(key: &str) -> String {
    format!("watchroom:{{r}}:claim:{key}")
}

/// The place of the event that an author's id stands for.
pub(super) fn author(channel: &str, key: &str) -> String {
    format!("watchroom:{{{channel}}}:key:{key}")
}
