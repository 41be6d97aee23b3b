//! The options of a namespace.

use std::{sync::Arc, time::Duration};

use regex::Regex;

use crate::backend::StreamOptions;
use crate::document::{Placed, Table};
use crate::hub::channel::{Allowed, Class, DataFormat, RecoveryMode, Rules, SubscriptionType};

use super::map::map;
use super::value::{choice, count_to, flag, lacking, lacks, seconds, text};

/// Publications that a channel may keep.
const HISTORY_MAX: i64 = 100_000;
/// How long Centrifugo remembers a channel's epoch, unless it is told otherwise.
const META_TTL: Duration = Duration::from_hours(720);
/// What may be published, by its word.
pub(super) const FORMATS: &[(&str, DataFormat)] =
    &[("json", DataFormat::Json), ("json_object", DataFormat::JsonObject), ("binary", DataFormat::Binary)];
const MODES: &[(&str, RecoveryMode)] = &[("stream", RecoveryMode::Stream), ("cache", RecoveryMode::Cache)];
const TYPES: &[(&str, Option<SubscriptionType>)] = &[
    ("stream", Some(SubscriptionType::Stream)),
    ("map", Some(SubscriptionType::Map)),
    ("map_clients", Some(SubscriptionType::MapClients)),
    ("map_users", Some(SubscriptionType::MapUsers)),
    ("shared_poll", None),
];
/// Names of proxies: said once where the proxy is turned on.
const PROXY_NAMES: &[&str] =
    &["subscribe_proxy_name", "publish_proxy_name", "sub_refresh_proxy_name", "subscribe_stream_proxy_name"];
/// Said of a proxy that decided who may do something.
pub(super) const CLOSED: &str =
    "is not built in watchroom: what it decided is allowed to nobody but by a token";

/// What holds for all namespaces, and what is checked when all are known.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) history_meta_ttl: Option<Duration>,
    pub(super) data_format: DataFormat,
    pub(super) prefixes: Vec<Prefix>,
}

/// Where presence of a namespace goes.
#[derive(Debug)]
pub(super) struct Prefix {
    pub(super) key: &'static str,
    /// The type of the namespace to which the prefix leads.
    pub(super) expected: SubscriptionType,
    pub(super) text: Placed<String>,
}

/// Reads the options.
pub(super) fn rules(table: &mut Table<'_>, defaults: &mut Defaults) -> Rules {
    let mut rules = Rules { class: Class::Event, stream: history(table, defaults), ..Rules::default() };
    recovery(table, &mut rules);
    access(table, &mut rules);
    rules.presence = flag(table, "presence");
    rules.join_leave = flag(table, "join_leave");
    rules.force_push_join_leave = flag(table, "force_push_join_leave");
    rules.allow_delta = delta(table);
    rules.delta_publish = flag(table, "delta_publish");
    rules.allow_tags_filter = flag(table, "allow_tags_filter");
    rules.publication_data_format =
        choice(table, "publication_data_format", FORMATS).unwrap_or(defaults.data_format);
    let mut prefix = |table: &mut Table<'_>, key, expected| {
        let text = text(table, key)?;
        defaults.prefixes.push(Prefix { key, expected, text: text.clone() });
        Some(text.value)
    };
    rules.map_clients_presence_channel_prefix =
        prefix(table, "map_clients_presence_channel_prefix", SubscriptionType::MapClients);
    rules.map_users_presence_channel_prefix =
        prefix(table, "map_users_presence_channel_prefix", SubscriptionType::MapUsers);
    let place = table.place("subscription_type");
    match choice(table, "subscription_type", TYPES) {
        Some(Some(subscription_type)) => rules.subscription_type = subscription_type,
        Some(None) => {
            let path = table.path("subscription_type");
            let place = place.unwrap_or_else(|| table.start());
            let message = format!("`{path}`: `shared_poll` is not built in watchroom: nobody may subscribe");
            table.reader().warn(&place, &message);
            rules.subscribe = Allowed::default();
        }
        None => {}
    }
    lacking(table, &["shared_poll"]);
    rules.map = map(table, rules.subscription_type).map(Arc::new);
    rules
}

