//! Appends and reads of samples.

pub mod bits;
pub mod codec;
pub mod ids;
pub mod open;
#[cfg(test)]
pub mod testing;

pub use ids::SeriesId;
