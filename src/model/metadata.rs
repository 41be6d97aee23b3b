//! What a metric is: its kind, its unit, and one line about it.

use serde::Serialize;

/// What a metric counts, as `# TYPE` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// It only rises.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Buckets, a sum and a count.
    Histogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Not said, or one that only `OpenMetrics` knows.
    #[default]
    Unknown,
}

impl MetricKind {
    /// The kind that `# TYPE` calls so.
    pub fn by_name(name: &str) -> Self {
        match name {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "summary" => Self::Summary,
            _ => Self::Unknown,
        }
    }
}

/// What is known of a metric beside its samples.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Metadata {
    /// What it counts.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// One line about it; may be empty.
    pub help: String,
    /// Its unit; may be empty.
    pub unit: String,
}
