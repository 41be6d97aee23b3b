//! What people do with alerts: take care of them, and silence them.

use serde::{Deserialize, Serialize};

use super::{
    Alerts,
    engine::{Command, Facts},
    shape::{Ack, raw},
    silence::{OVER_MS, REASON_CHARS_MAX, SILENCE_REGEXES_MAX, SILENCES_MAX, Silence, SilenceError},
};
use crate::backend::{BackendError, Commit, Record, RecordKind};
use crate::model::Person;
use crate::rooms::{
    Rooms,
    event::{self, Event},
};

/// How long an acknowledgement is kept, ms, should nobody be there when its alert ends: longer than time lines.
const ACK_MS_MAX: i64 = 40 * 86_400_000;

/// Why a call about alerts was refused.
#[derive(Debug, thiserror::Error)]
pub enum AlertsError {
    /// There is no such alert.
    #[error("there is no alert `{0}` now; it may have ended")]
    NoAlert(String),
    /// It is over.
    #[error("this alert is resolved; there is nothing to take care of")]
    Over,
    /// There is no such silence.
    #[error("there is no silence `{0}`; it may be long over")]
    NoSilence(String),
    /// It was ended before.
    #[error("this silence is over already")]
    Ended,
    /// There is no such room.
    #[error("there is no room `{0}`")]
    NoRoom(String),
    /// What it says of silences.
    #[error(transparent)]
    Silence(#[from] SilenceError),
    /// The reason.
    #[error("the reason has {0} characters, at most {REASON_CHARS_MAX}")]
    Reason(usize),
    /// Past [`SILENCES_MAX`].
    #[error(
        "at most {SILENCES_MAX} silences stand at once, and as many again were ended in a day; end some, or wait"
    )]
    TooMany,
    /// Past [`SILENCE_REGEXES_MAX`].
    #[error(
        "all silences have at most {SILENCE_REGEXES_MAX} regular expressions; use = instead of =~ where you can"
    )]
    TooManyRegexes,
    /// It could not be stored.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The process stops.
    #[error("the server stops")]
    Stopped,
}

/// `ack` and `unack`
#[derive(Debug, Clone, Deserialize)]
pub struct AckCall {
    /// The alert's id.
    pub alert: String,
    /// What is said to it.
    #[serde(default)]
    pub reason: String,
    /// The room in which it is said, beside those of the alert.
    #[serde(default)]
    pub room: Option<String>,
}

/// `silence`
#[derive(Debug, Clone, Deserialize)]
pub struct SilenceCall {
    /// What its author calls it, so that a retry makes no second one; chosen here if absent.
    #[serde(default)]
    pub id: Option<String>,
    /// All of them must hold.
    pub matchers: Vec<super::silence::Condition>,
    /// From when, ms; from now on if absent.
    #[serde(default)]
    pub start: Option<i64>,
    /// Until when, ms.
    pub end: i64,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The room in which it was made, beside those of the alerts.
    #[serde(default)]
    pub room: Option<String>,
}

/// `end_silence`
#[derive(Debug, Clone, Deserialize)]
pub struct EndCall {
    /// The silence's id.
    pub id: String,
    /// The room in which it was ended.
    #[serde(default)]
    pub room: Option<String>,
}

impl Alerts {
    /// Says that a person takes care of an alert; all nodes know when this returns without error.
    ///
    /// # Errors
    ///
    /// [`AlertsError`]; nothing was stored.
    pub async fn ack(&self, by: Person, call: AckCall) -> Result<(), AlertsError> {
        let facts = self.active(&call).await?;
        let reason = reason(&call.reason)?;
        if facts.ack.as_ref().is_some_and(|ack| ack.by == by && ack.reason == reason) {
            // A retry.
            return Ok(());
        }
        let ack = Ack { by, at: self.clock.now_ms(), reason };
        let event = Event::Ack(said(ack.by.clone(), ack.at, &call.alert, &facts, &ack.reason));
        let expires = Some(ack.at + ACK_MS_MAX);
        let record = record(RecordKind::Ack, call.alert, Some(&ack), expires);
        self.store(&event, facts.rooms, record).await
    }

    /// Takes an acknowledgement back.
    ///
    /// # Errors
    ///
    /// [`AlertsError`]; nothing was stored.
    pub async fn unack(&self, by: Person, call: AckCall) -> Result<(), AlertsError> {
        let facts = self.active(&call).await?;
        let reason = reason(&call.reason)?;
        if facts.ack.is_none() {
            return Ok(());
        }
        let event = Event::Unack(said(by, self.clock.now_ms(), &call.alert, &facts, &reason));
        self.store(&event, facts.rooms, record(RecordKind::Ack, call.alert, None::<&Ack>, None)).await
    }

