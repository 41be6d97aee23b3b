//! What services ask.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::ApiError;
use crate::tokens::Overrides;
use crate::wire::centrifugo::{ErrorCode, Since, raw};

/// `batch`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Batch {
    pub(super) commands: Vec<Option<Map<String, Value>>>,
    pub(super) parallel: bool,
}

/// What `publish` and `broadcast` have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    #[serde(deserialize_with = "raw::deserialize")]
    data: Bytes,
    b64data: String,
    pub(super) skip_history: bool,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) idempotency_key: String,
    pub(super) delta: bool,
    pub(super) version: u64,
    pub(super) version_epoch: String,
}

impl Payload {
    /// The payload itself.
    pub(super) fn data(&self) -> Result<Bytes, ApiError> {
        if !self.b64data.is_empty() {
            return raw::from_base64(&self.b64data).map_err(|_| ErrorCode::BadRequest.into());
        }
        Ok(self.data.clone())
    }
}

/// `publish`, beside its [`Payload`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Publish {
    pub(super) channel: String,
}

/// `broadcast`, beside its [`Payload`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Broadcast {
    pub(super) channels: Vec<String>,
}

/// A flag that may be left as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Flag {
    value: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Override {
    presence: Option<Flag>,
    join_leave: Option<Flag>,
    force_push_join_leave: Option<Flag>,
    force_positioning: Option<Flag>,
    force_recovery: Option<Flag>,
}

/// `subscribe`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subscribe {
    pub(super) channel: String,
    pub(super) user: String,
    pub(super) client: String,
    pub(super) session: String,
    info: Option<Box<RawValue>>,
    b64info: String,
    data: Option<Box<RawValue>>,
    b64data: String,
    pub(super) expire_at: i64,
    r#override: Override,
}

impl Subscribe {
    /// What others see of who it is.
    pub(super) fn info(&self) -> Result<Option<Box<RawValue>>, ApiError> {
        json(self.info.as_deref(), &self.b64info)
    }

    /// What the client gets with it.
    pub(super) fn data(&self) -> Result<Option<Box<RawValue>>, ApiError> {
        json(self.data.as_deref(), &self.b64data)
    }

    /// What the namespace says otherwise.
    pub(super) fn overrides(&self) -> Overrides {
        let value = |flag: &Option<Flag>| flag.as_ref().map(|flag| flag.value);
        let own = &self.r#override;
        Overrides {
            presence: value(&own.presence),
            join_leave: value(&own.join_leave),
            force_push_join_leave: value(&own.force_push_join_leave),
            force_positioning: value(&own.force_positioning),
            force_recovery: value(&own.force_recovery),
        }
    }
}

/// JSON, or JSON in base64: what nodes tell each other is JSON.
fn json(value: Option<&RawValue>, b64: &str) -> Result<Option<Box<RawValue>>, ApiError> {
    if b64.is_empty() {
        return Ok(value.map(ToOwned::to_owned));
    }
    let bytes: Bytes = raw::from_base64(b64).map_err(|_| ErrorCode::BadRequest)?;
    raw::value(&bytes).map(Some).map_err(|_| ErrorCode::BadRequest.into())
}

/// `unsubscribe`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Unsubscribe {
    pub(super) channel: String,
    pub(super) user: String,
    pub(super) client: String,
    pub(super) session: String,
}

/// Why, in the caller's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// `disconnect`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Disconnect {
    pub(super) user: String,
    pub(super) client: String,
    pub(super) session: String,
    pub(super) whitelist: Vec<String>,
    pub(super) disconnect: Option<Reason>,
}

/// `refresh`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refresh {
    pub(super) user: String,
    pub(super) client: String,
    pub(super) session: String,
    pub(super) expired: bool,
    pub(super) expire_at: i64,
    pub(super) info: Option<Box<RawValue>>,
}

/// What asks for a channel only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channelled {
    pub(super) channel: String,
}

/// `history`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct History {
    pub(super) channel: String,
    pub(super) limit: i32,
    pub(super) since: Option<Since>,
    pub(super) reverse: bool,
}

/// `channels`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channels {
    pub(super) pattern: String,
}

/// `rpc`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rpc {
    pub(super) method: String,
}

/// What has no fields.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Nothing {}

/// `map_publish`, beside its [`Payload`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MapPublish {
    pub(super) channel: String,
    pub(super) key: String,
    pub(super) key_mode: String,
}

/// `map_remove`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MapRemove {
    pub(super) channel: String,
    pub(super) key: String,
    pub(super) idempotency_key: String,
}

/// `map_read_state`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MapReadState {
    pub(super) channel: String,
    pub(super) cursor: String,
    pub(super) limit: i32,
    pub(super) key: String,
    pub(super) revision_epoch: String,
}

/// `map_read_stream`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MapReadStream {
    pub(super) channel: String,
    pub(super) since_offset: u64,
    pub(super) since_epoch: String,
    pub(super) limit: i32,
    pub(super) reverse: bool,
}
