//! Rules and alerts as pages read them; `docs/protocol.md` has the fields.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::places::Subject;
use crate::model::{Labels, Person};
use crate::rules::{Alert, Condition, Rule};

/// A value as JSON.
pub(super) fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("shapes have no maps but of texts")
}

/// A number as JSON: a text where JSON has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("+Inf"),
            f64::NEG_INFINITY => serializer.serialize_str("-Inf"),
            value => serializer.serialize_f64(value),
        }
    }
}

/// When a condition holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LimitShape {
    op: String,
    value: Option<Number>,
    high: Option<Number>,
    clear: Option<Number>,
}

impl LimitShape {
    pub(super) fn of(condition: &Condition) -> Self {
        let shape = |op: &str, value: Option<f64>, high: Option<f64>, clear: Option<f64>| Self {
            op: op.to_owned(),
            value: value.map(Number),
            high: high.map(Number),
            clear: clear.map(Number),
        };
        match condition {
            Condition::Present => shape("present", None, None, None),
            Condition::Above { limit, clear } => shape("above", Some(*limit), None, *clear),
            Condition::Below { limit, clear } => shape("below", Some(*limit), None, *clear),
            Condition::Outside { low, high, .. } => shape("outside", Some(*low), Some(*high), None),
            Condition::Compare { op, limit } => shape(op.sign(), Some(*limit), None, None),
        }
    }
}

/// The limit of one severity of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct LevelShape {
    severity: &'static str,
    #[serde(flatten)]
    limit: LimitShape,
}

/// How a rule does.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Health {
    /// The word that pages show.
    pub(super) state: RuleState,
    /// The worst value over its series.
    pub(super) value: Option<f64>,
    /// When the state last changed, ms.
    pub(super) changed: Option<i64>,
    /// Why it cannot be evaluated.
    pub(super) error: Option<String>,
    /// What is doubtful about its value, for people.
    pub(super) notes: Vec<String>,
    /// Series that its expression gave.
    pub(super) series: usize,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RuleState {
    /// Nothing stands.
    #[default]
    Ok,
    /// Something stands, and not long enough yet.
    Pending,
    /// Something fires.
    Firing,
    /// Its expression gives nothing where it should.
    NoData,
    /// Its expression cannot be evaluated.
    Error,
}

/// A rule as pages read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleShape<'a> {
    id: &'a str,
    name: &'a str,
    expr: &'a str,
    limits: Vec<LevelShape>,
    r#for: i64,
    keep_firing: i64,
    summary: &'a str,
    description: &'a str,
    runbook: &'a str,
    rooms: &'a [String],
    panels: &'a BTreeMap<String, Vec<String>>,
    unit: &'a str,
    state: RuleState,
    value: Option<Number>,
    changed: Option<i64>,
    error: Option<&'a str>,
    notes: &'a [String],
    text: &'a str,
    line: usize,
    series: usize,
}

impl<'a> RuleShape<'a> {
    pub(super) fn of(of: &'a Subject, health: &'a Health) -> Self {
        let Subject { rule, places } = of;
        let level = |level: &crate::rules::Level| LevelShape {
            severity: level.severity.name(),
            limit: LimitShape::of(&level.condition),
        };
        Self {
            id: &rule.id,
            name: &rule.name,
            expr: rule.value.text(),
            limits: rule.levels.iter().map(level).collect(),
            r#for: rule.for_ms,
            keep_firing: rule.keep_firing_ms,
            summary: &rule.summary,
            description: &rule.description,
            runbook: &rule.runbook,
            rooms: &places.rooms,
            panels: &places.panels,
            unit: &rule.unit,
            state: health.state,
            value: health.value.map(Number),
            changed: health.changed,
            error: health.error.as_deref(),
            notes: &health.notes,
            text: &rule.text,
            line: rule.line,
            series: health.series,
        }
    }
}

/// A change of how a rule does.
#[derive(Debug, Serialize)]
pub(super) struct HealthShape<'a> {
    id: &'a str,
    state: RuleState,
    changed: Option<i64>,
    error: Option<&'a str>,
    notes: &'a [String],
}

impl<'a> HealthShape<'a> {
    pub(super) fn of(rule: &'a Rule, health: &'a Health) -> Self {
        Self {
            id: &rule.id,
            state: health.state,
            changed: health.changed,
            error: health.error.as_deref(),
            notes: &health.notes,
        }
    }
}

/// Who saw an alert and takes care of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Ack {
    /// Who.
    pub by: Person,
    /// When, ms.
    pub at: i64,
    /// What they say to it.
    pub reason: String,
}

/// The most that the value was while the alert stood, or the least.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ExtremeShape {
    value: Number,
    at: i64,
}

/// What an alert has beside the machine's own facts.
#[derive(Debug, Default)]
pub(super) struct Around<'a> {
    pub(super) ack: Option<&'a Ack>,
    pub(super) silences: Vec<String>,
    pub(super) inhibited: bool,
}

/// An alert as pages read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct AlertShape {
    id: String,
    rule: String,
    name: String,
    severity: &'static str,
    pub(super) state: &'static str,
    labels: BTreeMap<String, String>,
    r#where: BTreeMap<String, String>,
    value: Number,
    limit: LimitShape,
    unit: String,
    r#for: i64,
    since: i64,
    fired: Option<i64>,
    pub(super) resolved: Option<i64>,
    extreme: Option<ExtremeShape>,
    summary: String,
    description: String,
    runbook: String,
    rooms: Vec<String>,
    panels: BTreeMap<String, Vec<String>>,
    ack: Option<Ack>,
    silences: Vec<String>,
    inhibited: bool,
    nodata: bool,
    /// Over because its rule was changed or taken away, not because all is well.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) edited: bool,
}

impl AlertShape {
    pub(super) fn of(of: &Subject, alert: &Alert, around: Around<'_>) -> Self {
        let Subject { rule, places } = of;
        let level = rule.level(alert.severity);
        let extreme = &alert.extreme;
        Self {
            id: id(alert),
            rule: rule.id.clone(),
            name: rule.name.clone(),
            severity: alert.severity.name(),
            state: alert.state.name(),
            labels: map(&alert.labels),
            r#where: map(&alert.series),
            value: Number(alert.value),
            limit: LimitShape::of(level.map_or(&Condition::Present, |level| &level.condition)),
            unit: rule.unit.clone(),
            r#for: rule.for_ms,
            since: alert.since,
            fired: alert.fired,
            resolved: alert.resolved,
            extreme: Some(ExtremeShape { value: Number(extreme.value), at: extreme.at }),
            summary: alert.summary.clone(),
            description: alert.description.clone(),
            runbook: rule.runbook.clone(),
            rooms: places.rooms.clone(),
            panels: places.panels.clone(),
            ack: around.ack.cloned(),
            silences: around.silences,
            inhibited: around.inhibited,
            nodata: alert.no_data,
            edited: false,
        }
    }
}

/// An alert's id: its fingerprint, in 16 hexadecimal digits.
pub(super) fn id(alert: &Alert) -> String {
    format!("{:016x}", alert.fingerprint)
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
}

/// The file of the rules, and what is wrong with it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FileShape {
    /// Its name.
    pub path: String,
    /// When it was last read, ms.
    pub read: i64,
    /// Rules that hold.
    pub rules: usize,
    /// Recording rules that hold.
    pub records: usize,
    /// What is wrong with it; the rules are then those of before.
    pub problems: Vec<ProblemShape>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct ProblemShape {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}
