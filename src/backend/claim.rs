//! Who tells of an alert: the log of what was told, claimed under a lease.
//!
//! Every node sees every transition; the one whose claim is granted tells of it, and marks it told by a [`Commit`] with
//! a record of [`RecordKind::Notified`] in the same step as its appends. One that dies between the two is followed by
//! another when its lease ends. Only the backend's own clock counts, never that of a node.
//!
//! [`Commit`]: crate::journal::Commit
//! [`RecordKind::Notified`]: crate::journal::RecordKind::Notified

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// For so long a node that says the opposite of what another has just told is asked to wait: clocks of nodes that
/// keep time differ by less, and then it sees the same.
pub const SETTLE: Duration = Duration::from_secs(5);

/// A transition that a node wants to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which alert.
    pub key: String,
    /// The state that it goes to: `pending`, `firing`, `resolved` or `cleared`.
    pub target: String,
    /// The node's name.
    pub node: String,
    /// How long the node may take to tell.
    pub lease: Duration,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The node may tell.
    Granted {
        /// The number of the transition of this key; grows with each that was told.
        turn: u64,
    },
    /// The log says so already, or more.
    Done,
    /// Another node has claimed it, and its lease runs.
    Held {
        /// When to ask again.
        retry: Duration,
    },
    /// Another node has just told the opposite.
    Settling {
        /// When to ask again.
        retry: Duration,
    },
}

/// The value of a record of what was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// The state that was told.
    pub state: String,
    /// The number of the transition.
    pub turn: u64,
    /// Who told it.
    pub node: String,
}

impl Notified {
    /// Reads a record's value; nothing if it is none of ours.
    pub fn read(value: &RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }

    /// A record's value.
    pub fn value(&self) -> Box<RawValue> {
        // Two strings and a number always serialize.
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// Whether one state can follow what was told last. What cannot is old news: it comes from a node that was behind, or
/// of an alert that was never told of.
pub(super) fn follows(from: Option<&str>, to: &str) -> bool {
    match to {
        "pending" => !matches!(from, Some("pending" | "firing")),
        "firing" => from != Some("firing"),
        "resolved" => from == Some("firing"),
        "cleared" => from == Some("pending"),
        _ => false,
    }
}

/// Whether one state follows another without going back: only this may come from another node at once.
pub(super) fn goes_on(from: &str, to: &str) -> bool {
    from == "pending" && to == "firing"
}
