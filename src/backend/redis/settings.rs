//! Which Redis, and what is ours on it.

use std::time::Duration;

use redis::{
    ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

use super::BackendError;

/// What keys begin with if nothing else is said.
pub const PREFIX: &str = "watchroom";
/// Bytes of a prefix.
pub const PREFIX_BYTES_MAX: usize = 64;

/// Which Redis nodes share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Addresses, `redis://…`: one of a server, or any of a cluster's; at least one.
    pub urls: Vec<String>,
    /// What keys and topics begin with. Systems with different ones do not see each other.
    pub prefix: String,
}

impl RedisSettings {
    /// One address, and the usual prefix.
    pub fn of(url: &str) -> Self {
        Self { urls: vec![url.to_owned()], prefix: PREFIX.to_owned() }
    }
}

/// Checks a prefix: braces would take the tag's place.
///
/// # Errors
///
/// A sentence that says how to write it.
pub fn prefix(text: &str) -> Result<&str, &'static str> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'{' && byte != b'}';
    if !text.is_empty() && text.len() <= PREFIX_BYTES_MAX && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err("write 1 to 64 letters, digits and signs of ASCII, without spaces and braces")
    }
}

/// What was said, ready to connect with.
#[derive(Debug, Clone)]
pub(super) struct Seeds {
    infos: Vec<ConnectionInfo>,
}

impl Seeds {
    /// Reads the addresses.
    ///
    /// # Errors
    ///
    /// [`BackendError::Address`].
    pub(super) fn read(settings: &RedisSettings) -> Result<Self, BackendError> {
        prefix(&settings.prefix).map_err(|help| BackendError::Address(format!("its prefix: {help}")))?;
        let infos = settings.urls.iter().map(|url| info(url)).collect::<Result<Vec<_>, _>>()?;
        if infos.is_empty() {
            return Err(BackendError::Address("there is none".to_owned()));
        }
        let login = |info: &ConnectionInfo| {
            let settings = info.redis_settings();
            let text = |text: Option<&str>| text.map(str::to_owned);
            (text(settings.username()), text(settings.password()), settings.db())
        };
        if infos.iter().any(|info| login(info) != login(&infos[0])) {
            let help =
                "several addresses are of one cluster, so they have the same user, password and database";
            return Err(BackendError::Address(help.to_owned()));
        }
        Ok(Self { infos })
    }

    /// The number of the database.
    pub(super) fn database(&self) -> i64 {
        self.infos[0].redis_settings().db()
    }

    /// The addresses, without passwords.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.infos.iter().map(|info| info.addr().to_string()).collect()
    }

    /// How to connect to an address, one of ours or a node of the cluster.
    pub(super) fn info(&self, address: &str) -> Result<ConnectionInfo, BackendError> {
        if let Some(info) = self.infos.iter().find(|info| info.addr().to_string() == address) {
            return Ok(info.clone());
        }
        let unusable = || BackendError::Unreachable(format!("an address that is none: {address}"));
        let (host, port) = address.rsplit_once(':').ok_or_else(unusable)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().map_err(|_| unusable())?;
        Ok(self.infos[0].clone().set_addr(ConnectionAddr::Tcp(host.to_owned(), port)))
    }
}

fn info(url: &str) -> Result<ConnectionInfo, BackendError> {
    let info = url.into_connection_info().map_err(|error| BackendError::Address(error.to_string()))?;
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(5)).with_interval(Duration::from_secs(2));
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(Duration::from_secs(5));
    // Version 3 of the protocol: messages and answers share a connection.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_tcp_settings(tcp).set_redis_settings(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_no_braces() {
        for good in ["watchroom", "team-a:watchroom", &"x".repeat(PREFIX_BYTES_MAX)] {
            assert_eq!(prefix(good), Ok(good));
        }
        for bad in ["", "a{b}", "a b", "ä", "a\n", &"x".repeat(PREFIX_BYTES_MAX + 1)] {
            prefix(bad).unwrap_err();
        }
    }

    #[test]
    fn several_addresses_have_one_login() {
        let urls = |urls: &[&str]| RedisSettings {
            urls: urls.iter().map(|&url| url.to_owned()).collect(),
            prefix: PREFIX.to_owned(),
        };
        let seeds = Seeds::read(&urls(&["redis://:x@a:1", "redis://:x@b:2"])).unwrap();
        assert_eq!(seeds.addresses(), ["a:1", "b:2"]);
        let other = seeds.info("[::1]:7").unwrap();
        assert_eq!(*other.addr(), ConnectionAddr::Tcp("::1".to_owned(), 7));
        assert_eq!(other.redis_settings().password(), Some("x"));
        for wrong in [&["redis://:x@a:1", "redis://:y@b:2"][..], &[], &["http://a"]] {
            assert!(matches!(Seeds::read(&urls(wrong)), Err(BackendError::Address(_))));
        }
    }
}
