//! The backend of several nodes: Redis 7 or newer holds what they share.
//!
//! One server, or a cluster. One connection to each server carries commands and what is published, another one waits for
//! samples. The task in `link` owns them: what fails is made anew, for as long as it takes, and a [`Delivery::Gap`] says
//! so. Until then requests to that server fail within [`REQUEST_MAX`].

mod commit;
mod connection;
mod counters;
mod heart;
mod keys;
mod link;
mod map;
mod message;
mod place;
mod presence;
mod repair;
mod route;
mod samples;
mod scripts;
mod settings;
mod slots;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::RedisError;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};

pub use self::{
    place::PARTITIONS,
    settings::{PREFIX, PREFIX_BYTES_MAX, RedisSettings, prefix},
};

use super::{
    Append, BackendError, Commit, DELIVERIES_MAX, Delivery, HISTORY_BYTES_MAX, HistoryFilter, HistoryPage,
    Publishing, StreamOptions, StreamPosition,
    encode::{self, Origin},
};
use crate::journal::Retention;
use crate::model::Batch;
use crate::model::limits::LATE_MS_MAX;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::{ClientInfo, Publication, raw};
use counters::Counters;
use keys::Keys;
use place::Place;
use presence::Entered;
use route::{Moving, Up};
use scripts::Scripts;

/// How long a request may take, the wait for a connection included; then the bus is unreachable.
pub const REQUEST_MAX: Duration = Duration::from_millis(1_500);
/// How long the first connection may take.
pub const START_MAX: Duration = Duration::from_secs(5);
/// Bytes of samples that Redis keeps. At 10 bytes a sample, deflated, it has [`STREAM_AGE_MS`] of 14,000 series that
/// are sampled every second; of more, less time.
pub const STREAM_BYTES_MAX: usize = 8 << 20;
/// Batches of samples that Redis keeps: 60 s of 300 sources.
pub const STREAM_BATCHES_MAX: usize = 20_000;
/// How long Redis keeps samples, ms. Older ones would be refused as too late.
pub const STREAM_AGE_MS: i64 = LATE_MS_MAX;
/// How much longer than its publications a channel's epoch and offset are kept: a reader that was away for longer
/// than the history still learns that it missed something, ms.
const META_EXTRA_MS: u128 = 24 * 3_600 * 1_000;
/// The largest count that Redis takes; no history has as many.
const LIMIT_MAX: usize = i32::MAX as usize;
/// Samples from which on encoding leaves the runtime's threads: 1.6 ms.
const BLOCKING_SAMPLES_MIN: usize = 5_000;

/// What nodes share, in Redis. A clone is the same backend.
#[derive(Debug, Clone)]
pub struct Redis(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// This node's name, the same over restarts.
    node: String,
    /// Which run of the process this is.
    run: u64,
    keys: Keys,
    /// The connections, while there are some.
    up: watch::Sender<Up>,
    /// Told where a request was sent away: slots may have moved.
    moved: Notify,
    scripts: Scripts,
    counters: Counters,
    /// This node's entries in presence, to be made again where they were lost.
    entered: Entered,
    /// Whether there may be maps, whose keys end.
    has_maps: AtomicBool,
    /// The number of the newest parcel of samples.
    parcels: AtomicU64,
    generation: OnceLock<u64>,
    /// How long events are kept, and how many.
    retention: Retention,
}

/// How much of a channel is kept.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    size: u64,
    bytes: u64,
    ttl: Duration,
}

impl Redis {
    /// Connects, and keeps connected.
    ///
    /// # Errors
    ///
    /// [`BackendError::Address`], [`BackendError::TooOld`], [`BackendError::NotACluster`], and
    /// [`BackendError::Unreachable`] after [`START_MAX`].
    pub async fn new(
        settings: &RedisSettings,
        node: &str,
        supervisor: &Supervisor,
        registry: &Registry,
        retention: Retention,
    ) -> Result<(Self, mpsc::Receiver<Delivery>), BackendError> {
        let seeds = settings::Seeds::read(settings)?;
        // Never whole addresses: they may have a password.
        let addresses = seeds.addresses().join(", ");
        let shared = Arc::new(Shared {
            node: node.to_owned(),
            run: fastrand::u64(..),
            keys: Keys::new(&settings.prefix, seeds.database()),
            up: watch::Sender::new(Up::default()),
            moved: Notify::new(),
            scripts: Scripts::new(),
            counters: Counters::new(registry),
            entered: Entered::default(),
            has_maps: AtomicBool::new(false),
            parcels: AtomicU64::new(0),
            generation: OnceLock::new(),
            retention,
        });
        let (deliveries, receiver) = mpsc::channel(DELIVERIES_MAX);
        let mut link = link::Link::new(seeds, Arc::clone(&shared), deliveries);
        link.first().await.map_err(|error| match error {
            BackendError::Unreachable(reason) => BackendError::Unreachable(format!("{addresses}: {reason}")),
            error => error,
        })?;
        // Who leaves at the end says so through it.
        supervisor.spawn_last("redis", link.run(supervisor.end().clone()));
        Ok((Self(shared), receiver))
    }

