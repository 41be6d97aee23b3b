//! Bytes that stand in JSON as they are.
//!
//! In protobuf a payload is any bytes; in JSON it is a value of its own, neither quoted nor read.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::value::RawValue;

/// Writes a payload into JSON.
///
/// # Errors
///
/// When it is no JSON: such a message cannot be told to a client that reads JSON.
pub(super) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    let value: &RawValue = serde_json::from_slice(bytes).map_err(ser::Error::custom)?;
    // What came in another encoding than JSON was not read as a value.
    if memchr::memchr2(b'\n', b'\r', bytes).is_some() {
        let line = value.get().replace(['\n', '\r'], " ");
        let line: &RawValue = serde_json::from_str(&line).map_err(ser::Error::custom)?;
        return line.serialize(serializer);
    }
    value.serialize(serializer)
}

/// Reads a payload out of JSON, in one line: a line break ends a message of the protocol.
///
/// # Errors
///
/// When there is no value.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let value = Box::<RawValue>::deserialize(deserializer)?;
    Ok(one_line(value))
}

/// The same JSON without line breaks. Within strings they are escaped, so that those that are there stand between tokens.
pub fn one_line(value: Box<RawValue>) -> Bytes {
    let text: Box<str> = value.into();
    if text.contains(['\n', '\r']) {
        return text.replace(['\n', '\r'], " ").into();
    }
    Bytes::from(text.into_boxed_bytes())
}

/// Whether a payload can be told in JSON.
pub fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(bytes).is_ok()
}

/// A payload as JSON.
///
/// # Errors
///
/// When it is none.
pub fn value(bytes: &Bytes) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Reads what may be `null` as if it were not there.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Bytes as a base64 text.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of a base64 text.
///
/// # Errors
///
/// When it is none.
pub fn from_base64(text: &str) -> Result<Bytes, base64::DecodeError> {
    STANDARD.decode(text).map(Bytes::from)
}
