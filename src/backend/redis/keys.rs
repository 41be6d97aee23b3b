//! The names of keys and topics: prefix, the tag of their place, and what they are.

use super::place::Place;
use crate::backend::RecordKind;

/// Names of one system on a Redis.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    database: i64,
}

/// The keys of one channel: where they are, and what they begin with.
#[derive(Debug)]
pub(super) struct ChannelKeys {
    pub(super) place: Place,
    /// `watchroom:{p17}:` and the like.
    base: String,
    channel: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, database: i64) -> Self {
        Self { prefix: prefix.to_owned(), database }
    }

    fn base(&self, place: Place) -> String {
        format!("{}:{{{}}}:", self.prefix, place.tag())
    }

    fn of_place(&self, place: Place, name: &str) -> String {
        self.base(place) + name
    }

    /// The keys of a channel that is not of the journal; of any channel, those of who is present.
    pub(super) fn channel(&self, channel: &str) -> ChannelKeys {
        self.channel_at(Place::of(channel), channel)
    }

    /// The keys of a channel of the journal.
    pub(super) fn journal(&self, channel: &str) -> ChannelKeys {
        self.channel_at(Place::JOURNAL, channel)
    }

    fn channel_at(&self, place: Place, channel: &str) -> ChannelKeys {
        ChannelKeys { place, base: self.base(place), channel: channel.to_owned() }
    }

    /// What is published at a place goes to this topic, by `SPUBLISH`. Pub/sub knows no databases, so the number is
    /// part of it.
    pub(super) fn topic(&self, place: Place) -> String {
        self.of_place(place, &format!("events:{}", self.database))
    }

    /// The stream of all nodes' samples.
    pub(super) fn samples(&self) -> String {
        self.of_place(Place::SAMPLES, "samples")
    }

    /// Bytes that the stream of samples holds.
    pub(super) fn samples_meta(&self) -> String {
        self.of_place(Place::SAMPLES, "meta")
    }

    /// What epochs of live queries derive from.
    pub(super) fn generation(&self) -> String {
        self.of_place(Place::NODES, "generation")
    }

    /// Nodes with entries in presence, alive or not yet cleaned up.
    pub(super) fn nodes(&self) -> String {
        self.of_place(Place::NODES, "nodes")
    }

    /// There while a node is alive.
    pub(super) fn alive(&self, member: &str) -> String {
        self.of_place(Place::NODES, &format!("alive:{member}"))
    }

    /// Channels of a place in which a node has entries.
    pub(super) fn channels(&self, place: Place, member: &str) -> String {
        self.of_place(place, &format!("channels:{member}"))
    }

    /// Maps of a place with keys that end, each with the time of the next.
    pub(super) fn map_ends(&self, place: Place) -> String {
        self.of_place(place, "map-ends")
    }

    /// When records are over.
    pub(super) fn record_ends(&self) -> String {
        self.of_place(Place::JOURNAL, "ends")
    }

    /// The records of a kind.
    pub(super) fn records(&self, kind: RecordKind) -> String {
        self.of_place(Place::JOURNAL, &format!("records:{}", kind.name()))
    }

    /// Who tells of an alert now.
    pub(super) fn claim(&self, key: &str) -> String {
        self.of_place(Place::JOURNAL, &format!("claim:{key}"))
    }
}

impl ChannelKeys {
    /// A key of the channel. The kind stands before the channel, which may hold anything.
    pub(super) fn key(&self, kind: &str) -> String {
        format!("{}{kind}:{}", self.base, self.channel)
    }

    /// Its publications.
    pub(super) fn log(&self) -> String {
        self.key("log")
    }

    /// Its epoch, newest offset, and bytes kept.
    pub(super) fn meta(&self) -> String {
        self.key("meta")
    }

    /// Who is in it.
    pub(super) fn presence(&self) -> String {
        self.key("presence")
    }

    /// Where a change of a map stands that has a name: the length keeps channel and name apart.
    pub(super) fn map_change(&self, name: &str) -> String {
        format!("{}:{name}", self.key(&format!("map-change:{}", self.channel.len())))
    }

    /// The place of the event that an author's id stands for: the length keeps channel and id apart.
    pub(super) fn author(&self, key: &str) -> String {
        format!("{}:{key}", self.key(&format!("key:{}", self.channel.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_place_share_its_tag() {
        let keys = Keys::new("watchroom", 3);
        let channel = keys.channel("chat:{1}");
        let tag = format!("watchroom:{{{}}}:", channel.place.tag());
        assert_eq!(channel.log(), format!("{tag}log:chat:{{1}}"));
        assert_eq!(keys.topic(channel.place), format!("{tag}events:3"));
        assert_eq!(keys.channels(channel.place, "a"), format!("{tag}channels:a"));
        let room = keys.journal("room:lobby");
        assert_eq!(room.meta(), "watchroom:{journal}:meta:room:lobby");
        assert_ne!(room.author("b:c"), keys.journal("room:lobby:b").author("c"));
        assert_eq!(keys.claim("a"), "watchroom:{journal}:claim:a");
    }
}
