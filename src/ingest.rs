//! Samples that are pushed: bytes from outside become samples and reasons. Pure.
//!
//! Each format has one function of the same shape. A body that is not of the format at all is an
//! error; a single item that is wrong is refused with its reason, and the rest is kept.

pub mod catalog;
pub mod exposition;
mod histogram;
pub mod limits;
pub mod push;
pub mod series;

use std::{collections::BTreeMap, fmt};

use crate::model::{BatchHistogram, BatchSample, Metadata};

pub use catalog::Catalog;
pub use exposition::parse_exposition;
pub use push::parse_push;

use self::limits::{PUSH_BODY_BYTES_MAX, PUSH_ITEMS_MAX, REFUSED_LISTED_MAX};

/// What a body held.
#[derive(Debug, Default)]
pub struct Pushed {
    /// The samples, in the order of the body, each with its item: the position in the array from 0,
    /// or the line from 1.
    pub samples: Vec<(usize, BatchSample)>,
    /// The native histograms, likewise.
    pub histograms: Vec<(usize, BatchHistogram)>,
    /// The items that were refused, in the order of the body, at most
    /// [`limits::REFUSED_LISTED_MAX`].
    pub refused: Vec<RefusedItem>,
    /// How many items were refused, those beyond the list counted.
    pub refused_count: usize,
    /// What the text says of its metrics, by metric; empty for JSON.
    pub metadata: BTreeMap<String, Metadata>,
}

impl Pushed {
    /// The samples and then the refusals, as lines that tests compare.
    #[cfg(test)]
    fn lines(&self) -> Vec<String> {
        let samples = self
            .samples
            .iter()
            .map(|(index, entry)| format!("{index} {} {} {}", entry.labels, entry.sample.v, entry.sample.t));
        let histograms = self.histograms.iter().map(|(index, entry)| {
            format!("{index} {} {} {}", entry.labels, entry.sample.histogram, entry.sample.t)
        });
        samples.chain(histograms).chain(self.refused.iter().map(ToString::to_string)).collect()
    }

    fn refuse(&mut self, index: usize, reason: String) {
        self.refused_count += 1;
        if self.refused.len() < REFUSED_LISTED_MAX {
            self.refused.push(RefusedItem { index, reason });
        }
    }
}

/// An item that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RefusedItem {
    /// The position in the array from 0, or the line from 1.
    pub index: usize,
    /// Why, in words.
    pub reason: String,
}

impl fmt::Display for RefusedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}: {}", self.index, self.reason)
    }
}

/// A body of which nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It is larger than [`limits::PUSH_BODY_BYTES_MAX`].
    #[error("the body has {bytes} bytes; {PUSH_BODY_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It has more items than [`limits::PUSH_ITEMS_MAX`].
    #[error("the body has {items} items; {PUSH_ITEMS_MAX} are allowed")]
    TooManyItems {
        /// How many.
        items: usize,
    },
    /// It is not JSON.
    #[error("not JSON: {reason} at line {line} column {column}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is JSON of another form.
    #[error("{reason}")]
    WrongForm {
        /// What was expected.
        reason: String,
    },
}

fn check_size(bytes: usize) -> Result<(), PushError> {
    if bytes > PUSH_BODY_BYTES_MAX { Err(PushError::TooLarge { bytes }) } else { Ok(()) }
}
