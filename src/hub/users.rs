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

/// Connections that have said `connect`, by user and number.
#[derive(Debug, Default)]
pub(super) struct Users {
    all: FxHashMap<Box<str>, FxHashMap<u64, Entered>>,
    entered: u64,
}

/// A connection, and as which one it entered.
#[derive(Debug)]
struct Entered {
    connection: Arc<Connection>,
    place: u64,
}

impl Users {
    /// Notes a connection; tells as which one it entered.
    pub(super) fn enter(&mut self, connection: &Arc<Connection>, user: &str) -> u64 {
        self.entered += 1;
        let own = self.all.entry(user.into()).or_default();
        own.insert(connection.number, Entered { connection: Arc::clone(connection), place: self.entered });
        self.entered
    }

    pub(super) fn leave(&mut self, connection: &Connection, user: &str) {
        let Some(own) = self.all.get_mut(user) else { return };
        own.remove(&connection.number);
        if own.is_empty() {
            self.all.remove(user);
        }
    }

    /// Connections of a user.
    pub(super) fn count(&self, user: &str) -> usize {
        self.all.get(user).map_or(0, FxHashMap::len)
    }

    /// How many connections there are, and of how many users.
    pub(super) fn totals(&self) -> (usize, usize) {
        (self.all.values().map(FxHashMap::len).sum(), self.all.len())
    }

    /// All connections, with their users.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Connection)> {
        self.all.iter().flat_map(|(user, own)| own.values().map(|one| (&**user, &*one.connection)))
    }

    /// Ends the connection of an id; tells whether there is one.
    pub(super) fn disconnect(&self, client: &str) -> bool {
        let found = self.all().find(|(_, connection)| &*connection.client == client);
        found.inspect(|(_, connection)| connection.close(&Close::ForceDisconnect)).is_some()
    }

    /// Carries out an order on the connections that it means; `session` is the number of the connection whose session it
    /// names, and `node` this one.
    pub(super) fn carry_out(&self, order: Order, session: Option<u64>, node: &str) {
        let whom = order.whom().clone();
        let own = self.all.get(&*whom.user).into_iter().flatten();
        let is_before =
            |place: u64| whom.before.as_ref().is_none_or(|(of, before)| of != node || place < *before);
        let meant: Vec<&Arc<Connection>> = own
            .filter(|(_, one)| is_before(one.place))
            .map(|(_, one)| &one.connection)
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
