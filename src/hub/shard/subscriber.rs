//! One connection in one channel.

use std::{cell::Cell, sync::Arc};

use tokio::time::Instant;

use super::{Connection, Publish, To, Wants};
use crate::hub::tagfilter::Filter;
use crate::wire::Shape;

/// A connection in a channel.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) connection: Arc<Connection>,
    pub(super) wants: Wants,
    /// Whether it has the publication before the next one.
    pub(super) has_base: Cell<bool>,
    /// What is held back while the history is read.
    pub(super) held: Option<Vec<Publish>>,
    /// The newest offset that its history had: what is not above it and still on its way is known to it.
    pub(super) known: Option<Known>,
}

/// What a subscriber's history had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) offset: u64,
    /// Until when something older may arrive.
    pub(super) until: Instant,
}

impl Subscriber {
    /// Whether it takes a push now.
    pub(super) fn takes(&self, publish: &Publish) -> bool {
        let is_known = |Known { offset: known, until }| {
            publish.offset.is_some_and(|offset| offset <= known) && Instant::now() < until
        };
        self.held.is_none() && self.is_meant(publish) && !self.known.is_some_and(is_known)
    }

    pub(super) fn is_meant(&self, publish: &Publish) -> bool {
        let matches = |filter: &Arc<Filter>| {
            publish.cast.as_publication().is_none_or(|publication| filter.matches(&publication.tags))
        };
        (publish.to == To::All || self.wants.joins) && self.wants.filter.as_ref().is_none_or(matches)
    }

    /// How it takes a push, which is then what the next one may be a difference from.
    pub(super) fn shape(&self, publish: &Publish) -> Shape {
        match publish.cast.as_publication() {
            // The client takes it for what the next one is a difference from, and the stream does not.
            Some(_) if self.wants.delta && publish.offset.is_none() => {
                self.has_base.set(false);
                Shape::Whole
            }
            Some(_) if self.wants.delta && self.has_base.replace(true) => Shape::Delta,
            Some(_) if self.wants.delta => Shape::Whole,
            _ => Shape::Plain,
        }
    }

    pub(super) fn send(&self, publish: &Publish) {
        self.connection.cast(&publish.cast, self.shape(publish), publish.delivery);
    }
}
