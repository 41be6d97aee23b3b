//! The short name of a series inside one store.

use std::fmt;

/// Names a series inside one store: small, given in the order in which series first came.
///
/// It stays the same over a restart. It means nothing on another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
