//! What people do together: a room for each dashboard, with its time line.
//!
//! An event is stored first and published after, with its offset. Its author's id makes a retry one event.

mod counters;
pub mod event;
mod talk;

use std::sync::Arc;

use serde_json::value::RawValue;

pub use self::{
    event::Event,
    talk::{Pin, PinError, Say, TEXT_CHARS_MAX, TextError},
};

use crate::backend::{Append, Backend, BackendError, Commit, HistoryFilter, Publishing, StreamOptions};
use crate::clock::Clock;
use crate::dashboards::{Dashboards, Pushed, pushed};
use crate::model::Person;
use crate::telemetry::Registry;
use counters::Counters;

/// The prefix of rooms' channels; the rest is the dashboard's id.
pub const ROOM: &str = "@room:";
/// The prefix of the channels that tell who types.
pub const TYPING: &str = "@typing:";

/// What rooms are made from.
#[derive(Debug)]
pub struct Parts {
    /// Where events are kept.
    pub backend: Backend,
    /// Each has a room.
    pub dashboards: Dashboards,
    /// Those that pushed metrics make have panels, too.
    pub pushed: Pushed,
    /// The time of day.
    pub clock: Clock,
}

/// The rooms. A clone is the same ones.
#[derive(Debug, Clone)]
pub struct Rooms(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    counters: Counters,
}

/// Where a comment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Said {
    /// Its offset in the room.
    pub offset: u64,
    /// When it was taken, ms since the epoch.
    pub at: i64,
}

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// There is no such dashboard.
    #[error("there is no room `{0}`; it may have been removed, reload the page")]
    NoRoom(String),
    /// The text cannot be taken.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The pin cannot be taken.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// It was not stored.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Who types, as all in the room see it.
#[derive(Debug, serde::Serialize)]
struct Typing<'a> {
    by: &'a Person,
    client: &'a str,
    at: i64,
}

/// The time of an event that is stored.
#[derive(Debug, serde::Deserialize)]
struct Stored {
    at: i64,
}

impl Rooms {
    /// Puts them together.
    pub fn new(parts: Parts, registry: &Registry) -> Self {
        Self(Arc::new(Inner { parts, counters: Counters::new(registry) }))
    }

    /// Stores a comment and publishes it. Saying it again with the same id is the same comment.
    ///
    /// # Errors
    ///
    /// [`RoomError`] when it is not stored, as far as is known; it is safe to say it again.
    pub async fn say(&self, by: &Person, say: Say) -> Result<Said, RoomError> {
        let result = self.comment(by, say).await;
        match &result {
            Ok(_) => self.0.counters.said.increment(),
            Err(RoomError::Backend(_)) => self.0.counters.failed.increment(),
            Err(_) => self.0.counters.refused.increment(),
        }
        result
    }

    async fn comment(&self, by: &Person, say: Say) -> Result<Said, RoomError> {
        let Parts { backend, clock, .. } = &self.0.parts;
        let now_ms = clock.now_ms();
        let room = say.room.clone();
        self.check_room(&room)?;
        let comment = say.comment(by, now_ms)?;
        if let Some(pin) = &comment.pin {
            pin.check(now_ms, |panel| self.has_panel(&room, panel))?;
        }
        // Another person's id, equal by chance, must not swallow this one.
        let key = format!("say:{}:{}", by.id(), comment.id);
        let append = Self::append(&room, &Event::Comment(comment), &key);
        let commit = Commit { appends: vec![append], records: Vec::new() };
        let appended = backend.commit(commit).await?.pop().ok_or(BackendError::Stopped)?;
        let offset = appended.position.offset;
        let at = if appended.is_new { now_ms } else { self.time_of(&room, offset).await.unwrap_or(now_ms) };
        Ok(Said { offset, at })
    }

    /// When an event was taken.
    async fn time_of(&self, room: &str, offset: u64) -> Option<i64> {
        let filter = HistoryFilter { since: Some(offset - 1), limit: Some(1), reverse: false };
        let channel = channel(room);
        let page = self.0.parts.backend.history(&channel, &filter, StreamOptions::Journal).await.ok()?;
        let data = page.publications.into_iter().next()?.data;
        serde_json::from_slice::<Stored>(&data).ok().map(|stored| stored.at)
    }

    /// Tells all in a room that someone types; `client` is the connection.
    ///
    /// # Errors
    ///
    /// [`RoomError`]; nobody needs to try again.
    pub async fn typing(&self, by: &Person, client: &str, room: &str) -> Result<(), RoomError> {
        self.check_room(room)?;
        let Parts { backend, clock, .. } = &self.0.parts;
        let typing = Typing { by, client, at: clock.now_ms() };
        let data = raw(&typing);
        let channel = format!("{TYPING}{room}");
        backend.publish(&channel, Publishing::json(data), StreamOptions::None).await?;
        Ok(())
    }

    /// An event for the time line of a room, to be committed with what else becomes true by it. `key` is unique for the
    /// event: committed twice, it is there once.
    pub fn append(room: &str, event: &Event, key: &str) -> Append {
        Append { channel: channel(room), data: event.json(), info: None, key: Some(key.to_owned()) }
    }

    /// The ids of all rooms.
    pub fn all(&self) -> Vec<String> {
        let dashboards = self.0.parts.dashboards.all();
        let ids = dashboards.iter().map(|dashboard| dashboard.id.clone());
        ids.chain([pushed::ID.to_owned()]).collect()
    }

    fn check_room(&self, room: &str) -> Result<(), RoomError> {
        // Whatever is shown again is cut: it may be anything.
        let shown = || room.chars().filter(|c| !c.is_control()).take(80).collect();
        if self.0.parts.dashboards.has(room) { Ok(()) } else { Err(RoomError::NoRoom(shown())) }
    }

    fn has_panel(&self, room: &str, panel: &str) -> bool {
        let Parts { dashboards, pushed, .. } = &self.0.parts;
        if room == pushed::ID {
            return pushed.dashboard().panels.iter().any(|one| one.id == panel);
        }
        let all = dashboards.all();
        let mut panels = all.iter().filter(|one| one.id == room).flat_map(|one| &one.panels);
        panels.any(|one| one.id == panel)
    }
}

/// The channel of a room.
pub fn channel(room: &str) -> String {
    format!("{ROOM}{room}")
}

/// A value as JSON, for events.
fn raw(value: &impl serde::Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("strings, numbers and raw values always serialize")
}
