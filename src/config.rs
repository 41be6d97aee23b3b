//! `watchroom.toml`: every key is optional, and `watchroom.toml` in the repository lists them all.

use std::{net::SocketAddr, path::Path, time::Duration};

use crate::backend::StreamOptions;
use crate::document::{self, Problems, Table};
use crate::hub::channel::{Allowed, Class, Namespace, Rules};
use crate::hub::options::Options;

/// The file's name.
pub const FILE: &str = "watchroom.toml";
/// Where the server listens if nothing else is said.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// Namespaces that a configuration may have.
const NAMESPACES_MAX: usize = 100;

/// What the file says, with the defaults for what it does not say.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// This machine's name in its samples; the host name if absent.
    pub instance: Option<String>,
    /// The Redis that nodes share; a single node if absent.
    pub redis: Option<String>,
    /// How long samples are kept, ms.
    pub retention_ms: Option<i64>,
    /// How many bytes of samples are kept.
    pub retention_bytes: Option<u64>,
    /// How long events of rooms are kept, ms.
    pub retention_events_ms: Option<i64>,
    /// Whether this machine's own metrics are collected.
    pub collect_host: bool,
    /// What holds in channels without a namespace, if there may be any.
    pub without_namespace: Option<Rules>,
    /// Namespaces of the user's own.
    pub namespaces: Vec<Namespace>,
    /// What holds for all connections.
    pub options: Options,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            instance: None,
            redis: None,
            retention_ms: None,
            retention_bytes: None,
            retention_events_ms: None,
            collect_host: true,
            without_namespace: None,
            namespaces: Vec::new(),
            options: Options::default(),
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] document::FileError),
}

/// Reads the configuration of a folder; the defaults if there is none.
///
/// # Errors
///
/// [`ConfigError`].
pub fn read(folder: &Path) -> Result<Config, ConfigError> {
    let path = folder.join(FILE);
    match document::text(&path)? {
        Some(text) => Ok(parse(&path.to_string_lossy(), &text)?),
        None => Ok(Config::default()),
    }
}

/// An address that others than this machine reach: everyone who does may do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is not a loopback address. This version knows no people yet: whoever reaches it may read and push everything"
)]
pub struct NotLoopback(pub SocketAddr);

impl NotLoopback {
    /// What to do instead.
    pub const HELP: &str = "listen on 127.0.0.1 or [::1], and reach it from elsewhere through a tunnel, such as \
                            `ssh -L 8080:127.0.0.1:8080 HOST`";
}

/// An address and port as people write them.
///
/// # Errors
///
/// A sentence that says how to write it.
pub fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse().map_err(|_| "write an address and a port, like 127.0.0.1:8080 or [::1]:8080")
}

/// Reads a configuration; `name` is the file's, for problems.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn parse(name: &str, text: &str) -> Result<Config, Problems> {
    document::read(name, text, |table| {
        let mut config = Config::default();
        if let Some(listen) = table.text("listen") {
            match address(&listen.value) {
                Ok(address) if address.ip().is_loopback() => config.listen = address,
                Ok(address) => table.reader().wrong_with(
                    listen.span,
                    NotLoopback(address).to_string(),
                    NotLoopback::HELP,
                ),
                Err(help) => {
                    table.reader().wrong_with(listen.span, "`listen` is not an address and port", help);
                }
            }
        }
        config.instance = table.text("instance").map(|text| {
            if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
                let help = "leave the key out for the host name";
                table.reader().wrong_with(text.span, "`instance` is a name without control characters", help);
            }
            text.value
        });
        config.collect_host = table.flag("collect_host").unwrap_or(true);
        table.table("redis", |redis| {
            config.redis = redis.text("url").map(|text| {
                if !text.value.starts_with("redis://") {
                    redis.reader().wrong_with(
                        text.span,
                        "`url` is not an address of Redis",
                        "write it like redis://127.0.0.1:6379",
                    );
                }
                text.value
            });
        });
        table.table("retention", |retention| {
            config.retention_ms = retention.duration_ms("time");
            config.retention_events_ms = retention.duration_ms("events");
            config.retention_bytes =
                retention.whole("bytes", 1 << 20..=1 << 50).and_then(|bytes| u64::try_from(bytes).ok());
        });
        table.table("channel", |channel| {
            config.without_namespace = channel.table("without_namespace", rules);
            config.namespaces = channel.tables("namespaces", namespace);
        });
        check_names(table, &config.namespaces);
        config
    })
}

fn check_names(table: &mut Table<'_>, namespaces: &[Namespace]) {
    let span = table.span();
    if NAMESPACES_MAX < namespaces.len() {
        table.reader().wrong(span, format!("{} namespaces, at most {NAMESPACES_MAX}", namespaces.len()));
    }
}

/// Namespaces that are ours.
const OWN: [&str; 4] = ["live", "room", "top", "typing"];

fn namespace(table: &mut Table<'_>) -> Namespace {
    let name = table.need_text("name");
    let letters = name.value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if OWN.contains(&name.value.as_str()) {
        table.reader().wrong(name.span, format!("the namespace `{}` is watchroom's own", name.value));
    } else if !letters {
        table.reader().wrong(name.span, "a namespace's name has letters, digits, `-`, `_` and `.` only");
    }
    Namespace { name: name.value, rules: rules(table) }
}

fn rules(table: &mut Table<'_>) -> Rules {
    let size = table.whole("history_size", 0..=100_000).unwrap_or(0);
    let ttl = table.duration_ms("history_ttl").unwrap_or(0);
    let stream = StreamOptions::Memory {
        size: usize::try_from(size).unwrap_or(0),
        ttl: Duration::from_millis(u64::try_from(ttl).unwrap_or(0)),
    };
    let mut flag = |key| table.flag(key).unwrap_or(false);
    Rules {
        class: Class::Event,
        stream,
        presence: flag("presence"),
        join_leave: flag("join_leave"),
        force_positioning: flag("force_positioning"),
        force_recovery: flag("force_recovery"),
        subscribe: Allowed { client: flag("allow_subscribe_for_client"), ..Allowed::default() },
        publish: Allowed { subscriber: flag("allow_publish_for_subscriber"), ..Allowed::default() },
        presence_for: Allowed { subscriber: flag("allow_presence_for_subscriber"), ..Allowed::default() },
        history_for: Allowed { subscriber: flag("allow_history_for_subscriber"), ..Allowed::default() },
        ..Rules::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_read_in_centrifugos_words() {
        let text = "listen = '127.0.0.1:0'\n[[channel.namespaces]]\nname = 'bench'\nhistory_size = 10\nhistory_ttl = '1m'\n\
                    allow_subscribe_for_client = true\nallow_publish_for_subscriber = true\n";
        let config = parse("watchroom.toml", text).unwrap();
        let rules = &config.namespaces[0].rules;
        assert!(rules.publish.subscriber && rules.stream.is_kept());
        assert_eq!(config.listen.port(), 0);
    }

    #[test]
    fn events_have_a_retention_of_their_own() {
        let config = parse("w.toml", "[retention]\ntime = '1h'\nevents = '7d'\n").unwrap();
        assert_eq!(config.retention_ms, Some(3_600_000));
        assert_eq!(config.retention_events_ms, Some(7 * 24 * 3_600_000));
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        let problems = parse("w.toml", "listen = 'here'\nlisen = 1\n[[channel.namespaces]]\nname = 'live'\n")
            .unwrap_err();
        let text = problems.to_string();
        for expected in [
            "w.toml:1:10: `listen` is not",
            "w.toml:4:8: the namespace `live`",
            "w.toml:2:1: unknown key `lisen`",
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
