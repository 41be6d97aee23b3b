//! One set of values, judged: what is past a level, and what is well again.

use std::collections::{BTreeMap, HashMap, HashSet, btree_map::Entry};

use super::{ALERTS_MAX, Machine, RuleError};
use crate::model::Labels;
use crate::rules::{Alert, Extreme, Level, OnNoData, Rule, Severity, State};

/// A level that a series is past.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) labels: Labels,
    pub(super) series: Labels,
    pub(super) level: Level,
    pub(super) value: f64,
    pub(super) no_data: bool,
}

/// What one set of values says.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// What is past a level, by the fingerprint of its alert.
    pub(super) standing: BTreeMap<u64, Found>,
    /// The values of alerts whose series is well again.
    pub(super) well: HashMap<u64, f64>,
}

impl Machine {
    /// Judges one set of values beside the alerts that there are.
    ///
    /// # Errors
    ///
    /// As [`Machine::observe`].
    pub(super) fn judge(&self, rule: &Rule, result: &[(Labels, f64)]) -> Result<Judged, RuleError> {
        let active = self.alerts.values().filter(|alert| alert.is_active());
        let active: HashMap<(&Labels, Severity), &Alert> =
            active.map(|alert| ((&alert.series, alert.severity), alert)).collect();
        let mut judged = Judged::default();
        let mut present = HashSet::new();
        for (labels, value) in result {
            let is_known = !active.is_empty() || rule.on_no_data == OnNoData::Alert;
            let series = is_known.then(|| labels.without_name());
            for level in &rule.levels {
                let alert = series.as_ref().and_then(|series| active.get(&(series, level.severity)));
                let fires = alert.is_some_and(|alert| alert.state == State::Firing);
                if level.condition.holds(*value, fires) {
                    let series = series.clone().unwrap_or_else(|| labels.without_name());
                    judged.add(Found::new(rule, series, *level, *value))?;
                } else if let Some(alert) = alert {
                    judged.well.insert(alert.fingerprint, *value);
                }
            }
            present.extend(series);
        }
        let missing = active.values().filter(|alert| !present.contains(&alert.series));
        match rule.on_no_data {
            OnNoData::Resolve => {}
            OnNoData::Keep => {
                // One that was well already stays well, and its `keep_firing_for` runs on.
                for alert in missing.filter(|alert| alert.quiet_since.is_none()) {
                    judged.keep(rule, alert);
                }
            }
            OnNoData::Alert => {
                let missing = self.known.iter().filter(|series| !present.contains(series));
                for series in missing {
                    judged.no_data(rule, series, |key| active.get(&key).copied())?;
                }
                if self.known.is_empty() && present.is_empty() {
                    judged.no_data(rule, &Labels::empty(), |key| active.get(&key).copied())?;
                }
            }
        }
        match judged.standing.len() {
            count if ALERTS_MAX < count => Err(RuleError::TooMany { count }),
            _ => Ok(judged),
        }
    }
}

impl Judged {
    fn add(&mut self, found: Found) -> Result<(), RuleError> {
        match self.standing.entry(found.labels.fingerprint()) {
            Entry::Occupied(_) => Err(RuleError::Duplicate { labels: found.labels }),
            Entry::Vacant(entry) => {
                entry.insert(found);
                Ok(())
            }
        }
    }

    /// Leaves an alert as it is: its last value counts on.
    fn keep(&mut self, rule: &Rule, alert: &Alert) {
        let Some(level) = rule.level(alert.severity) else { return };
        let (labels, series) = (alert.labels.clone(), alert.series.clone());
        let found = Found { labels, series, level: *level, value: alert.value, no_data: true };
        // Another series may have taken its labels meanwhile; that one has a value.
        self.standing.entry(alert.fingerprint).or_insert(found);
    }

    /// The levels at which a series without a value is an alert: those that fire already, else the least severe.
    fn no_data<'a>(
        &mut self,
        rule: &Rule,
        series: &'a Labels,
        active: impl Fn((&'a Labels, Severity)) -> Option<&'a Alert>,
    ) -> Result<(), RuleError> {
        let mut stands = false;
        for level in &rule.levels {
            if let Some(alert) = active((series, level.severity))
                && alert.state == State::Firing
            {
                self.keep(rule, alert);
                stands = true;
            }
        }
        match rule.levels.first() {
            Some(level) if !stands => {
                let found = Found::new(rule, series.clone(), *level, f64::NAN);
                self.add(Found { no_data: true, ..found })
            }
            _ => Ok(()),
        }
    }
}

impl Found {
    fn new(rule: &Rule, series: Labels, level: Level, value: f64) -> Self {
        let labels = rule.alert_labels(&series, &level, value);
        Self { labels, series, level, value, no_data: false }
    }

    /// A new alert.
    pub(super) fn begin(&self, fingerprint: u64, now_ms: i64) -> Alert {
        Alert {
            fingerprint,
            labels: self.labels.clone(),
            series: self.series.clone(),
            severity: self.level.severity,
            state: State::Pending,
            value: self.value,
            since: now_ms,
            fired: None,
            resolved: None,
            extreme: Extreme { value: self.value, at: now_ms },
            no_data: self.no_data,
            quiet_since: None,
            summary: String::new(),
            description: String::new(),
        }
    }
}
