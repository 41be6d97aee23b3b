//! Joining a channel without losing or doubling a publication.
//!
//! The shard first holds the channel's publications for the client; then the history is read; then the reply
//! goes out, and after it what was held and is newer than the reply.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::{
    Hub,
    channel::{Class, RecoveryMode, Rules},
    connection::Connection,
    recover,
    refusal::{Refusal, Stop, internal},
    shard::{Base, Command, Start, Wants},
};
use crate::backend::StreamOptions;
use crate::live::{LiveError, Open, Since};
use crate::wire::centrifugo::{
    ClientInfo, ErrorCode, FLAG_REJECT_UNRECOVERED, Protocol, Subscribe, SubscribeResult, raw,
};
use crate::wire::{Close, Frame};

/// Events of a room that a client gets at once when it comes back: some hours of a busy room. Who missed more reads the
/// newest page.
pub(super) const RECOVERED_MAX: usize = 512;

/// Subscriptions of one client that are opened at once.
const OPEN_AT_ONCE: usize = 8;

/// A subscribe that may go ahead.
#[derive(Debug)]
pub(super) struct Joining {
    /// The command's id; 0 for one that the server makes.
    pub(super) id: u32,
    /// The command.
    pub(super) request: Subscribe,
    /// The channel.
    pub(super) channel: Arc<str>,
    /// What holds in it.
    pub(super) rules: Arc<Rules>,
    /// As whom.
    pub(super) info: ClientInfo,
    /// What was agreed on.
    pub(super) terms: Terms,
}

/// What a subscription was granted.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Publications carry offsets.
    pub(super) positioned: bool,
    /// The client may recover.
    pub(super) recoverable: bool,
    /// Whether it is listed as present…
    pub(super) presence: bool,
    /// …and its coming and going told to others.
    pub(super) announce: bool,
    /// What it is told of the channel.
    pub(super) wants: Wants,
    /// What the client gets with the reply.
    pub(super) data: Bytes,
    /// When it expires, s since the epoch.
    pub(super) expires_at: Option<i64>,
}

/// A subscription whose publications are held back until it is activated.
#[derive(Debug)]
pub(super) struct Opened {
    /// What the client is told.
    pub(super) result: SubscribeResult,
    /// Where the client stands with it.
    pub(super) start: Start,
}

/// The custom data of a live query's subscribe.
#[derive(Debug, serde::Deserialize)]
struct LiveData {
    expr: String,
    step: i64,
    #[serde(default)]
    window: i64,
}

/// Opens at most [`OPEN_AT_ONCE`] subscriptions at once; they come in their order.
///
/// All of them come to their end here, before anything else is waited for: one that is not driven on may have been given a
/// place in the queue of a shard, or a turn to evaluate, that nobody else gets meanwhile.
pub(super) async fn open_some(
    hub: &Hub,
    connection: &Arc<Connection>,
    some: &mut impl Iterator<Item = Joining>,
) -> Vec<(Joining, Result<Option<Opened>, Stop>)> {
    let open = |joining: Joining| async move {
        let opened = open(hub, connection, &joining).await;
        (joining, opened)
    };
    join_all(some.take(OPEN_AT_ONCE).map(open)).await
}

/// Holds a channel's publications for a client, and reads what it missed; nothing if the hub has stopped.
///
/// # Errors
///
/// What stops it; then the caller leaves the channel.
pub(super) async fn open(
    hub: &Hub,
    connection: &Arc<Connection>,
    joining: &Joining,
) -> Result<Option<Opened>, Stop> {
    let (channel, wants) = (Arc::clone(&joining.channel), joining.terms.wants.clone());
    let hold = Command::Subscribe { channel, connection: Arc::clone(connection), wants };
    if hub.shard(connection.number).send(hold).await.is_err() {
        return Ok(None);
    }
    let plain = |(after, result)| Opened { result, start: Start { after, ..Start::default() } };
    Ok(Some(match joining.rules.class {
        Class::Series => live(hub, joining).await.map(|result| plain((result.offset, result)))?,
        Class::Event => event(hub, joining, connection.dialect.protocol).await?,
        Class::State => state(hub).await.map(plain)?,
        Class::Signal => plain((0, signal(hub, joining))),
    }))
}

