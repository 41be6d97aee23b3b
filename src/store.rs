//! Appends and reads of samples.
//!
//! [`Head`] is pure: series, their newest samples, the index over their labels. [`Store`] is the
//! handle that is shared, with the head behind a lock and the disk behind a queue.

pub mod bits;
pub mod cardinality;
pub mod codec;
pub mod config;
pub mod disk;
pub mod durable;
pub mod handle;
pub mod head;
pub mod histograms;
pub mod ids;
pub mod index;
pub mod open;
pub mod reading;
pub mod report;
pub mod retention_clock;
pub mod select;
pub mod series;
pub mod symbols;
pub mod taking;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod upkeep;

pub use config::StoreConfig;
pub use disk::{Restored, StoreError, copy};
pub use durable::{Durable, PersistError};
pub use handle::Store;
pub use head::Head;
pub use ids::SeriesId;
pub use reading::Reading;
pub use report::{Accepted, AppendReport, Refusal, StorageState, StoreStats};
pub use select::{Selected, Selection};
pub use series::Refused;
