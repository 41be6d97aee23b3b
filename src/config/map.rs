//! The `map` table of a namespace.

use std::{ops::Range, time::Duration};

use crate::document::Table;
use crate::hub::channel::{Allowed, ClientKey, MapMode, MapRules, SubscriptionType};

use super::rules::CLOSED;
use super::value::{choice, count, duration, flag, lacks, signed};

/// Changes that are kept, unless something else is said.
const STREAM_SIZE: usize = 100;
/// How long.
const STREAM_TTL: Duration = Duration::from_mins(1);
/// Entries of a page: by default, at least, and at most.
const PAGE: (usize, usize, usize) = (100, 100, 1_000);
/// How long a client may take to read all pages.
const CATCH_UP: Duration = Duration::from_secs(5);
const MODES: &[(&str, MapMode)] = &[
    ("ephemeral", MapMode::Ephemeral),
    ("recoverable", MapMode::Recoverable),
    ("persistent", MapMode::Persistent),
];
const KEYS: &[(&str, ClientKey)] = &[("client_id", ClientKey::ClientId), ("user_id", ClientKey::UserId)];

/// Reads the table; gives the map if the namespace is one of maps.
pub(super) fn map(table: &mut Table<'_>, subscription_type: SubscriptionType) -> Option<MapRules> {
    let is_map = subscription_type != SubscriptionType::Stream;
    let place = table.place("subscription_type").unwrap_or_else(|| table.start());
    let read = table.table("map", |table| read(table, subscription_type)).flatten();
    if is_map && read.is_none() {
        let help = "one of: ephemeral, recoverable, persistent";
        table.reader().wrong_with(place, "a namespace of maps needs `map.mode`", help);
    }
    read.filter(|_| is_map)
}

/// How long things live, as it is written.
struct Times {
    key: Option<Duration>,
    stream: Option<Duration>,
    meta: Option<Duration>,
    stream_size: Option<usize>,
}

fn read(table: &mut Table<'_>, subscription_type: SubscriptionType) -> Option<MapRules> {
    let place = table.place("mode").unwrap_or_else(|| table.start());
    let mode = choice(table, "mode", MODES);
    let mut time = |key| duration(table, key).map(|read| read.value);
    let times =
        Times { key: time("key_ttl"), stream: time("stream_ttl"), meta: time("meta_ttl"), stream_size: None };
    let times = Times { stream_size: count(table, "stream_size"), ..times };
    let remove_client_on_unsubscribe = flag(table, "remove_client_on_unsubscribe");
    if remove_client_on_unsubscribe && subscription_type == SubscriptionType::Stream {
        table
            .reader()
            .wrong(place.clone(), "`remove_client_on_unsubscribe` needs a `subscription_type` of maps");
    }
    let client_key = choice(table, "client_key", KEYS).unwrap_or_default();
    let (publish, remove) = access(table);
    let (page_size, page_sizes, live) = pages(table);
    let catch_up_timeout =
        signed(table, "subscribe_catch_up_timeout").map_or(Some(CATCH_UP), |read| read.value);
    let mode = mode?;
    if let Some(wrong) = times.wrong(mode) {
        table.reader().wrong(place.clone(), wrong);
    }
    if mode == MapMode::Persistent
        && matches!(subscription_type, SubscriptionType::MapClients | SubscriptionType::MapUsers)
    {
        table.reader().wrong(place, "presence cannot be persistent: who is away would stay");
    }
    let stream_ttl = times.stream.unwrap_or(STREAM_TTL);
    Some(MapRules {
        mode,
        key_ttl: times.key,
        stream_size: match mode {
            MapMode::Ephemeral => 0,
            MapMode::Recoverable | MapMode::Persistent => times.stream_size.unwrap_or(STREAM_SIZE),
        },
        stream_ttl,
        meta_ttl: times.meta.or_else(|| {
            let kept = times.key.unwrap_or_default().max(stream_ttl.saturating_mul(10));
            (mode != MapMode::Persistent).then_some(kept)
        }),
        remove_client_on_unsubscribe,
        client_key,
        publish,
        remove,
        page_size,
        page_sizes,
        live_transition_max: live.unwrap_or(page_sizes.1),
        catch_up_timeout,
    })
}

impl Times {
    /// What is wrong with them in this mode. Centrifugo takes the last two and then fails each operation: here they are
    /// known at the start.
    fn wrong(&self, mode: MapMode) -> Option<&'static str> {
        let stream = self.stream.unwrap_or(STREAM_TTL);
        match mode {
            MapMode::Ephemeral | MapMode::Recoverable if self.key.is_none() => {
                Some("a map that is not persistent needs `key_ttl`")
            }
            MapMode::Ephemeral
                if self.stream.is_some() || self.meta.is_some() || self.stream_size.is_some() =>
            {
                Some("an ephemeral map has no `stream_size`, `stream_ttl` and `meta_ttl`")
            }
            MapMode::Persistent if self.key.is_some() => Some("a persistent map has no `key_ttl`"),
            MapMode::Recoverable | MapMode::Persistent if self.meta.is_some_and(|meta| meta < stream) => {
                Some("`meta_ttl` must not be shorter than `stream_ttl`, which is 1m if it is not said")
            }
            MapMode::Persistent if self.meta.is_some() => Some("a persistent map has no `meta_ttl`"),
            MapMode::Recoverable if self.meta.is_some_and(|meta| self.key.is_some_and(|key| meta < key)) => {
                Some("`meta_ttl` must not be shorter than `key_ttl`")
            }
            MapMode::Ephemeral | MapMode::Recoverable | MapMode::Persistent => None,
        }
    }
}

/// Who may publish and remove.
fn access(table: &mut Table<'_>) -> (Allowed, Allowed) {
    let publish = Allowed {
        client: flag(table, "allow_publish_for_client"),
        subscriber: flag(table, "allow_publish_for_subscriber"),
        anonymous: flag(table, "allow_publish_for_anonymous"),
    };
    let remove = Allowed {
        client: flag(table, "allow_remove_for_client"),
        subscriber: flag(table, "allow_remove_for_subscriber"),
        anonymous: flag(table, "allow_remove_for_anonymous"),
    };
    table.leave("publish_proxy_name");
    table.leave("remove_proxy_name");
    let none = Allowed::default();
    let publish = if lacks(table, "publish_proxy_enabled", CLOSED) { none } else { publish };
    let remove = if lacks(table, "remove_proxy_enabled", CLOSED) { none } else { remove };
    (publish, remove)
}

/// The default, the least and the most of a page's entries, and what may be missed when going live.
fn pages(table: &mut Table<'_>) -> (usize, (usize, usize), Option<usize>) {
    let place: Option<Range<usize>> =
        ["default_page_size", "min_page_size", "max_page_size"].iter().find_map(|key| table.place(key));
    let size = count(table, "default_page_size");
    let least = count(table, "min_page_size");
    let most = count(table, "max_page_size");
    let live = count(table, "live_transition_max_publication_limit");
    let is_above =
        |low: Option<usize>, high: Option<usize>| low.zip(high).is_some_and(|(low, high)| high < low);
    if (is_above(least, size) || is_above(size, most) || is_above(least, most))
        && let Some(place) = place
    {
        let message = "page sizes must be in the order `min_page_size`, `default_page_size`, `max_page_size`";
        table.reader().wrong(place, message);
    }
    let most = most.unwrap_or(PAGE.2);
    // Where only the most is said, it may be below the least that holds by default.
    let least = least.unwrap_or(PAGE.1).min(most);
    (size.unwrap_or(PAGE.0).clamp(least, most), (least, most), live)
}
