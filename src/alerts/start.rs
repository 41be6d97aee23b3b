//! Starting the engine with what this node remembers.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::mpsc;

use super::{
    Alerts, COMMANDS_MAX, Change, TRANSITIONS,
    board::Board,
    counters::Counters,
    dispatch::Dispatcher,
    engine::Engine,
    episodes::{EPISODES_MAX, Episodes},
    places::Map,
    shape::FileShape,
    watch::{Turned, Watch, Watched},
};
use crate::backend::{Backend, HistoryFilter, StreamOptions};
use crate::clock::Clock;
use crate::dashboards::{Dashboards, Pushed};
use crate::journal::{Journal, LocalKind};
use crate::model::Batch;
use crate::rules::{self, Alert, Change as Became, FILE, Rule, State, Transition};
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;

/// Changes that wait for the hub.
const CHANGES_MAX: usize = 1_024;
/// A pending alert starts anew when the last run ended longer ago than this, ms: nobody saw what was meanwhile.
pub(super) const OUTAGE_MS_MAX: i64 = 3_600_000;

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
        let (known, orphans): (BTreeMap<_, _>, BTreeMap<_, _>) =
            remembered.into_iter().partition(|(name, _)| names.contains(name));
        let mut engine = Engine {
            watch: Watch::new(parts.rules, known, &map, now),
            board: Board::default(),
            map,
            episodes: episodes(&parts.backend).await?,
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
            values: BTreeMap::new(),
        };
        engine.restore(now);
        for (name, alerts) in orphans {
            engine.end_orphans(&name, &alerts, now);
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

    /// Ends alerts whose rule was taken away while the process was not there.
    fn end_orphans(&mut self, name: &str, alerts: &[Alert], now: i64) {
        let Some(rule) = ghost(name) else { return };
        let of = self.map.subject(rule);
        let ended = |alert: &Alert| {
            let change = if alert.state == State::Firing { Became::Resolved } else { Became::Cleared };
            let alert = Alert { state: State::Resolved, resolved: Some(now), ..alert.clone() };
            Transition { change, alert }
        };
        let standing = alerts.iter().filter(|alert| alert.state != State::Resolved);
        let transitions: Vec<Transition> = standing.map(ended).collect();
        // On the board for a moment, so that all of them leave it, and what is remembered, too.
        self.board.observed(&of, alerts.iter(), &[], now);
        self.take_over(&Turned { of, alerts: Vec::new(), transitions }, now);
    }
}

/// A rule that is not there any more, as far as its alerts need it to be told of.
fn ghost(name: &str) -> Option<Rule> {
    // A text of JSON is one of TOML, too.
    let text = format!("[[rule]]\nname = {}\nexpr = 'vector(0)'\n", serde_json::to_string(name).ok()?);
    rules::parse(FILE, &text, None).ok()?.pop()
}

/// What this node remembers of its alerts, by their rules' names.
async fn remembered(parts: &AlertsParts, now: i64) -> anyhow::Result<BTreeMap<String, Vec<Alert>>> {
    let journal = parts.journal.clone();
    let kept = tokio::task::spawn_blocking(move || journal.kept(LocalKind::AlertState)).await??;
    let away = parts.last_seen.map_or(0, |seen| now - seen);
    let mut remembered: BTreeMap<String, Vec<Alert>> = BTreeMap::new();
    for (id, kept) in kept {
        let Some(alert) = Alert::read(kept.get()) else {
            tracing::warn!(alert.id = id, "alert state not understood");
            continue;
        };
        if alert.state == State::Pending && OUTAGE_MS_MAX < away {
            continue;
        }
        let name = alert.labels.get("alertname").unwrap_or_default().to_owned();
        remembered.entry(name).or_default().push(alert);
    }
    Ok(remembered)
}

/// What stood before, from the stream of transitions.
async fn episodes(backend: &Backend) -> anyhow::Result<Episodes> {
    let filter = HistoryFilter { limit: Some(2 * EPISODES_MAX), reverse: true, ..HistoryFilter::default() };
    let page = backend.history(TRANSITIONS, &filter, StreamOptions::Journal).await?;
    let mut episodes = Episodes::default();
    for data in page.publications.iter().rev().filter_map(|publication| publication.data.as_ref()) {
        episodes.note(data.get());
    }
    Ok(episodes)
}
