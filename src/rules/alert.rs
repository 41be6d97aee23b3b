//! One alert of a rule, and what can happen to it.

use super::Severity;
use crate::model::Labels;

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its condition holds, for less than the rule's `for`.
    Pending,
    /// It holds for as long, or is kept firing.
    Firing,
    /// It has fired and is over.
    Resolved,
}

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It began and waits for `for`.
    Pending,
    /// It fires.
    Fired,
    /// It fired, and is over.
    Resolved,
    /// It was pending, and is over.
    Cleared,
}

impl Change {
    /// What the alert is after it, as time lines say.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Fired => "firing",
            Self::Resolved => "resolved",
            Self::Cleared => "cleared",
        }
    }
}

/// The worst value while an alert stood: the least where less is worse, else the greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// The value; a NaN while there was none.
    pub value: f64,
    /// When it came, ms.
    pub at: i64,
}

/// One alert: a series that is past one level of a rule.
///
/// Times are milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// [`Labels::fingerprint`] of `labels`: what tells it from all others.
    pub fingerprint: u64,
    /// `alertname`, `severity`, the labels of the series and those of the rule.
    pub labels: Labels,
    /// The labels of the series that is measured, without its name.
    pub series: Labels,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// The newest value; of an alert that is over the one that ended it. NaN if there never was one.
    pub value: f64,
    /// Since when its condition holds.
    pub since: i64,
    /// When it fired.
    pub fired: Option<i64>,
    /// When it was over.
    pub resolved: Option<i64>,
    /// The worst value while it stood.
    pub extreme: Extreme,
    /// Whether `value` is old: the series has none now.
    pub no_data: bool,
    /// Since when its condition does not hold any more, and `keep_firing_for` runs.
    pub quiet_since: Option<i64>,
    /// One line for people.
    pub summary: String,
    /// What it means and what to do.
    pub description: String,
}

/// A change of an alert, and the alert as it is after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// What happened.
    pub change: Change,
    /// The alert.
    pub alert: Alert,
}
