//! One test: its series, and what is expected when.

use std::collections::BTreeMap;

use super::{
    diff::{self, Shown},
    samples::Samples,
};
use crate::model::{Labels, METRIC_NAME, STALE_NAN, Sample};
use crate::query::{Plan, shorthand::Described};
use crate::rules::{Alert, Machine, Rule, Severity, State, Template, measured};

/// What a rule file has.
#[derive(Debug, Clone)]
pub(super) enum Member {
    /// A rule of ours.
    Rule(Box<Rule>),
    /// An alerting rule of Prometheus's.
    Foreign(Box<Foreign>),
    /// A recording rule of Prometheus's: its value is a series of this name and with these labels.
    Record { name: String, plan: Plan, labels: Vec<(String, String)> },
}

/// An alerting rule of Prometheus's.
#[derive(Debug, Clone)]
pub(super) struct Foreign {
    pub(super) rule: Rule,
    pub(super) annotations: Vec<(String, Template)>,
}

/// A test.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    /// Milliseconds from sample to sample.
    pub(super) interval_ms: i64,
    pub(super) series: Vec<Described>,
    pub(super) alerts: Vec<AlertCheck>,
    pub(super) exprs: Vec<ExprCheck>,
}

/// The alerts that are expected at a time.
#[derive(Debug, Clone)]
pub(super) struct AlertCheck {
    pub(super) line: usize,
    pub(super) at_ms: i64,
    /// Of which rule; of all, if none is named.
    pub(super) rule: Option<String>,
    pub(super) expected: Vec<Expected>,
}

/// An alert that is expected.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// All labels but `alertname`.
    pub(super) labels: Labels,
    pub(super) state: State,
    pub(super) annotations: BTreeMap<String, String>,
    /// Whether annotations that are not said must not be there.
    pub(super) all_annotations: bool,
}

/// The value of an expression that is expected.
#[derive(Debug, Clone)]
pub(super) struct ExprCheck {
    pub(super) line: usize,
    pub(super) at_ms: i64,
    pub(super) plan: Plan,
    pub(super) expected: Vec<(Labels, f64)>,
}

/// One member while a test runs.
#[derive(Debug)]
struct Running<'a> {
    member: &'a Member,
    machine: Machine,
    /// The series that it made at the last step.
    made: Vec<Labels>,
}

impl Case {
    /// The latest time at which something is expected, ms.
    pub(super) fn last_ms(&self) -> i64 {
        let alerts = self.alerts.iter().map(|check| check.at_ms);
        alerts.chain(self.exprs.iter().map(|check| check.at_ms)).max().unwrap_or(0)
    }

    /// Runs it; gives what did not hold, each with its line.
    pub(super) fn run(&self, members: &[Member], every_ms: i64) -> Vec<(usize, String)> {
        let mut samples = Samples::default();
        let mut failures = Vec::new();
        let mut running: Vec<Running<'_>> = members
            .iter()
            .map(|member| Running { member, machine: Machine::new(), made: Vec::new() })
            .collect();
        for series in &self.series {
            for (at, value) in (0i64..).zip(&series.values) {
                if let Some(value) = value.float() {
                    samples.append(&series.labels, Sample::new(at * self.interval_ms, value));
                }
            }
        }
        let last = self.last_ms();
        let mut now = 0;
        while now <= last {
            for one in &mut running {
                if let Err(why) = one.step(&mut samples, now) {
                    let line = self.alerts.first().map_or(1, |check| check.line);
                    let text = format!("{}: `{}` at {}: {why}", self.name, one.name(), diff::time(now));
                    return vec![(line, text)];
                }
            }
            let due = |check: &&AlertCheck| now <= check.at_ms && check.at_ms < now + every_ms;
            for check in self.alerts.iter().filter(due) {
                failures.extend(self.judge(check, &running).map(|text| (check.line, text)));
            }
            now += every_ms;
        }
        failures.extend(self.exprs.iter().filter_map(|check| {
            let text = check.judge(&samples)?;
            Some((check.line, format!("{}: {text}", self.name)))
        }));
        failures
    }

