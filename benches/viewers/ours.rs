//! Our server, and what is said to it over HTTP.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use anyhow::Context as _;

use super::child::Server;

/// Its settings: one open namespace, compression for those who ask for it, and nothing else to do.
const CONFIG: &str = "collect_host = false\n\n[websocket]\ncompression = true\n\n[[channel.namespaces]]\n\
                      name = \"bench\"\nallow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";

/// Starts it on a free port.
///
/// # Errors
///
/// When it does not start.
pub(crate) fn start() -> anyhow::Result<Server> {
    Server::ours(CONFIG, tempfile::tempdir()?)
}

/// Asks, and gives the answer's body.
///
/// # Errors
///
/// When it is not 200.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer with a head")?;
    let is_good = head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 204");
    anyhow::ensure!(is_good, "{path}: {answer}");
    Ok(body.to_owned())
}

/// The value of one of its own metrics, `name` or `name{label="…"}`; 0 where there is none.
///
/// # Errors
///
/// When it does not answer.
pub(crate) fn metric(address: SocketAddr, name: &str) -> anyhow::Result<f64> {
    let text = ask(address, "GET", "/metrics", "")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.map(str::parse).transpose()?.unwrap_or_default())
}
