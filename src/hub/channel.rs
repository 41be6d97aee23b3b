//! Channels and what each of them promises.

use std::{sync::Arc, time::Duration};

use regex::Regex;

use super::options::Syntax;
use crate::alerts;
pub use crate::backend::MapMode;
use crate::backend::{MapOptions, StreamOptions};
use crate::live;
pub use crate::rooms::{ROOM, TYPING};

/// What the names of our own channels begin with, and no others: a namespace cannot be called so.
const OWN: char = '@';
/// The prefix of the busiest processes of one machine.
pub const TOP: &str = "@top:";
/// What everyone must know.
pub const NOTICES: &str = "@notices";

/// Whether a name can be that of one of our own channels, and of no other.
pub fn is_own(channel: &str) -> bool {
    channel.starts_with(OWN)
}

/// How publications of a channel treat slow readers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Class {
    /// Steps of a live query.
    Series,
    /// In order, and none missing without being told.
    #[default]
    Event,
    /// As an event; who joins is told all that came of the changes before.
    State,
    /// Only the newest counts.
    Signal,
}

/// Who may do something in a channel. In open mode who is anonymous counts as a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Every user.
    pub client: bool,
    /// Who is subscribed.
    pub subscriber: bool,
    /// The anonymous user as others; allows nothing by itself.
    pub anonymous: bool,
}

/// How a client that comes back gets what it missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecoveryMode {
    /// All of it.
    #[default]
    Stream,
    /// The newest alone.
    Cache,
}

/// What may be published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// Anything but nothing.
    #[default]
    Some,
    /// JSON.
    Json,
    /// A JSON object.
    JsonObject,
    /// Anything.
    Binary,
}

/// What one subscribes to in a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SubscriptionType {
    /// Publications, one after another.
    #[default]
    Stream,
    /// Keys with values.
    Map,
    /// The connections that are present, as a map.
    MapClients,
    /// The users that are present, as a map.
    MapUsers,
}

/// Whose key a client may set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientKey {
    /// Any.
    #[default]
    Any,
    /// Its own id.
    ClientId,
    /// Its user's.
    UserId,
}

/// A map: the `map` table of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRules {
    /// Where values go.
    pub mode: MapMode,
    /// How long a value lives after it was set; nothing for ever.
    pub key_ttl: Option<Duration>,
    /// Changes that are kept.
    pub stream_size: usize,
    /// How long they are kept.
    pub stream_ttl: Duration,
    /// How long an unused map keeps its epoch; nothing for ever.
    pub meta_ttl: Option<Duration>,
    /// A client's own key goes with its subscription.
    pub remove_client_on_unsubscribe: bool,
    /// Whose key a client may set.
    pub client_key: ClientKey,
    /// Who may set.
    pub publish: Allowed,
    /// Who may remove.
    pub remove: Allowed,
    /// Entries of a page, unless asked otherwise.
    pub page_size: usize,
    /// The least and the most that may be asked for.
    pub page_sizes: (usize, usize),
    /// Changes that a client may be behind when it goes live.
    pub live_transition_max: usize,
    /// How long a client may take to read all pages; nothing for ever.
    pub catch_up_timeout: Option<Duration>,
}

impl MapRules {
    /// How it is kept.
    pub const fn options(&self) -> MapOptions {
        let Self { mode, key_ttl, stream_size, stream_ttl, meta_ttl, .. } = *self;
        MapOptions { mode, key_ttl, stream_size, stream_ttl, meta_ttl }
    }
}

/// What may be done in a channel, and what it keeps. Names are those of Centrifugo's configuration.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// How it treats slow readers.
    pub class: Class,
    /// What is kept.
    pub stream: StreamOptions,
    /// Whether presence is known.
    pub presence: bool,
    /// Whether joins and leaves are announced to those who ask for it…
    pub join_leave: bool,
    /// …and to all subscribers.
    pub force_push_join_leave: bool,
    /// Every subscription is positioned.
    pub force_positioning: bool,
    /// A subscription that asks for it is positioned.
    pub allow_positioning: bool,
    /// Every subscription is recoverable.
    pub force_recovery: bool,
    /// A subscription that asks for it is recoverable.
    pub allow_recovery: bool,
    /// How.
    pub force_recovery_mode: RecoveryMode,
    /// Who subscribes gets the newest publication, as if it came back.
    pub auto_cache_recover: bool,
    /// Whether publications may come as differences.
    pub allow_delta: bool,
    /// Whether they do, without being published so.
    pub delta_publish: bool,
    /// Whether subscribers may filter by tags.
    pub allow_tags_filter: bool,
    /// Who may subscribe; `subscriber` means nothing here.
    pub subscribe: Allowed,
    /// Who may publish.
    pub publish: Allowed,
    /// Who may read presence.
    pub presence_for: Allowed,
    /// Who may read history.
    pub history_for: Allowed,
    /// Whether names with users after the user boundary are theirs alone.
    pub allow_user_limited_channels: bool,
    /// What the name after the namespace must look like; ASCII if nothing is said.
    pub channel_regex: Option<Regex>,
    /// What may be published.
    pub publication_data_format: DataFormat,
    /// What one subscribes to.
    pub subscription_type: SubscriptionType,
    /// The map, in a namespace of maps.
    pub map: Option<Arc<MapRules>>,
    /// Presence of each connection goes into the map of this prefix and the channel's name.
    pub map_clients_presence_channel_prefix: Option<String>,
    /// The same of each user.
    pub map_users_presence_channel_prefix: Option<String>,
}