    /// See [`super::Backend::generation`].
    pub fn generation(&self) -> Option<u64> {
        self.0.generation.get().copied()
    }

    /// See [`super::Backend::publish`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`]. Where the answer was lost, the publication may have been stored.
    pub async fn publish(
        &self,
        channel: &str,
        publishing: Publishing,
        options: StreamOptions,
    ) -> Result<StreamPosition, BackendError> {
        if options == StreamOptions::Journal {
            let Publishing { data, info, .. } = publishing;
            let data = raw::value(&data).map_err(|_| BackendError::NotJson)?;
            let append = Append { channel: channel.to_owned(), data, info, key: None };
            let commit = Commit { appends: vec![append], records: Vec::new() };
            let appended = self.commit(&commit).await?.pop();
            return appended.map(|appended| appended.position).ok_or(BackendError::Stopped);
        }
        let body = message::publication_body(channel, &publishing);
        let published = match self.0.bounds(options) {
            Some(bounds) => self.0.publish_kept(channel, &body, bounds).await,
            None => self.0.publish_only(Place::of(channel), &message::publication(&body)).await,
        };
        published.inspect_err(|_| self.0.counters.publish_errors.increment())
    }

    /// See [`super::Backend::history`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn history(
        &self,
        channel: &str,
        filter: &HistoryFilter,
        options: StreamOptions,
    ) -> Result<HistoryPage, BackendError> {
        let Some(Bounds { size, bytes, ttl }) = self.0.bounds(options) else {
            return Ok(HistoryPage::default());
        };
        let number = |number: Option<String>| number.unwrap_or_default();
        let keys = match options {
            StreamOptions::Journal => self.0.keys.journal(channel),
            StreamOptions::Memory { .. } | StreamOptions::None => self.0.keys.channel(channel),
        };
        let mut invocation = scripts::call(&self.0.scripts.history, 2);
        invocation.arg(keys.log()).arg(keys.meta()).arg(new_epoch());
        invocation.arg(size).arg(bytes).arg(ttl_ms(ttl)).arg(meta_ttl_ms(ttl));
        invocation.arg(number(filter.since.map(|since| since.to_string())));
        invocation.arg(number(filter.limit.map(|limit| limit.min(LIMIT_MAX).to_string())));
        invocation.arg(if filter.reverse { "1" } else { "" });
        let page: Vec<Vec<u8>> = self.0.run(keys.place, &invocation, Moving::Follows).await?;
        let [epoch, offset, messages @ ..] = page.as_slice() else {
            return Err(BackendError::Unreachable("an answer of another shape".to_owned()));
        };
        let publications = messages.iter().filter_map(|bytes| self.0.publication(bytes)).collect();
        Ok(HistoryPage { publications, position: position(epoch, offset)? })
    }

    /// See [`super::Backend::enter`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn enter(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        let entered = bounded(presence::enter(&self.0, channel, info, announce)).await;
        // Who was refused will not leave.
        entered.inspect_err(|_| {
            self.0.entered.take(channel, &info.client);
        })
    }

    /// See [`super::Backend::renew`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn renew(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        bounded(presence::put(&self.0, channel, info, announce, Vec::new())).await
    }

    /// See [`super::Backend::leave`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn leave(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        bounded(presence::leave(&self.0, channel, info, announce)).await
    }

    /// See [`super::Backend::presence`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`].
    pub async fn presence(&self, channel: &str) -> Result<Vec<ClientInfo>, BackendError> {
        bounded(presence::list(&self.0, channel)).await
    }

    /// See [`super::Backend::carry`]. Batches keep their order if one is carried after the other.
    ///
    /// # Errors
    ///
    /// [`BackendError::Unreachable`]; what was not carried is counted, and the other nodes are told by a missing
    /// number.
    pub async fn carry(&self, batch: &Arc<Batch>) -> Result<(), BackendError> {
        for body in bodies(batch).await? {
            let number = self.0.parcels.fetch_add(1, Ordering::Relaxed) + 1;
            let origin = Origin { node: self.0.node.clone(), run: self.0.run, number };
            let parcel = encode::parcel(&origin, &body);
            self.0.carry(&parcel).await.inspect_err(|_| {
                self.0.counters.publish_errors.increment();
                self.0.counters.samples_gap.increment();
            })?;
        }
        Ok(())
    }
}

