//! Publications, joins, leaves, records and presence entries as bytes.
//!
//! The first byte is the version. Version 1: version, kind, offset in decimal, behind the first one of a stream a space and
//! its epoch, a line break, a JSON object. Within a
//! version fields may be added to the object, and kinds of messages and records: readers ignore fields that they do not
//! know, and skip and count kinds. What an older node must not take for what it knows needs a kind of its own; what it
//! could not read at all, the next version. `tests/it/backend/next_version.txt` is a recording of such messages.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{counters::Skipped, map};
use crate::backend::{Delivery, Publishing, Record, RecordKind};
use crate::wire::centrifugo::{ClientInfo, Publication, raw};

/// The version that this node writes, and the newest that it reads.
pub(super) const VERSION: u8 = 1;
const PUBLICATION: u8 = b'p';
const JOIN: u8 = b'j';
const LEAVE: u8 = b'l';
const RECORD: u8 = b'r';
const ORDER: u8 = b'o';
/// A change of a map; what follows is in `map`.
pub(super) const MAP: u8 = b'm';
/// A map that was cleared.
pub(super) const CLEARED: u8 = b'c';

/// What stands before the offset of a publication.
pub(super) const PUBLICATION_HEAD: &[u8] = &[VERSION, PUBLICATION];

#[derive(Debug, Serialize)]
struct PublicationOut<'a> {
    channel: &'a str,
    data: &'a RawValue,
    /// Bytes that are no JSON, in base64; then `data` is null.
    #[serde(skip_serializing_if = "String::is_empty")]
    binary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<&'a ClientInfo>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    delta: bool,
}

#[derive(Debug, Deserialize)]
struct PublicationIn {
    channel: String,
    data: Box<RawValue>,
    #[serde(default)]
    binary: String,
    info: Option<ClientInfo>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    delta: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Someone {
    channel: String,
    info: ClientInfo,
}

#[derive(Debug, Serialize)]
struct RecordOut<'a> {
    kind: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_ms: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct RecordIn {
    kind: String,
    key: String,
    value: Option<Box<RawValue>>,
    expires_ms: Option<i64>,
}

/// One connection in the presence of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Who.
    pub(super) info: ClientInfo,
    /// The node that it is connected to: the entry counts while that is alive.
    pub(super) member: String,
    /// Whether its leave is told to others.
    pub(super) announce: bool,
}

/// Whether someone came or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Join,
    Leave,
}

/// What stands after the offset of a publication and its line break.
pub(super) fn publication_body(channel: &str, publishing: &Publishing) -> Vec<u8> {
    let Publishing { data, info, tags, delta } = publishing;
    let (info, delta) = (info.as_ref(), *delta);
    match serde_json::from_slice(data) {
        Ok(data) => json(&PublicationOut { channel, data, binary: String::new(), info, tags, delta }),
        Err(_) => {
            let (data, binary) = (RawValue::NULL, STANDARD.encode(data));
            json(&PublicationOut { channel, data, binary, info, tags, delta })
        }
    }
}

/// What is told to the hubs of all nodes.
pub(super) fn order(order: &RawValue) -> Vec<u8> {
    [&[VERSION, ORDER], b"0\n".as_slice(), order.get().as_bytes()].concat()
}

/// A publication without offset.
pub(super) fn publication(body: &[u8]) -> Vec<u8> {
    [PUBLICATION_HEAD, b"0\n", body].concat()
}

/// A record that was put or removed.
pub(super) fn record(record: &Record) -> Vec<u8> {
    let Record { kind, key, value, expires_ms } = record;
    let out = RecordOut { kind: kind.name(), key, value: value.as_deref(), expires_ms: *expires_ms };
    [&[VERSION, RECORD], b"0\n".as_slice(), &json(&out)].concat()
}

/// That someone came or left.
pub(super) fn someone(kind: Move, channel: &str, info: &ClientInfo) -> Vec<u8> {
    let kind = match kind {
        Move::Join => JOIN,
        Move::Leave => LEAVE,
    };
    let body = json(&Someone { channel: channel.to_owned(), info: info.clone() });
    [&[VERSION, kind], b"0\n".as_slice(), &body].concat()
}

/// Reads a message.
///
/// # Errors
///
/// Why it is to be skipped.
pub(super) fn read(bytes: &[u8]) -> Result<Delivery, Skipped> {
    let [version, kind, rest @ ..] = bytes else { return Err(Skipped::Damaged) };
    version_of(*version)?;
    if *kind == MAP {
        return map::read(rest).map(Delivery::Map);
    }
    let end = memchr::memchr(b'\n', rest).ok_or(Skipped::Damaged)?;
    let place = std::str::from_utf8(&rest[..end]).map_err(|_| Skipped::Damaged)?;
    let mut words = place.split(' ');
    let offset = words.next().and_then(|text| text.parse().ok());
    let offset: u64 = offset.ok_or(Skipped::Damaged)?;
    let epoch = words.next().unwrap_or_default();
    let body = &rest[end + 1..];
    match *kind {
        PUBLICATION => {
            let read: PublicationIn = parse(body)?;
            let data = match &*read.binary {
                "" => raw::one_line(read.data),
                binary => STANDARD.decode(binary).map_err(|_| Skipped::Damaged)?.into(),
            };
            let (info, tags) = (read.info, read.tags);
            let epoch = epoch.to_owned();
            let publication = Publication { data, offset, info, tags, epoch, ..Publication::default() };
            Ok(Delivery::Publication { channel: Arc::from(read.channel), publication, delta: read.delta })
        }
        JOIN => parse(body).map(|Someone { channel, info }| Delivery::Join { channel: channel.into(), info }),
        LEAVE => {
            parse(body).map(|Someone { channel, info }| Delivery::Leave { channel: channel.into(), info })
        }
        CLEARED => map::read_cleared(body).map(Delivery::Map),
        ORDER => parse(body).map(Delivery::Order),
        RECORD => {
            let RecordIn { kind, key, value, expires_ms } = parse(body)?;
            let kind = RecordKind::from_name(&kind).ok_or(Skipped::Version)?;
            Ok(Delivery::Record(Record { kind, key, value, expires_ms }))
        }
        _ => Err(Skipped::Version),
    }
}

