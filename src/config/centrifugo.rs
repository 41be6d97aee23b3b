//! A configuration file of Centrifugo, version 6: what it means for watchroom, and what of it is not built.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::document::{Placed, Table};

use super::channel::File;
use super::redis::{NamedRedis, engine};
use super::sections::{Sections, sections};
use super::value::{lacking, lacks, text};

/// Where the server listens, as Centrifugo does.
const PORT: u16 = 8_000;

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
/// What the file says.
#[derive(Debug)]
pub(super) struct Centrifugo {
    pub(super) sections: Sections,
    pub(super) listen: SocketAddr,
    pub(super) redis: NamedRedis,
    pub(super) warnings: Vec<String>,
}

/// Reads the root of the file.
pub(super) fn centrifugo(table: &mut Table<'_>) -> Centrifugo {
    let sections = sections(table, File::Centrifugos);
    let listen = server(table, &sections);
    let redis = table.table("engine", engine).unwrap_or_default();
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