impl Shared {
    /// What a channel keeps; nothing if it has no history.
    fn bounds(&self, options: StreamOptions) -> Option<Bounds> {
        match options {
            StreamOptions::Memory { size, ttl } if options.is_kept() => {
                Some(Bounds { size: size as u64, bytes: HISTORY_BYTES_MAX as u64, ttl })
            }
            StreamOptions::Memory { .. } | StreamOptions::None => None,
            StreamOptions::Journal => {
                let Retention { ms, events_max, bytes_max } = self.retention;
                let ttl = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
                Some(Bounds { size: events_max, bytes: bytes_max, ttl })
            }
        }
    }

    async fn publish_kept(
        &self,
        channel: &str,
        body: &[u8],
        Bounds { size, bytes, ttl }: Bounds,
    ) -> Result<StreamPosition, BackendError> {
        let keys = self.keys.channel(channel);
        let mut invocation = scripts::call(&self.scripts.publish, 2);
        invocation.arg(keys.log()).arg(keys.meta());
        let topic = self.keys.topic(keys.place);
        invocation.arg(topic).arg(message::PUBLICATION_HEAD).arg(body).arg(new_epoch());
        invocation.arg(size).arg(bytes).arg(ttl_ms(ttl)).arg(meta_ttl_ms(ttl));
        let (epoch, offset): (Vec<u8>, Vec<u8>) = self.run(keys.place, &invocation, Moving::Waits).await?;
        position(&epoch, &offset)
    }

    async fn publish_only(&self, place: Place, message: &[u8]) -> Result<StreamPosition, BackendError> {
        let mut publish = redis::cmd("SPUBLISH");
        publish.arg(self.keys.topic(place)).arg(message);
        self.run(place, &publish, Moving::Waits).await.map(|()| StreamPosition::default())
    }

    async fn carry(&self, parcel: &[u8]) -> Result<(), BackendError> {
        let mut invocation = scripts::call(&self.scripts.carry, 2);
        invocation.arg(self.keys.samples()).arg(self.keys.samples_meta()).arg(parcel);
        invocation.arg(STREAM_BATCHES_MAX).arg(STREAM_BYTES_MAX).arg(STREAM_AGE_MS).arg(STREAM_AGE_MS * 2);
        self.run(Place::SAMPLES, &invocation, Moving::Waits).await
    }

    /// A kept message as a publication; what cannot be read is counted.
    fn publication(&self, bytes: &[u8]) -> Option<Publication> {
        match message::read(bytes) {
            Ok(Delivery::Publication { publication, .. }) => Some(publication),
            Ok(_) => None,
            Err(reason) => {
                self.counters.skipped(reason).increment();
                None
            }
        }
    }
}

/// Bounds a request by [`REQUEST_MAX`].
async fn bounded<T>(work: impl Future<Output = Result<T, BackendError>>) -> Result<T, BackendError> {
    timeout(REQUEST_MAX, work).await.unwrap_or_else(|_| {
        Err(BackendError::Unreachable(format!("redis did not answer within {REQUEST_MAX:?}")))
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreachable(error: RedisError) -> BackendError {
    BackendError::Unreachable(error.to_string())
}

async fn bodies(batch: &Arc<Batch>) -> Result<Vec<encode::Body>, BackendError> {
    if batch.len() < BLOCKING_SAMPLES_MIN {
        return Ok(encode::bodies(batch));
    }
    let batch = Arc::clone(batch);
    tokio::task::spawn_blocking(move || encode::bodies(&batch)).await.map_err(|_| BackendError::Stopped)
}

fn position(epoch: &[u8], offset: &[u8]) -> Result<StreamPosition, BackendError> {
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let offset =
        text(offset).parse().map_err(|_| BackendError::Unreachable("an offset that is none".to_owned()))?;
    Ok(StreamPosition { offset, epoch: text(epoch).to_owned() })
}

fn new_epoch() -> String {
    format!("{:08x}", fastrand::u32(..))
}

fn ttl_ms(ttl: Duration) -> u64 {
    // At least one: Redis deletes at once what lives for 0 ms. At most a year, which Redis can still add to its clock.
    u64::try_from(ttl.as_millis().clamp(1, 365 * META_EXTRA_MS)).unwrap_or(u64::MAX)
}

fn meta_ttl_ms(ttl: Duration) -> u64 {
    ttl_ms(ttl) + u64::try_from(META_EXTRA_MS).unwrap_or(0)
}
