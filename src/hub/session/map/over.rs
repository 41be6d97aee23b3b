//! How reading a map ends that does not end with its last page.

use std::sync::Arc;

use super::Pages;
use crate::hub::{session::Session, shard::Command};

impl Pages {
    /// When what is held back for it is to be let go, s since the epoch; nothing if there is nothing.
    pub(in crate::hub::session) fn late_at(&self) -> Option<i64> {
        self.late_at.filter(|_| self.is_held)
    }

    /// Whether the client took too long to read it.
    pub(super) fn is_over(&self) -> bool {
        self.map.catch_up_timeout.is_some_and(|most| most < self.began.elapsed())
    }
}

impl Session {
    /// Ends what was begun for the pages of a map.
    pub(super) async fn release(&self, pages: &Pages) {
        if pages.is_held {
            let (channel, number) = (Arc::clone(&pages.joining.channel), self.connection.number);
            let command = Command::Unsubscribe { channel, number, done: None };
            // A shard that has stopped has no subscribers.
            drop(self.hub.shard(number).send(command).await);
        }
    }

    /// Forgets maps that the client reads.
    pub(in crate::hub::session) async fn forget_pages(&mut self, is_meant: impl Fn(&str) -> bool) {
        let (over, rest) =
            std::mem::take(&mut self.pages).into_iter().partition(|pages| is_meant(&pages.joining.channel));
        self.pages = rest;
        self.release_all(over).await;
    }

    /// Forgets maps that the client began to read long ago.
    pub(in crate::hub::session) async fn forget_late(&mut self) {
        let (over, rest) = std::mem::take(&mut self.pages).into_iter().partition(Pages::is_over);
        self.pages = rest;
        self.release_all(over).await;
    }

    /// Holds nothing back any more for maps that the client began to read long ago; should it go on, it is told so.
    pub(in crate::hub::session) async fn release_late(&mut self) {
        for at in 0..self.pages.len() {
            if self.pages[at].is_over() {
                self.release(&self.pages[at]).await;
                self.pages[at].is_held = false;
            }
        }
    }

    async fn release_all(&self, over: Vec<Pages>) {
        for pages in over {
            self.release(&pages).await;
        }
    }

    /// What was read of a map is of no use any more.
    pub(in crate::hub::session) fn lose_pages(&mut self, channel: &str) {
        if let Some(pages) = self.pages.iter_mut().find(|pages| *pages.joining.channel == *channel) {
            pages.is_lost = true;
        }
    }
}
