//! What watchroom.toml and a file of Centrifugo have in common: the sections about clients and channels.

use crate::document::{Placed, Table};
use crate::hub::channel::{Namespace, Rules};
use crate::hub::options::{Options, Personal};

use super::channel::{Channels, File, channel};
use super::client::client;
use super::transports::transports;

/// The names of the sections.
pub(super) const SECTIONS: [&str; 7] =
    ["client", "http_api", "websocket", "sse", "http_stream", "emulation", "channel"];

/// What the sections say.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) options: Options,
    pub(super) without: Option<Rules>,
    pub(super) namespaces: Vec<Namespace>,
}

/// Reads the sections; clients need tokens where there is a `[client]`.
pub(super) fn sections(table: &mut Table<'_>, file: File) -> Sections {
    let is_strict = table.has("client") || file == File::Centrifugos;
    let mut options = if is_strict { Options::strict() } else { Options::default() };
    let personal = table.table("client", |table| client(table, &mut options)).flatten();
    transports(table, &mut options);
    let channels =
        table.table("channel", |table| channel(table, file)).unwrap_or_else(|| Channels::absent(file));
    if let Some(personal) = personal {
        check_personal(table, &channels, personal);
    }
    let Channels { syntax, without, namespaces } = channels;
    options.syntax = syntax;
    Sections { options, without, namespaces }
}

/// Personal channels have rules, and who comes anew can see who was there.
fn check_personal(table: &mut Table<'_>, channels: &Channels, personal: Placed<Personal>) {
    let Placed { value, span } = personal;
    let name = Placed { value: value.namespace, span };
    match channels.rules(&name.value) {
        Some(rules) if value.single_connection && !rules.presence => {
            table.reader().wrong(name.span, "`single_connection` needs `presence` in the filepace");
        }
        Some(_) => {}
        None => channels.unknown(table, &name),
    }
}