fn history(table: &mut Table<'_>, defaults: &Defaults) -> StreamOptions {
    let place = table.place("history_size").or_else(|| table.place("history_ttl"));
    let place = place.unwrap_or_else(|| table.start());
    let size = count_to(table, "history_size", HISTORY_MAX);
    let ttl = seconds(table, "history_ttl").map(|ttl| ttl.value);
    let meta_place = table.place("history_meta_ttl");
    let meta = seconds(table, "history_meta_ttl").map(|ttl| ttl.value);
    if let (Some(_), Some(place)) = (meta, meta_place) {
        let path = table.path("history_meta_ttl");
        let what = format!("`{path}` is only checked: an epoch lives as long as its channel's history");
        table.reader().warn(&place, &what);
    }
    let meta = meta.or(defaults.history_meta_ttl).unwrap_or(META_TTL);
    match (size, ttl) {
        (Some(size), Some(ttl)) => {
            if meta < ttl {
                table.reader().wrong(place, "`history_ttl` must not be longer than `history_meta_ttl`");
            }
            StreamOptions::Memory { size, ttl }
        }
        (None, None) => StreamOptions::None,
        (Some(_), None) | (None, Some(_)) => {
            table.reader().wrong(place, "a history needs both `history_size` and `history_ttl`");
            StreamOptions::None
        }
    }
}

fn recovery(table: &mut Table<'_>, rules: &mut Rules) {
    rules.force_positioning = flag(table, "force_positioning");
    rules.allow_positioning = flag(table, "allow_positioning");
    let place = table.place("force_recovery").unwrap_or_else(|| table.start());
    rules.force_recovery = flag(table, "force_recovery");
    if rules.force_recovery && !rules.stream.is_kept() {
        let help = "set `history_size` and `history_ttl`";
        table.reader().wrong_with(place, "`force_recovery` needs a history", help);
    }
    rules.allow_recovery = flag(table, "allow_recovery");
    rules.force_recovery_mode = choice(table, "force_recovery_mode", MODES).unwrap_or_default();
    let place = table.place("auto_cache_recover").unwrap_or_else(|| table.start());
    rules.auto_cache_recover = flag(table, "auto_cache_recover");
    let is_cache = rules.force_recovery && rules.force_recovery_mode == RecoveryMode::Cache;
    if rules.auto_cache_recover && !is_cache {
        let help = "set `force_recovery = true` and `force_recovery_mode = \"cache\"`";
        table.reader().wrong_with(place, "`auto_cache_recover` needs recovery from the cache", help);
    }
}

fn access(table: &mut Table<'_>, rules: &mut Rules) {
    rules.subscribe = Allowed {
        client: flag(table, "allow_subscribe_for_client"),
        subscriber: false,
        anonymous: flag(table, "allow_subscribe_for_anonymous"),
    };
    rules.publish = Allowed {
        client: flag(table, "allow_publish_for_client"),
        subscriber: flag(table, "allow_publish_for_subscriber"),
        anonymous: flag(table, "allow_publish_for_anonymous"),
    };
    rules.presence_for = Allowed {
        client: flag(table, "allow_presence_for_client"),
        subscriber: flag(table, "allow_presence_for_subscriber"),
        anonymous: flag(table, "allow_presence_for_anonymous"),
    };
    rules.history_for = Allowed {
        client: flag(table, "allow_history_for_client"),
        subscriber: flag(table, "allow_history_for_subscriber"),
        anonymous: flag(table, "allow_history_for_anonymous"),
    };
    rules.allow_user_limited_channels = flag(table, "allow_user_limited_channels");
    // Where a proxy decides, the flags beside it mean nothing to Centrifugo: they must not open what it kept closed.
    let subscribe = lacks(table, "subscribe_proxy_enabled", CLOSED);
    if lacks(table, "subscribe_stream_proxy_enabled", CLOSED) || subscribe {
        rules.subscribe = Allowed::default();
    }
    let publish = lacks(table, "publish_proxy_enabled", CLOSED);
    if lacks(table, "subscribe_stream_proxy_bidirectional", CLOSED) || publish {
        rules.publish = Allowed::default();
    }
    lacking(table, &["sub_refresh_proxy_enabled"]);
    for name in PROXY_NAMES {
        table.leave(name);
    }
    rules.channel_regex = text(table, "channel_regex").and_then(|Placed { value, span }| {
        let regex = Regex::new(&value);
        if regex.is_err() {
            table.reader().wrong(span, "`channel_regex` is not a regular expression");
        }
        regex.ok()
    });
}

fn delta(table: &mut Table<'_>) -> bool {
    let types = table.texts("allowed_delta_types").unwrap_or_default();
    for Placed { value, span } in &types {
        if value != "fossil" {
            let message = format!("there is no delta type `{value}`");
            table.reader().wrong_with(span.clone(), message, "the only one is `fossil`");
        }
    }
    !types.is_empty()
}
