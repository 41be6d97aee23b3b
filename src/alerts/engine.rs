//! The task that evaluates the rules: on arrival, at deadlines, and at least every second.

mod tell;

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use serde_json::{json, value::RawValue};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    Change, NOW_CHANNEL, RULES_NOW_CHANNEL,
    board::{Board, Changed},
    counters::Counters,
    dispatch::Outgoing,
    episodes::{Episodes, Span},
    evaluate::evaluate,
    places::Map,
    shape::{Ack, FileShape, Number, RuleShape},
    silence::{Compiled, Silence},
    watch::{RulesNow, Turned, Watch},
};
use crate::backend::{Record, RecordKind};
use crate::clock::Clock;
use crate::model::Batch;
use crate::rules::Rule;
use crate::store::Store;

/// Rules are evaluated for so long before what they gave is told: together, because a page draws once for each frame
/// that it gets; not longer, so that the first do not wait for the last.
const TOGETHER: Duration = Duration::from_millis(10);

/// Alerts of the whole; more are counted. At some 1.2 KB each, below what may wait of replies for one reader.
pub const WHOLE_ALERTS_MAX: usize = 5_000;

pub(super) use tell::Kept;

/// What is asked of one alert.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) rooms: Vec<String>,
    pub(super) is_active: bool,
    pub(super) ack: Option<Ack>,
}

/// What the engine is told and asked.
#[derive(Debug)]
pub(super) enum Command {
    Whole(oneshot::Sender<(u64, String)>),
    Rules(oneshot::Sender<RulesNow>),
    Alert(String, oneshot::Sender<Option<Facts>>),
    Silence(String, oneshot::Sender<Option<Silence>>),
    Held(Box<Compiled>, oneshot::Sender<Held>),
    Episodes(Span, oneshot::Sender<String>),
    Record(Record),
    /// What nodes share is about to be read: what is delivered meanwhile is newer.
    Reread,
    Records {
        silences: Vec<(String, Box<RawValue>)>,
        acks: Vec<(String, Box<RawValue>)>,
    },
    Event(Box<RawValue>),
    Reload(Box<Reload>),
}

/// What a silence would hold back.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Silences that are told of.
    pub(super) silences: usize,
    /// Their regular expressions.
    pub(super) regexes: usize,
    /// Those of them that are not over.
    pub(super) ahead: usize,
    /// The rooms of the alerts that it concerns.
    pub(super) rooms: Vec<String>,
}

/// What reading the file gave.
#[derive(Debug)]
pub(super) struct Reload {
    /// The rules, if the file is right.
    pub(super) rules: Option<Vec<Rule>>,
    /// The file, and what is wrong with it.
    pub(super) file: FileShape,
}

/// The engine.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) watch: Watch,
    pub(super) board: Board,
    pub(super) map: Map,
    pub(super) episodes: Episodes,
    pub(super) file: FileShape,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) batches: mpsc::Receiver<Arc<Batch>>,
    pub(super) changes: mpsc::Sender<Change>,
    pub(super) outgoing: mpsc::Sender<Outgoing>,
    pub(super) counters: Counters,
    pub(super) seq: u64,
    /// When the last second was.
    pub(super) second: i64,
    /// Records that were delivered since all were last read.
    pub(super) newer: HashSet<(RecordKind, String)>,
    /// What was last told of values, by channel.
    pub(super) values: BTreeMap<&'static str, String>,
}

