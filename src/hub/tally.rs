//! How many channels have subscribers, and how many subscriptions there are: shards count as these change.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use rustc_hash::FxHashMap;

use super::channel;

/// Channels and their subscriptions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Channels that have subscribers.
    pub channels: usize,
    /// Subscriptions to them.
    pub subscriptions: usize,
}

/// The sums of all shards: of the channels of the configuration, and of our own.
#[derive(Debug, Default)]
pub struct Tally {
    configured: Part,
    own: Part,
}

#[derive(Debug, Default)]
struct Part {
    /// By channel: shards in which it has subscribers.
    channels: Mutex<FxHashMap<Arc<str>, usize>>,
    subscriptions: AtomicUsize,
}

impl Part {
    fn channels(&self) -> MutexGuard<'_, FxHashMap<Arc<str>, usize>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sum(&self) -> Sum {
        Sum { channels: self.channels().len(), subscriptions: self.subscriptions.load(Ordering::Relaxed) }
    }
}

impl Tally {
    fn part(&self, channel: &str) -> &Part {
        if channel::is_own(channel) { &self.own } else { &self.configured }
    }

    /// Counts one more subscription; `is_first` of its channel in a shard.
    pub(super) fn joined(&self, channel: &Arc<str>, is_first: bool) {
        let part = self.part(channel);
        part.subscriptions.fetch_add(1, Ordering::Relaxed);
        if is_first {
            *part.channels().entry(Arc::clone(channel)).or_default() += 1;
        }
    }

    /// Counts subscriptions that ended; `is_last` where a shard has no others of their channel.
    pub(super) fn left(&self, channel: &str, number: usize, is_last: bool) {
        let part = self.part(channel);
        part.subscriptions.fetch_sub(number, Ordering::Relaxed);
        if is_last {
            let mut channels = part.channels();
            if let Some(shards) = channels.get_mut(channel) {
                *shards -= 1;
                if *shards == 0 {
                    channels.remove(channel);
                }
            }
        }
    }

    /// What there is of the channels of the configuration.
    pub fn configured(&self) -> Sum {
        self.configured.sum()
    }

    /// What there is of our own channels.
    pub fn own(&self) -> Sum {
        self.own.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_counts_once_and_each_subscription() {
        let tally = Tally::default();
        let (a, own): (Arc<str>, Arc<str>) = ("a".into(), "@notices".into());
        // Two shards.
        for is_first in [true, false, true] {
            tally.joined(&a, is_first);
        }
        tally.joined(&own, true);
        assert_eq!(tally.configured(), Sum { channels: 1, subscriptions: 3 });
        assert_eq!(tally.own(), Sum { channels: 1, subscriptions: 1 });
        tally.left("a", 2, true);
        assert_eq!(tally.configured(), Sum { channels: 1, subscriptions: 1 });
        tally.left("a", 1, true);
        tally.left("@notices", 1, true);
        assert_eq!((tally.configured(), tally.own()), (Sum::default(), Sum::default()));
    }
}
