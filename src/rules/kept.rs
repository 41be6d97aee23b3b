//! Alerts as they are kept over a restart: JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Alert, Extreme, Severity, State};
use crate::model::Labels;

/// An alert as it is written. Values are bits, so that each comes back as it was, a NaN and an infinity too.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    labels: BTreeMap<String, String>,
    series: BTreeMap<String, String>,
    severity: String,
    state: String,
    value: u64,
    since: i64,
    fired: Option<i64>,
    resolved: Option<i64>,
    extreme: (u64, i64),
    no_data: bool,
    quiet_since: Option<i64>,
    summary: String,
    description: String,
}

impl State {
    /// Its name in files and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// The state of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Firing, Self::Resolved].into_iter().find(|state| state.name() == name)
    }
}

impl Alert {
    /// The alert as JSON, for [`Alert::read`].
    pub fn write(&self) -> String {
        let pairs = |labels: &Labels| {
            labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
        };
        let kept = Kept {
            labels: pairs(&self.labels),
            series: pairs(&self.series),
            severity: self.severity.name().to_owned(),
            state: self.state.name().to_owned(),
            value: self.value.to_bits(),
            since: self.since,
            fired: self.fired,
            resolved: self.resolved,
            extreme: (self.extreme.value.to_bits(), self.extreme.at),
            no_data: self.no_data,
            quiet_since: self.quiet_since,
            summary: self.summary.clone(),
            description: self.description.clone(),
        };
        serde_json::to_string(&kept).expect("maps with texts as keys, and numbers")
    }

    /// The alert that was written; nothing if it is damaged, or of a version that has other names.
    pub fn read(text: &str) -> Option<Self> {
        let kept: Kept = serde_json::from_str(text).ok()?;
        let labels = Labels::from_pairs(&kept.labels);
        Some(Self {
            fingerprint: labels.fingerprint(),
            labels,
            series: Labels::from_pairs(&kept.series),
            severity: Severity::by_name(&kept.severity)?,
            state: State::by_name(&kept.state)?,
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            pairs in prop::collection::btree_map("[a-z_]{1,8}", "\\PC{1,12}", 0..5),
            bits in any::<(u64, u64)>(),
            times in any::<(i64, i64, Option<i64>, Option<i64>, Option<i64>)>(),
            state in prop_oneof![Just(State::Pending), Just(State::Firing), Just(State::Resolved)],
            text in any::<String>(),
            flag in any::<bool>(),
        ) {
            let labels = Labels::from_pairs(&pairs);
            let alert = Alert {
                fingerprint: labels.fingerprint(),
                series: labels.filtered(|name| name < "m"),
                labels,
                severity: if flag { Severity::Critical } else { Severity::Warning },
                state,
                value: f64::from_bits(bits.0),
                since: times.0,
                fired: times.2,
                resolved: times.3,
                extreme: Extreme { value: f64::from_bits(bits.1), at: times.1 },
                no_data: flag,
                quiet_since: times.4,
                summary: text.clone(),
                description: text,
            };
            let read = Alert::read(&alert.write()).expect("an alert");
            // A NaN equals nothing, so what is written is compared.
            prop_assert_eq!(read.write(), alert.write());
            prop_assert_eq!(read.fingerprint, alert.fingerprint);
        }
    }

    #[test]
    fn damaged_text_is_no_alert() {
        for text in ["", "{}", "[1]", "{\"labels\":3}"] {
            assert_eq!(Alert::read(text), None);
        }
    }
}
