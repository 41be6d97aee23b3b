//! The methods, one function each. What a channel is and what it keeps is the configuration's; no right is asked for: who has
//! the key may do everything.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    ApiError, Outcome, maps,
    requests::{
        Broadcast, Channelled, Channels, Disconnect, History, Nothing, Payload, Publish, Refresh, Rpc,
        Subscribe, Unsubscribe,
    },
};
use crate::backend::{BackendError, HistoryFilter, StreamOptions, StreamPosition};
use crate::http::Site;
use crate::hub::{
    self,
    announce::{Announce, AnnounceError},
    channel::Rules,
    order::{Order, Whom},
};
use crate::wire::Close;
use crate::wire::centrifugo::{ErrorCode, HistoryResult, PresenceResult};

/// Carries out a call; nothing if there is no such method.
///
/// The outer error is a request of another shape.
pub(super) async fn call(
    site: &Site,
    method: &str,
    request: &[u8],
) -> Option<Result<Outcome, serde_json::Error>> {
    Some(match method {
        "publish" => match (read::<Publish>(request), read::<Payload>(request)) {
            (Ok(own), Ok(payload)) => Ok(publish(site, &own.channel, &payload).await),
            (Err(error), _) | (_, Err(error)) => Err(error),
        },
        "broadcast" => match (read::<Broadcast>(request), read::<Payload>(request)) {
            (Ok(own), Ok(payload)) => Ok(broadcast(site, own, &payload).await),
            (Err(error), _) | (_, Err(error)) => Err(error),
        },
        "subscribe" => run(request, |own| subscribe(site, own)).await,
        "unsubscribe" => run(request, |own| unsubscribe(site, own)).await,
        "disconnect" => run(request, |own| disconnect(site, own)).await,
        "refresh" => run(request, |own| refresh(site, own)).await,
        "presence" => run(request, |own| presence(site, own)).await,
        "presence_stats" => run(request, |own| presence_stats(site, own)).await,
        "history" => run(request, |own| history(site, own)).await,
        "history_remove" => run(request, |own| history_remove(site, own)).await,
        "channels" => run(request, |own| channels(site, own)).await,
        "info" => run(request, |own| std::future::ready(info(site, &own))).await,
        "map_publish" => match (read(request), read::<Payload>(request)) {
            (Ok(own), Ok(payload)) => Ok(maps::publish(site, own, &payload).await),
            (Err(error), _) | (_, Err(error)) => Err(error),
        },
        "map_remove" => run(request, |own| maps::remove(site, own)).await,
        "map_read_state" => run(request, |own| maps::read_state(site, own)).await,
        "map_read_stream" => run(request, |own| maps::read_stream(site, own)).await,
        "map_stats" => run(request, |own| maps::stats(site, own)).await,
        "map_clear" => run(request, |own| maps::clear(site, own)).await,
        "rpc" => {
            run(request, |own: Rpc| async move {
                let code =
                    if own.method.is_empty() { ErrorCode::BadRequest } else { ErrorCode::MethodNotFound };
                Err(code.into())
            })
            .await
        }
        _ => return None,
    })
}

fn read<T: DeserializeOwned + Default>(request: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice::<Option<T>>(request).map(Option::unwrap_or_default)
}

async fn run<T: DeserializeOwned + Default, F: Future<Output = Outcome>>(
    request: &[u8],
    act: impl FnOnce(T) -> F,
) -> Result<Outcome, serde_json::Error> {
    match read(request) {
        Ok(own) => Ok(act(own).await),
        Err(error) => Err(error),
    }
}

pub(super) fn result(value: &impl Serialize) -> Outcome {
    serde_json::value::to_raw_value(value).map_err(|error| {
        // A payload that is no JSON.
        tracing::warn!(error = %error, "result of the server API not written");
        ErrorCode::Internal.into()
    })
}

pub(super) fn nothing() -> Outcome {
    result(&json!({}))
}

pub(super) fn failed(error: BackendError) -> ApiError {
    match error {
        BackendError::NotJson => ErrorCode::BadRequest.into(),
        BackendError::HistoryFull | BackendError::MapFull(_) => ErrorCode::LimitExceeded.into(),
        error => {
            tracing::warn!(error = %error, "call of the server API failed");
            ErrorCode::Internal.into()
        }
    }
}

/// What holds in a channel.
pub(super) fn rules<'a>(site: &'a Site, channel: &str) -> Result<&'a Rules, ApiError> {
    if channel.is_empty() {
        return Err(ErrorCode::BadRequest.into());
    }
    site.hub.configured(channel).ok_or_else(|| ErrorCode::UnknownChannel.into())
}

async fn announce(site: &Site, channel: &str, payload: &Payload) -> Result<StreamPosition, ApiError> {
    let rules = rules(site, channel)?;
    let stream = if payload.skip_history { StreamOptions::None } else { rules.stream };
    let announce = Announce {
        channel,
        data: payload.data()?,
        tags: payload.tags.clone(),
        delta: payload.delta || rules.delta_publish,
        idempotency_key: &payload.idempotency_key,
        version: payload.version,
        version_epoch: &payload.version_epoch,
        stream,
    };
    site.hub.announce(announce, rules).await.map_err(|error| match error {
        AnnounceError::BadRequest => ErrorCode::BadRequest.into(),
        AnnounceError::Backend(error) => failed(error),
    })
}

/// A position, without what is not there.
fn position(position: &StreamPosition) -> serde_json::Value {
    match position.offset {
        0 => json!({}),
        offset => json!({ "offset": offset, "epoch": position.epoch }),
    }
}

