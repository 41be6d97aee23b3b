//! What changed in a map, as bytes: version, kind, `<offset> <offset before> <time ms> <epoch>` in a line, a JSON object.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::{
    counters::Skipped,
    message::{CLEARED, MAP, VERSION, json, parse},
};
use crate::backend::{MapChange, MapNews, MapPut};
use crate::wire::centrifugo::{ClientInfo, Publication, raw};

/// What stands before the numbers of a change.
pub(in crate::backend::redis) const HEAD: &[u8] = &[VERSION, MAP];

#[derive(Debug, Serialize)]
struct Out<'a> {
    channel: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    /// Bytes that are no JSON, in base64; then there is no `data`.
    #[serde(skip_serializing_if = "String::is_empty")]
    binary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<&'a ClientInfo>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    delta: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct In {
    channel: String,
    key: String,
    #[serde(deserialize_with = "raw::deserialize")]
    data: bytes::Bytes,
    binary: String,
    info: Option<ClientInfo>,
    tags: BTreeMap<String, String>,
    delta: bool,
    removed: bool,
}

/// The object of a value.
pub(super) fn body(channel: &str, put: &MapPut) -> Vec<u8> {
    let MapPut { key, data, info, tags, delta, .. } = put;
    let (info, delta) = (info.as_ref(), *delta);
    let value = serde_json::from_slice(data).ok();
    let binary = if value.is_some() { String::new() } else { STANDARD.encode(data) };
    json(&Out { channel, key, data: value, binary, info, tags, delta, removed: false })
}

/// The object of its removal; one line.
pub(super) fn gone(channel: &str, put: &MapPut) -> Vec<u8> {
    let MapPut { key, tags, .. } = put;
    let (data, binary, info) = (None, String::new(), None);
    json(&Out { channel, key, data, binary, info, tags, delta: false, removed: true })
}

/// That a map was cleared.
pub(super) fn cleared(channel: &str) -> Vec<u8> {
    let tags = BTreeMap::new();
    let (data, binary, info) = (None, String::new(), None);
    let out = Out { channel, key: "", data, binary, info, tags: &tags, delta: false, removed: true };
    [&[VERSION, CLEARED], b"0\n".as_slice(), &json(&out)].concat()
}

/// Reads that a map was cleared.
///
/// # Errors
///
/// Why it is to be skipped.
pub(in crate::backend::redis) fn read_cleared(body: &[u8]) -> Result<MapChange, Skipped> {
    let read: In = parse(body)?;
    Ok(MapChange { channel: read.channel.into(), news: MapNews::Cleared })
}

/// Reads a change, without version and kind.
///
/// # Errors
///
/// Why it is to be skipped.
pub(in crate::backend::redis) fn read(rest: &[u8]) -> Result<MapChange, Skipped> {
    let end = memchr::memchr(b'\n', rest).ok_or(Skipped::Damaged)?;
    let line = std::str::from_utf8(&rest[..end]).map_err(|_| Skipped::Damaged)?;
    let mut parts = line.splitn(4, ' ');
    let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or(Skipped::Damaged);
    let (offset, before, time) = (number()?, number()?, number()?);
    let epoch: Arc<str> = parts.next().ok_or(Skipped::Damaged)?.into();
    let In { channel, key, data, binary, info, tags, delta, removed } = parse(&rest[end + 1..])?;
    let data = match &*binary {
        "" => data,
        binary => STANDARD.decode(binary).map_err(|_| Skipped::Damaged)?.into(),
    };
    let time = i64::try_from(time).map_err(|_| Skipped::Damaged)?;
    let publication = Publication { key, data, offset, info, tags, removed, time, ..Publication::default() };
    let (publication, before) = (Box::new(publication), (before != 0).then_some(before));
    let news = MapNews::Changed { publication, epoch, before, delta };
    Ok(MapChange { channel: channel.into(), news })
}
