//! Starting the engine with what this node remembers.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::{
    Alerts, COMMANDS_MAX, Change, TRANSITIONS,
    board::Board,
    counters::Counters,
    dispatch::Dispatcher,
    engine::{Engine, Kept},
    episodes::{EPISODES_MAX, Episodes},
    places::Map,
    shape::{self, FileShape},
    watch::{Turned, Watch, Watched},
};
use crate::backend::{Backend, BackendError, HistoryFilter, StreamOptions};
use crate::clock::Clock;
use crate::dashboards::{Dashboards, Pushed};
use crate::journal::{Journal, LocalKind};
use crate::model::Batch;
use crate::rules::{self, Alert, Change as Became, FILE, Rule, State, Transition};
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::raw;

/// Changes that wait for the hub.
const CHANGES_MAX: usize = 1_024;

/// What the engine is made from.
#[derive(Debug)]
pub struct AlertsParts {
    /// This node's name.
    pub node: String,
    /// Where samples are read.
    pub store: Store,
    /// What nodes share.
    pub backend: Backend,
    /// Where this node remembers its alerts.
    pub journal: Journal,
    /// The time of day.
    pub clock: Clock,
    /// Where alerts are shown.
    pub dashboards: Dashboards,
    /// Where alerts on pushed metrics are shown.
    pub pushed: Pushed,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Their file.
    pub file: FileShape,
    /// When the last run was last seen, ms.
    pub last_seen: Option<i64>,
}

impl Alerts {
    /// Starts the tasks; returns the changes that the hub is to fan out. `batches` are the samples that the store has.
    ///
    /// # Errors
    ///
    /// When what was stored cannot be read.
    pub async fn start(
        parts: AlertsParts,
        batches: mpsc::Receiver<Arc<Batch>>,
        supervisor: &Supervisor,
        registry: &Registry,
    ) -> anyhow::Result<(Self, mpsc::Receiver<Change>)> {
        let now = parts.clock.now_ms();
        let remembered = remembered(&parts, now).await?;
        let mut map = Map::new(parts.dashboards.clone(), parts.pushed.clone());
        map.refresh();
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let (changes, told) = mpsc::channel(CHANGES_MAX);
        let (dispatcher, outgoing) =
            Dispatcher::new(parts.backend.clone(), parts.journal.clone(), parts.node.clone(), registry);
        let names: Vec<String> = parts.rules.iter().map(|rule| rule.name.clone()).collect();
        let rooms = remembered.values().flatten().map(|(alert, rooms)| (shape::id(alert), rooms.clone()));
        let rooms: Vec<(String, Vec<String>)> = rooms.collect();
        let alerts = |all: Vec<Remembered>| all.into_iter().map(|(alert, _)| alert).collect::<Vec<_>>();
        let remembered = remembered.into_iter().map(|(name, all)| (name, alerts(all)));
        let (known, orphans): (BTreeMap<_, _>, BTreeMap<_, _>) =
            remembered.partition(|(name, _)| names.contains(name));
        let mut engine = Engine {
            watch: Watch::new(parts.rules, known, &map, now),
            board: Board::default(),
            map,
            episodes: Episodes::default(),
            file: parts.file,
            store: parts.store,
            clock: parts.clock.clone(),
            commands: received,
            batches,
            changes,
            outgoing,
            counters: Counters::new(registry),
            seq: 0,
            second: now,
            newer: HashSet::new(),
            values: BTreeMap::new(),
        };
        engine.restore(now);
        let orphans: Vec<_> =
            orphans.iter().filter_map(|(name, alerts)| engine.adopt(name, alerts, now)).collect();
        for (id, rooms) in rooms {
            engine.board.told(&id, rooms);
        }
        for orphan in orphans {
            engine.take_over(&orphan, now);
        }
        let token = supervisor.token();
        supervisor.spawn("alerts", engine.run(token.clone()));
        supervisor.spawn("alert events", dispatcher.run(token.clone()));
        let alerts =
            Self { commands, backend: parts.backend, clock: parts.clock, dashboards: parts.dashboards };
        alerts.resync().await?;
        Ok((alerts, told))
    }
}

impl Engine {
    /// Puts what is remembered on the board, so that pages see it before the first evaluation.
    fn restore(&mut self, now: i64) {
        let kept = |one: &Watched| Turned {
            of: one.of.clone(),
            alerts: one.machine.alerts().cloned().collect(),
            transitions: Vec::new(),
        };
        let all: Vec<Turned> = self.watch.all().iter().map(kept).collect();
        for one in all {
            self.take_over(&one, now);
        }
    }

    /// Puts alerts on the board whose rule was taken away while the process was not there; gives how they end.
    fn adopt(&mut self, name: &str, alerts: &[Alert], now: i64) -> Option<Turned> {
        let of = self.map.subject(ghost(name)?);
        let ended = |alert: &Alert| {
            let change = if alert.state == State::Firing { Became::Resolved } else { Became::Cleared };
            let alert = Alert { state: State::Resolved, resolved: Some(now), ..alert.clone() };
            Transition { change, alert }
        };
        let standing = alerts.iter().filter(|alert| alert.is_active());
        let transitions: Vec<Transition> = standing.map(ended).collect();
        self.board.observed(&of, alerts.iter(), &[], now);
        Some(Turned { of, alerts: Vec::new(), transitions })
    }
}

/// A rule that is not there any more, as far as its alerts need it to be told of.
fn ghost(name: &str) -> Option<Rule> {
    // A text of JSON is one of TOML, too.
    let text = format!("[[rule]]\nname = {}\nexpr = 'vector(0)'\n", serde_json::to_string(name).ok()?);
    rules::parse(FILE, &text, None).ok()?.rules.pop()
}

/// What a node remembers of an alert, and the rooms that were told of it.
type Remembered = (Alert, Vec<String>);

/// What this node remembers of its alerts, by their rules' names.
///
/// Time in which nobody looked does not count: a pending alert stands for as long as it was seen to.
async fn remembered(parts: &AlertsParts, now: i64) -> anyhow::Result<BTreeMap<String, Vec<Remembered>>> {
    let journal = parts.journal.clone();
    let kept = tokio::task::spawn_blocking(move || journal.kept(LocalKind::AlertState)).await??;
    let away = parts.last_seen.map_or(0, |seen| (now - seen).max(0));
    let mut remembered: BTreeMap<String, Vec<Remembered>> = BTreeMap::new();
    for (id, kept) in kept {
        let kept = serde_json::from_str::<Kept>(kept.get()).ok();
        let Some((mut alert, rooms)) =
            kept.and_then(|kept| Some((Alert::read(kept.alert.get())?, kept.rooms)))
        else {
            tracing::warn!(alert.id = id, "alert state not understood");
            continue;
        };
        if alert.state == State::Pending {
            alert.since = alert.since.saturating_add(away).min(now);
        }
        let name = alert.labels.get("alertname").unwrap_or_default().to_owned();
        remembered.entry(name).or_default().push((alert, rooms));
    }
    Ok(remembered)
}

/// The newest of the stream of transitions, oldest first.
pub(super) async fn transitions(backend: &Backend) -> Result<Vec<Box<RawValue>>, BackendError> {
    let filter = HistoryFilter { limit: Some(2 * EPISODES_MAX), reverse: true, ..HistoryFilter::default() };
    let page = backend.history(TRANSITIONS, &filter, StreamOptions::Journal).await?;
    Ok(page.publications.iter().rev().filter_map(|publication| raw::value(&publication.data).ok()).collect())
}
