//! What becomes true together.

use serde_json::value::RawValue;

use super::StreamPosition;
use crate::wire::centrifugo::{ClientInfo, Publication};

/// How long an author's id for an event is remembered, ms: who tries again after a longer outage has reloaded the page.
pub const KEY_MS_MAX: i64 = 24 * 3_600 * 1_000;

/// One event for the end of a stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// The stream's channel.
    pub channel: String,
    /// The event.
    pub data: Box<RawValue>,
    /// Who published it, if a client did.
    pub info: Option<ClientInfo>,
    /// The author's id for it. A second append with the same key in this channel within [`KEY_MS_MAX`] stores nothing,
    /// and has the offset of the first.
    pub key: Option<String>,
}

/// What a record is about. Nodes share all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A silence.
    Silence,
    /// That somebody takes care of an alert.
    Ack,
    /// How far an alert has been told: `{"state","turn","node"}`. One with a `turn` that is not above the stored one
    /// changes nothing.
    Notified,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Silence, Self::Ack, Self::Notified];

    /// Its name in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Ack => "ack",
            Self::Notified => "notified",
        }
    }

    /// The kind of a name; nothing for what a newer version wrote.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A value under a key, that nodes share.
#[derive(Debug, Clone)]
pub struct Record {
    /// What it is about.
    pub kind: RecordKind,
    /// Unique among its kind.
    pub key: String,
    /// Nothing removes it.
    pub value: Option<Box<RawValue>>,
    /// When it is forgotten, ms since the epoch; nothing for never.
    pub expires_ms: Option<i64>,
}

/// Appends and records: all become true, or none.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Events, in their order.
    pub appends: Vec<Append>,
    /// Records, in their order.
    pub records: Vec<Record>,
}

impl Commit {
    /// Roughly what it takes while it waits.
    pub fn bytes(&self) -> usize {
        let appends = self.appends.iter().map(|append| append.channel.len() + append.data.get().len());
        let value = |record: &Record| record.value.as_ref().map_or(0, |value| value.get().len());
        let records = self.records.iter().map(|record| record.key.len() + value(record));
        appends.chain(records).map(|bytes| bytes + ITEM_BYTES).sum()
    }
}

/// What an append or a record takes beside its text.
const ITEM_BYTES: usize = 128;

/// What came of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its place: that of the first with its key.
    pub position: StreamPosition,
    /// Whether it was stored now.
    pub is_new: bool,
}

/// What a commit changed.
#[derive(Debug, Default)]
pub struct Written {
    /// One for each append, in their order.
    pub appended: Vec<Appended>,
    /// The events that are new, with their channels and offsets.
    pub publications: Vec<(String, Publication)>,
    /// The records that were taken.
    pub records: Vec<Record>,
}

/// What a node keeps for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalKind {
    /// The state of an alert, with its timers.
    AlertState,
    /// A key of a persistent map.
    MapEntry,
}

impl LocalKind {
    /// Its name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlertState => "alert_state",
            Self::MapEntry => "map_entry",
        }
    }
}
