//! The rules with their state: which are due, what they give, what that changes. Pure: time is an argument.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    index::Index,
    places::{Map, Subject},
    shape::{FileShape, Health, RuleState},
};
use crate::model::limits::LOOKBACK_MS;
use crate::model::{Batch, Labels};
use crate::rules::{Alert, Condition, Machine, Rule, State, Transition};

/// A rule is evaluated at least this often, ms.
pub const EVALUATE_MS: i64 = 1_000;
/// At the start a rule waits for samples that it reads, for so long at most, ms: what is missing is not missing yet.
const START_WAIT_MS: i64 = 5_000;
/// A rule that samples wake again and again is evaluated at most this often, ms…
const REST_MS_MIN: i64 = 5;
/// …and rests this many times as long as its evaluation took: at most a tenth of a core goes into one rule.
const REST_FACTOR: i64 = 10;
/// After a restart, alerts whose series did not come back yet stand for so long, ms: every series ends with its process,
/// and those that are pushed come back when their pusher's turn is.
pub const RESTART_GRACE_MS: i64 = LOOKBACK_MS;
/// The marker that ends a series at a restart is at most so long after its newest sample, ms.
const MARKED_MS: i64 = 1_000;
/// The same for expressions that give nothing when all is well, once samples that they read have come, ms.
const PRESENT_GRACE_MS: i64 = 2_000;

/// One rule and its state.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) of: Subject,
    pub(super) machine: Machine,
    pub(super) health: Health,
    /// Samples came that it reads.
    touched: bool,
    /// When samples first came that it reads.
    fed: Option<i64>,
    /// When it was last evaluated, or as if it had been.
    evaluated: i64,
    /// The deadlines up to here were seen.
    seen: i64,
    rests_until: i64,
    /// How long its last evaluation took, ms.
    took_ms: i64,
    /// Alerts of the last run whose series did not come back yet: their series and last values, by fingerprint.
    missed: BTreeMap<u64, (Labels, f64)>,
}

/// A rule as it stands.
#[derive(Debug, Clone)]
pub struct RuleNow {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Its alerts, those that are just resolved among them.
    pub alerts: Vec<Alert>,
    /// Why it cannot be evaluated.
    pub error: Option<String>,
    /// When it was last evaluated, ms.
    pub evaluated: Option<i64>,
    /// How long that took, ms.
    pub took_ms: i64,
}

/// The rules as they stand, and their file.
#[derive(Debug, Clone)]
pub struct RulesNow {
    /// The rules, in the order of the file.
    pub rules: Vec<RuleNow>,
    /// The file that was read last.
    pub file: FileShape,
}

/// What an evaluation gave.
pub(super) type Outcome = Result<Vec<(Labels, f64)>, String>;

/// What a reload made of a rule's alerts.
#[derive(Debug)]
pub(super) struct Turned {
    pub(super) of: Subject,
    /// Those that it still has.
    pub(super) alerts: Vec<Alert>,
    /// What happened to them.
    pub(super) transitions: Vec<Transition>,
}

/// All rules.
#[derive(Debug)]
pub(super) struct Watch {
    rules: Vec<Watched>,
    index: Index,
    started: i64,
}

impl Watch {
    /// Rules with what is remembered of their alerts, by the rules' names.
    pub(super) fn new(
        rules: Vec<Rule>,
        mut remembered: BTreeMap<String, Vec<Alert>>,
        map: &Map,
        now: i64,
    ) -> Self {
        let index = Index::new(rules.iter());
        let watched = |rule: Rule| {
            let alerts = remembered.remove(&rule.name).unwrap_or_default();
            let missed = alerts.iter().filter(|alert| alert.is_active() && !alert.no_data);
            let missed =
                missed.map(|alert| (alert.fingerprint, (alert.series.clone(), alert.value))).collect();
            let machine = if alerts.is_empty() { Machine::new() } else { Machine::restore(alerts) };
            let evaluated = now + START_WAIT_MS - EVALUATE_MS;
            Watched { missed, machine, evaluated, touched: false, ..Watched::new(rule, map) }
        };
        let rules = rules.into_iter().map(watched).collect();
        Self { rules, index, started: now }
    }

    pub(super) fn all(&self) -> &[Watched] {
        &self.rules
    }

