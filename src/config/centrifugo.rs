//! A configuration file of Centrifugo, version 6: what it means for watchroom, and what of it is not built.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::document::{Placed, Table};

use super::channel::File;
use super::sections::{Sections, sections};
use super::value::{choice, lacking, lacks, text};

/// Where the server listens, as Centrifugo does.
const PORT: u16 = 8_000;
/// Redis, where Centrifugo looks for it.
const REDIS: &str = "redis://127.0.0.1:6379";

/// Sections and keys of the root that are not built.
const LACKING: &[&str] = &[
    "admin",
    "broker",
    "consumers",
    "controller",
    "debug",
    "enable_unreleased_features",
    "graphite",
    "grpc_api",
    "init",
    "map_broker",
    "opentelemetry",
    "pid_file",
    "presence_manager",
    "proxies",
    "rpc",
    "shared_poll",
    "shutdown",
    "swagger",
    "uni_grpc",
    "uni_http_stream",
    "uni_sse",
    "uni_websocket",
    "webtransport",
];
/// Keys of `http_server` that are not built.
const SERVER_LACKING: &[&str] =
    &["h2c_external", "http3", "internal_address", "internal_tls", "tls", "tls_autocert", "tls_external"];
/// Where watchroom's own metrics are, which is where Centrifugo has them.
const METRICS: &str = "/metrics";
/// Keys of `prometheus` that are not built.
const PROMETHEUS_LACKING: &[&str] =
    &["instrument_http_handlers", "native_histograms", "recovered_publications_histogram"];
/// Keys of `engine.redis` that are not built.
const REDIS_LACKING: &[&str] = &[
    "client_name",
    "cluster_address",
    "connect_timeout",
    "force_resp2",
    "history_use_lists",
    "io_timeout",
    "prefix",
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

/// What the file says.
#[derive(Debug)]
pub(super) struct Centrifugo {
    pub(super) sections: Sections,
    pub(super) listen: SocketAddr,
    pub(super) redis: Option<String>,
    pub(super) warnings: Vec<String>,
}

/// Reads the root of the file.
pub(super) fn centrifugo(table: &mut Table<'_>) -> Centrifugo {
    let sections = sections(table, File::Centrifugos);
    let listen = server(table, &sections);
    let redis = table.table("engine", engine).flatten();
    table.table("log", |log| {
        lacks(log, "level", "is not read: `RUST_LOG` chooses what is logged");
        lacks(log, "file", "is not read: the log goes to standard error");
    });
    table.table("node", |node| {
        lacks(node, "name", "is not read: `instance` in watchroom.toml names the node");
        lacking(node, &["info_metrics_aggregate_interval"]);
    });
    monitoring(table);
    // Nothing is ever reported to anyone.
    table.leave("usage_stats");
    lacking(table, LACKING);
    let warnings = table.reader().take_warnings();
    Centrifugo { sections, listen, redis, warnings }
}

/// The address; another than this machine's own is refused when it is listened on, as a flag may name another.
fn server(table: &mut Table<'_>, sections: &Sections) -> SocketAddr {
    let mut listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
    let mut named = false;
    table.table("http_server", |table| {
        if let Some(port) = table.whole("port", 0..=65_535).and_then(|port| u16::try_from(port).ok())
            && port != 0
        {
            listen.set_port(port);
        }
        if let Some(Placed { value, span }) = text(table, "address") {
            named = true;
            match value.replace("localhost", "127.0.0.1").parse() {
                Ok(address) => listen.set_ip(address),
                Err(_) => table.reader().wrong_with(span, "`address` is not an IP address", "like 127.0.0.1"),
            }
        }
        let place = table.place("internal_port");
        if lacks(table, "internal_port", "is not built in watchroom: the API is at the same port as clients")
            && sections.options.api.insecure
            && let Some(place) = place
        {
            let message =
                "`http_api.insecure` with `internal_port`: there is one port, so clients would reach the API";
            table.reader().wrong_with(place, message, "set `http_api.key` in place of `insecure`");
        }
        lacking(table, SERVER_LACKING);
    });
    if !named {
        let place = table.place("http_server").unwrap_or_else(|| table.start());
        let message =
            "`http_server.address` is empty: watchroom listens on 127.0.0.1, and not on all addresses";
        table.reader().warn(&place, message);
    }
    listen
}

/// The Redis that is named, if the engine is one.
fn engine(table: &mut Table<'_>) -> Option<String> {
    let types = [("memory", false), ("redis", true)];
    let is_redis = choice(table, "type", &types).unwrap_or(false);
    let read = table.table("redis", |table| {
        let addresses: Vec<Placed<String>> = table.texts("address").unwrap_or_default();
        let user = text(table, "user").map(|user| user.value);
        let password = text(table, "password").map(|password| password.value);
        let db = table.whole("db", 0..=1 << 20).unwrap_or(0);
        if !is_redis {
            for key in REDIS_LACKING {
                table.leave(key);
            }
            return None;
        }
        lacking(table, REDIS_LACKING);
        let mut addresses = addresses.into_iter().filter(|address| !address.value.is_empty());
        let Some(Placed { value: address, span }) = addresses.next() else { return Some(REDIS.to_owned()) };
        if let Some(second) = addresses.next() {
            let message = "several addresses of Redis: watchroom uses one, so name one";
            table.reader().wrong(second.span, message);
        }
        if address.starts_with("redis://") {
            if user.is_some() || password.is_some() || db != 0 {
                let message =
                    "an address that is a URL has the user, the password and the number of the database, too";
                let help = "write redis://USER:PASSWORD@HOST:PORT/DB, or HOST:PORT alone";
                table.reader().wrong_with(span, message, help);
            }
            return Some(address);
        }
        if address.contains("://") || address.contains('@') || address.contains('/') {
            let help = "write it like 127.0.0.1:6379 or redis://127.0.0.1:6379";
            table.reader().wrong_with(
                span,
                "`address` is not an address of Redis that watchroom can use",
                help,
            );
            return None;
        }
        let login = match (user, password) {
            (None, None) => String::new(),
            (user, password) => {
                let part = |text: Option<String>| escaped(&text.unwrap_or_default());
                format!("{}:{}@", part(user), part(password))
            }
        };
        Some(format!("redis://{login}{address}/{db}"))
    });
    match read {
        Some(read) => read,
        None => is_redis.then(|| REDIS.to_owned()),
    }
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

/// `prometheus` and `health`, which watchroom always has at paths of its own.
fn monitoring(table: &mut Table<'_>) {
    table.table("prometheus", |table| {
        table.leave("enabled");
        let place = table.place("handler_prefix");
        let prefix = text(table, "handler_prefix");
        if let (Some(place), Some(prefix)) = (place, prefix)
            && prefix.value.trim_end_matches('/') != METRICS
        {
            let message = format!("`prometheus.handler_prefix` is not read: metrics are at {METRICS}");
            table.reader().warn(&place, &message);
        }
        lacking(table, PROMETHEUS_LACKING);
    });
    lacks(table, "health", "is not built in watchroom: its own answer is at /-/healthy");
}
