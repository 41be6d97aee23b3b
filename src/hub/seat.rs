//! Room for one more connection, and of one more from an address.

use std::{
    net::IpAddr,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
};

use rustc_hash::FxHashMap;

use super::{CONNECTIONS_MAX, Hub};

/// The place of one connection; what goes with it is given back when it is dropped.
#[derive(Debug)]
pub struct Seat(Option<(Hub, IpAddr)>);

impl Hub {
    /// A place for one more connection from an address; none beyond a limit, which is counted.
    pub fn seat(&self, address: IpAddr) -> Option<Seat> {
        let seat = if self.has_room() { self.seat_of(address) } else { None };
        if seat.is_none() {
            self.0.counters.refused.increment();
        }
        seat
    }

    fn has_room(&self) -> bool {
        let most = self.0.parts.options.connection_limit.unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX);
        self.0.open.load(Ordering::Relaxed) < most as u64 && self.is_within_rate()
    }

    /// Whether one more connection of this second is within the limit.
    fn is_within_rate(&self) -> bool {
        let Some(most) = self.0.parts.options.connection_rate_limit else { return true };
        let now_s = self.now_s();
        let mut rate = self.0.connects.lock().unwrap_or_else(PoisonError::into_inner);
        if rate.0 != now_s {
            *rate = (now_s, 0);
        }
        rate.1 = rate.1.saturating_add(1);
        rate.1 <= most
    }

    fn seat_of(&self, address: IpAddr) -> Option<Seat> {
        let Some(most) = self.0.parts.options.connection_limit_per_address else { return Some(Seat(None)) };
        // One address written in two ways is one.
        let address = address.to_canonical();
        let mut addresses = self.addresses();
        let open = addresses.entry(address).or_default();
        if most <= *open {
            return None;
        }
        *open += 1;
        Some(Seat(Some((self.clone(), address))))
    }

    fn addresses(&self) -> MutexGuard<'_, FxHashMap<IpAddr, usize>> {
        self.0.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((hub, address)) = self.0.take() else { return };
        let mut addresses = hub.addresses();
        if let Some(open) = addresses.get_mut(&address) {
            *open -= 1;
            if *open == 0 {
                addresses.remove(&address);
            }
        }
    }
}
