//! Alert rules: `alerts.toml` read and checked, and the states of their alerts. Pure but for reading the file: no
//! clock, no await.
//!
//! A [`Rule`] says what is measured and at which [`Level`]s it is an alert; both forms that the file has become one. A
//! [`Machine`] holds the alerts of one rule and takes its values with the time of each.

mod alert;
mod file;
mod kept;
mod level;
mod limits;
mod machine;
mod measure;
mod record;
mod rule;
mod split;
mod suite;
mod template;

pub use alert::{Alert, Change, Extreme, State, Transition};
pub use file::{FILE, LABELS_MAX, RECORDS_MAX, RULES_MAX, RuleFile, RulesError, parse, read};
pub use level::{Comparison, Condition, Level, Severity};
pub use machine::{ALERTS_MAX, KNOWN_MAX, Machine, RESOLVED_KEPT_MS, RESOLVED_MAX, RuleError, measured};
pub use record::{RECORD_SERIES_MAX, Record, RecordError};
pub use rule::{OnNoData, Rule};
pub use suite::{Load, Report, STEPS_MAX, Suite, SuiteError, TIME_MS_MAX, duration_text};
pub use template::{Facts, TEMPLATE_BYTES_MAX, TEXT_BYTES_MAX, Template, TemplateError};