/// A namespace of the user's own.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// What stands before the colon.
    pub name: String,
    /// What holds in it.
    pub rules: Rules,
}

/// All channels there can be.
#[derive(Debug, Clone)]
pub struct Namespaces {
    own: Vec<(String, Arc<Rules>)>,
    without: Option<Arc<Rules>>,
    syntax: Syntax,
    room: Arc<Rules>,
    state: Arc<Rules>,
    signal: Arc<Rules>,
    live: Arc<Rules>,
}

impl Namespaces {
    /// Our own channels, those of the configuration, and what holds for channels without a namespace, if any
    /// are allowed.
    pub fn new(own: Vec<Namespace>, without: Option<Rules>, syntax: Syntax) -> Self {
        let all = Allowed { client: true, subscriber: true, anonymous: true };
        let open = Rules { subscribe: all, ..Rules::default() };
        let own = own.into_iter().map(|Namespace { name, rules }| (name, Arc::new(rules))).collect();
        Self {
            own,
            without: without.map(Arc::new),
            syntax,
            room: Arc::new(Rules {
                stream: StreamOptions::Journal,
                presence: true,
                join_leave: true,
                force_push_join_leave: true,
                presence_for: all,
                history_for: all,
                force_positioning: true,
                force_recovery: true,
                ..open.clone()
            }),
            state: Arc::new(Rules { class: Class::State, ..open.clone() }),
            signal: Arc::new(Rules { class: Class::Signal, ..open.clone() }),
            live: Arc::new(Rules {
                class: Class::Series,
                force_positioning: true,
                force_recovery: true,
                ..open
            }),
        }
    }

    /// What holds in one of our own channels; nothing if a name is not that of one. Rooms are looked up elsewhere.
    pub fn own(&self, channel: &str) -> Option<&Arc<Rules>> {
        if channel == alerts::CHANNEL {
            return Some(&self.state);
        }
        let is_signal = [alerts::NOW_CHANNEL, alerts::RULES_NOW_CHANNEL, NOTICES].contains(&channel);
        if is_signal || channel.starts_with(TOP) || channel.starts_with(TYPING) {
            return Some(&self.signal);
        }
        if channel.strip_prefix(live::CHANNELS).is_some_and(is_hash) {
            return Some(&self.live);
        }
        channel.starts_with(ROOM).then_some(&self.room)
    }

    /// Whether there may be maps.
    pub fn has_maps(&self) -> bool {
        let own = self.own.iter().map(|(_, rules)| rules);
        own.chain(&self.without).any(|rules| rules.map.is_some())
    }

    /// What holds in a channel of the configuration; nothing if there can be no such channel.
    pub fn configured(&self, channel: &str) -> Option<&Arc<Rules>> {
        if channel.is_empty() || self.syntax.max_length < channel.len() || is_own(channel) {
            return None;
        }
        let bare = channel.strip_prefix(&*self.syntax.private_prefix).unwrap_or(channel);
        match bare.split_once(&*self.syntax.namespace_boundary) {
            Some((name, _)) => self.own.iter().find(|(own, _)| own == name).map(|(_, rules)| rules),
            None => self.without.as_ref(),
        }
    }
}

/// Whether a text is like a pattern, in which `*` stands for any characters and `?` for one.
pub fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and what it was taken for up to now.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = star else { return false };
                star = Some((after, taken + 1));
                (p, t) = (after, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether a name is one that we make of a query.
fn is_hash(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(channel: &str, own: Option<Class>, configured: bool) {
        let names = vec![Namespace { name: "room".to_owned(), rules: Rules::default() }];
        let namespaces = Namespaces::new(names, Some(Rules::default()), Syntax::default());
        assert_eq!(namespaces.own(channel).map(|rules| rules.class), own, "{channel}");
        assert_eq!(namespaces.configured(channel).is_some(), configured, "{channel}");
    }

    #[test]
    fn a_channel_belongs_to_one_class() {
        check("@live:00112233445566778899aabbccddeeff", Some(Class::Series), false);
        check("@live:0f", None, false);
        check("@room:host", Some(Class::Event), false);
        check("@top:web-03", Some(Class::Signal), false);
        check("@typing:host", Some(Class::Signal), false);
        check("@notices", Some(Class::Signal), false);
        check(alerts::TRANSITIONS, None, false);
        check("room:host", None, true);
        check("$room:r", None, true);
        check("alone", None, true);
        check("@alone", None, false);
        check("other:r", None, false);
        check("", None, false);
        check(&"x".repeat(300), None, false);
    }
}
