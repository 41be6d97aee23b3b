//! Which Redis: `redis` of watchroom.toml, and `engine` of a configuration of Centrifugo.

use crate::backend::redis::{PREFIX, RedisSettings, prefix};
use crate::document::{Placed, Table};

use super::value::{choice, lacking, text};

/// Redis, where Centrifugo looks for it.
const REDIS: &str = "redis://127.0.0.1:6379";
/// Keys of `engine.redis` that are not built.
const LACKING: &[&str] = &[
    "client_name",
    "connect_timeout",
    "force_resp2",
    "history_use_lists",
    "io_timeout",
    "presence_hash_field_ttl",
    "presence_ttl",
    "presence_user_mapping",
    "replica_client",
    "sentinel_address",
    "sentinel_client_name",
    "sentinel_master_name",
    "sentinel_password",
    "sentinel_tls",
    "sentinel_user",
    "tls",
];

/// What is said of Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedRedis {
    /// Its address, or those of a cluster; none for a single node.
    pub urls: Vec<String>,
    /// What keys begin with; [`PREFIX`] if absent.
    pub prefix: Option<String>,
}

impl NamedRedis {
    /// What `self` does not say is as in `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let urls = if self.urls.is_empty() { other.urls } else { self.urls };
        Self { urls, prefix: self.prefix.or(other.prefix) }
    }

    /// The Redis that nodes share, if there is one.
    pub fn settings(&self) -> Option<RedisSettings> {
        let prefix = self.prefix.as_deref().unwrap_or(PREFIX).to_owned();
        (!self.urls.is_empty()).then(|| RedisSettings { urls: self.urls.clone(), prefix })
    }
}

/// Reads `redis` of watchroom.toml.
pub(super) fn own(table: &mut Table<'_>) -> NamedRedis {
    let urls = table.text_or_texts("url").unwrap_or_default();
    for url in &urls {
        if !url.value.starts_with("redis://") {
            let help = "write it like redis://127.0.0.1:6379; several are those of one cluster";
            table.reader().wrong_with(url.span.clone(), "`url` is not an address of Redis", help);
        }
    }
    NamedRedis { urls: urls.into_iter().map(|url| url.value).collect(), prefix: prefix_of(table) }
}

fn prefix_of(table: &mut Table<'_>) -> Option<String> {
    let Placed { value, span } = text(table, "prefix")?;
    if let Err(help) = prefix(&value) {
        table.reader().wrong_with(span, "`prefix` is not what keys of Redis can begin with", help);
    }
    Some(value)
}

/// Reads `engine` of a configuration of Centrifugo: the Redis that is named, if the engine is one.
pub(super) fn engine(table: &mut Table<'_>) -> NamedRedis {
    let types = [("memory", false), ("redis", true)];
    let is_redis = choice(table, "type", &types).unwrap_or(false);
    let read = table.table("redis", |table| redis(table, is_redis));
    let usual = || NamedRedis { urls: vec![REDIS.to_owned()], prefix: None };
    match read {
        Some(read) if is_redis => read,
        None if is_redis => usual(),
        _ => NamedRedis::default(),
    }
}

fn redis(table: &mut Table<'_>, is_redis: bool) -> NamedRedis {
    let addresses: Vec<Placed<String>> = table.texts("address").unwrap_or_default();
    let clusters = table.texts("cluster_address").unwrap_or_default();
    let login = Login {
        user: text(table, "user").map(|user| user.value),
        password: text(table, "password").map(|password| password.value),
        db: table.whole("db", 0..=1 << 20).unwrap_or(0),
    };
    let prefix = if is_redis { prefix_of(table) } else { None };
    if !is_redis {
        table.leave("prefix");
        for key in LACKING {
            table.leave(key);
        }
        return NamedRedis::default();
    }
    lacking(table, LACKING);
    let named = |list: Vec<Placed<String>>| list.into_iter().filter(|address| !address.value.is_empty());
    let mut clusters = named(clusters);
    if let Some(cluster) = clusters.next() {
        if let Some(second) = clusters.next() {
            let message = "several clusters of Redis: watchroom uses one, so name one";
            let help = "addresses of one cluster stand in one text, with commas between them";
            table.reader().wrong_with(second.span, message, help);
        }
        let members = cluster.value.split(',').map(str::trim).filter(|address| !address.is_empty());
        let urls = members.filter_map(|address| {
            let placed = Placed { value: address.to_owned(), span: cluster.span.clone() };
            url(table, ("cluster_address", placed), &login)
        });
        return NamedRedis { urls: urls.collect(), prefix };
    }
    let mut addresses = named(addresses);
    let Some(address) = addresses.next() else {
        return NamedRedis { urls: vec![REDIS.to_owned()], prefix };
    };
    if let Some(second) = addresses.next() {
        let message = "several addresses of Redis: watchroom uses one, so name one";
        table.reader().wrong(second.span, message);
    }
    NamedRedis { urls: url(table, ("address", address), &login).into_iter().collect(), prefix }
}

/// What stands beside an address.
#[derive(Debug)]
struct Login {
    user: Option<String>,
    password: Option<String>,
    db: i64,
}

/// An address of Centrifugo as a URL.
fn url(table: &mut Table<'_>, (key, address): (&str, Placed<String>), login: &Login) -> Option<String> {
    let Placed { value: address, span } = address;
    let Login { user, password, db } = login;
    if address.starts_with("redis://") && key == "address" {
        if user.is_some() || password.is_some() || *db != 0 {
            let message =
                "an address that is a URL has the user, the password and the number of the database, too";
            let help = "write redis://USER:PASSWORD@HOST:PORT/DB, or HOST:PORT alone";
            table.reader().wrong_with(span, message, help);
        }
        return Some(address);
    }
    if address.contains("://") || address.contains('@') || address.contains('/') {
        let message = format!("`{key}` is not an address of Redis that watchroom can use");
        let help = match key {
            "address" => "write it like 127.0.0.1:6379 or redis://127.0.0.1:6379",
            _ => "write it like 127.0.0.1:6379",
        };
        table.reader().wrong_with(span, message, help);
        return None;
    }
    let login = match (user, password) {
        (None, None) => String::new(),
        (user, password) => {
            let part = |text: &Option<String>| escaped(text.as_deref().unwrap_or_default());
            format!("{}:{}@", part(user), part(password))
        }
    };
    Some(format!("redis://{login}{address}/{db}"))
}

/// A text as a part of a URL.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
