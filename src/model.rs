//! The nouns of a metric: labels, samples, matchers, batches. Pure: no I/O, no clock.

pub mod batch;
pub mod labels;
pub mod limits;
pub mod matcher;
pub mod person;
pub mod sample;
pub mod selection;

pub use batch::{Batch, BatchSample, Source};
pub use labels::{Label, Labels, METRIC_NAME};
pub use matcher::{MatchOp, Matcher, MatcherError};
pub use person::{Person, PersonError};
pub use sample::{STALE_NAN, Sample, SelectedSeries, is_stale};
pub use selection::Selection;
