//! Where clients and the server API come in: `[websocket]`, `[sse]`, `[http_stream]`, `[emulation]`, `[http_api]`.

use crate::document::{Placed, Table};
use crate::hub::options::{Api, MESSAGE_BYTES_MAX, Options};

use super::value::{caution, choice, count, count_to, flag, lacking, text};

/// Bytes of one message or body that a client may be allowed: the whole of it is held in memory.
const BODY_BYTES_MAX: i64 = 64 << 20;
/// First segments of paths where watchroom's own pages are.
const OWN_SEGMENTS: [&str; 8] = ["-", "alerts", "assets", "echo", "health", "metrics", "rooms", "server"];
/// Where its own API is.
const OWN_API: &str = "/api/v1";
/// What of Centrifugo's `websocket` is not built.
const LACKING: &[&str] = &[
    "compression_level",
    "decompressed_message_size_limit",
    "read_buffer_size",
    "use_write_buffer_pool",
    "write_buffer_size",
    "write_timeout",
];

/// Reads the sections.
pub(super) fn transports(table: &mut Table<'_>, options: &mut Options) {
    let into = &mut options.transports;
    let mut paths = Vec::new();
    table.table("websocket", |table| {
        let disabled = flag(table, "disabled");
        let path = path(table, into.websocket.as_deref().unwrap_or_default(), &mut paths);
        into.websocket = (!disabled).then_some(path);
        let from = count(table, "compression_min_size").unwrap_or(0);
        into.websocket_compression = flag(table, "compression").then_some(from);
        into.message_size_limit = body(table, "message_size_limit");
        lacking(table, LACKING);
    });
    table.table("sse", |table| {
        let enabled = flag(table, "enabled");
        let path = path(table, "/connection/sse", &mut paths);
        into.sse = enabled.then_some(path);
        into.sse_body_max = body(table, "max_request_body_size");
    });
    table.table("http_stream", |table| {
        let enabled = flag(table, "enabled");
        let path = path(table, "/connection/http_stream", &mut paths);
        into.http_stream = enabled.then_some(path);
        into.http_stream_body_max = body(table, "max_request_body_size");
    });
    table.table("emulation", |table| {
        into.emulation = path(table, &into.emulation, &mut paths);
        into.emulation_body_max = body(table, "max_request_body_size");
    });
    api(table, &mut options.api, &mut paths);
    check(table, options, paths);
}

/// Paths that are named are neither one another, nor what another way in is at, nor where watchroom's own pages are.
fn check(table: &mut Table<'_>, options: &Options, mut paths: Vec<Placed<String>>) {
    let ways = &options.transports;
    let all = [&ways.websocket, &ways.sse, &ways.http_stream].into_iter().flatten();
    let all: Vec<&String> = all.chain([&ways.emulation, &options.api.handler_prefix]).collect();
    paths.sort_by(|a, b| (&a.value, a.span.start).cmp(&(&b.value, b.span.start)));
    let mut before = None;
    for Placed { value, span } in paths {
        let segment = value.split('/').nth(1).unwrap_or_default();
        let is_own =
            OWN_SEGMENTS.contains(&segment) || value == OWN_API || value.starts_with(&format!("{OWN_API}/"));
        let is_default = || 1 < all.iter().filter(|one| **one == &value).count();
        if is_own {
            let message = format!("`{value}` is where watchroom's own pages are");
            table.reader().wrong(span, message);
        } else if before.as_ref() == Some(&value) || is_default() {
            table.reader().wrong(span, format!("`{value}` is taken already"));
        }
        before = Some(value);
    }
}

fn api(table: &mut Table<'_>, into: &mut Api, paths: &mut Vec<Placed<String>>) {
    table.table("http_api", |table| {
        into.disabled = flag(table, "disabled");
        into.handler_prefix = path(table, &into.handler_prefix, paths);
        into.key = text(table, "key").map(|key| key.value);
        let place = table.place("insecure");
        into.insecure = flag(table, "insecure");
        if into.insecure {
            caution(table, place, "insecure", "whoever reaches the server may publish and read everywhere");
        }
        into.transport_errors = choice(table, "error_mode", &[("transport", true)]).unwrap_or(false);
        // There is one port: the API is where clients are, whatever this says.
        table.leave("external");
    });
}

/// A path without the slash at its end. A slash alone would stand before the pages.
fn path(table: &mut Table<'_>, default: &str, paths: &mut Vec<Placed<String>>) -> String {
    let Some(Placed { value, span }) = text(table, "handler_prefix") else { return default.to_owned() };
    let path = value.trim_end_matches('/');
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    if path.starts_with('/') && path.chars().all(letter) && !path.contains("//") {
        paths.push(Placed { value: path.to_owned(), span });
    } else {
        let help = format!("write it like {default}");
        table.reader().wrong_with(span, "`handler_prefix` is not a path below /", help);
    }
    path.to_owned()
}

fn body(table: &mut Table<'_>, key: &'static str) -> usize {
    count_to(table, key, BODY_BYTES_MAX).unwrap_or(MESSAGE_BYTES_MAX)
}
