//! A connection in a channel: what it wants of it, and where it stands.

use std::{cell::Cell, sync::Arc};

use tokio::time::{Duration, Instant};

use super::{Publish, To, held::Held};
use crate::hub::{
    connection::{Connection, Control},
    outbox::Delivery,
    tagfilter::Filter,
};
use crate::wire::{Close, Frame, Shape, View, cast::id_of};

/// How long a publication that is in the history already may be on its way to the shard.
const LAG_MAX: Duration = Duration::from_secs(10);

/// What a subscriber wants of a channel.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// Joins and leaves.
    pub joins: bool,
    /// Differences.
    pub delta: bool,
    /// Publications with these tags alone.
    pub filter: Option<Arc<Filter>>,
    /// Its number in the channel's place.
    pub by_id: bool,
}

impl Wants {
    /// The number that stands for a channel; 0 where its name does.
    pub fn id(&self, channel: &str) -> i64 {
        if self.by_id { id_of(channel) } else { 0 }
    }
}

/// Where a subscriber stands when its subscription begins.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The newest offset that the reply holds.
    pub after: u64,
    /// Whether the next one may be a difference.
    pub base: Base,
    /// The epoch of the stream, where its end must be told.
    pub epoch: Option<Arc<str>>,
}

/// Whether a subscriber has what a difference is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Base {
    /// Not before the next one, which is told whole.
    #[default]
    Later,
    /// It has.
    Now,
    /// Nobody knows, for each key of a map by itself: all are told whole.
    Never,
}

/// A connection in a channel.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) connection: Arc<Connection>,
    wants: Wants,
    /// Whether it has the publication before the next one.
    base: Cell<Base>,
    /// What is held back while the history is read.
    held: Option<Box<Held>>,
    /// The newest offset that its history had: what is not above it and still on its way is known to it.
    known: Option<Known>,
    /// The epoch that its offsets are of.
    epoch: Option<Arc<str>>,
    /// What it knows is of no use any more: it was told so, and is told nothing else.
    is_lost: bool,
}

/// What a subscriber's history had.
#[derive(Debug, Clone, Copy)]
struct Known {
    offset: u64,
    /// Until when something older may arrive.
    until: Instant,
}

impl Subscriber {
    /// One whose history is still to be read.
    pub(super) fn joining(connection: Arc<Connection>, wants: Wants) -> Self {
        let (base, held) = (Cell::new(Base::Later), Some(Box::new(Held::new(Arc::clone(&connection)))));
        Self { connection, wants, base, held, known: None, epoch: None, is_lost: false }
    }

    /// Whether it takes a push now.
    pub(super) fn takes(&self, publish: &Publish) -> bool {
        let is_known = |Known { offset: known, until }| {
            publish.offset.is_some_and(|offset| offset <= known) && Instant::now() < until
        };
        self.held.is_none() && !self.is_lost && self.is_meant(publish) && !self.known.is_some_and(is_known)
    }

    fn is_meant(&self, publish: &Publish) -> bool {
        let matches = |filter: &Arc<Filter>| {
            publish.cast.as_publication().is_none_or(|publication| filter.matches(&publication.tags))
        };
        (publish.to == To::All || self.wants.joins) && self.wants.filter.as_ref().is_none_or(matches)
    }

    /// How it reads a push, which is then what the next one may be a difference from.
    pub(super) fn view(&self, publish: &Publish) -> View {
        View { shape: self.shape(publish), by_id: self.wants.by_id }
    }

    fn shape(&self, publish: &Publish) -> Shape {
        match publish.cast.as_publication() {
            Some(_) if self.wants.delta => {
                let before = self.base.get();
                let is_last = publish.offset.is_some();
                self.base.set(match before {
                    Base::Never => Base::Never,
                    _ if is_last => Base::Now,
                    // The client takes it for what the next one is a difference from, and the stream does not.
                    _ => Base::Later,
                });
                if before == Base::Now && is_last { Shape::Delta } else { Shape::Whole }
            }
            _ => Shape::Plain,
        }
    }

    pub(super) fn send(&self, publish: &Publish) {
        self.send_as(publish, self.view(publish));
    }

    /// Sends what was held back.
    fn send_late(&self, publish: &Publish, is_whole: bool) {
        let mut view = self.view(publish);
        if is_whole && view.shape == Shape::Delta {
            view.shape = Shape::Whole;
        }
        self.send_as(publish, view);
    }

    fn send_as(&self, publish: &Publish, view: View) {
        self.connection.cast(&publish.cast, view, publish.delivery);
    }

    /// Holds a push back, if it is still joining; ends its subscription, if the push begins another epoch.
    pub(super) fn hold(&mut self, publish: &Publish) {
        if self.held.is_none() && self.is_of_another_epoch(publish) {
            self.lose(publish.cast.channel());
        }
        let is_meant = self.is_meant(publish);
        if let Some(held) = &mut self.held {
            if is_meant {
                if !held.push(publish) {
                    self.connection.close(&Close::Slow);
                }
            } else if publish.epoch.is_some() {
                // What it will not be told takes no room, nor the place of what it will.
                held.epoch = publish.epoch.clone();
            }
        }
    }

    fn is_of_another_epoch(&self, publish: &Publish) -> bool {
        self.epoch.is_some() && publish.epoch.is_some() && self.epoch != publish.epoch
    }

    /// Has its session end the subscription: what it knows is of no use any more.
    pub(super) fn lose(&mut self, channel: &Arc<str>) {
        if !self.is_lost {
            self.is_lost = true;
            self.connection.ask(Control::Lost(Arc::clone(channel)));
        }
    }

    /// Sends the reply, and then what was held back and is not in it.
    pub(super) fn begin(&mut self, channel: &Arc<str>, reply: Option<&Frame>, start: Start) {
        let Start { after, base, epoch } = start;
        if let Some(reply) = reply {
            self.connection.send(reply, Delivery::Reply);
        }
        self.base.set(base);
        self.known = Some(Known { offset: after, until: Instant::now() + LAG_MAX });
        self.epoch = epoch;
        let held = self.held.take();
        let told = held.as_ref().and_then(|held| held.epoch.as_ref());
        if self.epoch.is_some() && told.is_some() && told != self.epoch.as_ref() {
            self.lose(channel);
        }
        for (publish, is_whole) in held.iter().flat_map(|held| held.pushes()) {
            if self.is_of_another_epoch(publish) {
                self.lose(publish.cast.channel());
            }
            let is_new = publish.offset.is_none_or(|offset| after < offset);
            if is_new && !self.is_lost && self.is_meant(publish) {
                self.send_late(publish, is_whole);
            }
        }
    }
}