    /// The rules as they stand.
    pub(super) fn rules_now(&self) -> Vec<RuleNow> {
        let now = |watched: &Watched| RuleNow {
            rule: Arc::clone(&watched.of.rule),
            alerts: watched.machine.alerts().cloned().collect(),
            error: watched.health.error.clone(),
            evaluated: (watched.seen != i64::MIN).then_some(watched.seen),
            took_ms: watched.took_ms,
        };
        self.rules.iter().map(now).collect()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Watched> {
        self.rules.get(at)
    }

    /// Looks up again where alerts are shown; tells whether that is elsewhere now.
    pub(super) fn place(&mut self, map: &Map) -> bool {
        let mut moved = false;
        for watched in &mut self.rules {
            let places = map.of(&watched.of.rule);
            if places != *watched.of.places {
                watched.of.places = Arc::new(places);
                moved = true;
            }
        }
        moved
    }

    /// Samples came.
    pub(super) fn touch(&mut self, batch: &Batch, now: i64) {
        for labels in batch.labels() {
            for at in self.index.readers(labels) {
                let watched = &mut self.rules[*at];
                watched.touched = true;
                watched.fed.get_or_insert(now);
            }
        }
    }

    /// The places of the rules that are to be evaluated now.
    pub(super) fn due(&self, now: i64) -> Vec<usize> {
        let due = self.rules.iter().enumerate().filter(|(_, watched)| watched.next(now) <= now);
        due.map(|(at, _)| at).collect()
    }

    /// When a rule is due next, nothing arriving meanwhile.
    pub(super) fn wake(&self, now: i64) -> i64 {
        self.rules.iter().map(|watched| watched.next(now)).min().unwrap_or(now + EVALUATE_MS)
    }

    /// Takes what evaluating a rule gave. An error changes no alert.
    pub(super) fn observed(
        &mut self,
        at: usize,
        outcome: Outcome,
        (began, took_ms): (i64, i64),
    ) -> Option<(&Watched, Vec<Transition>, bool)> {
        let started = self.started;
        let watched = self.rules.get_mut(at)?;
        watched.touched = false;
        watched.evaluated = began;
        watched.seen = began;
        watched.took_ms = took_ms;
        watched.rests_until = began + took_ms + REST_MS_MIN.max(REST_FACTOR * took_ms);
        let result = outcome.and_then(|mut found| {
            watched.health.series = found.len();
            watched.health.value = worst(&watched.of.rule, &found);
            watched.wait_for_missed(&mut found, began, started);
            watched.machine.observe(&watched.of.rule, &found, began).map_err(|error| error.to_string())
        });
        let (transitions, error) = match result {
            Ok(transitions) => (transitions, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let state = watched.state(error.is_some());
        let turned = state != watched.health.state || error != watched.health.error;
        // That data came for the first time is no news of what is watched.
        let begins = transitions.is_empty() && watched.health.changed.is_none() && error.is_none();
        if turned && !begins {
            watched.health.changed = Some(began);
        }
        watched.health.state = state;
        watched.health.error = error;
        Some((watched, transitions, turned))
    }

    /// Takes what there was to say of a rule's value; tells whether that is news.
    pub(super) fn noted(&mut self, at: usize, notes: Vec<String>) -> bool {
        let Some(watched) = self.rules.get_mut(at) else { return false };
        let is_news = watched.health.notes != notes;
        watched.health.notes = notes;
        is_news
    }

    /// An alert of a rule changed at a time, before this process perhaps.
    pub(super) fn was_changed(&mut self, rule: &str, at: i64) {
        if let Some(watched) = self.rules.iter_mut().find(|watched| watched.of.rule.id == rule) {
            watched.health.changed = watched.health.changed.max(Some(at));
        }
    }

    /// Puts other rules in place; those that say the same keep their alerts. Returns what became of the alerts of each
    /// rule that changed or is gone.
    pub(super) fn reload(&mut self, rules: Vec<Rule>, map: &Map, now: i64) -> Vec<Turned> {
        self.index = Index::new(rules.iter());
        let mut old: BTreeMap<String, Watched> =
            std::mem::take(&mut self.rules).into_iter().map(|one| (one.of.rule.name.clone(), one)).collect();
        let mut turned = Vec::new();
        for rule in rules {
            let Some(mut watched) = old.remove(&rule.name) else {
                self.rules.push(Watched::new(rule, map));
                continue;
            };
            let before = std::mem::replace(&mut watched.of, map.subject(rule));
            // The next evaluation is at once: a limit may be another one.
            watched.touched = true;
            watched.rests_until = now;
            let transitions = watched.machine.reload(&before.rule, &watched.of.rule, now);
            let alerts = watched.machine.alerts().cloned().collect();
            turned.push(Turned { of: watched.of.clone(), alerts, transitions });
            self.rules.push(watched);
        }
        for (_, mut gone) in old {
            let transitions = gone.machine.retire(now);
            turned.push(Turned { of: gone.of, alerts: Vec::new(), transitions });
        }
        turned
    }
}

impl Watched {
    fn new(rule: Rule, map: &Map) -> Self {
        Self {
            of: map.subject(rule),
            machine: Machine::new(),
            health: Health::default(),
            touched: true,
            fed: None,
            evaluated: i64::MIN / 2,
            seen: i64::MIN,
            rests_until: i64::MIN,
            took_ms: 0,
            missed: BTreeMap::new(),
        }
    }

    /// Says in the log that its expression fails, or that it does not any more.
    pub(super) fn log(&self) {
        let name = self.of.rule.name.as_str();
        match &self.health.error {
            Some(error) => tracing::warn!(rule.name = name, error, "alert rule fails"),
            None => tracing::debug!(rule.name = name, state = ?self.health.state, "alert rule turned"),
        }
    }

    /// When it is due.
    fn next(&self, now: i64) -> i64 {
        // A clock that was set back must not stop the rule.
        let set_back = now + START_WAIT_MS < self.evaluated;
        if set_back {
            return now;
        }
        if self.touched {
            return self.rests_until;
        }
        // One that was seen already and changed nothing, such as with an expression that fails, is not asked for again.
        let deadline = self.machine.wake_ms(&self.of.rule).filter(|deadline| self.seen < *deadline);
        let deadline = deadline.unwrap_or(i64::MAX);
        (self.evaluated + EVALUATE_MS).min(deadline.max(self.rests_until))
    }

    /// Adds the series of alerts that the last run left and that did not come back yet, with their last values.
    fn wait_for_missed(&mut self, found: &mut Vec<(Labels, f64)>, now: i64, started: i64) {
        if self.missed.is_empty() {
            return;
        }
        let told = self.gives_nothing() && self.fed.is_some_and(|fed| fed + PRESENT_GRACE_MS <= now);
        if told || started + RESTART_GRACE_MS <= now {
            self.missed.clear();
            return;
        }
        // Until the marker of its end counts, a series is there as if nothing had happened.
        if started + MARKED_MS < now {
            self.missed
                .retain(|_, (series, _)| !found.iter().any(|(labels, _)| labels.without_name() == *series));
        }
        let mut added: Vec<&Labels> = Vec::new();
        for (series, value) in self.missed.values() {
            let is_there = found.iter().any(|(labels, _)| labels.without_name() == *series);
            // The alerts of several severities can be of one series.
            if !is_there && !added.contains(&series) {
                added.push(series);
                found.push((series.clone(), *value));
            }
        }
    }

    /// Whether its expression gives nothing where all is well.
    fn gives_nothing(&self) -> bool {
        self.of.rule.levels.first().is_some_and(|level| level.condition == Condition::Present)
    }

    fn state(&self, failed: bool) -> RuleState {
        let mut state = RuleState::Ok;
        for alert in self.machine.alerts() {
            match alert.state {
                State::Firing => state = RuleState::Firing,
                State::Pending if state != RuleState::Firing => state = RuleState::Pending,
                State::Pending | State::Resolved => {}
            }
        }
        match state {
            _ if failed => RuleState::Error,
            RuleState::Ok if self.health.series == 0 && !self.gives_nothing() => RuleState::NoData,
            state => state,
        }
    }
}

/// The value nearest to the limit, or furthest past it.
fn worst(rule: &Rule, found: &[(Labels, f64)]) -> Option<f64> {
    let values = found.iter().map(|(_, value)| *value).filter(|value| !value.is_nan());
    match rule.levels.first().map(|level| &level.condition) {
        Some(Condition::Below { .. }) => values.min_by(f64::total_cmp),
        _ => values.max_by(f64::total_cmp),
    }
}

#[cfg(test)]
mod tests;
