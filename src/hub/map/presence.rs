//! Presence as maps: the connections of a channel, and its users, are keys of maps beside it.
//!
//! A connection's key goes with its subscription; a user's goes by itself, since another connection may be the same user's.
//! Both are renewed while the subscription lasts, so that those of a node that is gone end by themselves.

use super::super::{Hub, channel::Rules};
use super::MapError;
use crate::backend::{KeyMode, MapPut};
use crate::wire::centrifugo::ClientInfo;

/// A key that lives as long as somebody renews it.
fn here(key: &str, info: Option<ClientInfo>) -> MapPut {
    MapPut { key: key.to_owned(), info, mode: KeyMode::IfNew { renew: true }, ..MapPut::default() }
}

impl Rules {
    /// Whether who subscribes is present in maps.
    pub(in crate::hub) const fn has_presence_maps(&self) -> bool {
        self.map_clients_presence_channel_prefix.is_some() || self.map_users_presence_channel_prefix.is_some()
    }
}

impl Hub {
    /// Lists a subscriber in the maps of a channel, or lets it live on there.
    pub(in crate::hub) async fn arrive(&self, rules: &Rules, channel: &str, info: &ClientInfo) {
        if let Some(prefix) = &rules.map_clients_presence_channel_prefix {
            let put = here(&info.client, Some(info.clone()));
            self.put_presence(&format!("{prefix}{channel}"), put).await;
        }
        if let Some(prefix) =
            rules.map_users_presence_channel_prefix.as_ref().filter(|_| !info.user.is_empty())
        {
            self.put_presence(&format!("{prefix}{channel}"), here(&info.user, None)).await;
        }
    }

    async fn put_presence(&self, channel: &str, put: MapPut) {
        // The channel is not the client's own word: its name may be longer by the prefix than names may be.
        let Some(rules) = self.0.parts.namespaces.configured(channel) else {
            self.0.counters.refused_map("channel");
            return;
        };
        if let Err(error) = self.map_put(channel, rules, put).await {
            tracing::debug!(channel, error = %error, "presence not noted");
        }
    }

    /// Takes a subscriber out of the maps of a channel; out of the channel too, if that is a map in which its keys go with it
    /// and it `was_there`.
    pub(in crate::hub) async fn depart(
        &self,
        rules: &Rules,
        channel: &str,
        info: &ClientInfo,
        was_there: bool,
    ) {
        if let Some(prefix) = &rules.map_clients_presence_channel_prefix {
            let channel = format!("{prefix}{channel}");
            if let Some(rules) = self.0.parts.namespaces.configured(&channel) {
                self.remove_presence(&channel, rules, info).await;
            }
        }
        if was_there && rules.map.as_ref().is_some_and(|map| map.remove_client_on_unsubscribe) {
            self.remove_presence(channel, rules, info).await;
        }
    }

    async fn remove_presence(&self, channel: &str, rules: &Rules, info: &ClientInfo) {
        let removed: Result<_, MapError> = self.map_remove(channel, rules, (&info.client, "")).await;
        if let Err(error) = removed {
            tracing::debug!(channel, error = %error, "presence not taken back");
        }
    }
}