    /// What differs, if something does.
    fn judge(&self, check: &AlertCheck, running: &[Running<'_>]) -> Option<String> {
        let mut found = Vec::new();
        for one in running {
            if check.rule.as_deref().is_none_or(|name| name == one.name()) {
                found.extend(one.shown(check));
            }
        }
        let expected: Vec<Shown> = check.expected.iter().map(Shown::expected).collect();
        let lines = diff::alerts(&expected, &found);
        let of = check.rule.as_ref().map_or_else(|| "all rules".to_owned(), |name| format!("`{name}`"));
        (!lines.is_empty()).then(|| format!("{}: {of} at {}\n{lines}", self.name, diff::time(check.at_ms)))
    }
}

impl ExprCheck {
    fn judge(&self, samples: &Samples) -> Option<String> {
        let head = format!("`{}` at {}", self.plan.text(), diff::time(self.at_ms));
        let value = match samples.eval(&self.plan, self.at_ms).map_err(|error| error.to_string()) {
            Ok(value) => measured(value).map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        match value {
            Ok(found) => {
                let lines = diff::values(&self.expected, &found);
                (!lines.is_empty()).then(|| format!("{head}\n{lines}"))
            }
            Err(error) => Some(format!("{head}: {error}")),
        }
    }
}

impl Running<'_> {
    fn name(&self) -> &str {
        match self.member {
            Member::Rule(rule) => &rule.name,
            Member::Foreign(foreign) => &foreign.rule.name,
            Member::Record { name, .. } => name,
        }
    }

    fn step(&mut self, samples: &mut Samples, now: i64) -> Result<(), String> {
        let plan = match self.member {
            Member::Rule(rule) => &rule.value,
            Member::Foreign(foreign) => &foreign.rule.value,
            Member::Record { plan, .. } => plan,
        };
        let value = samples.eval(plan, now).map_err(|error| error.to_string())?;
        let result = measured(value).map_err(|error| error.to_string())?;
        let made: Vec<(Labels, f64)> = match self.member {
            Member::Rule(rule) => {
                self.machine.observe(rule, &result, now).map_err(|error| error.to_string())?;
                Vec::new()
            }
            Member::Foreign(foreign) => {
                let rule = &foreign.rule;
                self.machine.observe(rule, &result, now).map_err(|error| error.to_string())?;
                let active = self.machine.alerts().filter(|alert| alert.is_active());
                active.map(|alert| (alerts_series(rule, alert), 1.0)).collect()
            }
            Member::Record { name, labels, .. } => {
                let named = |series: &Labels| {
                    let start = series.with(METRIC_NAME, name);
                    labels.iter().fold(start, |labels, (name, value)| labels.with(name, value))
                };
                result.iter().map(|(series, value)| (named(series), *value)).collect()
            }
        };
        for (labels, value) in &made {
            samples.append(labels, Sample::new(now, *value));
        }
        let made: Vec<Labels> = made.into_iter().map(|(labels, _)| labels).collect();
        for gone in self.made.iter().filter(|labels| !made.contains(labels)) {
            samples.append(gone, Sample::new(now, STALE_NAN));
        }
        self.made = made;
        Ok(())
    }

    /// The alerts as a check looks at them.
    fn shown(&self, check: &AlertCheck) -> Vec<Shown> {
        let active = self.machine.alerts().filter(|alert| alert.is_active());
        match self.member {
            Member::Rule(rule) => {
                // Those that wait count only where a test asks for one: else none could be `[]` before `for`.
                let wants_pending = check.expected.iter().any(|one| one.state == State::Pending);
                let seen = active.filter(|alert| wants_pending || alert.state == State::Firing);
                seen.map(|alert| Shown::of_rule(rule, alert)).collect()
            }
            Member::Foreign(foreign) => {
                let firing = active.filter(|alert| alert.state == State::Firing);
                firing.map(|alert| foreign.shown(alert)).collect()
            }
            Member::Record { .. } => Vec::new(),
        }
    }
}

impl Foreign {
    fn shown(&self, alert: &Alert) -> Shown {
        let level = self.rule.levels[0];
        let facts = self.rule.facts(&alert.series, &level, alert.value);
        let annotations =
            self.annotations.iter().map(|(name, template)| (name.clone(), template.fill(&facts)));
        let labels = foreign_labels(&self.rule, alert).with("alertname", "");
        Shown { labels, state: alert.state, annotations: annotations.collect(), all_annotations: true }
    }
}

/// The labels of an alert in Prometheus: a level there is no label.
fn foreign_labels(rule: &Rule, alert: &Alert) -> Labels {
    if rule.labels.iter().any(|(name, _)| name == "severity") {
        return alert.labels.clone();
    }
    alert.labels.with("severity", alert.series.get("severity").unwrap_or_default())
}

fn alerts_series(rule: &Rule, alert: &Alert) -> Labels {
    let state = if alert.state == State::Pending { "pending" } else { "firing" };
    foreign_labels(rule, alert).with(METRIC_NAME, "ALERTS").with("alertstate", state)
}

impl Expected {
    /// An alert of our form, at a severity.
    pub(super) fn at(severity: Severity, labels: &Labels, state: State) -> Self {
        let labels = labels.with("severity", severity.name());
        Self { labels, state, annotations: BTreeMap::new(), all_annotations: false }
    }
}
