//! Brings transitions into the time lines: each once, whatever the number of nodes that see it.
//!
//! For each alert its transitions go in order. One is claimed in the notification log, then stored together with the
//! mark that it was told; only after that this node remembers the alert's state, so that a process that dies in between
//! tells it again, and the log knows that it was told.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde_json::value::RawValue;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{TRANSITIONS, board::Tell, shape::raw};
use crate::backend::{Append, Backend, BackendError, Claim, Claimed, Commit, Notified, Record, RecordKind};
use crate::journal::{Journal, LocalKind};
use crate::rooms::{
    Rooms,
    event::{AlertChange, Event},
};
use crate::telemetry::{Counter, Gauge, Registry};

/// Transitions on their way to the dispatcher: three times all alerts that one rule can have.
pub(super) const OUTGOING_MAX: usize = 16_384;
/// Transitions that wait in all while the bus or the disk is away. The oldest go first.
pub(super) const WAITING_MAX: usize = 16_384;
/// How long a claim holds; a node that dies with one delays its alert by so much.
pub(super) const LEASE: Duration = Duration::from_secs(5);
/// The wait after a failure, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long an alert that is over keeps the number of its turns, ms: longer than time lines keep its events, so that no
/// two have one id.
const FORGET_MS: i64 = 40 * 86_400_000;
/// Transitions that are stored together: some 40 KB, which a reader's queue of 64 KiB can hold.
const TOGETHER_MAX: usize = 32;
/// The pause before more of them, so that a storm of alerts does not close readers that keep up: 4 MB a second at most.
const PAUSE: Duration = Duration::from_millis(10);
/// What may still be told after the end was called.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);

/// What is to be done for one alert.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The alert's id.
    pub(super) id: String,
    /// What the time lines say; nothing for an alert that is inhibited.
    pub(super) tell: Option<Tell>,
    /// What this node remembers of the alert; nothing when it is over.
    pub(super) remember: Option<Box<RawValue>>,
    /// When it happened, ms.
    pub(super) at: i64,
}

/// The task that tells.
#[derive(Debug)]
pub(super) struct Dispatcher {
    backend: Backend,
    journal: Journal,
    node: String,
    incoming: mpsc::Receiver<Outgoing>,
    queues: BTreeMap<String, VecDeque<Outgoing>>,
    /// Alerts that wait, and until when.
    wait: BTreeMap<String, Instant>,
    failures: u32,
    told: Counter,
    dropped: Counter,
    failed: Counter,
    waiting: Gauge,
}

impl Dispatcher {
    pub(super) fn new(
        backend: Backend,
        journal: Journal,
        node: String,
        registry: &Registry,
    ) -> (Self, mpsc::Sender<Outgoing>) {
        let (outgoing, incoming) = mpsc::channel(OUTGOING_MAX);
        let counter = |name, help| registry.counter(name, help);
        let dispatcher = Self {
            backend,
            journal,
            node,
            incoming,
            queues: BTreeMap::new(),
            wait: BTreeMap::new(),
            failures: 0,
            told: counter("watchroom_alert_events_total", "Alert transitions brought into the time lines."),
            dropped: counter(
                "watchroom_alert_events_dropped_total",
                "Alert transitions that no time line has: too many waited.",
            ),
            failed: counter(
                "watchroom_alert_events_failed_total",
                "Attempts to store alert transitions that failed; they are tried again.",
            ),
            waiting: registry
                .gauge("watchroom_alert_events_waiting", "Alert transitions that wait to be stored."),
        };
        (dispatcher, outgoing)
    }

