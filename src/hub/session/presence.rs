//! As whom others see a client, for as long as it is there.

use std::sync::Arc;

use bytes::Bytes;

use super::{Session, Subscription};
use crate::hub::channel::Rules;

impl Session {
    /// Shows others who the client is, from now on; those who ask who is present, with the next renewal.
    pub(super) fn show(&mut self, info: Bytes) {
        if self.speaker.info.conn_info == info {
            return;
        }
        self.speaker.info.conn_info = info;
        for one in &mut self.subscriptions {
            one.is_stale |= one.presence;
        }
        self.expect_listing();
        self.look();
    }

    /// Notes that the client is to be listed anew, if it is.
    pub(super) fn expect_listing(&mut self) {
        if self.subscriptions.iter().any(|one| one.is_stale) {
            self.renew_at = self.renew_at.or(Some(self.next_renewal()));
        }
    }

    /// Notes that the client's presence in maps is to be renewed, if it is.
    pub(super) fn expect_renewal(&mut self, rules: &Rules) {
        if rules.has_presence_maps() && self.renew_at.is_none() {
            self.renew_at = Some(self.next_renewal());
        }
    }

    fn next_renewal(&self) -> i64 {
        let wait = self.hub.0.parts.options.presence_update_interval.as_secs().max(1);
        self.hub.now_s().saturating_add(i64::try_from(wait).unwrap_or(i64::MAX))
    }

    /// Lets the client's keys in maps of presence live on, and lists it as it is now where it is listed as it was, if it is
    /// time.
    pub(super) async fn renew_presence(&mut self) {
        if self.renew_at.is_none_or(|at| self.hub.now_s() < at) {
            return;
        }
        let present = self.subscriptions.iter().filter(|one| one.rules.has_presence_maps());
        let present: Vec<_> = present.map(|one| (Arc::clone(&one.channel), Arc::clone(&one.rules))).collect();
        for (channel, rules) in &present {
            self.hub.arrive(rules, channel, &self.info_in(channel)).await;
        }
        let stale: Vec<_> =
            (0..self.subscriptions.len()).filter(|at| self.subscriptions[*at].is_stale).collect();
        for at in stale {
            let Subscription { channel, announce, .. } = &self.subscriptions[at];
            let listed = self.hub.0.parts.backend.renew(channel, &self.info_in(channel), *announce).await;
            if let Err(error) = &listed {
                tracing::debug!(channel = &**channel, error = %error, "not listed anew");
            }
            self.subscriptions[at].is_stale = listed.is_err();
        }
        let is_awaited = !present.is_empty() || self.subscriptions.iter().any(|one| one.is_stale);
        self.renew_at = is_awaited.then(|| self.next_renewal());
    }
}
