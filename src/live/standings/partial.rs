//! What is read from the store for the selectors that have no leaf at hand.

use std::borrow::Cow;

use crate::live::error::{LiveError, Unread};
use crate::model::{Labels, SampleSource, SelectedSeries};
use crate::query::{EvalRange, Plan, standing::Dense};
use crate::store::{Reading, Store};

/// The samples of some selectors of a query.
#[derive(Debug)]
pub(super) struct Partial {
    /// Where each selector is among those that were read.
    places: Vec<Option<usize>>,
    reading: Option<Reading>,
}

impl Partial {
    /// Reads what is not at hand.
    ///
    /// # Errors
    ///
    /// [`LiveError::Store`].
    pub(super) fn read(
        plan: &Plan,
        range: EvalRange,
        at_hand: &[Option<Dense<'_>>],
        store: &Store,
    ) -> Result<Self, LiveError> {
        if at_hand.iter().all(Option::is_some) {
            return Ok(Self { places: Vec::new(), reading: None });
        }
        let mut selections = Vec::new();
        let mut places = Vec::with_capacity(at_hand.len());
        for (selection, dense) in plan.selections(range).into_iter().zip(at_hand) {
            places.push(dense.is_none().then_some(selections.len()));
            if dense.is_none() {
                selections.push(selection);
            }
        }
        Ok(Self { places, reading: Some(store.read(&selections).map_err(Unread::Store)?) })
    }

    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.reading.is_none()
    }

    fn place(&self, selection: usize) -> Option<(&Reading, usize)> {
        Some((self.reading.as_ref()?, self.places.get(selection).copied()??))
    }
}

impl SampleSource for Partial {
    fn count(&self, selection: usize) -> usize {
        self.place(selection).map_or(0, |(reading, place)| reading.count(place))
    }

    fn series(&self, selection: usize, nth: usize) -> Cow<'_, SelectedSeries> {
        match self.place(selection) {
            Some((reading, place)) => reading.series(place, nth),
            None => Cow::Owned(SelectedSeries::new(Labels::empty(), Vec::new())),
        }
    }
}
