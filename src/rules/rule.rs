//! One rule: what is measured, and when it is an alert.

use super::{Alert, Condition, Facts, Level, Severity, Template};
use crate::model::Labels;
use crate::query::Plan;

/// What an alert does while its series has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnNoData {
    /// It stays as it is.
    Keep,
    /// It is over.
    #[default]
    Resolve,
    /// No value is an alert itself.
    Alert,
}

/// One rule of the file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the file; the label `alertname` of its alerts.
    pub name: String,
    /// A short id of the name: 16 hexadecimal digits.
    pub id: String,
    /// What is measured.
    pub value: Plan,
    /// From which values on it is an alert, least severe first; at least one, of each severity at most one.
    pub levels: Vec<Level>,
    /// How long a value must be past a level before its alert fires, ms.
    pub for_ms: i64,
    /// How long an alert fires on after its value is well again, ms.
    pub keep_firing_ms: i64,
    /// What an alert does while its series has no value.
    pub on_no_data: OnNoData,
    /// Labels that its alerts get; templates.
    pub labels: Vec<(String, String)>,
    /// One line for people; a template.
    pub summary: String,
    /// What it means and what to do; a template.
    pub description: String,
    /// Where more is written, a URL.
    pub runbook: String,
    /// The unit of the value.
    pub unit: String,
    /// The ids of the dashboards whose rooms tell of it; empty: those with panels of its series.
    pub rooms: Vec<String>,
    /// The rule as it is written in the file.
    pub text: String,
    /// The line of the file where it begins, from 1.
    pub line: usize,
    pub(super) templates: Templates,
}

/// The templates of a rule, compiled.
#[derive(Debug, Clone)]
pub(super) struct Templates {
    pub(super) summary: Template,
    pub(super) description: Template,
    pub(super) labels: Vec<(String, Template)>,
}

impl Templates {
    pub(super) fn new(summary: &str, description: &str, labels: &[(String, String)]) -> Self {
        let labels = labels.iter().map(|(name, value)| (name.clone(), Template::new(value)));
        Self {
            summary: Template::new(summary),
            description: Template::new(description),
            labels: labels.collect(),
        }
    }
}

impl Rule {
    /// The id of a rule's name.
    pub fn id_of(name: &str) -> String {
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()))
    }

    /// For each level, the expression that gives the series that are an alert.
    pub fn explain(&self) -> Vec<(Severity, String)> {
        let text = super::split::operand(self.value.text());
        let levels = self.levels.iter();
        levels.map(|level| (level.severity, level.condition.expression(&text))).collect()
    }

    /// Whether the alerts of the other version of this rule are the same: name and labels are, and so the labels of its
    /// alerts.
    pub fn same_alerts(&self, other: &Self) -> bool {
        self.name == other.name && self.labels == other.labels
    }

    /// Whether the two are alike in all that is evaluated, said or shown.
    pub fn is_unchanged(&self, other: &Self) -> bool {
        // The place in the file moves with each line above it.
        self.text == other.text
    }

    /// The level of a severity.
    pub fn level(&self, severity: Severity) -> Option<&Level> {
        self.levels.iter().find(|level| level.severity == severity)
    }

    /// The labels of the alert that a series is at a level.
    pub(super) fn alert_labels(&self, series: &Labels, level: &Level, value: f64) -> Labels {
        let mut labels = series.with("severity", level.severity.name());
        let facts = Facts { labels: series, ..self.facts(series, level, value) };
        for (name, template) in &self.templates.labels {
            labels = labels.with(name, &template.fill(&facts));
        }
        labels.with("alertname", &self.name).without_name()
    }

    /// What templates are filled in with.
    pub(super) fn facts<'a>(&'a self, labels: &'a Labels, level: &Level, value: f64) -> Facts<'a> {
        let limit = match level.condition {
            Condition::Present => None,
            Condition::Above { limit, .. }
            | Condition::Below { limit, .. }
            | Condition::Compare { limit, .. } => Some(limit),
            // The one that is nearer is the one that was crossed.
            Condition::Outside { low, high, .. } if value < f64::midpoint(low, high) => Some(low),
            Condition::Outside { high, .. } => Some(high),
        };
        Facts { labels, value, limit, severity: level.severity.name(), unit: &self.unit }
    }

    /// Fills in the texts of an alert.
    pub(super) fn say(&self, alert: &mut Alert, level: &Level) {
        let facts = self.facts(&alert.labels, level, alert.value);
        let summary = self.templates.summary.fill(&facts);
        alert.description = self.templates.description.fill(&facts);
        alert.summary = summary;
    }

    /// Whether the texts of an alert have to be filled in again for each value.
    pub(super) fn texts_name_value(&self) -> bool {
        self.templates.summary.names_value() || self.templates.description.names_value()
    }
}
