//! Joining a channel without losing or doubling a publication.
//!
//! The shard first holds the channel's publications for the client; then the history is read; then the reply
//! goes out, and after it what was held and is newer than the reply.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{
    Hub,
    channel::{Class, Rules},
    connection::Connection,
    session::{Refusal, internal},
    shard::Command,
};
use crate::backend::{HistoryFilter, StreamOptions};
use crate::live::{LiveError, Open, Since};
use crate::wire::Frame;
use crate::wire::centrifugo::{ClientInfo, ErrorCode, Publication, Reply, Subscribe, SubscribeResult};

/// Events of a room that a client gets at once when it comes back: some hours of a busy room. Who missed more reads the
/// newest page.
pub(super) const RECOVERED_MAX: usize = 512;

/// Bytes of them: a reply must find its room among those that wait for a reader.
const RECOVERED_BYTES_MAX: usize = 1 << 20;

/// A subscribe that may go ahead.
#[derive(Debug)]
pub(super) struct Joining {
    /// The command's id.
    pub(super) id: u32,
    /// The command.
    pub(super) request: Subscribe,
    /// The channel.
    pub(super) channel: Arc<str>,
    /// What holds in it.
    pub(super) rules: Rules,
    /// As whom.
    pub(super) info: ClientInfo,
}

/// The custom data of a live query's subscribe.
#[derive(Debug, serde::Deserialize)]
struct LiveData {
    expr: String,
    step: i64,
    #[serde(default)]
    window: i64,
}

/// Carries out a subscribe; returns what to refuse.
pub(super) async fn join(
    hub: &Hub,
    connection: &Arc<Connection>,
    joining: Joining,
) -> Option<(u32, Arc<str>, Refusal)> {
    let number = connection.number;
    let shard = hub.shard(number);
    let (id, channel) = (joining.id, Arc::clone(&joining.channel));
    let hold = Command::Subscribe { channel: Arc::clone(&channel), connection: Arc::clone(connection) };
    if shard.send(hold).await.is_err() {
        return None;
    }
    let result = match joining.rules.class {
        Class::Series => live(hub, &joining).await.map(|result| (result.offset, result)),
        Class::Event => event(hub, &joining).await.map(|result| (result.offset, result)),
        Class::State => state(hub).await,
        Class::Signal => Ok((0, signal(hub, &joining))),
    };
    match result {
        Ok((after, result)) => {
            let reply = Frame::text(&Reply::json(id, "subscribe", result));
            // A shard that has stopped closes the connection itself.
            drop(shard.send(Command::Activate { channel, number, reply, after }).await);
            None
        }
        Err(refusal) => Some((id, channel, refusal)),
    }
}

async fn event(hub: &Hub, joining: &Joining) -> Result<SubscribeResult, Refusal> {
    let Joining { request, channel, rules, info, .. } = joining;
    let backend = &hub.0.parts.backend;
    let recoverable = rules.stream.is_kept() && (rules.force_recovery || request.recoverable);
    let positioned = rules.stream.is_kept() && (recoverable || rules.force_positioning || request.positioned);
    let mut result = SubscribeResult { recoverable, positioned, ..SubscribeResult::default() };
    if positioned {
        let recovers = recoverable && request.recover;
        let filter = if recovers {
            let limit = (rules.stream == StreamOptions::Journal).then_some(RECOVERED_MAX);
            HistoryFilter { since: Some(request.offset), limit, reverse: false }
        } else {
            HistoryFilter { limit: Some(0), ..HistoryFilter::default() }
        };
        let page = backend.history(channel, &filter, rules.stream).await.map_err(internal)?;
        if recovers {
            let next = page.publications.first().map_or(page.position.offset + 1, |first| first.offset);
            let all = next + page.publications.len() as u64 == page.position.offset + 1;
            let bytes = |one: &Publication| one.data.as_ref().map_or(0, |data| data.get().len());
            let fits = page.publications.iter().map(bytes).sum::<usize>() <= RECOVERED_BYTES_MAX;
            let complete = request.offset + 1 == next && all && fits;
            result.was_recovering = true;
            result.recovered = complete && request.epoch == page.position.epoch;
            if result.recovered {
                result.publications = page.publications;
            }
        }
        result.epoch = page.position.epoch;
        result.offset = page.position.offset;
    }
    if rules.presence {
        backend.enter(channel, info, rules.join_leave).await.map_err(internal)?;
    }
    Ok(result)
}

/// All that stands, and the number of the last change in it: later ones follow the reply.
async fn state(hub: &Hub) -> Result<(u64, SubscribeResult), Refusal> {
    let stopped = |error: crate::alerts::AlertsError| (ErrorCode::Internal, error.to_string());
    let (seq, whole) = hub.0.parts.alerts.whole().await.map_err(stopped)?;
    let data = RawValue::from_string(whole).map_err(|error| (ErrorCode::Internal, error.to_string()))?;
    Ok((seq, SubscribeResult { data: Some(data), ..SubscribeResult::default() }))
}

fn signal(hub: &Hub, joining: &Joining) -> SubscribeResult {
    SubscribeResult { data: hub.kept().data(&joining.channel), ..SubscribeResult::default() }
}

async fn live(hub: &Hub, joining: &Joining) -> Result<SubscribeResult, Refusal> {
    let request = &joining.request;
    let data: &RawValue = request.data.as_deref().unwrap_or(RawValue::NULL);
    let data: LiveData = serde_json::from_str(data.get()).map_err(|error| {
        (ErrorCode::BadRequest, format!("a live query's data is {{\"expr\", \"step\", \"window\"}}: {error}"))
    })?;
    let since = request.recover.then(|| Since { offset: request.offset, epoch: request.epoch.clone() });
    let open = Open {
        channel: Arc::clone(&joining.channel),
        expr: data.expr,
        step: data.step,
        window: data.window,
        since,
    };
    let opened = hub.0.parts.live.open(open).await.map_err(|error| refusal(&error))?;
    Ok(SubscribeResult {
        recoverable: true,
        positioned: true,
        epoch: opened.epoch,
        offset: opened.offset,
        publications: opened.publications,
        recovered: opened.recovered,
        was_recovering: request.recover,
        data: Some(opened.data),
    })
}

/// What a client reads of a live query's failure.
pub(super) fn refusal(error: &LiveError) -> Refusal {
    let code = match error {
        LiveError::Query(_) | LiveError::Channel | LiveError::Step(_) | LiveError::Window => {
            ErrorCode::BadRequest
        }
        LiveError::TooMany => ErrorCode::LimitExceeded,
        LiveError::Stopped | LiveError::Store(_) => ErrorCode::Internal,
    };
    (code, error.to_string())
}
