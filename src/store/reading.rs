//! What selections found, decoded series by series.

use std::borrow::Cow;

use super::{Store, StoreError, ids::SeriesId, select::Found};
use crate::model::{SampleSource, SelectedSeries};

/// Sealed chunks of one series as the file has them, oldest first.
#[derive(Debug, Default)]
pub struct Bodies {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Bodies {
    /// Adds the next one.
    pub fn push(&mut self, body: &[u8]) {
        self.bytes.extend_from_slice(body);
        self.ends.push(self.bytes.len());
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    /// Bytes of all.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Series that were found, their chunks at hand: a tenth of the memory that their samples take.
#[derive(Debug)]
pub struct Reading {
    store: Store,
    selections: Vec<Vec<Found>>,
}

impl Reading {
    pub(super) const fn new(store: Store, selections: Vec<Vec<Found>>) -> Self {
        Self { store, selections }
    }

    /// Which series one of a selection is.
    pub fn id(&self, selection: usize, nth: usize) -> Option<SeriesId> {
        Some(self.selections.get(selection)?.get(nth)?.id)
    }

    /// The series of each selection.
    pub(super) fn into_selections(self) -> Vec<Vec<Found>> {
        self.selections
    }
}

impl Store {
    /// As [`Store::select`], of one series; `None` when it is gone.
    ///
    /// *Blocks* when a part is on disk.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn read_one(&self, id: SeriesId, from: i64, to: i64) -> Result<Option<SelectedSeries>, StoreError> {
        let selected = self.head().select_ids(&[id], from, to);
        let mut room = self.0.config.read_bytes_max;
        let found = self.load(selected, &mut room)?;
        Ok(found.first().map(|found| self.decode_one(found)))
    }
}

impl SampleSource for Reading {
    fn count(&self, selection: usize) -> usize {
        self.selections.get(selection).map_or(0, Vec::len)
    }

    fn series(&self, selection: usize, nth: usize) -> Cow<'_, SelectedSeries> {
        Cow::Owned(self.store.decode_one(&self.selections[selection][nth]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_one_by_one() {
        let mut bodies = Bodies::default();
        assert_eq!(bodies.iter().count(), 0);
        let all = [&b"one"[..], b"", b"three"];
        all.iter().for_each(|body| bodies.push(body));
        assert_eq!(bodies.iter().collect::<Vec<_>>(), all);
        assert_eq!(bodies.size(), 8);
    }
}
