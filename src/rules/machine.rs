//! The alerts of one rule, from value to value: the state machine of Prometheus's alerting rules.
//!
//! Pure: the time of each value is an argument. Each level of the rule is an alert of its own for each series.

mod judge;

use std::collections::{BTreeMap, HashSet};

use judge::Found;

use super::{Alert, Change, Extreme, OnNoData, Rule, State, Transition};
use crate::model::Labels;
use crate::query::Value;

/// How long an alert that is over is kept, ms: as long as Prometheus keeps it.
pub const RESOLVED_KEPT_MS: i64 = 15 * 60_000;
/// Alerts of one rule that stand at one time: past it the rule says nothing that a person could use. At about 1 KiB each,
/// 5 MiB.
pub const ALERTS_MAX: usize = 5_000;
/// Alerts of one rule that are over and kept; past it the oldest go. As many as can end at one time, and as large.
pub const RESOLVED_MAX: usize = ALERTS_MAX;
/// Series of a rule that are remembered, so that their silence is an alert: as many as alerts.
pub const KNOWN_MAX: usize = ALERTS_MAX;

/// Why the values of a rule cannot be judged. The alerts are left as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Two series would be one alert.
    #[error("two series are one alert, with the labels {labels}")]
    Duplicate {
        /// Its labels.
        labels: Labels,
    },
    /// More than [`ALERTS_MAX`].
    #[error("{count} alerts of one rule, at most {ALERTS_MAX}")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// The expression gives something else than numbers.
    #[error("the expression gives {what}, which has no values to judge")]
    NoValues {
        /// What it gives.
        what: &'static str,
    },
}

/// The values of an evaluated expression, as [`Machine::observe`] takes them.
///
/// # Errors
///
/// When the expression gives a text or a range.
pub fn measured(value: Value) -> Result<Vec<(Labels, f64)>, RuleError> {
    match value {
        Value::Scalar(sample) => Ok(vec![(Labels::empty(), sample.v)]),
        Value::Vector(vector) => {
            Ok(vector.into_iter().filter_map(|(labels, sample)| Some((labels, sample.float()?))).collect())
        }
        Value::String(_) => Err(RuleError::NoValues { what: "a text" }),
        Value::Matrix(_) => Err(RuleError::NoValues { what: "a range" }),
    }
}

/// What every alert is judged with at one time, and what changed.
#[derive(Debug)]
struct Step<'a> {
    rule: &'a Rule,
    now_ms: i64,
    transitions: Vec<Transition>,
}

/// The alerts of one rule.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    alerts: BTreeMap<u64, Alert>,
    /// The series that once had a value, for `on_no_data = "alert"`.
    known: HashSet<Labels>,
}

impl Machine {
    /// A machine without alerts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A machine with the alerts that were kept over a restart.
    pub fn restore(alerts: Vec<Alert>) -> Self {
        let known = alerts.iter().filter(|alert| alert.is_active() && !alert.is_nameless());
        let known = known.map(|alert| alert.series.clone()).collect();
        Self { alerts: alerts.into_iter().map(|alert| (alert.fingerprint, alert)).collect(), known }
    }

    /// Takes the rule's values at `now_ms`, and gives what changed, in the order of fingerprints.
    ///
    /// # Errors
    ///
    /// When two series would be one alert, or there are too many; then nothing has changed.
    pub fn observe(
        &mut self,
        rule: &Rule,
        result: &[(Labels, f64)],
        now_ms: i64,
    ) -> Result<Vec<Transition>, RuleError> {
        let mut judged = self.judge(rule, result)?;
        if rule.on_no_data == OnNoData::Alert {
            self.remember(result);
        }
        let mut step = Step { rule, now_ms, transitions: Vec::new() };
        let active = self.alerts.values().filter(|alert| alert.is_active());
        let quiet: Vec<u64> =
            active.map(|alert| alert.fingerprint).filter(|id| !judged.standing.contains_key(id)).collect();
        for id in quiet {
            self.quiet(id, judged.well.remove(&id), &mut step);
        }
        for (id, found) in judged.standing {
            self.stand(id, &found, &mut step);
        }
        self.forget(now_ms);
        step.transitions.sort_by_key(|transition| transition.alert.fingerprint);
        Ok(step.transitions)
    }

