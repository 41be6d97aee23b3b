//! The nouns of a metric: labels, samples, matchers, batches. Pure: no I/O, no clock.

pub mod batch;
pub mod histogram;
pub mod kahan;
pub mod labels;
pub mod limits;
pub mod matcher;
pub mod metadata;
pub mod person;
pub mod sample;
pub mod selection;

pub use batch::{Batch, BatchHistogram, BatchSample, Source};
pub use histogram::{CounterReset, Histogram};
pub use kahan::Kahan;
pub use labels::{Label, Labels, METRIC_NAME};
pub use matcher::{MatchOp, Matcher, MatcherError};
pub use metadata::{Metadata, MetricKind};
pub use person::{Person, PersonError};
pub use sample::{AnySample, HistogramSample, STALE_NAN, Sample, SelectedSeries, is_stale};
pub use selection::{SampleSource, Selection};
