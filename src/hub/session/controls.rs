//! What others than its client ask of a session: the server API, other nodes, and time.

use std::sync::Arc;

use super::{Joined, Session, connect::later, map::Pages};
use crate::hub::{connection::Control, permit::ServerSubscribe, subscribe};
use crate::wire::Close;
use crate::wire::centrifugo::{PushBody, Subscribe, SubscribeBody};

/// Why a subscription ended that the client did not end, with Centrifugo's codes.
const BY_SERVER: (u32, &str) = (2000, "server unsubscribe");
const LOST: (u32, &str) = (2500, "insufficient state");
const EXPIRED: (u32, &str) = (2501, "subscription expired");

impl Session {
    /// Does what it was asked to do.
    pub(in crate::hub) async fn controls(&mut self) {
        for control in self.connection.asked() {
            if !self.is_connected() {
                continue;
            }
            match control {
                Control::Subscribe(sub) => self.subscribe_by_server(&sub).await,
                Control::Unsubscribe(channel) => self.unsubscribe_by_server(&channel).await,
                Control::Lost(channel) => self.lose(&channel).await,
                Control::Refresh { expires_at, info } => {
                    if let Some(info) = info {
                        self.show(info);
                    }
                    self.renew(expires_at);
                    let ttl = expires_at.map(|at| self.hub.seconds_until(at));
                    self.push("", PushBody::Refresh { ttl });
                }
                Control::Look => {
                    self.end_expired().await;
                    self.renew_presence().await;
                    self.release_late().await;
                    self.look();
                }
            }
            self.flush();
        }
    }

    async fn subscribe_by_server(&mut self, sub: &ServerSubscribe) {
        self.forget_late().await;
        let reads = self.pages.iter().any(|pages| **pages.channel() == *sub.channel);
        if reads || self.subscription(&sub.channel).is_some() {
            return;
        }
        if self.is_full() {
            self.connection.close(&Close::ChannelLimit);
            return;
        }
        let Some(rules) = self.hub.rules(&sub.channel, self.standing).map(Arc::clone) else { return };
        let joining = self.enter_by_server(sub, rules, Subscribe::default());
        match subscribe::open(&self.hub, &self.connection, &joining).await {
            Ok(Some(opened)) => {
                let result = opened.result;
                let body = SubscribeBody {
                    recoverable: result.recoverable,
                    epoch: result.epoch,
                    offset: result.offset,
                    positioned: result.positioned,
                    data: result.data,
                };
                self.push(&sub.channel, PushBody::Subscribe(body));
                self.flush();
                subscribe::activate(&self.hub, &self.connection, joining.channel, None, opened.start).await;
            }
            Ok(None) => {}
            Err(_) => {
                self.leave(&sub.channel, Joined::No).await;
                self.connection.close(&Close::ServerError);
            }
        }
    }

    async fn unsubscribe_by_server(&mut self, channel: &str) {
        let channels: Vec<Arc<str>> = self
            .subscriptions
            .iter()
            .filter(|one| channel.is_empty() || *one.channel == *channel)
            .map(|one| Arc::clone(&one.channel))
            .collect();
        for channel in channels {
            self.end_subscription(&channel, BY_SERVER).await;
        }
        self.forget_pages(|own| channel.is_empty() || own == channel).await;
    }

    async fn end_subscription(&mut self, channel: &str, (code, reason): (u32, &str)) {
        self.leave_for_good(channel).await;
        self.push(channel, PushBody::Unsubscribe { code, reason: reason.to_owned() });
    }

    fn ends_at(&self, expires_at: i64) -> i64 {
        later(expires_at, self.hub.0.parts.options.expired_sub_close_delay)
    }

    /// Notes when the next subscription expires, or is to be renewed, or a map is read for too long.
    pub(super) fn look(&self) {
        let next = self.subscriptions.iter().filter_map(|one| one.expires_at).min();
        let next = next.map(|at| self.ends_at(at));
        let late = self.pages.iter().filter_map(Pages::late_at);
        self.connection.look_at(next.into_iter().chain(self.renew_at).chain(late).min());
    }

    async fn end_expired(&mut self) {
        let now_s = self.hub.now_s();
        let is_over = |at: Option<i64>| at.is_some_and(|at| self.ends_at(at) <= now_s);
        let over: Vec<(Arc<str>, bool)> = self
            .subscriptions
            .iter()
            .filter(|one| is_over(one.expires_at))
            .map(|one| (Arc::clone(&one.channel), one.by_server))
            .collect();
        for (channel, by_server) in over {
            if by_server {
                self.connection.close(&Close::SubscriptionExpired);
                return;
            }
            self.end_subscription(&channel, EXPIRED).await;
        }
    }

    /// Ends a subscription that must begin anew.
    async fn lose(&mut self, channel: &str) {
        match self.subscription(channel).map(|one| one.by_server) {
            // The client does not subscribe to it again by itself.
            Some(true) => self.connection.close(&Close::InsufficientState),
            Some(false) => self.end_subscription(channel, LOST).await,
            None => self.lose_pages(channel),
        }
    }
}
