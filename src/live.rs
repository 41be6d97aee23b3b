//! Live queries: samples in, one encoded frame per query and step out.
//!
//! One task, the [`Engine`], owns all standing queries. It appends what arrives, and evaluates a step once for
//! all viewers when it is complete. [`book`] holds the rules of that, pure.

pub mod block;
pub mod book;
mod engine;
mod error;
mod evaluate;
mod evaluations;
mod open;
mod records;
mod standings;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

pub use engine::{Engine, EngineParts, Made};
pub use error::{LiveError, Unread};
pub use evaluations::{EVALUATION_WAIT_MAX, EVALUATIONS_MAX, EVALUATIONS_MIN};
pub use open::{Open, Opened, Range, Since};
pub use records::RecordNow;

use crate::clock::Clock;
use crate::model::Batch;
use crate::query::Plan;
use crate::rules::Record;
use crate::store::{AppendReport, Store};
use crate::wire::Cast;

/// Steps that a query can have, ms: each divides the next range of the page into at most 1,500 points.
pub const STEPS_MS: [i64; 9] = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000];
/// Steps of one backfill or one `range` call.
pub const WINDOW_STEPS_MAX: i64 = 1_500;
/// Standing queries of one node: 40 dashboards of 50 queries.
pub const QUERIES_MAX: usize = 2_000;
/// Series that one query sends; a chart of more cannot be read.
pub const SERIES_DRAWN_MAX: usize = 50;
/// Missed steps that a reconnect recovers one by one.
pub const RECOVER_STEPS_MAX: u64 = 600;
/// Commands that wait for the engine.
const COMMANDS_MAX: usize = 1_024;

/// One message for the subscribers of a live query.
#[derive(Debug)]
pub struct Step {
    /// What they get.
    pub cast: Cast,
    /// The step's number; none for a correction.
    pub offset: Option<u64>,
}

/// What the names of live queries' channels begin with.
pub const CHANNELS: &str = "@live:";

/// Where samples come from, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This node: they are carried to the others.
    Here,
    /// Another node.
    Elsewhere,
}

/// What the engine is told.
#[derive(Debug)]
pub(crate) enum Command {
    Samples { batch: Arc<Batch>, origin: Origin, report: Option<oneshot::Sender<AppendReport>> },
    Begin { channel: Arc<str>, plan: Plan, step: i64, begun: oneshot::Sender<Result<open::Begun, LiveError>> },
    Finish { channel: Arc<str>, found: Vec<crate::model::Labels>, finished: oneshot::Sender<open::Finished> },
    Close { channel: Arc<str> },
    Record(Vec<Record>),
    Recorded(oneshot::Sender<Vec<RecordNow>>),
}

/// The way to the engine. A clone leads to the same one.
#[derive(Debug, Clone)]
pub struct Live {
    commands: mpsc::Sender<Command>,
    store: Store,
    clock: Clock,
    evaluations: evaluations::Evaluations,
}

impl Live {
    /// The name of the channel of an expression and a step: [`CHANNELS`] and the first 128 bits of SHA-256 over
    /// `<step in ms>\n<expression>`, in hexadecimal.
    pub fn channel(expr: &str, step: i64) -> String {
        use std::fmt::Write as _;
        let mut hash = Sha256::new();
        hash.update(step.to_string().as_bytes());
        hash.update(b"\n");
        hash.update(expr.as_bytes());
        let mut name = String::from(CHANNELS);
        for byte in &hash.finalize()[..16] {
            // Writing to a String cannot fail.
            write!(name, "{byte:02x}").unwrap_or_default();
        }
        name
    }

    /// The channel's name, when the expression can be evaluated and the step is one of [`STEPS_MS`].
    ///
    /// # Errors
    ///
    /// [`LiveError::Query`] and [`LiveError::Step`].
    pub fn checked_channel(expr: &str, step: i64) -> Result<String, LiveError> {
        check_step(step)?;
        Plan::parse(expr)?;
        Ok(Self::channel(expr, step))
    }

    /// Appends samples of this node and tells which were refused. Fan-out does not wait for the disk, nor the
    /// answer for the fan-out.
    ///
    /// # Errors
    ///
    /// [`LiveError::Stopped`].
    pub async fn submit(&self, batch: Arc<Batch>) -> Result<AppendReport, LiveError> {
        let (report, answer) = oneshot::channel();
        let command = Command::Samples { batch, origin: Origin::Here, report: Some(report) };
        self.commands.send(command).await.map_err(|_| LiveError::Stopped)?;
        answer.await.map_err(|_| LiveError::Stopped)
    }

    /// Appends samples that another node carried here.
    pub async fn carried(&self, batch: Arc<Batch>) {
        let command = Command::Samples { batch, origin: Origin::Elsewhere, report: None };
        // Nobody waits for samples of a stopped engine.
        drop(self.commands.send(command).await);
    }

    /// One subscriber less.
    pub async fn close(&self, channel: &Arc<str>) {
        // A stopped engine has no queries.
        drop(self.commands.send(Command::Close { channel: Arc::clone(channel) }).await);
    }

    /// Puts other recording rules in place, in an order in which each comes after those that it reads.
    pub async fn record(&self, rules: Vec<Record>) {
        // A stopped engine records nothing.
        drop(self.commands.send(Command::Record(rules)).await);
    }

    /// The recording rules as they stand, in the order in which they are evaluated.
    ///
    /// # Errors
    ///
    /// [`LiveError::Stopped`].
    pub async fn records(&self) -> Result<Vec<RecordNow>, LiveError> {
        let (sender, answer) = oneshot::channel();
        self.commands.send(Command::Recorded(sender)).await.map_err(|_| LiveError::Stopped)?;
        answer.await.map_err(|_| LiveError::Stopped)
    }

    /// The store that the queries read.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The time of day.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }
}

fn check_step(step: i64) -> Result<(), LiveError> {
    if STEPS_MS.contains(&step) { Ok(()) } else { Err(LiveError::Step(step)) }
}