/// Lets go what was held back, behind the reply; returns when that is written.
pub(super) async fn activate(
    hub: &Hub,
    connection: &Connection,
    channel: Arc<str>,
    reply: Option<Frame>,
    start: Start,
) {
    drop(begin(hub, connection, channel, reply, start).await.await);
}

/// Has let go what was held back, behind the reply; returns what is told when that is written. Those of one connection are
/// written in the order of these calls.
pub(super) async fn begin(
    hub: &Hub,
    connection: &Connection,
    channel: Arc<str>,
    reply: Option<Frame>,
    start: Start,
) -> oneshot::Receiver<()> {
    let number = connection.number;
    let (done, is_done) = oneshot::channel();
    // A shard that has stopped closes the connection itself.
    drop(hub.shard(number).send(Command::Activate { channel, number, reply, start, done }).await);
    is_done
}

async fn event(hub: &Hub, joining: &Joining, protocol: Protocol) -> Result<Opened, Stop> {
    let Joining { request, channel, rules, info, terms, .. } = joining;
    let parts = &hub.0.parts;
    let mut opened = Opened {
        result: SubscribeResult {
            recoverable: terms.recoverable,
            positioned: terms.positioned || terms.recoverable,
            was_recovering: request.recover,
            delta: terms.wants.delta,
            data: terms.data.clone(),
            expires: terms.expires_at.is_some(),
            ttl: terms.expires_at.map_or(0, |at| hub.seconds_until(at)),
            ..SubscribeResult::default()
        },
        start: Start::default(),
    };
    if opened.result.positioned && rules.stream.is_kept() {
        let is_cache = rules.force_recovery_mode == RecoveryMode::Cache;
        let recovers = terms.recoverable && (request.recover || is_cache && rules.auto_cache_recover);
        let recovered = if recovers && is_cache {
            recover::newest(&parts.backend, joining).await?
        } else {
            let limit = match rules.stream {
                StreamOptions::Journal => RECOVERED_MAX,
                StreamOptions::Memory { .. } | StreamOptions::None => {
                    parts.options.recovery_max_publication_limit
                }
            };
            recover::missed(&parts.backend, joining, recovers, limit).await?
        };
        if recovers && !is_cache && !recovered.is_whole && request.flag & FLAG_REJECT_UNRECOVERED != 0 {
            return Err(Stop::refuse(ErrorCode::UnrecoverablePosition));
        }
        opened.start.after = recovered.position.offset;
        // Who comes back and missed nothing may have a publication that a failover of Redis took away, and whose place
        // another one has: what is told with the reply is surely the same for both.
        if recovered.is_whole && !recovered.publications.is_empty() {
            opened.start.base = Base::Now;
        }
        let result = &mut opened.result;
        result.was_recovering |= recovers;
        result.recovered = recovered.is_whole;
        opened.start.epoch = Some(Arc::from(recovered.position.epoch.as_str()));
        result.epoch = recovered.position.epoch;
        // What was missed begins where the client stood.
        result.offset = if recovered.is_whole { request.offset } else { recovered.position.offset };
        let publications = recover::wanted(recovered.publications, &terms.wants);
        result.publications = if terms.wants.delta {
            recover::differences(&publications, protocol).ok_or(Close::InappropriateProtocol)?
        } else {
            publications
        };
    }
    if terms.presence {
        parts.backend.enter(channel, info, terms.announce).await.map_err(internal)?;
    }
    hub.arrive(rules, channel, info).await;
    Ok(opened)
}

/// All that stands, and the number of the last change in it: later ones follow the reply.
async fn state(hub: &Hub) -> Result<(u64, SubscribeResult), Stop> {
    let stopped = |error: crate::alerts::AlertsError| (ErrorCode::Internal, error.to_string());
    let (seq, whole) = hub.0.parts.alerts.whole().await.map_err(stopped)?;
    let data = Bytes::from(whole);
    Ok((seq, SubscribeResult { data, ..SubscribeResult::default() }))
}

fn signal(hub: &Hub, joining: &Joining) -> SubscribeResult {
    SubscribeResult {
        data: hub.kept().data(&joining.channel).unwrap_or_default(),
        ..SubscribeResult::default()
    }
}

async fn live(hub: &Hub, joining: &Joining) -> Result<SubscribeResult, Stop> {
    let request = &joining.request;
    let data: LiveData = serde_json::from_slice(&request.data).map_err(|error| {
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
        data: raw::one_line(opened.data),
        ..SubscribeResult::default()
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