/// An entry of presence.
pub(super) fn entry(entry: &Entry) -> Vec<u8> {
    [&[VERSION], json(entry).as_slice()].concat()
}

/// Reads an entry of presence.
///
/// # Errors
///
/// Why it is to be skipped.
pub(super) fn read_entry(bytes: &[u8]) -> Result<Entry, Skipped> {
    let (version, body) = bytes.split_first().ok_or(Skipped::Damaged)?;
    version_of(*version)?;
    parse(body)
}

const fn version_of(version: u8) -> Result<(), Skipped> {
    match version {
        VERSION => Ok(()),
        0 => Err(Skipped::Damaged),
        _ => Err(Skipped::Version),
    }
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings and raw values always serialize")
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Skipped> {
    serde_json::from_slice(body).map_err(|_| Skipped::Damaged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn alice() -> ClientInfo {
        ClientInfo { user: "alice".to_owned(), client: "c1".to_owned(), ..ClientInfo::default() }
    }

    #[test]
    fn a_publication_comes_back_as_it_was() {
        let tags: BTreeMap<String, String> = [("a".to_owned(), "b".to_owned())].into();
        for data in [br#"{"a": [1, "\n"]}"#.as_slice(), b"null", b"1e400", b"\xff\x00"] {
            let publishing = Publishing {
                data: data.to_vec().into(),
                info: Some(alice()),
                tags: tags.clone(),
                delta: true,
            };
            let bytes = publication(&publication_body("@room:ä", &publishing));
            let Ok(Delivery::Publication { channel, publication, delta: true }) = read(&bytes) else {
                panic!("{bytes:?}")
            };
            assert_eq!(&*channel, "@room:ä");
            assert_eq!((&*publication.data, &publication.tags), (data, &tags));
            assert_eq!((publication.offset, publication.info), (0, Some(alice())));
        }
    }

    #[test]
    fn moves_and_entries_come_back() {
        let join = read(&someone(Move::Join, "a", &alice()));
        assert!(matches!(join, Ok(Delivery::Join { info, .. }) if info == alice()));
        let leave = read(&someone(Move::Leave, "a", &alice()));
        assert!(matches!(leave, Ok(Delivery::Leave { channel, .. }) if &*channel == "a"));
        let one = Entry { info: alice(), member: "n:1".to_owned(), announce: true };
        assert_eq!(read_entry(&entry(&one)), Ok(one));
    }

    #[test]
    fn records_come_back() {
        let one = Record {
            kind: RecordKind::Silence,
            key: "s ä".to_owned(),
            value: Some(raw(r#"{"end": 1e3}"#)),
            expires_ms: Some(7),
        };
        let gone = Record { value: None, expires_ms: None, ..one.clone() };
        for sent in [one, gone] {
            let Ok(Delivery::Record(read)) = read(&record(&sent)) else { panic!("{sent:?}") };
            assert_eq!((read.kind, &read.key, read.expires_ms), (sent.kind, &sent.key, sent.expires_ms));
            assert_eq!(
                read.value.map(|value| value.get().to_owned()),
                sent.value.map(|value| value.get().to_owned())
            );
        }
        // A kind that a newer node knows.
        assert_eq!(read(b"\x01r0\n{\"kind\":\"note\",\"key\":\"a\"}").unwrap_err(), Skipped::Version);
    }

    #[test]
    fn what_is_newer_is_told_from_what_is_damaged() {
        assert_eq!(read(b"\x02p1\n{}").unwrap_err(), Skipped::Version);
        assert_eq!(read(b"\x01z1\n{}").unwrap_err(), Skipped::Version);
        assert_eq!(read_entry(b"\x02{}").unwrap_err(), Skipped::Version);
        for damaged in [
            "",
            "\x01",
            "\x01p",
            "\x01p1",
            "\x01px\n{}",
            "\x01p1\n{}",
            "\x01??",
            "\x00p1\n{}",
            "\x01m1 2\n{}",
        ] {
            assert_eq!(read(damaged.as_bytes()).unwrap_err(), Skipped::Damaged, "{damaged:?}");
        }
    }

    #[test]
    fn fields_may_be_added() {
        let read = read(b"\x01p7\n{\"channel\":\"a\",\"data\":1,\"tags\":{\"x\":\"y\"}}");
        assert!(matches!(read, Ok(Delivery::Publication { publication, .. }) if publication.offset == 7));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(noise: Vec<u8>) {
            drop(read(&noise));
            drop(read_entry(&noise));
            drop(read(&[&[VERSION, PUBLICATION], b"1\n".as_slice(), &noise].concat()));
            drop(read(&[&[VERSION, MAP], b"1 0 7 e\n".as_slice(), &noise].concat()));
        }
    }
}