impl Engine {
    /// Works until the end.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub(super) async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = self.clock.now_ms();
            let wake = u64::try_from(self.watch.wake(now).saturating_sub(now)).unwrap_or(0).max(1);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                command = self.commands.recv() => match command {
                    Some(command) => self.apply(command).await,
                    None => return Ok(()),
                },
                batch = self.batches.recv() => match batch {
                    Some(batch) => self.touch(&batch),
                    None => return Ok(()),
                },
                _ = second.tick() => self.second().await,
                () = sleep(Duration::from_millis(wake)) => {}
            }
            self.advance(&shutdown).await;
        }
    }

    /// Takes note of samples, and of all that came with them.
    fn touch(&mut self, batch: &Batch) {
        let now = self.clock.now_ms();
        self.watch.touch(batch, now);
        while let Ok(batch) = self.batches.try_recv() {
            self.watch.touch(&batch, now);
        }
    }

    /// Evaluates what is due, some rules at a time, and tells what that changed. Who asks is answered in between.
    async fn advance(&mut self, shutdown: &CancellationToken) {
        let mut due: VecDeque<usize> = self.watch.due(self.clock.now_ms()).into();
        while !due.is_empty() && !shutdown.is_cancelled() {
            self.evaluate(&mut due).await;
            while let Ok(command) = self.commands.try_recv() {
                let places_hold = !matches!(command, Command::Reload(_));
                self.apply(command).await;
                if !places_hold {
                    return;
                }
            }
        }
    }

    /// Evaluates the first of these rules, for as long as [`TOGETHER`] says, and takes them off.
    async fn evaluate(&mut self, due: &mut VecDeque<usize>) {
        let now = self.clock.now_ms();
        let plans = due.iter().filter_map(|at| Some((*at, self.watch.get(*at)?.of.rule.value.clone())));
        let plans: Vec<_> = plans.collect();
        let store = self.store.clone();
        let evaluated = tokio::task::spawn_blocking(move || {
            let all = Instant::now();
            let mut evaluated = Vec::new();
            for (at, plan) in plans {
                let began = Instant::now();
                let mut notes = Vec::new();
                let outcome = evaluate(&plan, now, &store, &mut notes);
                evaluated.push((at, outcome, notes, began.elapsed()));
                if TOGETHER < all.elapsed() {
                    break;
                }
            }
            evaluated
        });
        // A panic in an evaluation is a defect; the runtime logs it, and the next evaluation is a second later.
        let Ok(evaluated) = evaluated.await else {
            self.counters.failed.increment();
            due.clear();
            return;
        };
        due.drain(..evaluated.len().min(due.len()));
        // The first sample of a metric can be an alert: where it is shown must be known by then.
        if self.map.refresh() && self.watch.place(&self.map) {
            self.tell(&json!({ "rules": self.rules() })).await;
        }
        let (mut changed, mut states) = (Changed::default(), Vec::new());
        for (at, outcome, notes, took) in evaluated {
            self.counters.evaluated(outcome.is_err(), took);
            let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX / 100);
            let noted = self.watch.noted(at, notes);
            let observed = self.watch.observed(at, outcome, (now, took_ms));
            let Some((watched, transitions, turned)) = observed else { continue };
            if turned {
                watched.log();
            }
            if turned || noted {
                states.push(at);
            }
            let alerts = watched.machine.alerts();
            let step = self.board.observed(&watched.of, alerts, &transitions, now);
            self.send_out(&step, &transitions, now);
            changed.alerts.extend(step.alerts);
            changed.gone.extend(step.gone);
        }
        self.tell_changes(changed, &states, now).await;
    }

    async fn apply(&mut self, command: Command) {
        let now = self.clock.now_ms();
        // Who asked may be gone.
        match command {
            Command::Whole(answer) => drop(answer.send((self.seq, self.whole(now)))),
            Command::Rules(answer) => {
                drop(answer.send(RulesNow { rules: self.watch.rules_now(), file: self.file.clone() }));
            }
            Command::Alert(id, answer) => drop(answer.send(self.facts(&id))),
            Command::Silence(id, answer) => drop(answer.send(self.board.silence(&id).cloned())),
            Command::Held(silence, answer) => drop(answer.send(self.held(&silence, now))),
            Command::Episodes(span, answer) => drop(answer.send(self.episodes.json(&span))),
            Command::Reread => self.newer.clear(),
            Command::Record(record) => self.record(record, now).await,
            Command::Records { silences, acks } => self.records(silences, acks, now).await,
            Command::Event(event) => {
                if let Some((rule, at)) = self.episodes.note(event.get()) {
                    self.watch.was_changed(&rule, at);
                }
            }
            Command::Reload(reload) => self.reload(*reload, now).await,
        }
    }

    fn whole(&self, now: i64) -> String {
        let (alerts, more) = self.board.shapes(now, WHOLE_ALERTS_MAX);
        json!({
            "now": now,
            "rules": self.rules(),
            "alerts": alerts,
            "more": more,
            "silences": self.board.silences(),
            "file": self.file,
        })
        .to_string()
    }

    fn rules(&self) -> serde_json::Value {
        let shapes = self.watch.all().iter().map(|one| RuleShape::of(&one.of, &one.health));
        json!(shapes.collect::<Vec<_>>())
    }

    fn facts(&self, id: &str) -> Option<Facts> {
        let standing = self.board.get(id)?;
        Some(Facts {
            name: standing.of.rule.name.clone(),
            rooms: standing.of.places.rooms.clone(),
            is_active: standing.alert.is_active(),
            ack: self.board.ack(id).cloned(),
        })
    }

    fn held(&self, silence: &Compiled, now: i64) -> Held {
        // One that begins later tells the rooms of now, too.
        let at = silence.silence.start.max(now);
        let alerts = self.board.held_by(silence, at);
        let mut rooms: Vec<String> = alerts
            .iter()
            .filter_map(|id| self.board.get(id))
            .flat_map(|standing| standing.of.places.rooms.clone())
            .collect();
        rooms.sort_unstable();
        rooms.dedup();
        let ahead = self.board.silences_ahead(now);
        Held { silences: self.board.silences().len(), regexes: self.board.regexes(), ahead, rooms }
    }

    /// What all nodes share has changed.
    async fn record(&mut self, record: Record, now: i64) {
        self.newer.insert((record.kind, record.key.clone()));
        match record.kind {
            RecordKind::Ack => {
                let ack = record.value.and_then(|value| serde_json::from_str::<Ack>(value.get()).ok());
                if self.board.set_ack(&record.key, ack) {
                    self.tell_alerts(&[record.key], now).await;
                }
            }
            RecordKind::Silence => {
                let before = self.board.held(&record.key, now);
                self.board.set_silence(&record.key, record.value.and_then(|value| compiled(&value)));
                let mut alerts = self.board.held(&record.key, now);
                alerts.extend(before);
                alerts.sort_unstable();
                alerts.dedup();
                self.tell_silences(alerts, now).await;
            }
            RecordKind::Notified => {}
        }
    }

    /// All that nodes share, as it is now.
    async fn records(
        &mut self,
        silences: Vec<(String, Box<RawValue>)>,
        acks: Vec<(String, Box<RawValue>)>,
        now: i64,
    ) {
        let is_old = |kind, key: &String| !self.newer.contains(&(kind, key.clone()));
        let acks = acks.into_iter().filter(|(id, _)| is_old(RecordKind::Ack, id));
        let acks = acks.filter_map(|(id, ack)| Some((id, serde_json::from_str(ack.get()).ok()?)));
        let silences = silences.into_iter().filter(|(id, _)| is_old(RecordKind::Silence, id));
        let silences = silences.filter_map(|(id, one)| Some((id, compiled(&one)?)));
        let keep = |kind, id: &str| self.newer.contains(&(kind, id.to_owned()));
        self.board.replace(silences.collect(), acks.collect(), keep);
        self.newer.clear();
        let alerts = self.board.all().map(|(id, _)| id.clone()).collect();
        self.tell_silences(alerts, now).await;
    }

    async fn reload(&mut self, reload: Reload, now: i64) {
        let before = std::mem::replace(&mut self.file, reload.file);
        let Some(rules) = reload.rules else {
            (self.file.rules, self.file.records) = (self.watch.all().len(), before.records);
            self.tell(&json!({ "rules": self.rules(), "file": self.file })).await;
            return;
        };
        self.map.refresh();
        let turned = self.watch.reload(rules, &self.map, now);
        let mut changed = Changed::default();
        for one in turned {
            let step = self.take_over(&one, now);
            changed.alerts.extend(step.alerts);
            changed.gone.extend(step.gone);
        }
        let data = json!({ "rules": self.rules(), "file": self.file, "gone": changed.gone });
        self.tell(&data).await;
        // Where they are shown may be elsewhere now.
        let alerts: Vec<String> = self.board.all().map(|(id, _)| id.clone()).collect();
        self.tell_alerts(&alerts, now).await;
    }

    /// Puts a rule's alerts on the board and hands out what became of them.
    pub(super) fn take_over(&mut self, turned: &Turned, now: i64) -> Changed {
        let Turned { of, alerts, transitions } = turned;
        let mut step = self.board.observed(of, alerts.iter(), transitions, now);
        for tell in &mut step.tell {
            tell.shape.edited = matches!(tell.target, "resolved" | "cleared");
        }
        self.send_out(&step, transitions, now);
        step
    }

    /// What changes with time alone.
    async fn second(&mut self) {
        let now = self.clock.now_ms();
        let before = std::mem::replace(&mut self.second, now);
        let turned = self.board.passed(before, now);
        if !turned.is_empty() {
            self.tell_silences(turned, now).await;
        }
        self.counters.standing(self.board.all().map(|(_, standing)| standing.alert.state));
        let active = self.board.all().filter(|(_, one)| one.alert.is_active());
        let alerts: BTreeMap<&String, Number> =
            active.map(|(id, one)| (id, Number(one.alert.value))).collect();
        let alerts = json!(alerts);
        let rules = self.watch.all().iter();
        let rules: BTreeMap<&str, Number> =
            rules.filter_map(|one| Some((one.of.rule.id.as_str(), Number(one.health.value?)))).collect();
        let rules = json!(rules);
        self.tell_values(NOW_CHANNEL, "alerts", alerts, now).await;
        self.tell_values(RULES_NOW_CHANNEL, "rules", rules, now).await;
    }
}

fn compiled(value: &RawValue) -> Option<Compiled> {
    serde_json::from_str::<Silence>(value.get()).ok()?.kept().ok()
}
