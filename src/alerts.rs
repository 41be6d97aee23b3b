//! Alerts: rules evaluated as samples arrive, what stands, who takes care of it, what is silenced, what was before.
//!
//! One task, the engine, owns rules and alerts. It tells the pages of this node at once, and hands what became of
//! each alert to the dispatcher, which brings it into the rooms' time lines, once for all nodes.

mod board;
mod calls;
mod counters;
mod dispatch;
mod engine;
mod episodes;
mod evaluate;
mod index;
mod places;
mod shape;
mod silence;
mod start;
mod watch;

pub use calls::{AckCall, AlertsError, EndCall, SilenceCall};
pub use engine::WHOLE_ALERTS_MAX;
pub use episodes::{EPISODES_ANSWER_MAX, Span};
pub use shape::{Ack, FileShape, ProblemShape};
pub use silence::{
    MATCHERS_MAX, REASON_CHARS_MAX, SILENCE_MS_MAX, SILENCE_REGEXES_MAX, SILENCES_MAX, Silence, SilenceError,
};
pub use start::AlertsParts;
pub use watch::{EVALUATE_MS, RESTART_GRACE_MS, RuleNow, RulesNow};

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::backend::{Backend, BackendError, Record, RecordKind};
use crate::clock::Clock;
use crate::dashboards::Dashboards;
use crate::rules::Rule;
use crate::wire::Cast;
use engine::{Command, Reload};

/// The channel of what stands: all of it on joining, then what changes.
pub const CHANNEL: &str = "@alerts";
/// The channel of alerts' values, each second.
pub const NOW_CHANNEL: &str = "@alerts-now";
/// The channel of rules' values, each second.
pub const RULES_NOW_CHANNEL: &str = "@rules-now";
/// The stream of all transitions.
pub const TRANSITIONS: &str = "@transitions";

/// Commands that wait for the engine.
const COMMANDS_MAX: usize = 1_024;

/// One message for the pages of this node.
#[derive(Debug)]
pub struct Change {
    /// What they get.
    pub cast: Cast,
    /// Its number, by which a page that has the whole already is not told it again; none for what only the newest
    /// counts of.
    pub seq: Option<u64>,
}

/// The way to the engine. A clone leads to the same one.
#[derive(Debug, Clone)]
pub struct Alerts {
    commands: mpsc::Sender<Command>,
    backend: Backend,
    clock: Clock,
    dashboards: Dashboards,
}

impl Alerts {
    /// All that stands as JSON, and the number of the last change in it.
    ///
    /// # Errors
    ///
    /// [`AlertsError::Stopped`].
    pub async fn whole(&self) -> Result<(u64, String), AlertsError> {
        self.ask(Command::Whole).await
    }

    /// The rules as they stand, in the order of the file.
    ///
    /// # Errors
    ///
    /// [`AlertsError::Stopped`].
    pub async fn rules_now(&self) -> Result<RulesNow, AlertsError> {
        self.ask(Command::Rules).await
    }

    /// Episodes as JSON, newest first, at most [`EPISODES_ANSWER_MAX`].
    ///
    /// # Errors
    ///
    /// [`AlertsError::Stopped`].
    pub async fn episodes(&self, span: Span) -> Result<String, AlertsError> {
        self.ask(|answer| Command::Episodes(span, answer)).await
    }

    /// Takes note of what nodes share.
    pub async fn record(&self, record: Record) {
        self.send(Command::Record(record)).await;
    }

    /// Takes note of an event of the stream [`TRANSITIONS`].
    pub async fn event(&self, event: Box<RawValue>) {
        self.send(Command::Event(event)).await;
    }

    /// Reads again what nodes share, and what stood before; what changed meanwhile was not delivered.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; everything stays as it was.
    pub async fn resync(&self) -> Result<(), BackendError> {
        self.send(Command::Reread).await;
        let silences = self.backend.records(RecordKind::Silence).await?;
        let acks = self.backend.records(RecordKind::Ack).await?;
        self.send(Command::Records { silences, acks }).await;
        for event in start::transitions(&self.backend).await? {
            self.event(event).await;
        }
        Ok(())
    }

    /// Puts other rules in place, or only says what is wrong with the file.
    pub async fn reload(&self, rules: Option<Vec<Rule>>, file: FileShape) {
        self.send(Command::Reload(Box::new(Reload { rules, file }))).await;
    }

    async fn send(&self, command: Command) {
        // A stopped engine has no alerts.
        drop(self.commands.send(command).await);
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, AlertsError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| AlertsError::Stopped)?;
        answered.await.map_err(|_| AlertsError::Stopped)
    }
}