    /// The alerts, [`RESOLVED_MAX`] that are over for less than [`RESOLVED_KEPT_MS`] among them, by fingerprint.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values()
    }

    /// When the passing of time alone next changes an alert, ms; it may be past.
    pub fn wake_ms(&self, rule: &Rule) -> Option<i64> {
        let deadline = |alert: &Alert| match alert.state {
            State::Pending => Some(alert.since.saturating_add(rule.for_ms)),
            State::Firing => Some(alert.quiet_since?.saturating_add(rule.keep_firing_ms)),
            State::Resolved => Some(alert.resolved?.saturating_add(RESOLVED_KEPT_MS + 1)),
        };
        self.alerts.values().filter_map(deadline).min()
    }

    /// Takes a new version of the rule: alerts that it cannot have any more are over, one that fires and has not stood
    /// for a longer `for` waits again. The rest is judged with the next values.
    pub fn reload(&mut self, old: &Rule, new: &Rule, now_ms: i64) -> Vec<Transition> {
        if !old.same_alerts(new) {
            return self.retire(now_ms);
        }
        let mut transitions = Vec::new();
        let gone = |alert: &&Alert| alert.is_active() && new.level(alert.severity).is_none();
        let gone: Vec<u64> = self.alerts.values().filter(gone).map(|alert| alert.fingerprint).collect();
        for id in gone {
            self.end(id, now_ms, &mut transitions);
        }
        for alert in self.alerts.values_mut().filter(|alert| alert.is_active()) {
            if let Some(level) = new.level(alert.severity) {
                new.say(alert, level);
            }
            if alert.state == State::Firing {
                rejudge(alert, new.for_ms, now_ms, &mut transitions);
            }
        }
        transitions
    }

    /// Ends all alerts: the rule is gone.
    pub fn retire(&mut self, now_ms: i64) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let active = self.alerts.values().filter(|alert| alert.is_active());
        for id in active.map(|alert| alert.fingerprint).collect::<Vec<_>>() {
            self.end(id, now_ms, &mut transitions);
        }
        self.known.clear();
        transitions
    }

    /// Forgets alerts that are over for [`RESOLVED_KEPT_MS`], and of the others the oldest, so that [`RESOLVED_MAX`]
    /// stay.
    fn forget(&mut self, now_ms: i64) {
        self.alerts.retain(|_, alert| {
            alert.resolved.is_none_or(|resolved| now_ms.saturating_sub(resolved) <= RESOLVED_KEPT_MS)
        });
        let over = self.alerts.values().filter_map(|alert| Some((alert.resolved?, alert.fingerprint)));
        let mut over: Vec<(i64, u64)> = over.collect();
        let Some(count) = over.len().checked_sub(RESOLVED_MAX + 1) else { return };
        let (older, last, _) = over.select_nth_unstable(count);
        for (_, id) in older.iter().chain([&*last]) {
            self.alerts.remove(id);
        }
    }

    fn remember(&mut self, result: &[(Labels, f64)]) {
        for (labels, _) in result {
            if KNOWN_MAX <= self.known.len() {
                return;
            }
            self.known.insert(labels.without_name());
        }
    }

    /// Goes on with, or begins, an alert whose condition holds.
    fn stand(&mut self, id: u64, found: &Found, step: &mut Step<'_>) {
        let (rule, now_ms) = (step.rule, step.now_ms);
        let before = self.alerts.remove(&id).filter(Alert::is_active);
        let is_new = before.is_none();
        let said = before.as_ref().map(|alert| alert.value.to_bits());
        let mut alert = before.unwrap_or_else(|| found.begin(id, now_ms));
        if !found.no_data {
            alert.value = found.value;
            if found.level.condition.is_worse(found.value, alert.extreme.value) {
                alert.extreme = Extreme { value: found.value, at: now_ms };
            }
        }
        alert.no_data = found.no_data;
        alert.quiet_since = None;
        // A clock that was set back must not make it wait longer than `for`.
        alert.since = alert.since.min(now_ms);
        if is_new || (rule.texts_name_value() && said != Some(alert.value.to_bits())) {
            rule.say(&mut alert, &found.level);
        }
        match alert.state {
            State::Pending if rule.for_ms <= now_ms.saturating_sub(alert.since) => {
                alert.state = State::Firing;
                alert.fired = Some(now_ms);
                step.transitions.push(Transition { change: Change::Fired, alert: alert.clone() });
            }
            State::Pending if is_new => {
                step.transitions.push(Transition { change: Change::Pending, alert: alert.clone() });
            }
            State::Firing => rejudge(&mut alert, rule.for_ms, now_ms, &mut step.transitions),
            State::Pending | State::Resolved => {}
        }
        self.alerts.insert(id, alert);
    }

    /// Ends an alert whose condition does not hold any more, or keeps it firing.
    fn quiet(&mut self, id: u64, value: Option<f64>, step: &mut Step<'_>) {
        let (rule, now_ms) = (step.rule, step.now_ms);
        let Some(alert) = self.alerts.get_mut(&id) else { return };
        alert.no_data = value.is_none();
        alert.value = value.unwrap_or(alert.value);
        if alert.state == State::Firing && 0 < rule.keep_firing_ms {
            let since = alert.quiet_since.unwrap_or(now_ms).min(now_ms);
            alert.quiet_since = Some(since);
            if now_ms.saturating_sub(since) < rule.keep_firing_ms {
                return;
            }
        }
        self.end(id, now_ms, &mut step.transitions);
    }

    fn end(&mut self, id: u64, now_ms: i64, transitions: &mut Vec<Transition>) {
        let Some(mut alert) = self.alerts.remove(&id) else { return };
        let change = if alert.state == State::Pending { Change::Cleared } else { Change::Resolved };
        alert.state = State::Resolved;
        alert.resolved = Some(now_ms);
        alert.quiet_since = None;
        if change == Change::Resolved {
            self.alerts.insert(id, alert.clone());
        }
        transitions.push(Transition { change, alert });
    }
}

impl Alert {
    /// Whether it is pending or fires.
    pub fn is_active(&self) -> bool {
        self.state != State::Resolved
    }

    /// Whether it stands for a rule that never had a value.
    fn is_nameless(&self) -> bool {
        self.series.is_empty() && self.no_data && self.value.is_nan()
    }
}

/// Makes an alert wait again that fired under a shorter `for` than the rule has now, and has not stood for that.
fn rejudge(alert: &mut Alert, for_ms: i64, now_ms: i64, transitions: &mut Vec<Transition>) {
    let has_stood = |until: i64| for_ms <= until.saturating_sub(alert.since);
    // What it had stood when it fired counts, too: a clock that is set back ends no alert.
    if alert.fired.is_none_or(has_stood) || has_stood(now_ms) {
        return;
    }
    let over = Alert { state: State::Resolved, resolved: Some(now_ms), quiet_since: None, ..alert.clone() };
    transitions.push(Transition { change: Change::Resolved, alert: over });
    alert.state = State::Pending;
    alert.fired = None;
    alert.quiet_since = None;
    transitions.push(Transition { change: Change::Pending, alert: alert.clone() });
}

#[cfg(test)]
mod tests;
