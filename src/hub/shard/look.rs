//! What operators may know of a shard.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Heard, Shard, Whose};

impl Shard {
    pub(super) fn heard(&self) -> Vec<(Arc<str>, Heard)> {
        let heard = self.channels.iter().map(|(name, channel)| {
            let heard = Heard { subscribers: channel.subscribers.len(), messages: channel.messages };
            (Arc::clone(name), heard)
        });
        heard.collect()
    }

    /// The channels of some connections, by the numbers of these; *cost*: a look at each subscription.
    pub(super) fn channels_of(&self, whose: &Whose) -> FxHashMap<u64, Vec<Arc<str>>> {
        let mut found: FxHashMap<u64, Vec<Arc<str>>> = FxHashMap::default();
        for (name, channel) in &self.channels {
            match whose {
                Whose::Like(part) if !name.to_lowercase().contains(&**part) => continue,
                Whose::Like(_) | Whose::Numbers(_) => {}
            }
            let numbers = channel.subscribers.iter().map(|subscriber| subscriber.connection.number);
            let meant = numbers.filter(|number| match whose {
                Whose::Numbers(numbers) => numbers.contains(number),
                Whose::Like(_) => true,
            });
            for number in meant {
                found.entry(number).or_default().push(Arc::clone(name));
            }
        }
        found
    }
}
