//! Methods about maps.

use serde::Serialize;
use serde_json::json;

use super::{
    ApiError, Outcome,
    methods::{failed, nothing, result, rules},
    requests::{Channelled, MapPublish, MapReadState, MapReadStream, MapRemove, Payload},
};
use crate::backend::{
    HistoryFilter, KeyMode, MapFilter, MapOptions, MapOutcome, MapPut, StreamPosition, Suppressed,
};
use crate::http::Site;
use crate::hub::{
    channel::Rules,
    map::{self, MapError},
};
use crate::wire::centrifugo::{ErrorCode, Publication};

fn refused(error: MapError) -> ApiError {
    match error {
        MapError::NoMap | MapError::Key => ErrorCode::BadRequest.into(),
        MapError::Version => ErrorCode::Internal.into(),
        MapError::Backend(error) => failed(error),
    }
}

/// The rules of a channel that is a map, and how it is kept.
fn map_of<'a>(site: &'a Site, channel: &str) -> Result<(&'a Rules, MapOptions), ApiError> {
    let rules = rules(site, channel)?;
    Ok((rules, map::of(rules).map_err(refused)?.options()))
}

#[derive(Debug, Serialize)]
struct Changed {
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    epoch: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    suppressed: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    suppress_reason: &'static str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn changed(outcome: MapOutcome) -> Outcome {
    let MapOutcome { position, suppressed } = outcome;
    let suppress_reason = suppressed.map(Suppressed::name).unwrap_or_default();
    let (offset, epoch, suppressed) = (position.offset, position.epoch, suppressed.is_some());
    result(&Changed { offset, epoch, suppressed, suppress_reason })
}

pub(super) async fn publish(site: &Site, own: MapPublish, payload: &Payload) -> Outcome {
    let mode = match &*own.key_mode {
        "" => KeyMode::Replace,
        "if_new" => KeyMode::IfNew { renew: false },
        "if_exists" => KeyMode::IfExists,
        _ => return Err(ErrorCode::BadRequest.into()),
    };
    let (rules, _) = map_of(site, &own.channel)?;
    let put = MapPut {
        key: own.key,
        data: payload.data()?,
        info: None,
        tags: payload.tags.clone(),
        delta: payload.delta || rules.delta_publish,
        mode,
        version: payload.version,
        version_epoch: payload.version_epoch.clone(),
        idempotency_key: payload.idempotency_key.clone(),
    };
    changed(site.hub.map_put(&own.channel, rules, put).await.map_err(refused)?)
}

pub(super) async fn remove(site: &Site, own: MapRemove) -> Outcome {
    let (rules, _) = map_of(site, &own.channel)?;
    let named = (own.key.as_str(), own.idempotency_key.as_str());
    changed(site.hub.map_remove(&own.channel, rules, named).await.map_err(refused)?)
}

/// What was read.
#[derive(Debug, Serialize)]
struct Read {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<Publication>,
    #[serde(skip_serializing_if = "is_zero")]
    offset: u64,
    epoch: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cursor: String,
}

impl Read {
    fn new(entries: Vec<Publication>, position: StreamPosition, cursor: String) -> Self {
        // The API does not tell who put them.
        let entries = entries.into_iter().map(|entry| Publication { info: None, ..entry }).collect();
        Self { entries, offset: position.offset, epoch: position.epoch, cursor }
    }
}

pub(super) async fn read_state(site: &Site, own: MapReadState) -> Outcome {
    let (_, options) = map_of(site, &own.channel)?;
    let key = (!own.key.is_empty()).then_some(own.key);
    let filter = MapFilter { cursor: own.cursor, limit: usize::try_from(own.limit).ok(), bytes: None, key };
    let page = site.backend.map_state(&own.channel, &filter, options).await.map_err(failed)?;
    if !own.revision_epoch.is_empty() && own.revision_epoch != page.position.epoch {
        return Err(ErrorCode::UnrecoverablePosition.into());
    }
    result(&Read::new(page.entries, page.position, page.cursor))
}

pub(super) async fn read_stream(site: &Site, own: MapReadStream) -> Outcome {
    let (_, options) = map_of(site, &own.channel)?;
    let since = (own.since_offset != 0 || !own.since_epoch.is_empty()).then_some(own.since_offset);
    let filter = HistoryFilter { since, limit: usize::try_from(own.limit).ok(), reverse: own.reverse };
    let page = site.backend.map_stream(&own.channel, &filter, options).await.map_err(failed)?;
    if !own.since_epoch.is_empty() && own.since_epoch != page.position.epoch {
        return Err(ErrorCode::UnrecoverablePosition.into());
    }
    result(&Read::new(page.publications, page.position, String::new()))
}

pub(super) async fn stats(site: &Site, own: Channelled) -> Outcome {
    map_of(site, &own.channel)?;
    let count = site.backend.map_count(&own.channel).await.map_err(failed)?;
    result(&if count == 0 { json!({}) } else { json!({ "num_keys": count }) })
}

pub(super) async fn clear(site: &Site, own: Channelled) -> Outcome {
    map_of(site, &own.channel)?;
    site.backend.map_clear(&own.channel).await.map_err(failed)?;
    nothing()
}