    /// Makes a silence.
    ///
    /// # Errors
    ///
    /// [`AlertsError`]; nothing was stored.
    pub async fn silence(&self, by: Person, call: SilenceCall) -> Result<Silence, AlertsError> {
        let now = self.clock.now_ms();
        self.room(call.room.as_ref())?;
        let silence = Silence {
            id: call.id.unwrap_or_else(fresh),
            matchers: call.matchers,
            start: call.start.unwrap_or(now),
            end: call.end,
            by,
            reason: call.reason.trim().to_owned(),
            ended: None,
        };
        let compiled = silence.clone().compiled(now)?;
        let id = silence.id.clone();
        if let Some(there) = self.ask(|answer| Command::Silence(id, answer)).await? {
            // A retry.
            return Ok(there);
        }
        let held = self.ask(|answer| Command::Held(Box::new(compiled), answer)).await?;
        if SILENCES_MAX <= held.ahead || 2 * SILENCES_MAX <= held.silences {
            return Err(AlertsError::TooMany);
        }
        if 0 < silence.regexes() && SILENCE_REGEXES_MAX < held.regexes + silence.regexes() {
            return Err(AlertsError::TooManyRegexes);
        }
        let by = silence.by.clone();
        let event = Event::Silence(event::Silence { id: fresh(), at: now, by, silence: raw(&silence) });
        let expires = Some(silence.end + OVER_MS);
        let record = record(RecordKind::Silence, silence.id.clone(), Some(&silence), expires);
        self.store(&event, with(held.rooms, call.room), record).await?;
        Ok(silence)
    }

    /// Ends a silence early.
    ///
    /// # Errors
    ///
    /// [`AlertsError`]; nothing was stored.
    pub async fn end_silence(&self, by: Person, call: EndCall) -> Result<Silence, AlertsError> {
        self.room(call.room.as_ref())?;
        let now = self.clock.now_ms();
        let id = call.id.clone();
        let found = self.ask(|answer| Command::Silence(id, answer)).await?;
        let mut silence = found.ok_or(AlertsError::NoSilence(call.id))?;
        if silence.ended.is_some() || silence.end <= now {
            return Err(AlertsError::Ended);
        }
        let compiled = silence.clone().kept()?;
        let held = self.ask(|answer| Command::Held(Box::new(compiled), answer)).await?;
        silence.ended = Some(now);
        let event = Event::SilenceEnd(event::Silence { id: fresh(), at: now, by, silence: raw(&silence) });
        let record = record(RecordKind::Silence, silence.id.clone(), Some(&silence), Some(now + OVER_MS));
        self.store(&event, with(held.rooms, call.room), record).await?;
        Ok(silence)
    }

    /// The facts of an alert that stands.
    async fn active(&self, call: &AckCall) -> Result<Facts, AlertsError> {
        self.room(call.room.as_ref())?;
        let id = call.alert.clone();
        let facts = self.ask(|answer| Command::Alert(id, answer)).await?;
        let mut facts = facts.ok_or_else(|| AlertsError::NoAlert(call.alert.clone()))?;
        if !facts.is_active {
            return Err(AlertsError::Over);
        }
        facts.rooms = with(facts.rooms, call.room.clone());
        Ok(facts)
    }

    fn room(&self, room: Option<&String>) -> Result<(), AlertsError> {
        match room {
            Some(room) if !self.dashboards.has(room) => Err(AlertsError::NoRoom(room.clone())),
            Some(_) | None => Ok(()),
        }
    }

    /// Stores an event in its rooms together with the record that it is about.
    async fn store(&self, event: &Event, rooms: Vec<String>, record: Record) -> Result<(), AlertsError> {
        let key = fresh();
        let appends = rooms.iter().map(|room| Rooms::append(room, event, &key)).collect();
        self.backend.commit(Commit { appends, records: vec![record] }).await?;
        Ok(())
    }
}

/// A record with this value, or one that takes away what is there.
fn record(kind: RecordKind, key: String, value: Option<&impl Serialize>, expires_ms: Option<i64>) -> Record {
    Record { kind, key, value: value.map(raw), expires_ms }
}

/// What the time line says of care for an alert.
fn said(by: Person, at: i64, alert: &str, facts: &Facts, reason: &str) -> event::Ack {
    let (alert, name, reason) = (alert.to_owned(), facts.name.clone(), reason.to_owned());
    event::Ack { id: fresh(), at, by, alert, name, reason }
}

fn with(mut rooms: Vec<String>, room: Option<String>) -> Vec<String> {
    rooms.extend(room);
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}

fn reason(text: &str) -> Result<String, AlertsError> {
    let text = text.trim();
    let characters = text.chars().count();
    if REASON_CHARS_MAX < characters {
        return Err(AlertsError::Reason(characters));
    }
    Ok(text.to_owned())
}

fn fresh() -> String {
    format!("{:016x}", fastrand::u64(..))
}
