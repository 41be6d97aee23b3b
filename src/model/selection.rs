//! What an evaluation wants of the store.

use super::Matcher;

/// The samples in `(from, to]` of the series that satisfy every matcher.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The conditions, all of which hold.
    pub matchers: Vec<Matcher>,
    /// Samples at this time or before are not wanted, ms.
    pub from: i64,
    /// The last time that is wanted, ms.
    pub to: i64,
}
