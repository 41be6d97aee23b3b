//! `watchroom.toml`: every key is optional, and `watchroom.toml` in the repository lists them all. Beside it a file of
//! Centrifugo may say what is about clients and channels; both become one [`Config`].

mod centrifugo;
mod channel;
mod client;
mod map;
mod redis;
mod rules;
mod sections;
#[cfg(test)]
mod tests;
mod transports;
mod value;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::document::{self, Format, Problems, Table, Typing};
use crate::hub::channel::{Namespace, Rules};
use crate::hub::options::Options;

pub use self::redis::NamedRedis;

use centrifugo::{Centrifugo, centrifugo};
use channel::File;
use sections::{SECTIONS, Sections, sections};

/// The file's name.
pub const FILE: &str = "watchroom.toml";
/// Where the server listens if nothing else is said.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// What the files say, with the defaults for what they do not say.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// This machine's name in its samples; the host name if absent.
    pub instance: Option<String>,
    /// The Redis that nodes share, if one is named.
    pub redis: NamedRedis,
    /// How long samples are kept, ms.
    pub retention_ms: Option<i64>,
    /// How many bytes of samples are kept.
    pub retention_bytes: Option<u64>,
    /// How long events of rooms are kept, ms.
    pub retention_events_ms: Option<i64>,
    /// Whether this machine's own metrics are collected.
    pub collect_host: bool,
    /// What holds for all connections.
    pub options: Options,
    /// What holds in channels without a namespace, if there may be any.
    pub without_namespace: Option<Rules>,
    /// Namespaces of the user's own.
    pub namespaces: Vec<Namespace>,
    /// What is right and does not do what it says, each with its place; for the log.
    pub warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            instance: None,
            redis: NamedRedis::default(),
            retention_ms: None,
            retention_bytes: None,
            retention_events_ms: None,
            collect_host: true,
            options: Options::default(),
            without_namespace: None,
            namespaces: Vec::new(),
            warnings: Vec::new(),
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
    /// The file that was named is not there.
    #[error("{}: there is no such file for --centrifugo", .0.display())]
    Missing(PathBuf),
}

/// Reads the configuration of a folder, the defaults if there is none, and with it a file of Centrifugo, if one is
/// named.
///
/// # Errors
///
/// [`ConfigError`]; with the problems of both files.
pub fn read(folder: &Path, centrifugo: Option<&Path>) -> Result<Config, ConfigError> {
    let path = folder.join(FILE);
    let own = document::text(&path)?.unwrap_or_default();
    let name = path.to_string_lossy();
    let Some(beside) = centrifugo else { return Ok(parse(&name, &own)?) };
    let Some(text) = document::text(beside)? else { return Err(ConfigError::Missing(beside.to_owned())) };
    let beside = Beside { name: &beside.to_string_lossy(), text: &text };
    Ok(parse_both(&name, &own, &beside)?)
}

/// A file of Centrifugo.
#[derive(Debug, Clone, Copy)]
struct Beside<'a> {
    name: &'a str,
    text: &'a str,
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
        let Own { mut config, listen } = own(table);
        config.listen = listen.unwrap_or(LISTEN);
        config.say(sections(table, File::Ours));
        config.warnings = table.reader().take_warnings();
        config
    })
}

/// Reads both files. What both say of the node, watchroom.toml says for them; what is about clients and channels is in
/// one of them, as nobody could tell what half of each means.
fn parse_both(name: &str, text: &str, beside: &Beside<'_>) -> Result<Config, Problems> {
    let own = document::read(name, text, |table| {
        for section in SECTIONS {
            if let Some(place) = table.place(section) {
                let message = format!("`{section}` belongs into the file of --centrifugo");
                table.reader().wrong_with(place, message, format!("move it into {}", beside.name));
                table.leave(section);
            }
        }
        own(table)
    });
    let is_toml = Path::new(beside.name).extension().is_some_and(|ending| ending == "toml");
    let format = if is_toml { Format::Toml } else { Format::Json };
    let said = document::read_as(format, Typing::Weak, beside.name, beside.text, centrifugo);
    match (own, said) {
        (Ok(Own { mut config, listen }), Ok(said)) => {
            let Centrifugo { sections, listen: theirs, redis, warnings } = said;
            config.listen = listen.unwrap_or(theirs);
            config.redis = config.redis.or(redis);
            config.warnings = warnings;
            config.say(sections);
            Ok(config)
        }
        (own, said) => {
            let problems = [own.err(), said.err()].into_iter().flatten();
            Err(Problems(problems.flat_map(|problems| problems.0).collect()))
        }
    }
}

impl Config {
    fn say(&mut self, sections: Sections) {
        let Sections { options, without, namespaces } = sections;
        self.options = options;
        self.without_namespace = without;
        self.namespaces = namespaces;
    }
}

/// What watchroom.toml alone can say.
struct Own {
    config: Config,
    listen: Option<SocketAddr>,
}

fn own(table: &mut Table<'_>) -> Own {
    let mut config = Config::default();
    let listen = table.text("listen").and_then(|listen| match address(&listen.value) {
        Ok(address) if address.ip().is_loopback() => Some(address),
        Ok(address) => {
            let message = NotLoopback(address).to_string();
            table.reader().wrong_with(listen.span, message, NotLoopback::HELP);
            None
        }
        Err(help) => {
            table.reader().wrong_with(listen.span, "`listen` is not an address and port", help);
            None
        }
    });
    config.instance = table.text("instance").map(|text| {
        if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
            let help = "leave the key out for the host name";
            table.reader().wrong_with(text.span, "`instance` is a name without control characters", help);
        }
        text.value
    });
    config.collect_host = table.flag("collect_host").unwrap_or(true);
    config.redis = table.table("redis", redis::own).unwrap_or_default();
    table.table("retention", |retention| {
        config.retention_ms = retention.duration_ms("time");
        config.retention_events_ms = retention.duration_ms("events");
        config.retention_bytes =
            retention.whole("bytes", 1 << 20..=1 << 50).and_then(|bytes| u64::try_from(bytes).ok());
    });
    Own { config, listen }
}
