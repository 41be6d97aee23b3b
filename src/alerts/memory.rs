//! Alerts as this node remembers them over a restart.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::shape::state;
use crate::model::{Label, Labels};
use crate::rules::{Alert, Extreme, Severity, State};

/// An alert as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    labels: Vec<(String, String)>,
    series: Vec<(String, String)>,
    severity: String,
    state: String,
    /// As bits: JSON has no NaN.
    value: u64,
    since: i64,
    fired: Option<i64>,
    resolved: Option<i64>,
    extreme: (u64, i64),
    #[serde(default)]
    no_data: bool,
    #[serde(default)]
    quiet_since: Option<i64>,
    summary: String,
    description: String,
}

/// What is kept of an alert.
pub(super) fn kept(alert: &Alert) -> Option<Box<RawValue>> {
    let pairs = |labels: &Labels| {
        labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect::<Vec<_>>()
    };
    let kept = Kept {
        labels: pairs(&alert.labels),
        series: pairs(&alert.series),
        severity: alert.severity.name().to_owned(),
        state: state(alert.state).to_owned(),
        value: alert.value.to_bits(),
        since: alert.since,
        fired: alert.fired,
        resolved: alert.resolved,
        extreme: (alert.extreme.value.to_bits(), alert.extreme.at),
        no_data: alert.no_data,
        quiet_since: alert.quiet_since,
        summary: alert.summary.clone(),
        description: alert.description.clone(),
    };
    serde_json::value::to_raw_value(&kept).ok()
}

/// The alert that was kept; nothing if this is none.
pub(super) fn remembered(kept: &str) -> Option<Alert> {
    let kept: Kept = serde_json::from_str(kept).ok()?;
    let labels = |pairs: Vec<(String, String)>| {
        let label = |(name, value): (String, String)| Label { name: name.into(), value: value.into() };
        Labels::new(pairs.into_iter().map(label).collect())
    };
    let all = labels(kept.labels);
    Some(Alert {
        fingerprint: all.fingerprint(),
        labels: all,
        series: labels(kept.series),
        severity: Severity::by_name(&kept.severity)?,
        state: [State::Pending, State::Firing, State::Resolved]
            .into_iter()
            .find(|one| state(*one) == kept.state)?,
        value: f64::from_bits(kept.value),
        since: kept.since,
        fired: kept.fired,
        resolved: kept.resolved,
        extreme: Extreme { value: f64::from_bits(kept.extreme.0), at: kept.extreme.1 },
        no_data: kept.no_data,
        quiet_since: kept.quiet_since,
        summary: kept.summary,
        description: kept.description,
    })
}
