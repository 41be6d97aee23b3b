//! The connections of this node, by user.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::{
    connection::{Connection, Control},
    order::{Order, subscription},
};
use crate::wire::Close;
use crate::wire::centrifugo::raw;

/// Connections that have said `connect`.
#[derive(Debug, Default)]
pub(super) struct Users(FxHashMap<Box<str>, FxHashMap<u64, Arc<Connection>>>);

impl Users {
    pub(super) fn enter(&mut self, connection: &Arc<Connection>, user: &str) {
        let own = self.0.entry(user.into()).or_default();
        own.insert(connection.number, Arc::clone(connection));
    }

    pub(super) fn leave(&mut self, connection: &Connection, user: &str) {
        let Some(own) = self.0.get_mut(user) else { return };
        own.remove(&connection.number);
        if own.is_empty() {
            self.0.remove(user);
        }
    }

    /// Connections of a user.
    pub(super) fn count(&self, user: &str) -> usize {
        self.0.get(user).map_or(0, FxHashMap::len)
    }

    /// How many connections there are, and of how many users.
    pub(super) fn totals(&self) -> (usize, usize) {
        (self.0.values().map(FxHashMap::len).sum(), self.0.len())
    }

    /// All connections, with their users.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Connection)> {
        self.0.iter().flat_map(|(user, own)| own.values().map(|connection| (&**user, &**connection)))
    }

    /// Ends the connection of an id; tells whether there is one.
    pub(super) fn disconnect(&self, client: &str) -> bool {
        let found = self.all().find(|(_, connection)| &*connection.client == client);
        found.inspect(|(_, connection)| connection.close(&Close::ForceDisconnect)).is_some()
    }

    /// Carries out an order on the connections that it means; `session` is the number of the connection whose session it
    /// names.
    pub(super) fn carry_out(&self, order: Order, session: Option<u64>) {
        let whom = order.whom().clone();
        let own = self.0.get(&*whom.user).into_iter().flatten();
        let meant: Vec<&Arc<Connection>> = own
            .map(|(_, connection)| connection)
            .filter(|one| whom.client.is_empty() || *one.client == *whom.client)
            .filter(|one| whom.session.is_empty() || session == Some(one.number))
            .collect();
        match order {
            Order::Subscribe { channel, info, data, expires_at, overrides, .. } => {
                let sub = Arc::new(subscription(channel, info, data, expires_at, overrides));
                meant.iter().for_each(|one| one.ask(Control::Subscribe(Arc::clone(&sub))));
            }
            Order::Unsubscribe { channel, .. } => {
                let channel: Arc<str> = channel.into();
                meant.iter().for_each(|one| one.ask(Control::Unsubscribe(Arc::clone(&channel))));
            }
            Order::Disconnect { code, reason, whitelist, .. } => {
                let close = Close::Custom { code, reason: reason.into() };
                let spared = |one: &Connection| whitelist.iter().any(|client| **client == *one.client);
                meant.iter().filter(|one| !spared(one)).for_each(|one| one.close(&close));
            }
            Order::Refresh { expired: true, .. } => meant.iter().for_each(|one| one.close(&Close::Expired)),
            Order::Refresh { expires_at, info, .. } => {
                let info: Option<Bytes> = info.map(raw::one_line);
                for one in meant {
                    one.ask(Control::Refresh { expires_at, info: info.clone() });
                }
            }
        }
    }
}