    /// Works until the end, then tells what still waits, for at most [`LAST_WORDS_MAX`].
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub(super) async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut came = Vec::new();
        loop {
            let next = self.next();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                count = self.incoming.recv_many(&mut came, TOGETHER_MAX) => if count == 0 { break },
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            self.take(&mut came);
            self.work().await;
        }
        self.take_waiting();
        self.wait.clear();
        // What is not told now is told after the restart: the state is remembered only after it was told.
        drop(tokio::time::timeout(LAST_WORDS_MAX, self.work()).await);
        Ok(())
    }

    fn take(&mut self, came: &mut Vec<Outgoing>) {
        for one in came.drain(..) {
            self.queues.entry(one.id.clone()).or_default().push_back(one);
        }
        let mut waiting: usize = self.queues.values().map(VecDeque::len).sum();
        while WAITING_MAX < waiting {
            let oldest = self.queues.iter().min_by_key(|(_, queue)| queue.front().map(|one| one.at));
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { break };
            self.pop(&id);
            self.dropped.increment();
            waiting -= 1;
        }
    }

    /// Takes what came meanwhile.
    fn take_waiting(&mut self) {
        let mut came = Vec::new();
        while let Ok(one) = self.incoming.try_recv() {
            came.push(one);
        }
        self.take(&mut came);
    }

    /// When there is something to do without anything coming.
    fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        self.queues.keys().map(|id| self.wait.get(id).copied().unwrap_or(now)).min()
    }

    fn pop(&mut self, id: &str) -> Option<Outgoing> {
        self.wait.remove(id);
        let queue = self.queues.get_mut(id)?;
        let first = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(id);
        }
        first
    }

    /// The alerts that wait for nothing, what happened first first; some of them.
    fn ready(&self) -> Vec<String> {
        let now = Instant::now();
        let ready = self.queues.iter().filter(|(id, _)| self.wait.get(*id).is_none_or(|until| *until <= now));
        let mut ready: Vec<(i64, &String)> =
            ready.filter_map(|(id, queue)| Some((queue.front()?.at, id))).collect();
        ready.sort_unstable();
        ready.into_iter().take(TOGETHER_MAX).map(|(_, id)| id.clone()).collect()
    }

    /// Tells what can be told now: the first of each alert, and then the next.
    async fn work(&mut self) {
        let mut is_first = true;
        loop {
            let ready = self.ready();
            if ready.is_empty() {
                break;
            }
            if !is_first {
                sleep(PAUSE).await;
            }
            is_first = false;
            self.take_waiting();
            if let Err(error) = self.tell(&ready).await {
                self.failures += 1;
                self.failed.increment();
                let wait = RETRY.1.min(RETRY.0 * 2u32.saturating_pow(self.failures.min(8)));
                if self.failures == 1 {
                    tracing::warn!(error = %error, "alert events wait");
                }
                self.wait = self.queues.keys().map(|id| (id.clone(), Instant::now() + wait)).collect();
                break;
            }
            if 0 < self.failures {
                tracing::info!("alert events are stored again");
            }
            self.failures = 0;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most WAITING_MAX")]
        self.waiting.set(self.queues.values().map(VecDeque::len).sum::<usize>() as f64);
    }

    /// Claims, stores and remembers the first of each of these alerts.
    async fn tell(&mut self, ready: &[String]) -> Result<(), BackendError> {
        let (mut commit, mut done, mut granted) = (Commit::default(), Vec::new(), 0);
        for id in ready {
            let Some(first) = self.queues.get(id).and_then(VecDeque::front) else { continue };
            let Some(tell) = &first.tell else {
                done.push(id);
                continue;
            };
            let claim = Claim {
                key: id.clone(),
                target: tell.target.to_owned(),
                node: self.node.clone(),
                lease: LEASE,
            };
            match self.backend.claim(&claim).await? {
                Claimed::Granted { turn } => {
                    add(&mut commit, tell, turn, first.at, &self.node);
                    granted += 1;
                    done.push(id);
                }
                Claimed::Done => done.push(id),
                // Another node has told the opposite since, and here that is known, too: this one is old news.
                Claimed::Settling { .. } if self.queues.get(id).is_some_and(|queue| 1 < queue.len()) => {
                    done.push(id);
                }
                Claimed::Held { retry } | Claimed::Settling { retry } => {
                    self.wait.insert(id.clone(), Instant::now() + retry.max(RETRY.0));
                }
            }
        }
        if !commit.appends.is_empty() || !commit.records.is_empty() {
            self.backend.commit(commit).await?;
        }
        self.told.add(granted);
        let mut changes = Vec::new();
        for id in done {
            if let Some(first) = self.pop(id) {
                changes.push((first.id, first.remember));
            }
        }
        if !changes.is_empty()
            && let Err(error) = self.journal.keep(LocalKind::AlertState, changes).await
        {
            // The next transition of the alert writes it again; until then a restart would tell it anew, and the log
            // knows that it was told.
            tracing::warn!(error = %error, "alert state not remembered");
        }
        Ok(())
    }
}

/// What one transition stores: an event in each room, one in the stream of all, and that it was told.
fn add(commit: &mut Commit, tell: &Tell, turn: u64, at: i64, node: &str) {
    let key = format!("{}-{turn}", tell.id);
    let event = Event::Alert(AlertChange { id: key.clone(), at, alert: raw(&tell.shape) });
    commit.appends.extend(tell.rooms.iter().map(|room| Rooms::append(room, &event, &key)));
    let all = Append { channel: TRANSITIONS.to_owned(), data: event.json(), info: None, key: Some(key) };
    commit.appends.push(all);
    let mark = Notified { state: tell.target.to_owned(), turn, node: node.to_owned() };
    let is_over = matches!(tell.target, "resolved" | "cleared");
    commit.records.push(Record {
        kind: RecordKind::Notified,
        key: tell.id.clone(),
        value: Some(mark.value()),
        expires_ms: is_over.then_some(at + FORGET_MS),
    });
    if is_over {
        commit.records.push(Record {
            kind: RecordKind::Ack,
            key: tell.id.clone(),
            value: None,
            expires_ms: None,
        });
    }
}
