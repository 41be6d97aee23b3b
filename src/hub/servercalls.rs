//! Calls of the server page; `docs/protocol.md` lists them.

use bytes::Bytes;
use serde_json::{json, value::RawValue};

use super::{
    Hub,
    announce::{Announce, AnnounceError},
    channel::{Class, Rules},
    refusal::{Refusal, internal},
    rpc::read,
    survey::{ChannelsAsked, ConnectionsAsked},
};
use crate::backend::HistoryFilter;
use crate::wire::centrifugo::{ErrorCode, Publication, raw};

/// Publications of a history that are shown.
const HISTORY_SHOWN: usize = 20;

#[derive(Debug, serde::Deserialize)]
struct Named {
    channel: String,
}

#[derive(Debug, serde::Deserialize)]
struct DisconnectIn {
    client: String,
}

#[derive(Debug, serde::Deserialize)]
struct Test {
    channel: String,
    data: Box<RawValue>,
}

/// Answers a call.
pub(super) async fn answer(hub: &Hub, method: &str, argument: &str) -> Result<String, Refusal> {
    let text = match method {
        "server" => {
            let now = hub.0.parts.clock.now_ms();
            let (nodes, more) = (hub.nodes(), hub.nodes_left_out());
            serde_json::to_string(&json!({ "node": hub.node(), "now": now, "nodes": nodes, "more": more }))
        }
        "connections" => {
            let asked: ConnectionsAsked = read(argument)?;
            serde_json::to_string(&hub.survey_connections(asked).await)
        }
        "channels" => {
            let asked: ChannelsAsked = read(argument)?;
            serde_json::to_string(&hub.survey_channels(asked).await)
        }
        "channel" => {
            let Named { channel } = read(argument)?;
            serde_json::to_string(&one(hub, &channel).await?)
        }
        "disconnect" => {
            let DisconnectIn { client } = read(argument)?;
            if !hub.disconnect(&client).await {
                return Err((ErrorCode::BadRequest, format!("no connection has the id {client} any more")));
            }
            tracing::info!(connection.client = client, "connection ended by a person");
            return Ok("{}".to_owned());
        }
        _ => {
            let Test { channel, data } = read(argument)?;
            serde_json::to_string(&test(hub, &channel, data).await?)
        }
    };
    text.map_err(|error| (ErrorCode::Internal, error.to_string()))
}

/// A channel, with the newest of its history.
async fn one(hub: &Hub, channel: &str) -> Result<serde_json::Value, Refusal> {
    let rules = hub.own(channel).or_else(|| hub.0.parts.namespaces.configured(channel));
    let rules = rules.ok_or_else(|| unknown(channel))?;
    let backend = &hub.0.parts.backend;
    let subscribers = hub.subscribers(channel).await;
    let present = match rules.presence {
        true => Some(backend.presence(channel).await.map_err(internal)?.len()),
        false => None,
    };
    // Live queries have a history of steps, which is no text.
    let history = if rules.stream.is_kept() && rules.class != Class::Series {
        let filter = HistoryFilter { since: None, limit: Some(HISTORY_SHOWN), reverse: true };
        let page = backend.history(channel, &filter, rules.stream).await.map_err(internal)?;
        let newest: Vec<_> = page.publications.iter().map(shown).collect();
        Some(json!({ "offset": page.position.offset, "epoch": page.position.epoch, "newest": newest }))
    } else {
        None
    };
    Ok(json!({ "channel": channel, "subscribers": subscribers, "present": present, "history": history }))
}

fn shown(publication: &Publication) -> serde_json::Value {
    let mut shown = json!({ "offset": publication.offset });
    match raw::value(&publication.data) {
        Ok(data) => shown["data"] = json!(data),
        Err(_) => {
            shown["data"] = json!({ "base64": raw::to_base64(&publication.data) });
            shown["binary"] = json!(true);
        }
    }
    if publication.time != 0 {
        shown["time"] = json!(publication.time);
    }
    if let Some(info) = &publication.info {
        shown["user"] = json!(info.user);
    }
    shown
}

/// Publishes as a service would.
async fn test(hub: &Hub, channel: &str, data: Box<RawValue>) -> Result<serde_json::Value, Refusal> {
    if hub.own(channel).is_some() {
        let message =
            format!("{channel} is watchroom's own: what people and alerts say there is published by calls");
        return Err((ErrorCode::PermissionDenied, message));
    }
    let rules: &Rules = hub.0.parts.namespaces.configured(channel).ok_or_else(|| unknown(channel))?;
    let data: Bytes = raw::one_line(data);
    let announce = Announce {
        channel,
        data,
        tags: std::collections::BTreeMap::new(),
        delta: rules.delta_publish,
        idempotency_key: "",
        version: 0,
        version_epoch: "",
        stream: rules.stream,
    };
    let position = hub.announce(announce, rules).await.map_err(|error| match error {
        AnnounceError::BadRequest => {
            (ErrorCode::BadRequest, format!("{channel} does not take this: see its publication_data_format"))
        }
        AnnounceError::Backend(error) => internal(error),
    })?;
    tracing::info!(channel, "a test message was published by a person");
    Ok(match position.offset {
        0 => json!({}),
        offset => json!({ "offset": offset, "epoch": position.epoch }),
    })
}

fn unknown(channel: &str) -> Refusal {
    (ErrorCode::UnknownChannel, format!("the configuration has no channel {channel}"))
}
