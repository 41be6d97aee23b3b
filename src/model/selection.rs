//! What an evaluation wants of the store, and what it gets.

use std::borrow::Cow;

use super::{Matcher, SelectedSeries};

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

/// What selections found, read one series after the other: a range of hours has more samples than fit into memory well.
pub trait SampleSource: std::fmt::Debug {
    /// How many series a selection found.
    fn count(&self, selection: usize) -> usize;

    /// The samples of one of them, by its number below [`SampleSource::count`].
    ///
    /// *Cost*: the samples are decoded each time where they are not at hand.
    fn series(&self, selection: usize, nth: usize) -> Cow<'_, SelectedSeries>;
}

/// Series that are at hand.
impl SampleSource for Vec<Vec<SelectedSeries>> {
    fn count(&self, selection: usize) -> usize {
        self.get(selection).map_or(0, Vec::len)
    }

    fn series(&self, selection: usize, nth: usize) -> Cow<'_, SelectedSeries> {
        Cow::Borrowed(&self[selection][nth])
    }
}
