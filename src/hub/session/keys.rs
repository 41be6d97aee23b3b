//! A client changes keys of maps, and is one where presence is a map.

use std::sync::Arc;

use super::Session;
use crate::backend::MapPut;
use crate::hub::{
    channel::{ClientKey, Rules},
    map::{self, MapError},
    refusal::{Stop, internal},
};
use crate::wire::centrifugo::{Answer, ErrorCode, Publish};

impl Session {
    /// Puts a value into a map, or takes a key out.
    ///
    /// # Errors
    ///
    /// Why it is not done.
    pub(super) async fn change_map(&mut self, id: u32, request: Publish, rules: &Rules) -> Result<(), Stop> {
        let Publish { channel, data, key, removed, .. } = request;
        let map = map::of(rules).map_err(|_| Stop::refuse(ErrorCode::PermissionDenied))?;
        self.allowed(&channel, if removed { map.remove } else { map.publish })?;
        let key = match map.client_key {
            ClientKey::Any => key,
            ClientKey::ClientId => self.connection.client.to_string(),
            ClientKey::UserId if self.user.is_empty() => {
                return Err(Stop::refuse(ErrorCode::PermissionDenied));
            }
            ClientKey::UserId => self.user.to_string(),
        };
        let done = if removed {
            self.hub.map_remove(&channel, rules, (&key, "")).await
        } else {
            let (info, delta) = (Some(self.info_in(&channel)), rules.delta_publish);
            let put = MapPut { key, data, info, delta, ..MapPut::default() };
            self.hub.map_put(&channel, rules, put).await
        };
        done.map_err(refused)?;
        self.reply(id, Answer::Publish);
        Ok(())
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

    /// Lets the client's keys in maps of presence live on, if it is time.
    pub(super) async fn renew_presence(&mut self) {
        if self.renew_at.is_none_or(|at| self.hub.now_s() < at) {
            return;
        }
        let present = self.subscriptions.iter().filter(|one| one.rules.has_presence_maps());
        let present: Vec<_> = present.map(|one| (Arc::clone(&one.channel), Arc::clone(&one.rules))).collect();
        for (channel, rules) in &present {
            self.hub.arrive(rules, channel, &self.info_in(channel)).await;
        }
        self.renew_at = (!present.is_empty()).then(|| self.next_renewal());
    }
}

fn refused(error: MapError) -> Stop {
    match error {
        MapError::NoMap | MapError::Key => Stop::refuse(ErrorCode::BadRequest),
        MapError::Version => Stop::refuse(ErrorCode::Internal),
        MapError::Backend(error) => internal(error).into(),
    }
}
