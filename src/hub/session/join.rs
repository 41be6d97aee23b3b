//! A client joins channels, several at once, and leaves them.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Joined, Session, Subscription};
use crate::hub::{
    channel::Class,
    connection::Connection,
    outbox::REPLY_BYTES_LOW,
    refusal::Stop,
    shard::{Command, Start},
    subscribe::{self, Joining, Opened, Terms},
};
use crate::wire::centrifugo::{Answer, Reply};
use crate::wire::{Close, Frame};

impl Session {
    /// Notes a subscription, so that its limit and its uniqueness hold from here on.
    pub(super) fn note(&mut self, joining: &Joining) {
        let Joining { channel, rules, info, terms, id, .. } = joining;
        let info = info.chan_info.clone();
        self.subscriptions.push(Subscription {
            channel: Arc::clone(channel),
            rules: Arc::clone(rules),
            info: (!info.is_empty()).then(|| Box::new(info)),
            presence: terms.presence,
            announce: terms.announce,
            expires_at: terms.expires_at,
            by_server: *id == 0,
            is_stale: false,
        });
        self.expect_renewal(rules);
        self.hub.0.counters.subscriptions.add(1.0);
        self.connection.note(|about| about.channels += 1);
        self.look();
    }

    /// Carries out subscribes at once: a page opens dozens. They are answered in their order.
    pub(super) async fn join(&mut self, joining: Vec<Joining>) {
        if joining.is_empty() {
            return;
        }
        self.flush();
        let (hub, connection) = (self.hub.clone(), Arc::clone(&self.connection));
        let mut joining = joining.into_iter();
        loop {
            let opened = subscribe::open_some(&hub, &connection, &mut joining).await;
            if opened.is_empty() {
                return;
            }
            self.answer_opened(opened).await;
            connection.drained().await;
        }
    }

    /// Answers subscribes in their order, each before what was held back for it.
    async fn answer_opened(&mut self, opened: Vec<(Joining, Result<Option<Opened>, Stop>)>) {
        let (hub, connection) = (self.hub.clone(), Arc::clone(&self.connection));
        let (mut written, mut bytes) = (None, 0);
        for (joining, opened) in opened {
            let Joining { id, channel, terms, .. } = joining;
            // A live query whose answer cannot be told has a viewer all the same.
            let (joined, stop) = match opened
                .map(|opened| opened.map(|opened| answered(&connection, (id, &channel), &terms, opened)))
            {
                // The hub has stopped.
                Ok(None) => continue,
                Ok(Some(Some((reply, start)))) => {
                    bytes += reply.bytes().len();
                    written = Some(
                        subscribe::begin(&hub, &connection, Arc::clone(&channel), Some(reply), start).await,
                    );
                    (Joined::Yes, None)
                }
                Ok(Some(None)) => (Joined::Yes, Some(Close::InappropriateProtocol.into())),
                Err(stop) => (Joined::No, Some(stop)),
            };
            if stop.is_some() || REPLY_BYTES_LOW <= bytes {
                // The shard writes them in their order, and this one after them.
                if let Some(written) = written.take() {
                    drop(written.await);
                }
                bytes = 0;
                connection.drained().await;
            }
            if let Some(stop) = stop {
                self.leave(&channel, joined).await;
                self.stop(id, stop);
                self.flush();
            }
        }
        if let Some(written) = written {
            drop(written.await);
        }
    }

    /// Leaves a channel; what is told after that has nothing of it.
    pub(super) async fn leave_for_good(&mut self, channel: &str) {
        let (done, is_done) = oneshot::channel();
        self.part(channel, Joined::Yes, Some(done)).await;
        // Dropped where the client was not in it, or the shard has stopped.
        drop(is_done.await);
    }

    /// Leaves a channel; what was published before may still come.
    pub(super) async fn leave(&mut self, channel: &str, joined: Joined) {
        self.part(channel, joined, None).await;
    }

    async fn part(&mut self, channel: &str, joined: Joined, done: Option<oneshot::Sender<()>>) {
        let at = self.subscriptions.iter().position(|subscription| &*subscription.channel == channel);
        let Some(at) = at else {
            self.forget_pages(|own| own == channel).await;
            return;
        };
        let info = self.info_in(channel);
        let Subscription { channel, rules, presence, announce, .. } = self.subscriptions.swap_remove(at);
        self.hub.0.counters.subscriptions.add(-1.0);
        self.connection.note(|about| about.channels -= 1);
        let number = self.connection.number;
        let command = Command::Unsubscribe { channel: Arc::clone(&channel), number, done };
        // A shard that has stopped has no subscribers.
        drop(self.hub.shard(number).send(command).await);
        // A live query that refused counts no viewer, and must not take off another's.
        if rules.class == Class::Series && joined == Joined::Yes {
            self.hub.0.parts.live.close(&channel).await;
        }
        if presence {
            let left = self.hub.0.parts.backend.leave(&channel, &info, announce).await;
            if let Err(error) = left {
                tracing::debug!(channel = &*channel, error = %error, "leave not announced");
            }
        }
        self.hub.depart(&rules, &channel, &info, joined == Joined::Yes).await;
    }
}

/// The reply to a subscribe that was opened; nothing if the client cannot be told it.
fn answered(
    connection: &Connection,
    (id, channel): (u32, &str),
    terms: &Terms,
    opened: Opened,
) -> Option<(Frame, Start)> {
    let Opened { mut result, start } = opened;
    result.id = terms.wants.id(channel);
    let reply = Reply::answer(id, Answer::Subscribe(Box::new(result)));
    Some((connection.dialect.frame(&[reply.encode(connection.dialect.protocol)?]), start))
}