async fn publish(site: &Site, channel: &str, payload: &Payload) -> Outcome {
    result(&position(&announce(site, channel, payload).await?))
}

async fn broadcast(site: &Site, own: Broadcast, payload: &Payload) -> Outcome {
    if own.channels.is_empty() {
        return Err(ErrorCode::BadRequest.into());
    }
    let mut responses = Vec::with_capacity(own.channels.len());
    for channel in &own.channels {
        responses.push(match announce(site, channel, payload).await {
            Ok(at) => json!({ "result": position(&at) }),
            Err(error) => json!({ "error": error }),
        });
    }
    result(&json!({ "responses": responses }))
}

async fn order(site: &Site, order: Order) -> Outcome {
    site.hub.order(&order).await.map_err(failed)?;
    nothing()
}

async fn subscribe(site: &Site, own: Subscribe) -> Outcome {
    rules(site, &own.channel)?;
    let (info, data) = (own.info()?, own.data()?);
    let subscribe = Order::Subscribe {
        info,
        data,
        expires_at: (own.expire_at != 0).then_some(own.expire_at),
        overrides: own.overrides(),
        whom: Whom { user: own.user, client: own.client, session: own.session, ..Whom::default() },
        channel: own.channel,
    };
    order(site, subscribe).await
}

async fn unsubscribe(site: &Site, own: Unsubscribe) -> Outcome {
    if !own.channel.is_empty() {
        rules(site, &own.channel)?;
    }
    let whom = Whom { user: own.user, client: own.client, session: own.session, ..Whom::default() };
    order(site, Order::Unsubscribe { whom, channel: own.channel }).await
}

async fn disconnect(site: &Site, own: Disconnect) -> Outcome {
    let default = || (Close::ForceDisconnect.code(), Close::ForceDisconnect.reason().to_owned());
    let own_words = own.disconnect.filter(|own| own.code != 0);
    let (code, reason) = own_words.map_or_else(default, |own| (own.code, own.reason));
    // Other codes are not a server's to send; clients would take the connection for broken, and come back.
    if !(3_000..5_000).contains(&code) {
        return Err(ErrorCode::BadRequest.into());
    }
    let whom = Whom { user: own.user, client: own.client, session: own.session, ..Whom::default() };
    order(site, Order::Disconnect { whom, code, reason, whitelist: own.whitelist }).await
}

async fn refresh(site: &Site, own: Refresh) -> Outcome {
    let refresh = Order::Refresh {
        whom: Whom { user: own.user, client: own.client, session: own.session, ..Whom::default() },
        expired: own.expired,
        expires_at: (own.expire_at != 0).then_some(own.expire_at),
        info: own.info,
    };
    order(site, refresh).await
}

async fn present(site: &Site, channel: &str) -> Result<Vec<crate::wire::centrifugo::ClientInfo>, ApiError> {
    if !rules(site, channel)?.presence {
        return Err(ErrorCode::NotAvailable.into());
    }
    site.backend.presence(channel).await.map_err(failed)
}

async fn presence(site: &Site, own: Channelled) -> Outcome {
    let present = present(site, &own.channel).await?;
    let presence = present.into_iter().map(|info| (info.client.clone(), info)).collect();
    result(&PresenceResult { presence })
}

async fn presence_stats(site: &Site, own: Channelled) -> Outcome {
    result(&hub::stats(&present(site, &own.channel).await?))
}

fn kept(site: &Site, channel: &str) -> Result<StreamOptions, ApiError> {
    let stream = rules(site, channel)?.stream;
    if stream.is_kept() { Ok(stream) } else { Err(ErrorCode::NotAvailable.into()) }
}

async fn history(site: &Site, own: History) -> Outcome {
    let stream = kept(site, &own.channel)?;
    let since = own.since.as_ref().map(|since| since.offset);
    if own.reverse && since == Some(0) {
        return Err(ErrorCode::Internal.into());
    }
    let filter = HistoryFilter { since, limit: usize::try_from(own.limit).ok(), reverse: own.reverse };
    let page = site.backend.history(&own.channel, &filter, stream).await.map_err(failed)?;
    if own.since.is_some_and(|since| !since.epoch.is_empty() && since.epoch != page.position.epoch) {
        return Err(ErrorCode::UnrecoverablePosition.into());
    }
    let (epoch, offset) = (page.position.epoch, page.position.offset);
    result(&HistoryResult { publications: page.publications, epoch, offset })
}

async fn history_remove(site: &Site, own: Channelled) -> Outcome {
    kept(site, &own.channel)?;
    site.backend.forget(&own.channel).await.map_err(failed)?;
    nothing()
}

async fn channels(site: &Site, own: Channels) -> Outcome {
    let channels = site.hub.channels(&own.pattern).await;
    let channels: std::collections::BTreeMap<String, serde_json::Value> =
        channels.into_iter().map(|(channel, count)| (channel, json!({ "num_clients": count }))).collect();
    result(&json!({ "channels": channels }))
}

fn info(site: &Site, _: &Nothing) -> Outcome {
    let nodes = site.hub.nodes().into_iter().map(|node| {
        json!({
            "uid": node.node,
            "name": node.node,
            "version": node.version,
            "num_clients": node.connections,
            "num_users": node.users,
            "num_channels": node.configured_channels,
            "num_subs": node.configured_subscriptions,
            "uptime": node.uptime_s,
        })
    });
    result(&json!({ "nodes": nodes.collect::<Vec<_>>() }))
}
