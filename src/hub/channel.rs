//! Channels and what each of them promises.

use crate::backend::StreamOptions;
pub use crate::rooms::{ROOM, TYPING};

/// Bytes of a channel's name, as in Centrifugo.
pub const CHANNEL_BYTES_MAX: usize = 255;

/// The prefix of live queries.
pub const LIVE: &str = "live:";
/// The prefix of the busiest processes of one machine.
pub const TOP: &str = "top:";
/// What everyone must know.
pub const NOTICES: &str = "notices";

/// How publications of a channel treat slow readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Steps of a live query.
    Series,
    /// In order, and none missing without being told.
    Event,
    /// As an event; who joins is told all that came of the changes before.
    State,
    /// Only the newest counts.
    Signal,
}

/// What may be done in a channel, and what it keeps. Names are those of Centrifugo's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How it treats slow readers.
    pub class: Class,
    /// What is kept.
    pub stream: StreamOptions,
    /// Whether presence is known.
    pub presence: bool,
    /// Whether joins and leaves are announced.
    pub join_leave: bool,
    /// Whether clients may subscribe.
    pub allow_subscribe_for_client: bool,
    /// Whether subscribers may publish.
    pub allow_publish_for_subscriber: bool,
    /// Whether subscribers may read presence.
    pub allow_presence_for_subscriber: bool,
    /// Whether subscribers may read history.
    pub allow_history_for_subscriber: bool,
    /// Whether every subscription is positioned.
    pub force_positioning: bool,
    /// Whether every subscription is recoverable.
    pub force_recovery: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            class: Class::Event,
            stream: StreamOptions::default(),
            presence: false,
            join_leave: false,
            allow_subscribe_for_client: false,
            allow_publish_for_subscriber: false,
            allow_presence_for_subscriber: false,
            allow_history_for_subscriber: false,
            force_positioning: false,
            force_recovery: false,
        }
    }
}

/// A namespace of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// What stands before the colon.
    pub name: String,
    /// What holds in it.
    pub rules: Rules,
}

/// All channels there can be.
#[derive(Debug, Clone)]
pub struct Namespaces {
    own: Vec<Namespace>,
    without: Option<Rules>,
    room: Rules,
    state: Rules,
    signal: Rules,
    live: Rules,
}

impl Namespaces {
    /// Our own channels, those of the configuration, and what holds for channels without a namespace, if any
    /// are allowed.
    pub fn new(own: Vec<Namespace>, without: Option<Rules>) -> Self {
        let open = Rules { allow_subscribe_for_client: true, ..Rules::default() };
        Self {
            own,
            without,
            room: Rules {
                stream: StreamOptions::Journal,
                presence: true,
                join_leave: true,
                allow_presence_for_subscriber: true,
                allow_history_for_subscriber: true,
                force_positioning: true,
                force_recovery: true,
                ..open.clone()
            },
            state: Rules { class: Class::State, ..open.clone() },
            signal: Rules { class: Class::Signal, ..open.clone() },
            live: Rules { class: Class::Series, force_positioning: true, force_recovery: true, ..open },
        }
    }

    /// What holds in a channel; nothing if there can be no such channel.
    pub fn rules(&self, channel: &str) -> Option<&Rules> {
        if channel.is_empty() || CHANNEL_BYTES_MAX < channel.len() {
            return None;
        }
        if channel == crate::alerts::TRANSITIONS {
            // The nodes' own.
            return None;
        }
        if channel == crate::alerts::CHANNEL {
            return Some(&self.state);
        }
        if [crate::alerts::NOW_CHANNEL, crate::alerts::RULES_NOW_CHANNEL].contains(&channel) {
            return Some(&self.signal);
        }
        if channel == NOTICES || channel.starts_with(TOP) || channel.starts_with(TYPING) {
            return Some(&self.signal);
        }
        if channel.starts_with(LIVE) {
            return Some(&self.live);
        }
        if channel.starts_with(ROOM) {
            return Some(&self.room);
        }
        match channel.split_once(':') {
            Some((name, _)) => {
                self.own.iter().find(|namespace| namespace.name == name).map(|namespace| &namespace.rules)
            }
            None => self.without.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(channel: &str, expected: Option<Class>) {
        let own = vec![Namespace { name: "bench".to_owned(), rules: Rules::default() }];
        let namespaces = Namespaces::new(own, None);
        assert_eq!(namespaces.rules(channel).map(|rules| rules.class), expected, "{channel}");
    }

    #[test]
    fn a_channel_belongs_to_one_class() {
        check("live:0f", Some(Class::Series));
        check("room:host", Some(Class::Event));
        check("top:web-03", Some(Class::Signal));
        check("typing:host", Some(Class::Signal));
        check("notices", Some(Class::Signal));
        check("bench:r", Some(Class::Event));
        check("other:r", None);
        check("alone", None);
        check("", None);
        check(&"x".repeat(300), None);
    }
}
